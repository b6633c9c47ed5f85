"""Sealing accounting days: in order, each once; a sealed day never changes again.

A posting that comes later is booked on the first open day, whatever day it is valued on.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from app.db import db, insert_unless_there, lock_for_naming
from app.models import BookDay, BookDayTotal, Journal, Posting

_SEALING = 0x5EA1  # one sealer at a time


def next_day_to_seal(*, before: date) -> date | None:
    """The first open day before `before` since the books began; None when all are sealed."""
    session = db.session()
    sealed = session.scalar(select(func.max(BookDay.day)).where(BookDay.sealed_at.is_not(None)))
    first = sealed + timedelta(days=1) if sealed else session.scalar(select(func.min(BookDay.day)))
    return first if first is not None and first < before else None


def seal_day(day: date, *, at: datetime) -> bool:
    """The day is sealed with its totals per account; False when somebody else sealed it first.

    Days are sealed in order: the caller asks `next_day_to_seal` in the same transaction.
    """
    lock_for_naming(_SEALING)
    session = db.session()
    if next_day_to_seal(before=day + timedelta(days=1)) != day:
        return False
    insert_unless_there(BookDay, day=day, sealed_at=None)
    row = session.scalars(select(BookDay).where(BookDay.day == day).with_for_update()).one()
    session.add_all(
        BookDayTotal(day=day, code=code, debit_fen=debit, credit_fen=credit)
        for code, (debit, credit) in _turnover(day).items()
    )
    row.sealed_at = at
    session.flush()
    return True


def _turnover(day: date) -> dict[str, tuple[int, int]]:
    totals: dict[str, tuple[int, int]] = {}
    rows = db.session().execute(
        select(Posting.debit_code, Posting.credit_code, func.sum(Posting.amount_fen))
        .join(Journal, Journal.id == Posting.journal_id)
        .where(Journal.booked_on == day)
        .group_by(Posting.debit_code, Posting.credit_code)
    )
    for debit_code, credit_code, amount in rows:
        debit, credit = totals.get(debit_code, (0, 0))
        totals[debit_code] = (debit + int(amount), credit)
        debit, credit = totals.get(credit_code, (0, 0))
        totals[credit_code] = (debit, credit + int(amount))
    return totals
