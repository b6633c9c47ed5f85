"""A bill of WeChat's beside what we hold of it: payments, payout legs, and what the books say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from sqlalchemy import and_, case, func, select

from app import clock
from app.db import db
from app.ledger import chart
from app.models import PayoutLeg, Posting, WechatBillDay, WechatBillLine, WechatPayment
from app.money import Fen

T = TypeVar("T")
# How many numbers one question to the database takes.
_AT_ONCE = 500
_IN_BILLS = ("refund", "transfer")


@dataclass(frozen=True)
class Paid:
    """A payment of ours, and the fen its journal brought to WeChat in transit."""

    row: WechatPayment
    booked_fen: Fen


@dataclass(frozen=True)
class Leg:
    """A payout of ours over WeChat, what it gives back, and the fen its journal took."""

    row: PayoutLeg
    transaction_id: str | None
    booked_fen: Fen


@dataclass(frozen=True)
class Book:
    """The newest reading of a day, and everything of ours that it speaks of or should.

    `payments` by WeChat's number, `legs` by ours; `unbilled` are legs whose every day was read
    and that stand in no bill; `elsewhere` are WeChat's numbers that moved money on another day.
    """

    day: date
    trades: Sequence[WechatBillLine]
    refunds: Sequence[WechatBillLine]
    flows: Mapping[str, Sequence[WechatBillLine]]
    payments: Mapping[str, Paid]
    legs: Mapping[str, Leg]
    unbilled: Sequence[Leg]
    elsewhere: frozenset[str]


def open_book(row: WechatBillDay) -> Book:
    """The book of a day that was read, in the caller's transaction."""
    lines = lines_of(row)
    trades = [each for each in lines if each.trade_state == "SUCCESS"]
    refunds = [each for each in lines if each.trade_state == "REFUND"]
    flows = {kind: [each for each in lines if each.kind == kind] for kind in ("BASIC", "OPERATION")}
    moved = {each.business_no or "" for kind in flows.values() for each in kind}
    numbers = moved | {each.transaction_id or "" for each in trades}
    ours = {each.voucher_no or "" for kind in flows.values() for each in kind}
    ours |= {each.out_refund_no or "" for each in refunds}
    payments = _payments(row.day, numbers)
    legs = _legs(ours)
    return Book(
        day=row.day,
        trades=trades,
        refunds=refunds,
        flows=flows,
        payments=payments,
        legs=legs,
        unbilled=_unbilled(row.day),
        elsewhere=_elsewhere(row, {*payments, *(each.refund_id or "" for each in refunds)}),
    )


def lines_of(row: WechatBillDay) -> list[WechatBillLine]:
    """The lines of a day's newest reading, in the order of its bills."""
    query = select(WechatBillLine).where(
        WechatBillLine.bill_day_id == row.id, WechatBillLine.reading == row.reading
    )
    order = (WechatBillLine.kind, WechatBillLine.line)
    return list(db.session().scalars(query.order_by(*order)))


def span_of(day: date) -> tuple[datetime, datetime]:
    """The day of Beijing: its first instant, and that of the next."""
    start = datetime.combine(day, time(), clock.SHANGHAI)
    return start, start + timedelta(days=1)


def _payments(day: date, numbers: set[str]) -> dict[str, Paid]:
    start, end = span_of(day)
    session = db.session()
    of_the_day = select(WechatPayment).where(
        WechatPayment.success_at >= start, WechatPayment.success_at < end
    )
    rows = {each.transaction_id: each for each in session.scalars(of_the_day)}
    for some in _in_parts(numbers - rows.keys()):
        named = select(WechatPayment).where(WechatPayment.transaction_id.in_(some))
        rows |= {each.transaction_id: each for each in session.scalars(named)}
    booked = _booked({each.journal_id for each in rows.values()}, chart.WECHAT_IN_TRANSIT)
    return {name: Paid(row, booked.get(row.journal_id or 0, 0)) for name, row in rows.items()}


