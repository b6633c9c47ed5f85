"""Daily balance snapshots: written when a posting moves a balance, one row per value day.

Adding `delta` from a value day on raises every later closing by `delta`, and every later running
product by `delta` for each day passed. A payment heard of late therefore costs one UPDATE.
"""

from datetime import date

from sqlalchemy import func, literal, select, update

from app.db import days_between, db
from app.models import DailyBalanceSnapshot as Snapshot
from app.money import Fen


def move(sub_account_id: int, value_on: date, delta_fen: Fen) -> None:
    """From `value_on` on, the sub-account's closings and running products include `delta_fen`.

    The caller holds the sub-account's row lock, and has asked `lowest_from` before taking money
    out: the balance may not fall below zero on any day, and the table's check refuses it.
    """
    session = db.session()
    if not _has_row(sub_account_id, value_on):
        session.add(_row_carried_forward(sub_account_id, value_on))
        session.flush()
    session.execute(
        update(Snapshot)
        .where(Snapshot.sub_account_id == sub_account_id, Snapshot.day >= value_on)
        .values(
            closing_fen=Snapshot.closing_fen + delta_fen,
            product_fen_days=Snapshot.product_fen_days
            + delta_fen * (days_between(literal(value_on), Snapshot.day) + 1),
        )
        .execution_options(synchronize_session=False)
    )


def lowest_from(sub_account_id: int, day: date) -> Fen:
    """The lowest closing of the day and of every day after it: what can be taken out on it."""
    session = db.session()
    of_this = Snapshot.sub_account_id == sub_account_id
    on_the_day = session.scalar(
        select(Snapshot.closing_fen)
        .where(of_this, Snapshot.day <= day)
        .order_by(Snapshot.day.desc())
        .limit(1)
    )
    later = session.scalar(
        select(func.min(Snapshot.closing_fen)).where(of_this, Snapshot.day > day)
    )
    return min(on_the_day or 0, later) if later is not None else on_the_day or 0


def _has_row(sub_account_id: int, day: date) -> bool:
    found = db.session().scalar(
        select(func.count()).where(Snapshot.sub_account_id == sub_account_id, Snapshot.day == day)
    )
    return bool(found)


def _row_carried_forward(sub_account_id: int, day: date) -> Snapshot:
    before = (
        db.session()
        .execute(
            select(Snapshot.day, Snapshot.closing_fen, Snapshot.product_fen_days)
            .where(Snapshot.sub_account_id == sub_account_id, Snapshot.day < day)
            .order_by(Snapshot.day.desc())
            .limit(1)
        )
        .one_or_none()
    )
    closing = before.closing_fen if before else 0
    product = before.product_fen_days + closing * (day - before.day).days if before else 0
    return Snapshot(
        sub_account_id=sub_account_id, day=day, closing_fen=closing, product_fen_days=product
    )
