"""What the books say: closings and day products from snapshots, the trial balance from postings.

The average over any window is two index probes and integer arithmetic; nothing here rounds.
Windows are half-open periods of Shanghai days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select, union_all

from app.db import db
from app.models import DailyBalanceSnapshot as Snapshot
from app.models import Journal, Posting
from app.money import Fen
from app.rules.day_product import DayProduct
from app.rules.periods import Period

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DayBalance:
    """A sub-account at the end of one calendar day; `moved` when a posting was valued on it."""

    day: date
    closing_fen: Fen
    product_fen_days: int
    moved: bool


@dataclass(frozen=True)
class TrialLine:
    """One house account's turnover and balance (on its own side) up to a booked day."""

    code: str
    debit_fen: Fen
    credit_fen: Fen


def day_product(sub_account_id: int, window: Period) -> DayProduct:
    """The exact balance-day product of the window, `{product_fen_days, days}`.

    Days before the first movement count as zero (domain rule of the daily average balance).
    """
    last = running_product(sub_account_id, window.until_on - _ONE_DAY)
    before = running_product(sub_account_id, window.from_on - _ONE_DAY)
    days = (window.until_on - window.from_on).days
    return DayProduct(product_fen_days=last - before, days=days)


def running_product(sub_account_id: int, day: date) -> int:
    """The sum of the closing balances of all days up to and including `day`, in fen-days."""
    row = _last_row(sub_account_id, day)
    return row.product_fen_days + row.closing_fen * (day - row.day).days if row else 0


def closing_on(sub_account_id: int, day: date) -> Fen:
    """The balance at the end of `day` as known now."""
    row = _last_row(sub_account_id, day)
    return row.closing_fen if row else 0


def first_movement_on(sub_account_id: int) -> date | None:
    """The value day of the first credit; None while nothing was ever credited."""
    found: date | None = db.session().scalar(
        select(func.min(Snapshot.day)).where(Snapshot.sub_account_id == sub_account_id)
    )
    return found


def movements(sub_account_id: int, window: Period) -> tuple[tuple[date, Fen], ...]:
    """(day, closing) at the start of the window and on every day in it that moved."""
    opening = (window.from_on, closing_on(sub_account_id, window.from_on))
    rows = db.session().execute(
        select(Snapshot.day, Snapshot.closing_fen)
        .where(
            Snapshot.sub_account_id == sub_account_id,
            Snapshot.day > window.from_on,
            Snapshot.day < window.until_on,
        )
        .order_by(Snapshot.day)
    )
    return (opening, *((row.day, row.closing_fen) for row in rows))


def daily(sub_account_id: int, window: Period) -> Iterator[DayBalance]:
    """One row per calendar day of the window; a day without a snapshot carries the one before."""
    closings = dict(movements(sub_account_id, window))
    moved = set(
        db.session().scalars(
            select(Snapshot.day).where(
                Snapshot.sub_account_id == sub_account_id,
                Snapshot.day >= window.from_on,
                Snapshot.day < window.until_on,
            )
        )
    )
    product = running_product(sub_account_id, window.from_on - _ONE_DAY)
    day, closing = window.from_on, 0
    while day < window.until_on:
        closing = closings.get(day, closing)
        product += closing
        yield DayBalance(day, closing, product, day in moved)
        day += _ONE_DAY


def trial_balance(*, booked_until: date | None = None) -> tuple[TrialLine, ...]:
    """Every account's turnover up to the end of a booked day; debits equal credits in all."""
    sides = [
        select(code.label("code"), (debit).label("debit"), (credit).label("credit"))
        .join(Journal, Journal.id == Posting.journal_id)
        .where(Journal.booked_on <= (booked_until or date.max))
        for code, debit, credit in (
            (Posting.debit_code, Posting.amount_fen, Posting.amount_fen * 0),
            (Posting.credit_code, Posting.amount_fen * 0, Posting.amount_fen),
        )
    ]
    lines = union_all(*sides).subquery()
    rows = db.session().execute(
        select(lines.c.code, func.sum(lines.c.debit), func.sum(lines.c.credit))
        .group_by(lines.c.code)
        .order_by(lines.c.code)
    )
    return tuple(TrialLine(code, int(debit), int(credit)) for code, debit, credit in rows)


def _last_row(sub_account_id: int, day: date) -> Snapshot | None:
    found: Snapshot | None = (
        db.session()
        .execute(  # type: ignore[assignment]
            select(Snapshot.day, Snapshot.closing_fen, Snapshot.product_fen_days)
            .where(Snapshot.sub_account_id == sub_account_id, Snapshot.day <= day)
            .order_by(Snapshot.day.desc())
            .limit(1)
        )
        .one_or_none()
    )
    return found
