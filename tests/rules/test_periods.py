"""Days, months and half-open periods."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.periods import Period, add_months, full_months, month_end, month_key, month_start

DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 1, 31), -2, date(2025, 11, 30)),
        (date(2026, 12, 1), 0, date(2026, 12, 1)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last_of_a_shorter_month(
    day: date, months: int, expected: date
) -> None:
    assert add_months(day, months) == expected


@pytest.mark.parametrize(
    ("from_on", "on", "expected"),
    [
        (date(2026, 1, 31), date(2026, 2, 27), 0),
        (date(2026, 1, 31), date(2026, 2, 28), 1),
        (date(2024, 1, 31), date(2024, 2, 28), 0),
        (date(2024, 1, 31), date(2024, 2, 29), 1),
        (date(2026, 1, 31), date(2026, 3, 30), 1),
        (date(2026, 1, 31), date(2026, 3, 31), 2),
        (date(2026, 5, 23), date(2026, 11, 22), 5),
        (date(2026, 5, 23), date(2026, 11, 23), 6),
        (date(2026, 5, 23), date(2026, 5, 23), 0),
        (date(2026, 5, 23), date(2025, 5, 23), 0),
    ],
)
def test_a_month_is_full_when_its_day_comes_round(from_on: date, on: date, expected: int) -> None:
    assert full_months(from_on, on) == expected


@given(from_on=DAYS, days=st.integers(0, 4000))
def test_full_months_agree_with_counting_them_one_by_one(from_on: date, days: int) -> None:
    on = from_on + timedelta(days=days)

    counted = 0
    while add_months(from_on, counted + 1) <= on:
        counted += 1

    assert full_months(from_on, on) == counted


@given(from_on=DAYS, on=DAYS)
def test_a_day_more_never_takes_a_full_month_away(from_on: date, on: date) -> None:
    assert full_months(from_on, on) <= full_months(from_on, on + timedelta(days=1))
    assert full_months(from_on, on) <= full_months(from_on - timedelta(days=1), on)


def test_a_period_holds_its_first_day_and_not_the_day_it_ends() -> None:
    period = Period(date(2026, 1, 1), date(2026, 2, 1))

    assert date(2026, 1, 1) in period
    assert date(2026, 1, 31) in period
    assert date(2026, 2, 1) not in period
    assert (period.days, period.last_on) == (31, date(2026, 1, 31))


def test_a_period_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        Period(date(2026, 2, 1), date(2026, 1, 1))


def test_an_empty_period_has_no_last_day() -> None:
    with pytest.raises(ValueError, match="no last day"):
        _ = Period(date(2026, 2, 1), date(2026, 2, 1)).last_on


def test_a_calendar_month_runs_from_the_first_to_its_last_day() -> None:
    day = date(2024, 2, 17)

    assert (month_start(day), month_end(day)) == (date(2024, 2, 1), date(2024, 2, 29))
    assert month_key(day) == "2024-02"
