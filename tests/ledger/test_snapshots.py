"""Daily balance snapshots against an oracle that keeps a row for every day."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.db import reading
from app.ledger import balances
from app.models import DailyBalanceSnapshot as Snapshot
from app.models import SubAccount
from app.money import MAX_FEN
from app.rules.periods import Period
from tests.house import House
from tests.short_cuts import Worker, a_worker, credit, flexible, noon, reverse

ONE_DAY = timedelta(days=1)
FIRST, LAST = date(2024, 2, 20), date(2024, 4, 20)  # a leap day within, no year too long to read
DAYS = [FIRST + ONE_DAY * n for n in range((LAST - FIRST).days + 1)]
NOW = noon(date(2026, 3, 2))

a_day = st.sampled_from(DAYS)
# Days come in any order: most of what is drawn is late.
a_deposit = st.tuples(st.just("deposit"), a_day, st.integers(1, 10**9))
a_correction = st.tuples(st.just("correction"), a_day, st.integers(0, 9))
a_history = st.lists(st.one_of(a_deposit, a_deposit, a_correction), min_size=1, max_size=10)
windows = st.lists(st.tuples(a_day, a_day), min_size=3, max_size=3)


@dataclass
class Dense:
    """The oracle: the sum of every day, with no thought of what is efficient."""

    deltas: dict[date, int] = field(default_factory=dict)

    def move(self, day: date, delta_fen: int) -> None:
        self.deltas[day] = self.deltas.get(day, 0) + delta_fen

    def closings(self) -> list[int]:
        return list(accumulate(self.deltas.get(day, 0) for day in DAYS))

    def rows(self) -> Iterator[tuple[date, int, int]]:
        product = 0
        for day, closing in zip(DAYS, self.closings(), strict=True):
            product += closing
            if day in self.deltas:
                yield day, closing, product

    def total(self, from_on: date, until_on: date) -> int:
        pairs = zip(DAYS, self.closings(), strict=True)
        return sum(closing for day, closing in pairs if from_on <= day < until_on)


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=a_history, asked=windows)
def test_snapshots_are_what_a_row_for_every_day_would_say(
    house: House, history: list[tuple[str, date, int]], asked: list[tuple[date, date]]
) -> None:
    """D1, D4: any order of value days, late deposits and corrections among them."""
    worker = a_worker(house)

    oracle = lived(house, worker, history)

    mine = flexible(house, worker).id
    stored = house.rows(
        select(Snapshot.day, Snapshot.closing_fen, Snapshot.product_fen_days)
        .where(Snapshot.sub_account_id == mine)
        .order_by(Snapshot.day)
    )
    assert [tuple(row) for row in stored] == list(oracle.rows())
    with house.app.app_context(), reading():
        for one, other in asked:
            window = Period(min(one, other), max(one, other) + ONE_DAY)
            exact = balances.day_product(mine, window)
            assert exact.product_fen_days == oracle.total(window.from_on, window.until_on)
            assert exact.days == window.days
            assert_daily_rows(mine, window, oracle)


def lived(house: House, worker: Worker, history: list[tuple[str, date, int]]) -> Dense:
    """The history in the books, and the same in the oracle."""
    oracle = Dense()
    open_journals: list[tuple[int, date, int]] = []
    for kind, day, number in history:
        if kind == "deposit":
            journal_id = credit(house, worker, number, paid_at=noon(day), heard_at=NOW)
            open_journals.append((journal_id, day, number))
            oracle.move(day, number)
        elif open_journals:
            journal_id, since, amount_fen = open_journals.pop(number % len(open_journals))
            on = max(day, since)
            reverse(house, journal_id, value_on=on, at=NOW)
            oracle.move(on, -amount_fen)
    assume(oracle.deltas)
    return oracle


def assert_daily_rows(sub_account_id: int, window: Period, oracle: Dense) -> None:
    """One row per calendar day, each with the closing and the product of a dense table."""
    shown = list(balances.daily(sub_account_id, window))
    closings = dict(zip(DAYS, oracle.closings(), strict=True))
    products = dict(zip(DAYS, accumulate(closings.values()), strict=True))
    days = [window.from_on + ONE_DAY * n for n in range(window.days)]
    assert [row.day for row in shown] == days
    assert [row.closing_fen for row in shown] == [closings[day] for day in days]
    assert [row.product_fen_days for row in shown] == [products[day] for day in days]
    assert [row.moved for row in shown] == [day in oracle.deltas for day in days]


def test_a_late_deposit_raises_every_later_day_and_no_earlier_one(house: House) -> None:
    worker = a_worker(house)
    for day in (1, 5, 9):
        credit(house, worker, 100, paid_at=noon(date(2026, 3, day)), heard_at=NOW)

    credit(house, worker, 7, paid_at=noon(date(2026, 3, 5)), heard_at=NOW)

    assert rows_of(house, worker) == [
        (date(2026, 3, 1), 100, 100),
        (date(2026, 3, 5), 207, 100 * 4 + 207),
        (date(2026, 3, 9), 307, 100 * 4 + 207 * 4 + 307),
    ]


def test_a_large_deposit_heard_of_years_late_still_fits(house: House) -> None:
    """fen x days leaves 32 bits within three weeks of a million yuan."""
    worker = a_worker(house)
    credit(house, worker, 1, paid_at=noon(date(2026, 3, 1)), heard_at=NOW)

    credit(house, worker, MAX_FEN - 1, paid_at=noon(date(2016, 3, 1)), heard_at=NOW)

    days = (date(2026, 3, 1) - date(2016, 3, 1)).days
    assert rows_of(house, worker)[-1] == (
        date(2026, 3, 1),
        MAX_FEN,
        (MAX_FEN - 1) * (days + 1) + 1,
    )


def test_equal_histories_in_any_order_of_arrival_give_equal_rows(house: House) -> None:
    """D6: what was late leaves no trace in the figures."""
    moves = [(date(2026, 2, day), day * 1000) for day in (3, 7, 7, 12)]
    in_time, late = a_worker(house), a_worker(house)
    for day, amount_fen in moves:
        credit(house, in_time, amount_fen, paid_at=noon(day), heard_at=noon(day))
    for day, amount_fen in reversed(moves):
        credit(house, late, amount_fen, paid_at=noon(day), heard_at=NOW)

    assert rows_of(house, late) == rows_of(house, in_time)


def test_a_deposit_a_day_earlier_never_lowers_an_average(house: House) -> None:
    """D6 through the ledger."""
    later, earlier = a_worker(house), a_worker(house)
    for worker, first in ((later, date(2026, 2, 10)), (earlier, date(2026, 2, 9))):
        credit(house, worker, 5000, paid_at=noon(first), heard_at=NOW)
        credit(house, worker, 300, paid_at=noon(date(2026, 2, 20)), heard_at=NOW)

    with house.app.app_context(), reading():
        window = Period(date(2026, 2, 1), date(2026, 3, 1))
        averages = [
            balances.day_product(mine, window).product_fen_days
            for mine in (sub_id(later), sub_id(earlier))
        ]
    assert averages[1] - averages[0] == 5000


def test_a_day_without_movement_has_no_row(house: House) -> None:
    worker = a_worker(house)
    for day in (date(2024, 12, 31), date(2026, 3, 1)):
        credit(house, worker, 1, paid_at=noon(day), heard_at=NOW)

    assert house.rows(select(func.count()).select_from(Snapshot)) == [(2,)]


def rows_of(house: House, worker: Worker) -> list[Any]:
    mine = flexible(house, worker).id
    rows = house.rows(
        select(Snapshot.day, Snapshot.closing_fen, Snapshot.product_fen_days)
        .where(Snapshot.sub_account_id == mine)
        .order_by(Snapshot.day)
    )
    return [tuple(row) for row in rows]


def sub_id(worker: Worker) -> int:
    from app.services.accounts import open_flexible

    found: SubAccount | None = open_flexible(worker.person_id)
    assert found is not None
    return found.id
