"""Sealing the accounting days that are over."""

from datetime import datetime

from app import clock
from app.db import retried, transaction
from app.ledger import close


def seal_overdue_days(*, at: datetime) -> dict[str, int]:
    """Every accounting day before today is sealed, in order; answers how many this run sealed.

    Each day is a transaction of its own, so a run that is killed has lost nothing.
    """
    sealed = 0
    while _seal_next(at):
        sealed += 1
    return {"sealed": sealed}


@retried
def _seal_next(at: datetime) -> bool:
    with transaction():
        day = close.next_day_to_seal(before=clock.day_of(at))
        return day is not None and close.seal_day(day, at=at)
