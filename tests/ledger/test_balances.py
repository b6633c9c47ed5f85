"""What the books answer about days: exact averages, borders, the trial balance."""

from datetime import date
from fractions import Fraction

import pytest

from app.db import reading
from app.ledger import balances
from app.rules.periods import Period
from tests.house import House
from tests.short_cuts import a_worker, credit, flexible, noon, reverse

NOW = noon(date(2026, 3, 31))


def test_days_before_the_first_deposit_count_as_zero(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, 90_000, paid_at=noon(date(2026, 3, 21)), heard_at=NOW)
    mine = flexible(house, worker).id

    with house.app.app_context(), reading():
        month = Period(date(2026, 3, 1), date(2026, 4, 1))
        before = Period(date(2026, 2, 1), date(2026, 3, 1))
        assert balances.day_product(mine, month).as_fraction == Fraction(90_000 * 11, 31)
        assert balances.day_product(mine, before).product_fen_days == 0
        assert balances.first_movement_on(mine) == date(2026, 3, 21)
        assert balances.closing_on(mine, date(2026, 3, 20)) == 0
        assert balances.closing_on(mine, date(2026, 3, 21)) == 90_000
        assert balances.closing_on(mine, date(2030, 1, 1)) == 90_000


def test_an_average_needs_a_day(house: House) -> None:
    with house.app.app_context(), reading(), pytest.raises(ValueError, match="at least one day"):
        balances.day_product(1, Period(date(2026, 3, 1), date(2026, 3, 1)))


def test_two_windows_that_meet_add_up_to_the_whole(house: House) -> None:
    """The border day belongs to exactly one of two half-open windows."""
    worker = a_worker(house)
    for day in (date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 12, 31)):
        credit(house, worker, 1001, paid_at=noon(day), heard_at=NOW)
    mine = flexible(house, worker).id

    with house.app.app_context(), reading():
        whole = balances.day_product(mine, Period(date(2024, 2, 1), date(2025, 2, 1)))
        for border in (date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2025, 1, 1)):
            left = balances.day_product(mine, Period(date(2024, 2, 1), border))
            right = balances.day_product(mine, Period(border, date(2025, 2, 1)))
            assert left.product_fen_days + right.product_fen_days == whole.product_fen_days
        assert whole.days == 366


def test_movements_open_with_the_balance_the_window_begins_with(house: House) -> None:
    worker = a_worker(house)
    for day in (1, 10, 20):
        credit(house, worker, 100, paid_at=noon(date(2026, 3, day)), heard_at=NOW)
    mine = flexible(house, worker).id

    with house.app.app_context(), reading():
        assert balances.movements(mine, Period(date(2026, 3, 5), date(2026, 3, 20))) == (
            (date(2026, 3, 5), 100),
            (date(2026, 3, 10), 200),
        )


def test_the_trial_balance_shows_both_sides_of_every_account(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, 100, paid_at=noon(date(2026, 3, 30)))
    journal_id = credit(house, worker, 40, paid_at=NOW)
    reverse(house, journal_id, value_on=date(2026, 3, 31), at=NOW)

    with house.app.app_context(), reading():
        now = {line.code: (line.debit_fen, line.credit_fen) for line in balances.trial_balance()}
        then = balances.trial_balance(booked_until=date(2026, 3, 30))
    assert now == {"10109": (140, 40), "20102": (40, 140)}
    assert {line.code: (line.debit_fen, line.credit_fen) for line in then} == {
        "10109": (100, 0),
        "20102": (0, 100),
    }
