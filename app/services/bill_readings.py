"""Which days' bills are to be read, and every reading of them as it was.

A reading is stored once and never changed; the same bill read again is no new reading.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app import clock, log, vault
from app.db import db, insert_unless_there, reading, retried, transaction
from app.ledger import wechat_day
from app.models import (
    Journal,
    PaymentOrder,
    PayoutLeg,
    WechatBillDay,
    WechatBillLine,
    WechatPayment,
)
from app.services import bill_cases
from app.wechat.bill import DayBills, FlowLine, TradeLine

WAITING, UNFIT, DIFFERS, RECONCILED = "waiting", "unfit", "differs", "reconciled"
READY_FROM_HOUR = 10  # of the next day, in Beijing
_DAYS_KEPT = 89  # WeChat keeps bills for three months
# Less than the ten minutes between two runs, so that the next run finds the day due.
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=9), timedelta(hours=4)
_READ_AGAIN_AFTER = timedelta(hours=1)
_LATE_FOR = timedelta(days=7)


@retried
def open_days(*, at: datetime) -> None:
    """Every day whose bill may be there has its row, from the first order of ours on."""
    with transaction() as session:
        first = session.scalar(select(func.min(PaymentOrder.ordered_on)))
        if first is None:
            return
        newest = session.scalar(select(func.max(WechatBillDay.day)))
        local = at.astimezone(clock.SHANGHAI)
        last = local.date() - timedelta(days=1 if local.hour >= READY_FROM_HOUR else 2)
        first = max(first, local.date() - timedelta(days=_DAYS_KEPT))
        if newest is not None:
            first = max(first, newest + timedelta(days=1))
        for number in range((last - first).days + 1):
            insert_unless_there(WechatBillDay, **_new(first + timedelta(days=number), at))


def _new(day: date, at: datetime) -> dict[str, Any]:
    sums = ("payments_count", "payments_fen", "refunds_count", "refunds_fen")
    moved = ("fees_fen", "settled_fen", "topped_up_fen")
    nothing = dict.fromkeys((*sums, *moved, "tries", "reading"), 0)
    return {"day": day, "state": WAITING, "next_at": at, **nothing}


def due_to_read(*, at: datetime, most: int) -> list[date]:
    """Days not reconciled whose bill is to be asked for now; whoever waited longest first.

    A day that is booked rests on the reading it was booked from.
    """
    with reading() as session:
        return list(
            session.scalars(
                select(WechatBillDay.day)
                .where(
                    WechatBillDay.state != RECONCILED,
                    WechatBillDay.journal_id.is_(None),
                    WechatBillDay.next_at <= at,
                )
                .order_by(WechatBillDay.next_at, WechatBillDay.day)
                .limit(most)
            )
        )


def due_to_match(*, at: datetime) -> list[date]:
    """Days that were read and are to be matched: all that differ, and those we heard of since.

    Money that we recorded after its day was reconciled is matched as well.
    """
    with reading() as session:
        open_days = select(WechatBillDay.day).where(
            WechatBillDay.state != RECONCILED, WechatBillDay.reading > 0
        )
        late = _heard_since(at - _LATE_FOR)
        done = session.execute(
            select(WechatBillDay.day, WechatBillDay.matched_at).where(
                WechatBillDay.state == RECONCILED, WechatBillDay.day.in_(late)
            )
        )
        again = [day for day, matched_at in done if matched_at and late[day] > matched_at]
        return sorted({*session.scalars(open_days), *again})


def _heard_since(moment: datetime) -> dict[date, datetime]:
    """Days on which money moved that we recorded after the moment, and when we did so last."""
    payments = select(WechatPayment.success_at, WechatPayment.recorded_at).where(
        WechatPayment.recorded_at > moment
    )
    legs = (
        select(PayoutLeg.success_at, Journal.posted_at)
        .join(Journal, Journal.id == PayoutLeg.journal_id)
        .where(Journal.posted_at > moment)
    )
    found: dict[date, datetime] = {}
    for query in (payments, legs):
        for success_at, recorded_at in db.session().execute(query):
            assert success_at is not None  # a leg with a journal has one  # noqa: S101
            day = clock.day_of(success_at)
            found[day] = max(recorded_at, found.get(day, recorded_at))
    return found


def locked(day: date) -> WechatBillDay:
    """The day's row, locked, in the caller's transaction."""
    query = select(WechatBillDay).where(WechatBillDay.day == day)
    return (
        db.session()
        .scalars(query.with_for_update().execution_options(populate_existing=True))
        .one()
    )


@retried
def put_off(day: date, *, at: datetime) -> None:
    """No bill yet, or no WeChat: the day is tried again later."""
    with transaction():
        _later(locked(day), at)


@retried
def save_unfit(day: date, why: str, *, at: datetime) -> None:
    """The bill does not hold together: a case says why, and the day is tried again.

    Where an earlier reading stands, that one counts and nobody is troubled.
    """
    with transaction():
        row = locked(day)
        _later(row, at)
        log.get().error("bill-unfit", day=day.isoformat(), why=why)
        if row.reading == 0:
            row.state = UNFIT
            bill_cases.hold_unfit(row, why, at=at)


@retried
def save(day: date, bills: DayBills, *, at: datetime) -> None:
    """The bills stand as the day's newest reading, unless they are the one it has."""
    with transaction() as session:
        row = locked(day)
        row.tries, row.next_at = 0, at + _READ_AGAIN_AFTER
        hashes = (bills.trade.sha1, bills.basic.sha1, bills.operation.sha1)
        if row.reading and hashes == (row.trade_sha1, row.basic_sha1, row.operation_sha1):
            return
        row.reading, row.read_at = row.reading + 1, at
        row.trade_sha1, row.basic_sha1, row.operation_sha1 = hashes
        lines = list(_lines(row, bills))
        session.add_all(lines)
        _sum_up(row, lines)
        session.flush()


