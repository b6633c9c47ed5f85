"""What flows of payouts begin with, how the world goes on, and what must stand in the end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.models import Journal, Payout, PayoutLeg, SubAccount
from sandbox.desk import Desk
from tests.api.asking import ask
from tests.house import STARTS_AT, House
from tests.scenarios.paying_out import Till

PAID = 30_000
LATER = STARTS_AT.replace(year=STARTS_AT.year + 1)  # older than a refund may be
MINUTE = timedelta(minutes=1)


def a_withdrawal(house: House, *, card: str = "", bank: str = "", **plan: Any) -> Till:
    """A payout of a deposit of today is decided and not sent; nobody will be told of it."""
    till = Till(house)
    house.faults(no_notice=True)
    if plan:
        house.arrange("refunds/plan", **plan)
    till.withdraw(PAID, **({"card": card, "bank": bank} if card else {}))
    return till


def a_poor_withdrawal(house: House) -> tuple[Till, Any]:
    """The day's money was settled to the bank before its payout was decided."""
    till = Till(house, 50_000)
    house.faults(no_notice=True)
    at = house.at(STARTS_AT + timedelta(days=1))
    till.sit_down()
    till.withdraw(PAID)
    return till, at


def an_old_withdrawal(house: House, **card: str) -> Till:
    """A payout that no refund can carry any more: the deposit is a year old."""
    till = Till(house)
    house.at(LATER)
    till.sit_down()
    house.faults(no_notice=True)
    house.play("balances/top-up", {"account": "OPERATION", "amount": 100_000})
    till.withdraw(PAID, **card)
    return till


def confirmed(house: House, till: Till) -> None:
    """The payee pressed the button on his phone."""
    number, package = house.rows(select(PayoutLeg.provider_no, PayoutLeg.package_info))[0]
    path = f"users/{till.phone.wechat.user_id}/transfers/{number}/confirm"
    house.play(path, {"package_info": package})


def followed_up(house: House, *, begin: Any = STARTS_AT, after: int = 12) -> None:
    """The job ran four times, every twelve minutes."""
    for turn in range(4):
        house.at(begin + (after + 12 * turn) * MINUTE)
        house.run_job("follow-up-payouts")


def decided(
    house: House, desk: Desk, proposal: dict[str, Any], statuses: tuple[int, ...] = (200,)
) -> int:
    """The proposal was approved; the status."""
    body = {"payload_sha256": proposal["payload_sha256"], "reason": "已核对"}
    path = f"/v1/staff/approvals/{proposal['approval_id']}/approve"
    return asked(house, desk, path, statuses, json=body)


def asked(
    house: House,
    desk: Desk,
    path: str,
    statuses: tuple[int, ...],
    method: str = "POST",
    **sent: Any,
) -> int:
    """What the service answered the desk, one of these statuses."""
    if method == "POST":
        sent.setdefault("json", {})
    answer = ask(house, method, path, by=desk, **sent)
    assert answer.status_code in statuses, answer.text
    return answer.status_code


def legs(house: House) -> list[tuple[str, int, str]]:
    """Every leg, oldest first."""
    columns = (PayoutLeg.channel, PayoutLeg.amount_fen, PayoutLeg.state)
    return [(way, fen, state) for way, fen, state in house.rows(select(*columns).order_by("id"))]


def booked(house: House, kind: str = "withdrawal-paid") -> int:
    """How often that was booked."""
    return int(house.rows(select(func.count()).where(Journal.kind == kind))[0][0])


def assert_paid_once(house: House, leg: tuple[str, int, str]) -> None:
    """One payout of one leg is done, and its money left the sub-account once."""
    assert legs(house) == [leg]
    assert house.rows(select(Payout.state)) == [("done",)]
    assert booked(house) == 1
    [(balance_fen, came_fen)] = house.rows(
        select(SubAccount.balance_fen, SubAccount.last_seq).where(SubAccount.kind == "flexible")
    )
    assert came_fen == 2
    assert balance_fen in (50_000 - PAID, 100_000 - PAID)
