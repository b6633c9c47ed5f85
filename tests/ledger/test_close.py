"""Two dates on every journal: the day money counts, and the accounting day it stands in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from app import clock
from app.db import db
from app.ledger.close import next_day_to_seal, seal_day
from app.models import BookDay, BookDayTotal, Journal
from app.services import book_days
from tests.house import House, at_once
from tests.short_cuts import a_worker, credit, noon, reverse, writing

MARCH_2, MARCH_3, MARCH_4 = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
MICROSECOND = timedelta(microseconds=1)


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clock.SHANGHAI)


def seal(house: House, at: datetime) -> int:
    with house.app.app_context():
        return book_days.seal_overdue_days(at=at)["sealed"]


def dates_of(house: House, journal_id: int) -> tuple[date, date]:
    (found,) = house.rows(
        select(Journal.value_on, Journal.booked_on).where(Journal.id == journal_id)
    )
    return found[0], found[1]


def totals(house: House) -> dict[tuple[date, str], tuple[int, int]]:
    rows = house.rows(
        select(BookDayTotal.day, BookDayTotal.code, BookDayTotal.debit_fen, BookDayTotal.credit_fen)
    )
    return {(day, code): (debit_fen, credit_fen) for day, code, debit_fen, credit_fen in rows}


def days(house: House) -> dict[date, bool]:
    rows = house.rows(select(BookDay.day, BookDay.sealed_at))
    return {day: sealed_at is not None for day, sealed_at in rows}


BORDERS = {
    shanghai("2026-03-02T23:59:59.999999"): MARCH_2,
    shanghai("2026-03-03T00:00:00"): MARCH_3,
    datetime(2026, 3, 1, 16, tzinfo=UTC) - MICROSECOND: date(2026, 3, 1),
    datetime(2026, 3, 1, 16, tzinfo=UTC): MARCH_2,
    shanghai("2024-02-29T23:59:59.999"): date(2024, 2, 29),
    shanghai("2025-12-31T23:59:59.999"): date(2025, 12, 31),
}


def test_a_payment_counts_from_its_day_in_shanghai(house: House) -> None:
    """D3, F24: 23:59:59.999999 and 00:00:00 are different days."""
    worker = a_worker(house)
    heard_at = shanghai("2026-03-04T09:00")

    journals = {
        credit(house, worker, 100, paid_at=paid_at, heard_at=heard_at): day
        for paid_at, day in BORDERS.items()
    }

    assert len(journals) == 6
    for journal_id, day in journals.items():
        assert dates_of(house, journal_id) == (day, MARCH_4)


def test_a_payment_of_a_sealed_day_is_booked_on_the_next_open_one(house: House) -> None:
    """F6: paid at 23:59, heard of after the seal; what was sealed stays as it was."""
    worker = a_worker(house)
    credit(house, worker, 100, paid_at=noon(MARCH_2))
    assert seal(house, shanghai("2026-03-03T00:05")) == 1
    sealed = totals(house)

    late = credit(
        house,
        worker,
        70,
        paid_at=shanghai("2026-03-02T23:59:59"),
        heard_at=shanghai("2026-03-03T00:10"),
    )

    assert dates_of(house, late) == (MARCH_2, MARCH_3)
    assert totals(house) == sealed
    assert sealed == {(MARCH_2, "10109"): (100, 0), (MARCH_2, "20102"): (0, 100)}


def test_a_clock_that_jumps_back_reopens_nothing(house: House) -> None:
    """F12: today may lie before the last sealed day; books go on after it."""
    worker = a_worker(house)
    credit(house, worker, 100, paid_at=noon(MARCH_2))
    assert seal(house, noon(MARCH_4)) == 2

    journal_id = credit(house, worker, 1, paid_at=noon(MARCH_2), heard_at=noon(MARCH_2))

    assert dates_of(house, journal_id) == (MARCH_2, MARCH_4)
    assert seal(house, noon(MARCH_2)) == 0


def test_today_is_never_sealed(house: House) -> None:
    credit(house, a_worker(house), 100, paid_at=noon(MARCH_2))

    assert seal(house, shanghai("2026-03-02T23:59:59.999999")) == 0
    assert seal(house, shanghai("2026-03-03T00:00")) == 1
    assert days(house) == {MARCH_2: True}


def test_days_are_sealed_in_order_and_days_without_a_journal_too(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, 100, paid_at=noon(MARCH_2))
    credit(house, worker, 50, paid_at=noon(MARCH_4))

    with writing(house):
        assert not seal_day(MARCH_4, at=noon(date(2026, 3, 9)))  # March 2 comes first
        assert next_day_to_seal(before=date(2026, 3, 9)) == MARCH_2
    assert seal(house, noon(date(2026, 3, 6))) == 4
    assert seal(house, noon(date(2026, 3, 6))) == 0

    assert days(house) == {date(2026, 3, day): True for day in (2, 3, 4, 5)}
    assert {day for day, _ in totals(house)} == {MARCH_2, MARCH_4}


def test_books_that_never_began_have_nothing_to_seal(house: House) -> None:
    assert seal(house, noon(MARCH_4)) == 0


def test_the_seal_started_twice_at_once_seals_each_day_once(house: House) -> None:
    worker = a_worker(house)
    for day in (MARCH_2, MARCH_3, MARCH_4):
        credit(house, worker, 100, paid_at=noon(day))

    sealed = at_once(4, lambda _: seal(house, noon(date(2026, 3, 8))))

    assert sum(sealed) == 6
    assert days(house) == {date(2026, 3, day): True for day in range(2, 8)}


def test_the_seal_takes_up_where_a_dead_one_left(house: House) -> None:
    """F23: each day is a transaction of its own."""
    credit(house, a_worker(house), 100, paid_at=noon(MARCH_2))
    with writing(house):
        seal_day(MARCH_2, at=noon(MARCH_4))  # and then the job died

    assert seal(house, noon(MARCH_4)) == 1
    assert days(house) == {MARCH_2: True, MARCH_3: True}


def test_posting_while_the_day_is_sealed_lands_before_or_after_never_inside(
    house: House,
) -> None:
    """D2: the totals of a sealed day are those of its journals, however they raced."""
    workers = [a_worker(house) for _ in range(6)]
    credit(house, workers[0], 1, paid_at=noon(MARCH_2))
    before, after = shanghai("2026-03-02T23:59:59"), shanghai("2026-03-03T00:00:01")

    def post_or_seal(number: int) -> Any:
        if number == 6:
            return seal(house, after)
        return [credit(house, workers[number], 100, paid_at=before) for _ in range(4)]

    found = at_once(7, post_or_seal)

    assert found[6] == 1
    booked = [day for (day,) in house.rows(select(Journal.booked_on))]
    assert len(booked) == 25
    assert set(booked) <= {MARCH_2, MARCH_3}
    assert totals(house)[MARCH_2, "20102"] == (0, 1 + 100 * (booked.count(MARCH_2) - 1))


def test_the_seal_waits_for_a_posting_that_has_chosen_its_day(house: House) -> None:
    """The book day is held FOR SHARE from the moment it is read until the posting commits."""
    worker = a_worker(house)
    wrong = credit(house, worker, 100, paid_at=noon(MARCH_2))
    found: list[Any] = []
    sealer = threading.Thread(target=lambda: found.append(seal(house, noon(MARCH_3))))

    def begin_to_seal(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO journal") and not sealer.ident:
            sealer.start()
            sealer.join(timeout=0.4)
            found.append(sealer.is_alive())

    with house.app.app_context(), listening(db.engine, begin_to_seal):
        reverse(house, wrong, value_on=MARCH_2, at=noon(MARCH_2))
    sealer.join(timeout=10)

    assert found == [True, 1]
    assert totals(house)[MARCH_2, "20102"] == (100, 100)


@contextmanager
def listening(engine: Engine, listener: Any) -> Iterator[None]:
    event.listen(engine, "before_cursor_execute", listener)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", listener)


def test_a_posting_waits_for_the_seal_under_way_and_is_booked_after_it(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, 100, paid_at=noon(MARCH_2))
    wrong = credit(house, worker, 10, paid_at=noon(MARCH_2))
    found: list[int] = []
    poster = threading.Thread(
        target=lambda: found.append(reverse(house, wrong, value_on=MARCH_2, at=noon(MARCH_2)))
    )

    with writing(house):
        assert seal_day(MARCH_2, at=noon(MARCH_3))
        poster.start()
        poster.join(timeout=0.3)
        assert poster.is_alive()
    poster.join(timeout=10)

    assert dates_of(house, found[0]) == (MARCH_2, MARCH_3)
    assert totals(house)[MARCH_2, "20102"] == (0, 110)