def _legs(numbers: set[str]) -> dict[str, Leg]:
    session = db.session()
    found: list[PayoutLeg] = []
    for some in _in_parts(numbers):
        named = select(PayoutLeg).where(
            PayoutLeg.provider_no.in_(some), PayoutLeg.channel.in_(_IN_BILLS)
        )
        found += session.scalars(named)
    return {each.row.provider_no: each for each in _with_facts(found)}


def _with_facts(rows: Sequence[PayoutLeg]) -> list[Leg]:
    journals = {each.journal_id for each in rows}
    taken = {
        channel: _booked(journals, code)
        for channel, code in (
            ("refund", chart.WECHAT_IN_TRANSIT),
            ("transfer", chart.WECHAT_OPERATING),
        )
    }
    paid: dict[int, str] = {}
    for some in _in_parts({each.payment_id for each in rows if each.payment_id is not None}):
        query = select(WechatPayment.id, WechatPayment.transaction_id)
        for payment_id, number in db.session().execute(query.where(WechatPayment.id.in_(some))):
            paid[payment_id] = number
    return [
        Leg(row, paid.get(row.payment_id or 0), -taken[row.channel].get(row.journal_id or 0, 0))
        for row in rows
    ]


def _unbilled(day: date) -> list[Leg]:
    """Legs that succeeded by a bill's day or were under way on it, and that no bill tells of.

    A refund stands in the bill of the day on which WeChat accepted it, which we are not told: any
    day from our first call to its success. Before all of them were read, nobody can say.
    """
    start, end = span_of(day)
    rows = db.session().scalars(
        select(PayoutLeg).where(
            PayoutLeg.channel.in_(_IN_BILLS),
            PayoutLeg.state == "succeeded",
            PayoutLeg.first_called_at < end,
            PayoutLeg.success_at >= start,
        )
    )
    return _with_facts([each for each in rows if _is_unbilled(each)])


def _is_unbilled(leg: PayoutLeg) -> bool:
    if leg.first_called_at is None or leg.success_at is None:
        return False
    first, last = clock.day_of(leg.first_called_at), clock.day_of(leg.success_at)
    session = db.session()
    within = and_(WechatBillDay.day >= first, WechatBillDay.day <= last, WechatBillDay.reading > 0)
    read = session.scalar(select(func.count()).select_from(WechatBillDay).where(within))
    if read != (last - first).days + 1:
        return False
    number = WechatBillLine.out_refund_no if leg.channel == "refund" else WechatBillLine.voucher_no
    query = _newest(select(WechatBillLine.id)).where(within, number == leg.provider_no)
    return session.scalar(query.limit(1)) is None


def _elsewhere(row: WechatBillDay, numbers: set[str]) -> frozenset[str]:
    """Those of the numbers whose money moved by the bill of another day: midnight is near."""
    found: set[str] = set()
    days = (row.day - timedelta(days=1), row.day + timedelta(days=1))
    for some in _in_parts(numbers - {""}):
        query = _newest(select(WechatBillLine.business_no)).where(
            WechatBillDay.day.in_(days), WechatBillLine.business_no.in_(some)
        )
        found |= {number for number in db.session().scalars(query) if number}
    return frozenset(found)


def _newest(query: Any) -> Any:
    """Lines of the newest readings alone."""
    same = and_(
        WechatBillDay.id == WechatBillLine.bill_day_id,
        WechatBillDay.reading == WechatBillLine.reading,
    )
    return query.join(WechatBillDay, same)


def _booked(journals: set[int | None], code: str) -> dict[int, Fen]:
    """What each journal brought to the account, in fen; below zero what it took."""
    found: dict[int, Fen] = {}
    signed = case(
        (Posting.debit_code == code, Posting.amount_fen),
        (Posting.credit_code == code, -Posting.amount_fen),
        else_=0,
    )
    for some in _in_parts({each for each in journals if each is not None}):
        rows = db.session().execute(
            select(Posting.journal_id, func.sum(signed))
            .where(Posting.journal_id.in_(some))
            .group_by(Posting.journal_id)
        )
        found |= {journal_id: int(fen) for journal_id, fen in rows}
    return found


def _in_parts(values: set[T]) -> Iterator[list[T]]:
    rest = list(values)
    for start in range(0, len(rest), _AT_ONCE):
        yield rest[start : start + _AT_ONCE]
