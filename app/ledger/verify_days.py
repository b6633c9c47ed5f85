"""D1-D4: value days, book days, snapshots and averages."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby, pairwise
from operator import itemgetter

from sqlalchemy import case, func, select

from app import clock
from app.db import db
from app.ledger import balances
from app.models import BookDay, DailyBalanceSnapshot, Journal, Posting, SubAccount, WechatPayment
from app.rules.periods import Period

_ONE_DAY = timedelta(days=1)
Row = tuple[date, int, int]


def d1_snapshots_are_sums() -> Iterator[str]:
    """D1: a row per value day that moved, with closing and running product as postings give them.

    The running product is summed day by day, not by the formula that wrote it.
    """
    stored = _stored_rows()
    for sub_account_id, deltas in _deltas_by_day():
        expected = list(_dense(deltas))
        if stored.pop(sub_account_id, []) != expected:
            yield f"sub-account {sub_account_id}: snapshots are not what its postings give"
    for sub_account_id in stored:
        yield f"sub-account {sub_account_id} has snapshots and no posting"


def _stored_rows() -> dict[int, list[Row]]:
    rows = db.session().execute(
        select(
            DailyBalanceSnapshot.sub_account_id,
            DailyBalanceSnapshot.day,
            DailyBalanceSnapshot.closing_fen,
            DailyBalanceSnapshot.product_fen_days,
        ).order_by(DailyBalanceSnapshot.sub_account_id, DailyBalanceSnapshot.day)
    )
    return {
        sub_account_id: [(day, closing, product) for _, day, closing, product in group]
        for sub_account_id, group in groupby(rows, key=itemgetter(0))
    }


def _deltas_by_day() -> Iterator[tuple[int, list[tuple[date, int]]]]:
    signed = case(
        (Posting.credit_code == SubAccount.control_code, Posting.amount_fen),
        else_=-Posting.amount_fen,
    )
    rows = db.session().execute(
        select(Posting.sub_account_id, Journal.value_on, func.sum(signed))
        .join(Journal, Journal.id == Posting.journal_id)
        .join(SubAccount, SubAccount.id == Posting.sub_account_id)
        .group_by(Posting.sub_account_id, Journal.value_on)
        .order_by(Posting.sub_account_id, Journal.value_on)
    )
    for sub_account_id, group in groupby(rows, key=itemgetter(0)):
        yield sub_account_id, [(day, int(delta)) for _, day, delta in group]


def _dense(deltas: list[tuple[date, int]]) -> Iterator[Row]:
    moves, (day, _) = dict(deltas), deltas[0]
    closing = product = 0
    while day <= deltas[-1][0]:
        closing += moves.get(day, 0)
        product += closing
        if day in moves:
            yield day, closing, product
        day += _ONE_DAY


def d2_sealed_days_stay() -> Iterator[str]:
    """D2: nothing is written into a sealed day after its seal, nor before the day it was posted."""
    session = db.session()
    late = (
        select(Journal.id)
        .join(BookDay, BookDay.day == Journal.booked_on)
        .where(BookDay.sealed_at.is_not(None), Journal.posted_at > BookDay.sealed_at)
    )
    for journal_id in session.scalars(late):
        yield f"journal {journal_id} was written after its day was sealed"
    early = select(Journal.id, Journal.booked_on, Journal.posted_at)
    for journal_id, booked_on, posted_at in session.execute(early):
        if booked_on < clock.day_of(posted_at):
            yield f"journal {journal_id} is booked on {booked_on}, before the day it was posted"


def d2_days_seal_in_order() -> Iterator[str]:
    """D2: days are sealed once they are over, in order and without a gap."""
    days = db.session().execute(select(BookDay.day, BookDay.sealed_at).order_by(BookDay.day)).all()
    for day, sealed_at in days:
        if sealed_at is not None and clock.day_of(sealed_at) <= day:
            yield f"day {day} was sealed before it was over"
    sealed = [day for day, sealed_at in days if sealed_at is not None]
    for earlier, later in pairwise(sealed):
        if later != earlier + _ONE_DAY:
            yield f"day {earlier + _ONE_DAY} was skipped when sealing"
    if sealed and any(at is None and day < sealed[-1] for day, at in days):
        yield "an open day lies before a sealed one"


def d3_value_day_is_wechats() -> Iterator[str]:
    """D3: a payment counts from the Shanghai day of WeChat's `success_time`."""
    rows = db.session().execute(
        select(WechatPayment.id, WechatPayment.success_at, Journal.value_on).join(
            Journal, Journal.id == WechatPayment.journal_id
        )
    )
    for payment_id, success_at, value_on in rows:
        if clock.day_of(success_at) != value_on:
            yield f"payment {payment_id} of {clock.day_of(success_at)} is valued on {value_on}"


def d4_averages_are_exact() -> Iterator[str]:
    """D4: the two index probes give the sum of closings over a window, for every sub-account.

    The window is the year around the last movement, so that its borders are crossed.
    """
    for sub_account_id, deltas in _deltas_by_day():
        last = deltas[-1][0]
        window = Period(last - timedelta(days=300), last + timedelta(days=65))
        expected = sum(day.closing_fen for day in _closings(deltas, window))
        if balances.day_product(sub_account_id, window).product_fen_days != expected:
            yield f"sub-account {sub_account_id}: the average over {window} is not the sum of days"


def _closings(deltas: list[tuple[date, int]], window: Period) -> Iterator[balances.DayBalance]:
    moves = dict(deltas)
    closing = sum(delta for day, delta in deltas if day < window.from_on)
    day = window.from_on
    while day < window.until_on:
        closing += moves.get(day, 0)
        yield balances.DayBalance(day, closing, 0, day in moves)
        day += _ONE_DAY


CHECKS = (
    ("D1", "daily balance snapshots are what postings give", d1_snapshots_are_sums),
    ("D2", "sealed days stay as they were, in order", d2_sealed_days_stay),
    ("D2", "sealed days stay as they were, in order", d2_days_seal_in_order),
    ("D3", "payments count from WeChat's day", d3_value_day_is_wechats),
    ("D4", "averages are sums of closings, exactly", d4_averages_are_exact),
)
