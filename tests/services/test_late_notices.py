"""F5, F6: however late a notice comes, the money counts from the day WeChat took it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from app import clock
from app.models import BookDay, BookDayTotal, Journal
from tests.house import House
from tests.services.test_payments import tell
from tests.short_cuts import a_phone

AMOUNT = 100_000
PAID_ON = date(2026, 3, 2)


def paid_at(house: House, moment: str) -> str:
    """A deposit paid at this moment, of which nobody heard; its number."""
    phone, _ = a_phone(house)
    at = house.at(moment)
    phone.deposit(AMOUNT, notify=False, success_time=at.isoformat(timespec="seconds"))
    return house.out_trade_no()


@pytest.mark.parametrize("hours", [1, 23])
@pytest.mark.parametrize("paid", ["2026-03-02T00:00:01", "2026-03-02T12:00:00", "2026-03-02T23:59"])
def test_a_notice_delayed_by_hours_counts_from_its_success_times_day(
    house: House, paid: str, hours: int
) -> None:
    """F5."""
    number = paid_at(house, paid)
    heard_at = house.at(datetime.fromisoformat(paid) + timedelta(hours=hours))

    assert tell(house, number) == 204

    dates = house.rows(select(Journal.value_on, Journal.booked_on))
    assert dates == [(PAID_ON, clock.day_of(heard_at))]


def test_a_notice_of_a_sealed_day_is_booked_today_and_the_seal_holds(house: House) -> None:
    """F6."""
    first = paid_at(house, "2026-03-02T12:00:00")
    assert tell(house, first) == 204
    number = paid_at(house, "2026-03-02T23:59:00")
    house.at("2026-03-03T12:00:00")
    house.run_job("day-close")
    sealed = seal_of(house)

    assert tell(house, number) == 204

    assert sealed[0][0] is not None
    assert seal_of(house) == sealed
    dates = select(Journal.value_on, Journal.booked_on).order_by(Journal.id)
    assert house.rows(dates) == [(PAID_ON, PAID_ON), (PAID_ON, date(2026, 3, 3))]


def seal_of(house: House) -> list[object]:
    """When the day of payment was sealed, and its totals."""
    totals = select(BookDayTotal.code, BookDayTotal.debit_fen, BookDayTotal.credit_fen)
    return [
        *house.rows(select(BookDay.sealed_at).where(BookDay.day == PAID_ON)),
        *house.rows(totals.where(BookDayTotal.day == PAID_ON).order_by("code")),
    ]
