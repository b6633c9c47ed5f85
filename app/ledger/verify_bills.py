"""P6: each day three ways (our rows, WeChat's bill, the books), matched anew and otherwise.

What `reconcile` found is not asked: a reconciled day is compared here from what is stored, as it
was when it was matched. Whatever differs needs a case of that day, and none of them open.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import func, or_, select

from app import clock
from app.db import db
from app.models import (
    Journal,
    PaymentCase,
    PayoutLeg,
    Posting,
    WechatBillCase,
    WechatBillDay,
    WechatBillLine,
    WechatPayment,
)

P6 = "each reconciled day agrees three ways, or each difference is explained; fees are the bill's"
_FEES = ("扣除交易手续费", "退还交易手续费")
_SORTS = {"提现": "10101", "充值": "10101", **dict.fromkeys(_FEES, "41102")}
_STANDS_IN = {"BASIC": "10109", "OPERATION": "10108"}


@dataclass(frozen=True)
class _Day:
    """A day, its newest reading, and its cases that are open or explained, by number."""

    row: WechatBillDay
    lines: list[WechatBillLine]
    cases: dict[str, PaymentCase]

    def of(self, kind: str, state: str | None = None) -> list[WechatBillLine]:
        return [each for each in self.lines if (each.kind, each.trade_state) == (kind, state)]

    def has(self, number: str | None) -> bool:
        """Whether a case of the day is about the number, also where it was opened once more."""
        return any(each.partition("#")[0] == number for each in self.cases)


def p6_states() -> Iterator[str]:
    """P6: a reconciled day has no open case, and was matched; a day that differs has one."""
    open_cases = (
        select(func.count())
        .select_from(WechatBillCase)
        .join(PaymentCase, PaymentCase.id == WechatBillCase.case_id)
        .where(WechatBillCase.bill_day_id == WechatBillDay.id, PaymentCase.resolved_at.is_(None))
        .scalar_subquery()
    )
    query = select(WechatBillDay.day, open_cases).where(
        WechatBillDay.state == "reconciled", or_(open_cases > 0, WechatBillDay.reading == 0)
    )
    for day, count in db.session().execute(query):
        yield f"day {day} is called reconciled with {count} open cases, or unread"


def p6_sums() -> Iterator[str]:
    """P6: a day's sums are those of its lines, and those of our own rows where nothing differed."""
    for day in _days():
        payments, refunds = day.of("trade", "SUCCESS"), day.of("trade", "REFUND")
        row = day.row
        counted = (
            len(payments),
            sum(each.amount_fen or 0 for each in payments),
            len(refunds),
            sum(each.refund_fen or 0 for each in refunds),
            -sum(each.fen or 0 for each in day.lines if each.flow_kind in _FEES),
            -sum(each.fen or 0 for each in day.lines if each.flow_kind == "提现"),
            sum(each.fen or 0 for each in day.lines if each.flow_kind == "充值"),
        )
        stored = (row.payments_count, row.payments_fen, row.refunds_count, row.refunds_fen)
        if counted != (*stored, row.fees_fen, row.settled_fen, row.topped_up_fen):
            yield f"day {row.day}: its sums are not those of its lines"
        if row.state == "reconciled" and not day.cases:
            ours = _ours(row)
            found = (len(ours), sum(each.amount_fen for each in ours))
            if found != stored[:2]:
                yield f"day {row.day}: we hold {found}, the bill says {stored[:2]}"


def p6_payments_match() -> Iterator[str]:
    """P6: on a reconciled day each payment stands once here, in the bill, and in the books."""
    for day in _days(reconciled=True):
        billed: dict[str, list[int]] = {}
        for line in day.of("trade", "SUCCESS"):
            billed.setdefault(line.transaction_id or "", []).append(line.amount_fen or 0)
        ours = {each.transaction_id: each for each in _ours(day.row)}
        for number in sorted(billed.keys() | ours.keys()):
            payment = ours.get(number)
            agrees = payment is not None and billed.get(number) == [payment.amount_fen]
            if payment is not None:
                agrees &= _booked(payment.journal_id, "10109") == payment.amount_fen
            if not agrees and not day.has(number):
                yield f"day {day.row.day}: payment {number} does not agree and has no case"


def p6_money_came() -> Iterator[str]:
    """P6: each payment of a reconciled day came into the merchant's account once, as it was."""
    moved: dict[str, list[int]] = {}
    for day in _days():
        for line in day.of("BASIC"):
            if line.flow_kind == "交易" and (line.fen or 0) > 0:
                moved.setdefault(line.business_no or "", []).append(line.fen or 0)
    for day in _days(reconciled=True):
        numbers = {each.transaction_id for each in _ours(day.row)}
        numbers |= {each.business_no or "" for each in day.of("BASIC") if each.flow_kind == "交易"}
        for number in sorted(numbers):
            if moved.get(number) != [_amount_of(number)] and not day.has(number):
                yield f"day {day.row.day}: the money of {number} does not agree and has no case"


def p6_refunds_match() -> Iterator[str]:
    """P6: on a reconciled day each refund in the bill is one of ours, of its payment and amount."""
    for day in _days(reconciled=True):
        refunds = day.of("trade", "REFUND")
        times = Counter(each.out_refund_no for each in refunds)
        for line in refunds:
            agrees = times[line.out_refund_no] == 1 and _is_our_refund(line)
            if not agrees and not day.has(line.refund_id):
                yield f"day {day.row.day}: refund {line.refund_id} does not agree and has no case"


