"""How much may be deposited: clause 4.1."""

from datetime import date

import pytest

from app.rules.deposit import refusals_to_order
from tests.rules.building import TODAY, the_policy

POLICY = the_policy()
MIN, MAX = 44_820, 724_464


@pytest.mark.parametrize(
    ("amount", "reserved", "expected"),
    [
        (MIN, 0, []),
        (MAX, 0, []),
        (MIN - 1, 0, ["deposit-below-minimum"]),
        (0, 0, ["deposit-below-minimum"]),
        (-MAX, 0, ["deposit-below-minimum"]),
        (MAX + 1, 0, ["deposit-above-month-maximum"]),
        (MAX - 100_000, 100_000, []),
        (MAX - 99_999, 100_000, ["deposit-above-month-maximum"]),
        (MIN, MAX - MIN, []),
        (MIN, MAX - MIN + 1, ["deposit-month-full"]),
        (MIN, MAX, ["deposit-month-full"]),
        (MIN, MAX + 5, ["deposit-month-full"]),
        (1, MAX - 2, ["deposit-below-minimum", "deposit-month-full"]),
    ],
)
def test_a_deposit_keeps_within_the_limits_of_order_and_month(
    amount: int, reserved: int, expected: list[str]
) -> None:
    refusals = refusals_to_order(amount, reserved_in_month_fen=reserved, policy=POLICY, on=TODAY)

    assert [refusal.code for refusal in refusals] == expected
    assert {(refusal.clause, refusal.field) for refusal in refusals} <= {("4.1", "amount_fen")}


def test_too_little_is_refused_with_the_least_amount() -> None:
    (refusal,) = refusals_to_order(100, reserved_in_month_fen=0, policy=POLICY, on=TODAY)

    assert refusal.sentence == "每笔缴存最低448.20元，您填写的是1.00元。"


def test_too_much_is_refused_with_what_is_still_possible_this_month() -> None:
    (refusal,) = refusals_to_order(700_000, reserved_in_month_fen=100_000, policy=POLICY, on=TODAY)

    assert "每月最高7,244.64元" in refusal.sentence
    assert "已缴存或待支付1,000.00元" in refusal.sentence
    assert "还可以缴存6,244.64元" in refusal.sentence


def test_a_full_month_is_refused_with_the_day_it_goes_on() -> None:
    (refusal,) = refusals_to_order(
        MIN, reserved_in_month_fen=MAX, policy=POLICY, on=date(2026, 12, 31)
    )

    assert "2027-01-01" in refusal.sentence


def test_a_limit_decided_for_a_person_takes_the_place_of_the_policys() -> None:
    def reasons(amount_fen: int, reserved_fen: int) -> list[str]:
        found = refusals_to_order(
            amount_fen,
            reserved_in_month_fen=reserved_fen,
            policy=POLICY,
            on=TODAY,
            month_max_fen=2 * MAX,
        )
        return [each.code for each in found]

    assert reasons(2 * MAX, 0) == []
    assert reasons(2 * MAX + 1, 0) == ["deposit-above-month-maximum"]
    assert reasons(MAX, 2 * MAX) == ["deposit-month-full"]
