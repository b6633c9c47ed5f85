"""What-if: the quota a deposit plan would lead to, clause 6.4."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.balance_history import BalanceHistory
from app.rules.periods import add_months
from app.rules.policy import Home
from app.rules.quota import average_window, loan_quota
from app.rules.quota_projection import (
    LumpSum,
    Monthly,
    ProjectedQuota,
    WhatIfPlan,
    projected_quota_series,
    projection_horizon,
    projection_note,
    refusals_to_plan,
)
from tests.rules.building import TODAY, Move, a_history, the_policy

POLICY = the_policy()
FAR = date(2099, 1, 1)
NOTHING = BalanceHistory(0, (), None)
PAST = st.lists(st.tuples(st.dates(date(2024, 1, 2), TODAY), st.integers(1, 3_000_000)), max_size=6)
AMOUNTS = st.integers(44_820, 724_464)
SOON = st.dates(TODAY, date(2028, 12, 31))
PLANS: st.SearchStrategy[WhatIfPlan] = st.one_of(
    st.builds(LumpSum, AMOUNTS, SOON), st.builds(Monthly, AMOUNTS, SOON)
)


def series(
    balances: BalanceHistory,
    plan: WhatIfPlan | None,
    *,
    on: date = TODAY,
    until_on: date = FAR,
    home: Home = "first",
) -> dict[date, ProjectedQuota]:
    found = projected_quota_series(
        balances=balances, plan=plan, home=home, policy=POLICY, on=on, until_on=until_on
    )
    assert [entry.on for entry in found] == sorted({entry.on for entry in found})
    return {entry.on: entry for entry in found}


@given(moves=PAST, plan=st.one_of(st.none(), PLANS), home=st.sampled_from(["first", "second"]))
def test_today_the_projection_is_the_live_quota(
    moves: list[Move], plan: WhatIfPlan | None, home: Home
) -> None:
    history = a_history(moves)
    live = loan_quota(
        average=history.average_over(average_window(TODAY, POLICY)),
        first_credit_on=history.first_credit_on,
        on=TODAY,
        home=home,
        policy=POLICY,
    )

    today = series(history, plan, home=home, until_on=TODAY)[TODAY]

    assert today.quota_fen == live.quota_fen
    assert today.average_fen == live.average.rounded_fen
    assert (today.months, today.coefficient) == (live.months, live.coefficient)
    assert today.balance_fen == history.balance_fen


@given(moves=PAST, plan=PLANS)
def test_when_the_plan_comes_true_the_live_quota_is_what_was_projected(
    moves: list[Move], plan: WhatIfPlan
) -> None:
    projected = series(a_history(moves), plan)

    for on, entry in list(projected.items())[1::7]:
        come_true = a_history([*moves, *plan.deposits_until(on)])
        live = loan_quota(
            average=come_true.average_over(average_window(on, POLICY)),
            first_credit_on=come_true.first_credit_on,
            on=on,
            home="first",
            policy=POLICY,
        )
        assert (entry.quota_fen, entry.balance_fen) == (live.quota_fen, come_true.balance_fen)


@given(moves=PAST, plan=PLANS)
def test_a_fen_more_in_the_plan_never_lowers_any_day(moves: list[Move], plan: WhatIfPlan) -> None:
    more = type(plan)(plan.amount_fen + 1, plan.on if isinstance(plan, LumpSum) else plan.from_on)
    history = a_history(moves)

    before, after = series(history, plan), series(history, more)

    assert before.keys() == after.keys()
    assert all(before[day].quota_fen <= after[day].quota_fen for day in before)


@given(moves=PAST, amount=AMOUNTS, on=SOON.filter(lambda day: day > TODAY))
def test_the_same_lump_sum_a_day_earlier_never_lowers_any_day(
    moves: list[Move], amount: int, on: date
) -> None:
    history = a_history(moves)

    later = series(history, LumpSum(amount, on))
    earlier = series(history, LumpSum(amount, on - timedelta(days=1)))

    common = later.keys() & earlier.keys()
    assert len(common) >= 37
    assert all(later[day].quota_fen <= earlier[day].quota_fen for day in common)


def test_a_worker_without_any_deposit_sees_when_his_plan_opens_a_quota() -> None:
    plan = Monthly(300_000, date(2026, 12, 31))

    projected = series(NOTHING, plan)

    assert projected[TODAY] == ProjectedQuota(TODAY, 0, 0, 0, 0, None)
    first_quota = min(day for day, entry in projected.items() if entry.quota_fen)
    assert first_quota == date(2027, 6, 30)
    at_six = projected[first_quota]
    assert (at_six.months, at_six.coefficient) == (6, Decimal("0.60"))
    assert at_six.balance_fen == 7 * 300_000


def test_the_days_are_the_same_day_of_each_month_and_every_rise() -> None:
    history = a_history([(date(2026, 8, 31), 1_000_000)])

    days = list(series(history, None))

    monthly = {add_months(TODAY, n) for n in range(37)}
    rises = {date(2027, 2, 28), date(2027, 5, 31), date(2027, 8, 31), date(2028, 2, 29)}
    assert set(days) == monthly | rises | {date(2028, 8, 31)}
    assert days[-1] == projection_horizon(TODAY) == date(2029, 11, 23)


def test_the_series_ends_with_the_day_asked_for() -> None:
    assert list(series(NOTHING, None, until_on=date(2027, 1, 22))) == [TODAY, date(2026, 12, 23)]
    assert series(NOTHING, None, until_on=TODAY - timedelta(days=1)) == {}


def test_a_deposit_planned_for_today_shows_from_the_next_entry() -> None:
    history = a_history([(date(2025, 1, 1), 1_000_000)])

    projected = list(series(history, LumpSum(100_000, TODAY)).values())

    assert projected[0].balance_fen == 1_000_000
    assert projected[1].balance_fen == 1_100_000
    assert projected[1].average_fen == (365 * 1_000_000 + 31 * 100_000 + 182) // 365


def test_a_monthly_plan_pays_on_the_last_day_of_a_shorter_month() -> None:
    days = [day for day, _ in Monthly(1, date(2027, 1, 31)).deposits_until(date(2027, 4, 30))]

    assert days == [date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)]


def test_a_plan_in_the_past_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="in the past"):
        series(NOTHING, LumpSum(100_000, TODAY - timedelta(days=1)))


@pytest.mark.parametrize(
    ("plan", "reserved", "expected"),
    [
        (LumpSum(100_000, TODAY), 0, []),
        (Monthly(724_464, date(2026, 12, 1)), 724_464, []),
        (Monthly(724_464, TODAY), 724_464, [("deposit-month-full", "amount_fen")]),
        (LumpSum(724_465, TODAY), 0, [("deposit-above-month-maximum", "amount_fen")]),
        (
            LumpSum(1, date(2026, 11, 22)),
            0,
            [("plan-in-the-past", "on"), ("deposit-below-minimum", "amount_fen")],
        ),
        (Monthly(100_000, date.max), 0, [("plan-beyond-horizon", "from_on")]),
        (Monthly(100_000, date.min), 0, [("plan-in-the-past", "from_on")]),
    ],
)
def test_a_plan_obeys_the_limits_of_real_deposits(
    plan: WhatIfPlan, reserved: int, expected: list[tuple[str, str]]
) -> None:
    refusals = refusals_to_plan(plan, reserved_in_month_fen=reserved, policy=POLICY, on=TODAY)

    assert [(refusal.code, refusal.field) for refusal in refusals] == expected


def test_a_projection_says_that_it_knows_no_interest() -> None:
    assert "未计入利息" in projection_note()


def test_a_history_must_be_in_order_and_end_with_the_balance_now() -> None:
    with pytest.raises(ValueError, match="order"):
        BalanceHistory(1, ((TODAY, 2), (TODAY, 1)), TODAY)
    with pytest.raises(ValueError, match="last row"):
        BalanceHistory(2, ((TODAY, 1),), TODAY)
    with pytest.raises(ValueError, match="last row"):
        BalanceHistory(1, (), None)
