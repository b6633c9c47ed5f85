"""S8: many hands at once, and a right lost a moment ago: each proposal has its effect once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import func, select

from app.models import (
    AgreementTemplate,
    Approval,
    DepositLimitOverride,
    ManualJournal,
    PolicyVersion,
    StaffAccount,
    WorkItem,
)
from sandbox.desk import Desk
from tests.house import House, at_once, somebody
from tests.office import seated
from tests.proposals import (
    FLEXIBLE,
    IN_TRANSIT,
    a_journal,
    a_limit,
    a_line,
    a_newer_text,
    a_policy,
    a_saver_here,
    answer,
    decision,
    kind_of,
    state_of,
)

ROUNDS = 20
Proposal = dict[str, Any]


def count(house: House, model: Any) -> int:
    """How many rows there are."""
    return int(house.rows(select(func.count()).select_from(model))[0][0])


def open_items(house: House) -> int:
    """How many things wait in the work list."""
    query = select(func.count()).select_from(WorkItem).where(WorkItem.closed_at.is_(None))
    return int(house.rows(query)[0][0])


def both_at_once(
    house: House, desks: tuple[Desk, Desk], proposals: tuple[Proposal, Proposal], *hows: str
) -> list[tuple[int, str]]:
    """What two desks are answered that decide at the same moment."""
    hows = hows or ("approve", "approve")
    answers = at_once(2, lambda n: decision(house, desks[n], proposals[n], hows[n]))
    return [kind_of(each) for each in answers]


# --- one proposal, two deciders ---


def test_two_approve_at_once_and_it_is_done_once(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk = seated(house, "counter-clerk")
    desks = seated(house, "reviewer"), seated(house, "risk-officer")

    for number in range(ROUNDS):
        proposal = clerk.propose(
            "deposit-limit-override", "奖金", **a_limit(person_id, 800_000 + number)
        )
        found = both_at_once(house, desks, (proposal, proposal))
        assert sorted(found) == [(200, ""), (409, "already-decided")], number

    assert count(house, DepositLimitOverride) == ROUNDS
    assert open_items(house) == 0


def test_of_an_approval_and_a_rejection_at_once_one_wins_whole(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk = seated(house, "counter-clerk")
    desks = seated(house, "reviewer"), seated(house, "risk-officer")
    approved = 0

    for number in range(ROUNDS):
        proposal = clerk.propose(
            "deposit-limit-override", "奖金", **a_limit(person_id, 800_000 + number)
        )
        found = both_at_once(house, desks, (proposal, proposal), "approve", "reject")
        assert sorted(found) == [(200, ""), (409, "already-decided")], number
        won = "approved" if found[0][0] == 200 else "rejected"
        assert state_of(house, proposal) == won
        approved += won == "approved"
        assert count(house, DepositLimitOverride) == approved


def test_the_same_proposal_ten_times_at_once_waits_once(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerks = [seated(house, "counter-clerk") for _ in range(10)]
    body = {"reason": "奖金", **a_limit(person_id)}

    answers = at_once(
        10, lambda n: answer(house, clerks[n], "POST", "/approvals/deposit-limit-override", body)
    )

    assert Counter(kind_of(each)[:2] for each in answers) == {
        (201, ""): 1,
        (409, "already-submitted"): 9,
    }
    made = next(each.json() for each in answers if each.status_code == 201)
    told = [each.json()["detail"] for each in answers if each.status_code == 409]
    assert all(made["acceptance_no"] in each for each in told)
    waiting = select(func.count()).select_from(Approval).where(Approval.state == "submitted")
    assert (house.rows(waiting)[0][0], open_items(house)) == (1, 1)


# --- two proposals that name one thing ---


def two_policies(house: House, *, same_code: bool) -> tuple[str, str, list[Proposal], Any]:
    """Two policies of one code, or of one day."""
    maker = seated(house, "policy-officer")
    named = (("p.1", "2026-05-01"), ("p.1", "2026-06-01"))
    if not same_code:
        named = (("p.1", "2026-05-01"), ("p.2", "2026-05-01"))
    proposals = [
        maker.propose("policy-version", "调整", document=a_policy(*each)) for each in named
    ]
    return "committee-secretary", "document", proposals, PolicyVersion


def two_texts(house: House) -> tuple[str, str, list[Proposal], Any]:
    """Two agreement texts of one number and code."""
    maker = seated(house, "policy-officer")
    texts = [a_newer_text(number=2, effective_on=f"2026-0{month}-01") for month in (5, 6)]
    proposals = [maker.propose("agreement-template", "新文本", text=each) for each in texts]
    return "committee-secretary", "text", proposals, AgreementTemplate


def two_logins(house: House) -> tuple[str, str, list[Proposal], Any]:
    """Two accounts of one login."""
    maker = seated(house, "security-administrator")
    seated(house, "security-administrator")
    place = {"login": "new.colleague", "role": "reviewer", "district": "centre"}
    proposals = [
        maker.propose("staff-account", "新到岗", name=each.name, id_number=each.id_number, **place)
        for each in (somebody(name="新一"), somebody(name="新二"))
    ]
    return "security-administrator", "login", proposals, StaffAccount


def two_papers(house: House, *, is_reversal: bool) -> tuple[str, str, list[Proposal], Any]:
    """Two manual journals, or one and a reversal, on one paper."""
    _, _, account_no = a_saver_here(house)
    maker, reviewer = seated(house, "accountant"), seated(house, "reviewer")
    first = a_journal(a_line(IN_TRANSIT, FLEXIBLE, 5, account_no=account_no))
    other = a_journal(a_line(IN_TRANSIT, FLEXIBLE, 6, account_no=account_no))
    other["document_no"] = first["document_no"]
    proposals = [maker.propose("manual-journal", "更正", **first)]
    if is_reversal:
        other["document_no"] = "原始-1"
        done = reviewer.approve(maker.propose("manual-journal", "更正", **other))
        undo = {"manual_journal_id": done["result"]["manual_journal_id"]}
        paper = first["document_no"]
        proposals.append(
            maker.propose("manual-journal-reversal", "冲回", document_no=paper, **undo)
        )
    else:
        proposals.append(maker.propose("manual-journal", "更正", **other))
    return "reviewer", "document_no", proposals, ManualJournal


NAMING_ONE_THING: dict[str, Any] = {
    "policy code": lambda house: two_policies(house, same_code=True),
    "effective day": lambda house: two_policies(house, same_code=False),
    "agreement number": two_texts,
    "login": two_logins,
    "document number": lambda house: two_papers(house, is_reversal=False),
    "document number of a reversal": lambda house: two_papers(house, is_reversal=True),
}


@pytest.mark.parametrize("what", NAMING_ONE_THING)
def test_of_two_that_name_one_thing_one_is_carried_out_and_the_other_waits(
    house: House, what: str
) -> None:
    checker, field, proposals, model = NAMING_ONE_THING[what](house)
    desks = seated(house, checker), seated(house, checker)
    before = count(house, model)

    answers = at_once(2, lambda n: decision(house, desks[n], proposals[n]))

    assert sorted(kind_of(each) for each in answers) == [(200, ""), (422, "unacceptable")]
    lost = next(n for n in (0, 1) if answers[n].status_code == 422)
    assert list(answers[lost].json()["errors"]) == [field]
    assert state_of(house, proposals[lost]) == "submitted"
    assert state_of(house, proposals[1 - lost]) == "approved"
    assert count(house, model) == before + 1
    assert kind_of(decision(house, desks[0], proposals[lost], "reject")) == (200, "")


def test_two_that_together_overdraw_an_account_do_not_both_happen(house: House) -> None:
    phone, _, account_no = a_saver_here(house, 50_000)
    maker = seated(house, "accountant")
    desks = seated(house, "reviewer"), seated(house, "reviewer")
    lines = [a_line(FLEXIBLE, IN_TRANSIT, each, account_no=account_no) for each in (30_000, 30_001)]
    proposals = [maker.propose("manual-journal", "更正", **a_journal(line)) for line in lines]

    found = both_at_once(house, desks, (proposals[0], proposals[1]))

    assert sorted(found) == [(200, ""), (422, "insufficient-balance")]
    assert phone.get("/v1/me/account")["flexible_fen"] in (19_999, 20_000)