def _later(row: WechatBillDay, at: datetime) -> None:
    row.next_at = at + min(_SHORTEST_PAUSE * 2 ** min(row.tries, 10), _LONGEST_PAUSE)
    row.tries += 1


def _lines(row: WechatBillDay, bills: DayBills) -> Iterator[WechatBillLine]:
    place = {"bill_day_id": row.id, "reading": row.reading}
    for number, trade in enumerate(bills.trade.lines, start=1):
        yield WechatBillLine(**place, kind="trade", line=number, **_trade(trade))
    for kind, bill in (("BASIC", bills.basic), ("OPERATION", bills.operation)):
        for number, flow in enumerate(bill.lines, start=1):
            yield WechatBillLine(**place, kind=kind, line=number, **_flow(flow))


def _trade(line: TradeLine) -> dict[str, Any]:
    fields = dict(vars(line))
    openid = fields.pop("payer_openid")
    return {**fields, "payer_index": vault.blind_index(openid, purpose="openid")}


def _flow(line: FlowLine) -> dict[str, Any]:
    fields = dict(vars(line))
    flow_kind = fields.pop("kind")
    return {**fields, "flow_kind": flow_kind}


def _sum_up(row: WechatBillDay, lines: Sequence[WechatBillLine]) -> None:
    payments = [each for each in lines if each.trade_state == "SUCCESS"]
    refunds = [each for each in lines if each.trade_state == "REFUND"]
    row.payments_count, row.refunds_count = len(payments), len(refunds)
    row.payments_fen = sum(each.amount_fen or 0 for each in payments)
    row.refunds_fen = sum(each.refund_fen or 0 for each in refunds)
    moved = wechat_day.sums(lines)
    row.fees_fen, row.settled_fen = moved.fees_fen, moved.settled_fen
    row.topped_up_fen = moved.topped_up_fen
