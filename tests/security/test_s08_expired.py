"""S8: a proposal that nobody decided in time is decided by nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.models import Approval, DepositLimitOverride, WorkItem
from app.services import approvals
from app.services.approvals import LIFETIME
from tests.house import STARTS_AT, House
from tests.office import back, seated
from tests.proposals import a_limit, a_saver_here, decision, kind_of, let_in, state_of


def test_a_proposal_expires_at_its_instant_and_leaves_the_work_list(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    proposal = clerk.propose(
        "deposit-limit-override", "奖金", **a_limit(person_id, 900_000, "2026-04-01")
    )
    [(submitted_at, expires_at)] = house.rows(
        select(Approval.submitted_at, Approval.expires_at).where(
            Approval.public_id == proposal["approval_id"]
        )
    )
    house.at(expires_at + timedelta(seconds=1))  # the house keeps whole seconds
    back(house, reviewer)

    at_that_instant = kind_of(decision(house, reviewer, proposal))
    rejected = kind_of(decision(house, reviewer, proposal, "reject"))
    expired = house.run_job("expire-approvals")
    again = house.run_job("expire-approvals")
    after = kind_of(decision(house, reviewer, proposal))

    assert expires_at - submitted_at == LIFETIME
    assert at_that_instant == rejected == after == (409, "already-decided")
    assert (expired["expired"], again["expired"]) == (1, 0)
    assert state_of(house, proposal) == "expired"
    closed = house.rows(select(WorkItem.closed_at).where(WorkItem.kind == "approval"))
    assert closed[0][0] is not None
    shown = reviewer.get(f"/approvals/{proposal['approval_id']}")
    assert (shown["state"], shown["checker_login"], shown["decided_at"]) == ("expired", None, None)
    assert house.rows(select(DepositLimitOverride.id)) == []
    back(house, clerk)
    anew = {**a_limit(person_id, 900_000, "2026-04-01"), "resubmits": proposal["approval_id"]}
    assert clerk.propose("deposit-limit-override", "再次", **anew)["state"] == "submitted"


@pytest.mark.parametrize("earlier_s", [0, 1])
def test_the_last_instant_of_a_proposal_is_the_one_before_it_expires(
    house: House, earlier_s: int
) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    proposal = clerk.propose(
        "deposit-limit-override", "奖金", **a_limit(person_id, 900_000, "2026-04-01")
    )
    [(expires_at,)] = house.rows(
        select(Approval.expires_at).where(Approval.public_id == proposal["approval_id"])
    )
    house.at(expires_at - timedelta(minutes=2))
    back(house, reviewer)
    staff = let_in(house, reviewer)

    with house.app.app_context():
        try:
            done = approvals.approve(
                staff=staff,
                approval_id=proposal["approval_id"],
                payload_sha256=proposal["payload_sha256"],
                reason="已核对",
                at=expires_at - timedelta(microseconds=earlier_s),
            ).state
        except approvals.AlreadyDecided:
            done = "too late"

    assert done == ("approved" if earlier_s else "too late")
    assert expires_at > STARTS_AT
