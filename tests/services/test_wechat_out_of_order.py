"""WeChat out of order for a while: afterwards its books and ours agree to the fen."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.models import PayoutLeg, WechatPayment
from sandbox.phone import Problem
from tests.house import STARTS_AT, House
from tests.scenarios.paying_out import Till

MINUTES = timedelta(minutes=1)
OUT_OF_ORDER = (
    "system_errors",
    "too_many_requests",
    "unsigned_answers",
    "wrongly_signed_answers",
    "errors_after_effect",
)


def ordered(house: House, till: Till, amount_fen: int) -> bool:
    """Whether the phone could order and pay; it tries again as a person does."""
    for _ in range(12):
        with suppress(Problem):
            till.phone.deposit(amount_fen, notify=False)
            return True
    return False


@pytest.mark.parametrize("fault", OUT_OF_ORDER)
def test_whatever_wechat_answers_for_a_while_both_books_agree_in_the_end(
    house: House, fault: str
) -> None:
    till = Till(house, 60_000)
    till.withdraw(10_000)
    house.faults(no_notice=True, **{fault: 6})

    was_ordered = ordered(house, till, 50_000)
    for turn in range(1, 10):
        house.at(STARTS_AT + turn * 11 * MINUTES)
        house.run_job("follow-up-payments")
        till.run()
    house.faults()
    house.at(STARTS_AT + 150 * MINUTES)
    house.run_job("follow-up-payments")
    till.run()

    truth = house.books()
    paid = {each["transaction_id"]: each["amount_total"] for each in truth["transactions"]}
    query = select(WechatPayment.transaction_id, WechatPayment.amount_fen)
    assert dict(house.rows(query)) == paid  # type: ignore[arg-type]
    assert was_ordered
    assert till.refunds() == [(10_000, "SUCCESS")]
    legs = select(PayoutLeg.state, func.sum(PayoutLeg.amount_fen)).group_by(PayoutLeg.state)
    assert house.rows(legs) == [("succeeded", 10_000)]
    till.phone.log_in()
    assert till.balance() == sum(paid.values()) - 10_000
