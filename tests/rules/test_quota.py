"""What may be borrowed: clauses 6.2 and 6.3, with worked vectors."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from app.rules.day_product import DayProduct
from app.rules.policy import Home
from app.rules.quota import QuotaExplanation, average_window, loan_quota
from tests.rules.building import TODAY, a_history, the_policy

POLICY = the_policy()
LONG_AGO = date(2020, 1, 1)


def average_of(yuan: int) -> DayProduct:
    return DayProduct(yuan * 100 * 365, 365)


def quota_of(
    average: DayProduct,
    *,
    first_credit_on: date | None = LONG_AGO,
    on: date = TODAY,
    home: Home = "first",
) -> QuotaExplanation:
    return loan_quota(
        average=average, first_credit_on=first_credit_on, on=on, home=home, policy=POLICY
    )


def test_the_average_of_a_year_with_one_withdrawal() -> None:
    history = a_history([(date(2025, 7, 1), 2_000_000), (date(2026, 1, 15), -500_000)])
    window = average_window(date(2026, 6, 30), POLICY)

    average = history.average_over(window)

    assert (window.from_on, window.last_on) == (date(2025, 7, 1), date(2026, 6, 30))
    assert average == DayProduct(646_500_000, 365)
    assert average.rounded_fen == 1_771_233


@pytest.mark.parametrize(
    ("average_yuan", "home", "quota_yuan", "caps"),
    [
        (25_000, "first", 450_000, ()),
        (25_000, "second", 300_000, ()),
        (50_000, "first", 700_000, ("quota.cap_fen",)),
        (50_000, "second", 600_000, ()),
        (8_000, "first", 144_000, ()),
        (0, "first", 0, ()),
    ],
)
def test_the_quota_is_average_times_multiplier_up_to_the_cap(
    average_yuan: int, home: Home, quota_yuan: int, caps: tuple[str, ...]
) -> None:
    quota = quota_of(average_of(average_yuan), home=home)

    assert quota.quota_fen == quota_yuan * 100
    assert quota.caps == caps


@pytest.mark.parametrize(
    ("on", "months", "coefficient", "quota_yuan"),
    [
        (date(2026, 1, 31), 0, None, 0),
        (date(2026, 7, 30), 5, None, 0),
        (date(2026, 7, 31), 6, "0.60", 108_000),
        (date(2026, 10, 30), 8, "0.60", 108_000),
        (date(2026, 10, 31), 9, "0.70", 126_000),
        (date(2027, 1, 31), 12, "0.80", 144_000),
        (date(2027, 7, 31), 18, "0.90", 162_000),
        (date(2028, 1, 30), 23, "0.90", 162_000),
        (date(2028, 1, 31), 24, "1.00", 180_000),
        (date(2040, 1, 31), 168, "1.00", 180_000),
    ],
)
def test_the_coefficient_rises_with_the_months_since_the_first_credit(
    on: date, months: int, coefficient: str | None, quota_yuan: int
) -> None:
    quota = quota_of(average_of(10_000), first_credit_on=date(2026, 1, 31), on=on)

    assert quota.months == months
    assert quota.coefficient == (Decimal(coefficient) if coefficient else None)
    assert quota.quota_fen == quota_yuan * 100


@pytest.mark.parametrize(
    ("product", "quota_fen"),
    [
        (365 * 100_000, 1_800_000),
        (365 * 100_000 - 1, 1_700_000),
        (365 * 5_555 + 202, 0),
        (365 * 5_555 + 203, 100_000),
    ],
)
def test_a_quota_is_rounded_down_to_a_thousand_yuan_from_the_exact_average(
    product: int, quota_fen: int
) -> None:
    assert quota_of(DayProduct(product, 365)).quota_fen == quota_fen


def test_the_steps_show_the_whole_computation() -> None:
    quota = quota_of(
        DayProduct(646_500_000, 365), first_credit_on=date(2026, 4, 1), on=date(2026, 11, 23)
    )

    assert [(step.sentence, step.clause) for step in quota.steps] == [
        (
            "近365天（2025-11-24至2026-11-23）每日余额之和 6,465,000.00 元·天 ÷ 365"
            " = 日均缴存余额 17,712.33 元",
            "6.3",
        ),
        ("购买首套住房（由您自行申报），存贷倍数为 18 倍", "6.2"),
        ("自首笔缴存入账日2026-04-01起已满 7 个月，存贷系数 0.60（长缴多贷）", "6.2"),
        (
            "6,465,000.00 元·天 ÷ 365 × 18 × 0.60 = 191,293.15 元（中间各步不作四舍五入）",
            "6.2",
        ),
        ("191,293.15 元未超过最高可贷额度 700,000.00 元，不作调整", "6.2"),
        ("向下取整到 1,000.00 元的整数倍，可贷额度为 191,000.00 元", "6.2"),
    ]
    assert quota.uncapped_fen_exact == Fraction(646_500_000, 365) * 18 * Fraction(6, 10)
    assert quota.home_declared_by_worker is True
    assert (quota.policy_code, quota.policy_note) == (POLICY.code, POLICY.note)


def test_a_capped_quota_says_so() -> None:
    quota = quota_of(average_of(50_000))

    assert "900,000.00 元超过最高可贷额度，按最高额度 700,000.00 元计" in [
        step.sentence for step in quota.steps
    ]


def test_before_six_months_the_answer_says_from_which_day() -> None:
    quota = quota_of(average_of(10_000), first_credit_on=date(2026, 8, 31))

    (missing,) = quota.missing
    assert (missing.code, missing.from_on) == ("quota-needs-months", date(2027, 2, 28))
    assert missing.sentence == "缴存已满2个月，还不足6个月，自2027-02-28起可以计算可贷额度。"
    assert quota.next_step is not None
    assert quota.next_step.from_on == missing.from_on
    assert quota.steps[-1].code == "quota-step-no-coefficient"


@pytest.mark.parametrize("first_credit_on", [None, date(2026, 11, 24)])
def test_without_a_first_credit_there_is_no_quota_and_no_day(first_credit_on: date | None) -> None:
    quota = quota_of(average_of(0), first_credit_on=first_credit_on)

    (missing,) = quota.missing
    assert (missing.code, missing.from_on) == ("quota-needs-first-deposit", None)
    assert (quota.quota_fen, quota.months, quota.next_step) == (0, 0, None)
    assert quota.first_credit_on is None


@pytest.mark.parametrize(
    ("product", "first_credit_on", "expected"),
    [
        (0, LONG_AGO, ["quota-needs-balance"]),
        (0, TODAY, ["quota-needs-months", "quota-needs-balance"]),
        (365 * 5_555, LONG_AGO, ["quota-below-rounding-unit"]),
        (365 * 5_555, TODAY, ["quota-needs-months"]),
        (365 * 5_556, LONG_AGO, []),
    ],
)
def test_a_quota_of_zero_always_says_why(
    product: int, first_credit_on: date, expected: list[str]
) -> None:
    quota = quota_of(DayProduct(product, 365), first_credit_on=first_credit_on)

    assert [missing.code for missing in quota.missing] == expected
    assert (quota.quota_fen == 0) == bool(expected)


@pytest.mark.parametrize(
    ("on", "from_on", "coefficient"),
    [
        (date(2026, 3, 1), date(2026, 7, 31), "0.60"),
        (date(2026, 7, 31), date(2026, 10, 31), "0.70"),
        (date(2027, 12, 1), date(2028, 1, 31), "1.00"),
    ],
)
def test_the_next_step_names_the_day_and_the_coefficient(
    on: date, from_on: date, coefficient: str
) -> None:
    step = quota_of(average_of(1), first_credit_on=date(2026, 1, 31), on=on).next_step

    assert step is not None
    assert (step.from_on, str(step.coefficient)) == (from_on, coefficient)
    assert f"{from_on}" in step.sentence
    assert f"{coefficient}。" in step.sentence


def test_at_the_highest_coefficient_nothing_comes_next() -> None:
    assert quota_of(average_of(1)).next_step is None


def test_an_average_of_other_days_than_the_window_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="30 days"):
        quota_of(DayProduct(1, 30))


def test_an_average_needs_a_day() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        DayProduct(1, 0)


def test_while_figures_are_placeholders_every_quota_carries_the_note() -> None:
    assert quota_of(average_of(1)).policy_note.startswith("示意数据")
