"""S8: what was proposed is what is decided and carried out: nobody edits it on the way."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.models import Approval, DepositLimitOverride, Journal, ManualJournal
from tests.house import House
from tests.office import seated
from tests.proposals import (
    FLEXIBLE,
    IN_TRANSIT,
    a_journal,
    a_limit,
    a_line,
    a_saver_here,
    answer,
    decision,
    kind_of,
    state_of,
)
from tests.short_cuts import writing

REFUSED = "is not edited|is append-only|permission denied"
EDITS = (
    "payload = (SELECT reason FROM approval WHERE id = :id)",
    "payload_sha256 = 'f'",
    "reason = payload",
    "action = 'policy-version'",
    "district = 'anji'",
    "public_id = 'apv_other'",
    "depositors = '77'",
    "resubmits_id = id",
    "maker_account_id = :other, maker_person_id = :other_person",
    "submitted_at = '2026-03-01 00:00:00'",
    "submit_audit_id = submit_audit_id + 1",
    "expires_at = '2036-03-01 00:00:00'",
)
EDITS_OF_A_DECISION = (
    "state = 'submitted', checker_account_id = NULL, checker_person_id = NULL, decided_at = NULL,"
    " decide_audit_id = NULL, executed_sha256 = NULL",
    "state = 'rejected', executed_sha256 = NULL",
    "decision_reason = reason",
    "decided_at = submitted_at",
    "checker_account_id = :other, checker_person_id = :other_person",
    "result = NULL",
    "state = state",
)


def is_refused(house: House, statement: str, **values: Any) -> bool:
    """Whether the database refuses the statement to the service itself."""
    try:
        with writing(house) as session:
            session.execute(text(statement), values)
    except DBAPIError as error:
        return any(word in str(error.orig) for word in REFUSED.split("|"))
    return False


def test_the_database_refuses_every_edit_of_a_proposal_waiting_or_decided(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    waiting = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    decided = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, 800_000))
    rejected = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, 810_000))
    reviewer.approve(decided)
    reviewer.decide(rejected, "reject", "材料不全")
    before = house.rows(select(Approval).order_by(Approval.id))
    ids = dict(house.rows(select(Approval.public_id, Approval.id)))
    other = house.rows(
        text("SELECT id, staff_person_id FROM staff_account WHERE login = 'founder.one'")
    )[0]
    named = {"other": other[0], "other_person": other[1]}

    let_through = []
    for proposal, edits in (
        (waiting, EDITS),
        (decided, (*EDITS, *EDITS_OF_A_DECISION)),
        (rejected, (*EDITS, "state = 'approved', executed_sha256 = payload_sha256")),
    ):
        row_id = ids[proposal["approval_id"]]
        for edit in edits:
            values = {"id": row_id} | {name: at for name, at in named.items() if f":{name}" in edit}
            statement = f"UPDATE approval SET {edit} WHERE id = :id"  # noqa: S608
            if not is_refused(house, statement, **values):
                let_through.append((proposal["state"], edit))
        if not is_refused(house, "DELETE FROM approval WHERE id = :id", id=row_id):
            let_through.append((proposal["state"], "DELETE"))

    assert let_through == []
    assert len(house.rows(select(Approval).order_by(Approval.id))) == len(before)


def test_no_route_edits_a_proposal_or_decides_several_at_once(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    first = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    second = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, 800_000))
    one = f"/approvals/{first['approval_id']}"
    both = [first["approval_id"], second["approval_id"]]
    body = {"payload_sha256": first["payload_sha256"], "reason": "已核对"}

    for method in ("PUT", "PATCH", "DELETE"):
        for path in (one, f"{one}/approve", f"{one}/payload", "/approvals"):
            found = answer(house, reviewer, method, path, {"payload": {"limit_fen": 1}})
            assert found.status_code in (404, 405), (method, path)
    for path in (",".join(both), "%2C".join(both), " ".join(both), "*", "all", f"{both[0]},"):
        found = answer(house, reviewer, "POST", f"/approvals/{path}/approve", body)
        assert found.status_code == 404, path
    for several in ([body, body], [first["approval_id"]], {**body, "approval_ids": both}):
        assert answer(house, reviewer, "POST", f"{one}/approve", several).status_code == 422
    for path in ("/approvals/approve", "/approvals/reject", "/approvals"):
        assert answer(house, reviewer, "POST", path, {"ids": both, **body}).status_code in (
            404,
            405,
        )
    rules = [rule.rule for rule in house.app.url_map.iter_rules() if "approv" in rule.rule]
    assert not [rule for rule in rules if "bulk" in rule or "/batch" in rule]
    assert {state_of(house, each) for each in (first, second)} == {"submitted"}


def test_who_saw_something_else_does_not_decide(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    proposal = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    other = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, 800_000))

    for seen in (other["payload_sha256"], "0" * 64):
        for how in ("approve", "reject"):
            found = decision(house, reviewer, {**proposal, "payload_sha256": seen}, how)
            assert kind_of(found) == (409, "not-as-seen")
    for shape in ("", "0" * 63, "Z" * 64, proposal["payload_sha256"].upper() + "0"):
        found = decision(house, reviewer, {**proposal, "payload_sha256": shape})
        assert kind_of(found) == (422, "unacceptable")
    assert state_of(house, proposal) == "submitted"


def test_what_is_executed_has_the_hash_that_was_shown_and_approved(house: House) -> None:
    _, person_id, account_no = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    accountant = seated(house, "accountant")
    proposals = [
        clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id)),
        accountant.propose(
            "manual-journal",
            "更正",
            **a_journal(a_line(FLEXIBLE, IN_TRANSIT, 7, account_no=account_no)),
        ),
    ]

    for proposal in proposals:
        seen = reviewer.get(f"/approvals/{proposal['approval_id']}")
        reviewer.approve(proposal)
        query = select(Approval.payload, Approval.payload_sha256, Approval.executed_sha256)
        [(payload, shown, executed)] = house.rows(
            query.where(Approval.public_id == proposal["approval_id"])
        )
        assert hashlib.sha256(payload.encode()).hexdigest() == shown == executed
        assert seen["payload_sha256"] == executed
    assert house.rows(select(DepositLimitOverride.limit_fen)) == [(900_000,)]
    assert reviewer.get(f"/approvals/{proposals[0]['approval_id']}")["state"] == "approved"


def test_decided_once_is_decided(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    risk_officer = seated(house, "risk-officer")
    approved = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    rejected = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, 800_000))
    reviewer.approve(approved)
    reviewer.decide(rejected, "reject", "材料不全")

    for desk, proposal, how in itertools.product(
        (reviewer, risk_officer), (approved, rejected), ("approve", "reject")
    ):
        assert kind_of(decision(house, desk, proposal, how)) == (409, "already-decided")
    assert len(house.rows(select(DepositLimitOverride.id))) == 1


# --- what cannot be carried out ---


def test_what_cannot_be_carried_out_leaves_the_proposal_waiting_and_nothing_half_done(
    house: House,
) -> None:
    phone, _, account_no = a_saver_here(house, 50_000)
    accountant, reviewer = seated(house, "accountant"), seated(house, "reviewer")
    overdraws = a_journal(
        a_line(IN_TRANSIT, FLEXIBLE, 1_000, account_no=account_no),
        a_line(FLEXIBLE, IN_TRANSIT, 51_001, account_no=account_no),
    )
    proposal = accountant.propose("manual-journal", "更正", **overdraws)
    before = house.rows(select(Journal.id))

    refused = decision(house, reviewer, proposal)

    assert kind_of(refused) == (422, "insufficient-balance")
    assert "余额不足" in refused.json()["detail"]
    assert house.rows(select(Journal.id)) == before
    assert house.rows(select(ManualJournal.id)) == []
    assert phone.get("/v1/me/account")["flexible_fen"] == 50_000
    assert state_of(house, proposal) == "submitted"
    [item] = reviewer.get("/work-items", state="open")["items"]
    assert item["target_id"] == proposal["approval_id"]
    house.deposit(phone, 50_000)
    assert reviewer.approve(proposal)["state"] == "approved"
    assert phone.get("/v1/me/account")["flexible_fen"] == 49_999


def test_a_day_in_the_past_that_would_be_overdrawn_is_refused_too(house: House) -> None:
    """Enough lies there today; on the value day it did not."""
    phone, _, account_no = a_saver_here(house, 50_000)
    house.at("2026-03-05")
    house.deposit(phone, 100_000)
    accountant, reviewer = seated(house, "accountant"), seated(house, "reviewer")
    line = a_line(FLEXIBLE, IN_TRANSIT, 60_000, account_no=account_no)
    proposal = accountant.propose("manual-journal", "更正", **a_journal(line))

    refused = decision(house, reviewer, proposal)

    assert kind_of(refused) == (422, "insufficient-balance")
    assert state_of(house, proposal) == "submitted"
    assert phone.get("/v1/me/account")["flexible_fen"] == 150_000
