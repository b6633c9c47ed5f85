"""S8: a role, a district, an account or a session lost a moment ago decides nothing any more."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app import clock
from app.errors import Unauthenticated
from app.models import DepositLimitOverride
from app.services import approvals
from sandbox.desk import Desk
from tests.house import House, at_once
from tests.office import account_id_of, back, seated
from tests.proposals import a_limit, a_saver_here, decision, let_in, state_of


def test_administrators_who_take_each_others_role_at_once_do_not_both_succeed(
    house: House,
) -> None:
    """Whoever has lost the role before his transaction decides nothing in it."""
    for _ in range(3):
        desks = seated(house, "security-administrator"), seated(house, "security-administrator")
        third = seated(house, "security-administrator")
        proposals = [
            third.propose(
                "staff-assignment",
                "转岗",
                account_id=account_id_of(desk),
                role="auditor",
                district="centre",
            )
            for desk in desks
        ]

        met = at_once(2, lambda n: decision(house, desks[n], proposals[1 - n]))  # noqa: B023

        assert sorted(each.status_code for each in met) == [200, 401]


def lose_the_role(house: House, desk: Desk) -> None:
    """Two administrators make the desk's owner something else."""
    first, second = (seated(house, "security-administrator") for _ in range(2))
    place = {"role": "auditor", "district": "centre"}
    second.approve(
        first.propose("staff-assignment", "转岗", account_id=account_id_of(desk), **place)
    )


def move_elsewhere(house: House, desk: Desk) -> None:
    """The same role, in one district."""
    first, second = (seated(house, "security-administrator") for _ in range(2))
    place = {"role": "reviewer", "district": "anji"}
    second.approve(
        first.propose("staff-assignment", "调区", account_id=account_id_of(desk), **place)
    )


def be_disabled(house: House, desk: Desk) -> None:
    """One administrator disables the desk's account."""
    path = f"/accounts/{account_id_of(desk)}/disablement"
    seated(house, "security-administrator").post(path, {"reason": "离岗"})


def be_reset(house: House, desk: Desk) -> None:
    """Two administrators take back its credentials."""
    first, second = (seated(house, "security-administrator") for _ in range(2))
    second.approve(first.propose("staff-reset", "丢失手机", account_id=account_id_of(desk)))


LOSSES: dict[str, Any] = {
    "role": lose_the_role,
    "district": move_elsewhere,
    "disabled": be_disabled,
    "credentials": be_reset,
    "signed out": lambda _, desk: desk.call("DELETE", "/v1/staff/sessions/current"),
    "signed in elsewhere": back,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_was_lost_between_the_door_and_the_decision_decides_nothing(
    house: House, loss: str
) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    proposal = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    let_in_before = let_in(house, reviewer)

    LOSSES[loss](house, reviewer)

    seen = {key: proposal[key] for key in ("approval_id", "payload_sha256")}
    for decide in (approvals.approve, approvals.reject):
        with house.app.app_context(), pytest.raises(Unauthenticated):
            decide(staff=let_in_before, **seen, reason="已核对", at=clock.now())
    submission = approvals.Submission("deposit-limit-override", a_limit(person_id, 810_000), "再次")
    with house.app.app_context(), pytest.raises(Unauthenticated):
        approvals.submit(staff=let_in_before, submission=submission, at=clock.now())
    assert state_of(house, proposal) == "submitted"
    assert house.rows(select(DepositLimitOverride.id)) == []