def _is_our_refund(line: WechatBillLine) -> bool:
    found = (
        db.session()
        .execute(
            select(PayoutLeg, WechatPayment.transaction_id)
            .join(WechatPayment, WechatPayment.id == PayoutLeg.payment_id)
            .where(PayoutLeg.provider_no == line.out_refund_no)
        )
        .first()
    )
    if found is None:
        return False
    leg, number = found
    if leg.state == "succeeded" and _booked(leg.journal_id, "10109") != -leg.amount_fen:
        return False
    return bool((leg.amount_fen, number) == (line.refund_fen, line.transaction_id))


def p6_refunds_are_billed() -> Iterator[str]:
    """P6: a refund that succeeded stands in a bill, once every day it may be in is reconciled."""
    session = db.session()
    days = {each.row.day: each for each in _days(reconciled=True)}
    lines = {line.out_refund_no for day in days.values() for line in day.of("trade", "REFUND")}
    legs = select(PayoutLeg).where(
        PayoutLeg.channel == "refund",
        PayoutLeg.state == "succeeded",
        PayoutLeg.first_called_at.is_not(None),
    )
    for leg in session.scalars(legs):
        if leg.provider_no in lines or leg.first_called_at is None or leg.success_at is None:
            continue
        first, last = clock.day_of(leg.first_called_at), clock.day_of(leg.success_at)
        among = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        numbers = {leg.provider_id, leg.provider_no}
        if not all(day in days for day in among):
            continue
        of_leg = [days[day] for day in among]
        has_case = any(each.has(number) for each in of_leg for number in numbers)
        if any(_knew(each.row, leg.journal_id) for each in of_leg) and not has_case:
            yield f"payout leg {leg.id} stands in no bill and has no case"


def p6_booked_as_billed() -> Iterator[str]:
    """P6: a booked day's journal is its fees, settlements and top-ups, to the fen."""
    session = db.session()
    for day in _days():
        row = day.row
        if row.journal_id is None:
            continue
        journal = session.get(Journal, row.journal_id)
        wanted: Counter[str] = Counter()
        for line in day.lines:
            other = _SORTS.get(line.flow_kind or "")
            if other is not None:
                wanted[_STANDS_IN[line.kind]] += line.fen or 0
                wanted[other] -= line.fen or 0
        codes = {"10101", "10108", "10109", "41102"} | _codes(row.journal_id)
        booked = {code: _booked(row.journal_id, code) for code in codes}
        is_its = journal is not None and (journal.kind, journal.value_on) == ("wechat-day", row.day)
        if not is_its or any(booked[code] != wanted[code] for code in codes):
            yield f"day {row.day}: its journal is not what the fund flow says"
        if booked["41102"] != row.fees_fen:
            yield f"day {row.day}: fees booked {booked['41102']}, in the bill {row.fees_fen}"


def _days(*, reconciled: bool = False) -> Iterator[_Day]:
    session = db.session()
    query = select(WechatBillDay).where(WechatBillDay.reading > 0).order_by(WechatBillDay.day)
    if reconciled:
        query = query.where(WechatBillDay.state == "reconciled")
    for row in session.scalars(query).all():
        lines = select(WechatBillLine).where(
            WechatBillLine.bill_day_id == row.id, WechatBillLine.reading == row.reading
        )
        cases = (
            select(PaymentCase)
            .join(WechatBillCase, WechatBillCase.case_id == PaymentCase.id)
            .where(WechatBillCase.bill_day_id == row.id)
            .where(or_(PaymentCase.resolved_at.is_(None), PaymentCase.resolution == "explained"))
        )
        by_number = {each.transaction_id: each for each in session.scalars(cases)}
        yield _Day(row, list(session.scalars(lines)), by_number)


def _ours(row: WechatBillDay) -> list[WechatPayment]:
    """Our payments of the day, of which we knew when it was matched."""
    start = datetime.combine(row.day, time(), clock.SHANGHAI)
    query = select(WechatPayment).where(
        WechatPayment.success_at >= start,
        WechatPayment.success_at < start + timedelta(days=1),
        WechatPayment.recorded_at <= row.matched_at,
    )
    return list(db.session().scalars(query))


def _knew(row: WechatBillDay, journal_id: int | None) -> bool:
    journal = None if journal_id is None else db.session().get(Journal, journal_id)
    return (
        journal is not None and row.matched_at is not None and journal.posted_at <= row.matched_at
    )


def _amount_of(number: str) -> int | None:
    query = select(WechatPayment.amount_fen).where(WechatPayment.transaction_id == number)
    return db.session().scalar(query)


def _booked(journal_id: int | None, code: str) -> int:
    """What the journal brought to the account, in fen."""
    return sum(
        fen if debit == code else -fen if credit == code else 0
        for debit, credit, fen in db.session().execute(
            select(Posting.debit_code, Posting.credit_code, Posting.amount_fen).where(
                Posting.journal_id == journal_id
            )
        )
    )


def _codes(journal_id: int) -> set[str]:
    rows = db.session().execute(
        select(Posting.debit_code, Posting.credit_code).where(Posting.journal_id == journal_id)
    )
    return {code for pair in rows for code in pair}


CHECKS = (
    ("P6", P6, p6_states),
    ("P6", P6, p6_sums),
    ("P6", P6, p6_payments_match),
    ("P6", P6, p6_money_came),
    ("P6", P6, p6_refunds_match),
    ("P6", P6, p6_refunds_are_billed),
    ("P6", P6, p6_booked_as_billed),
)
