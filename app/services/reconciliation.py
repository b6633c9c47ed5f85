"""Every day's bill is read, matched three ways, and what differs becomes a case (P6).

Our rows, WeChat's bill and the books: a day on which they do not agree is not reconciled until
they do, or until two people have explained each difference. Nothing is posted from a bill: a
payment that only the bill knows is asked after, and WeChat's own answer is what is booked.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update

from app import log, wechat
from app.db import reading, retried, transaction
from app.models import PaymentCase, PayoutLeg
from app.services import bill_book, bill_cases, bill_match, bill_readings, payments
from app.services.bill_matters import ONLY_IN_BILL
from app.services.bill_readings import DIFFERS, RECONCILED, WAITING
from app.wechat.bill import BillNotReady, BillUnfit
from app.wechat.faults import WechatRefused, WechatUnavailable

DAYS_A_RUN = 10
_QUESTIONS_A_DAY = 50
_UNAVAILABLE = WechatUnavailable().slug


@dataclass(frozen=True)
class _Matched:
    state: str
    unknown_payments: tuple[str, ...]


def reconcile(*, at: datetime) -> dict[str, int]:
    """Every day that was due has been read and matched; answers counts by outcome.

    One day that fails does not stop the others. Running it twice at once is safe.
    """
    bill_readings.open_days(at=at)
    counts: Counter[str] = Counter()
    for day in bill_readings.due_to_read(at=at, most=DAYS_A_RUN):
        outcome = _looked_at(day, at)
        counts[outcome] += 1
        if outcome == _UNAVAILABLE:
            break  # WeChat is away: waiting for each time-out would hold up the other jobs
    for day in bill_readings.due_to_match(at=at):
        counts[_settled(day, at)] += 1
    return dict(counts)


def _looked_at(day: date, at: datetime) -> str:
    try:
        return _read(day, at)
    except Exception as error:  # noqa: BLE001 - one bad day must not keep the others from being read
        log.get().error("bill-not-read", day=day.isoformat(), exc_info=error)
        bill_readings.put_off(day, at=at)
        return "failed"


def _read(day: date, at: datetime) -> str:
    try:
        bills = wechat.pay().bills.of_day(day)
    except BillUnfit as unfit:
        bill_readings.save_unfit(day, unfit.why, at=at)
        return "unfit"
    except BillNotReady:
        bill_readings.put_off(day, at=at)
        return "not-ready"
    except WechatUnavailable as error:
        bill_readings.put_off(day, at=at)
        return error.slug
    bill_readings.save(day, bills, at=at)
    return "read"


def _settled(day: date, at: datetime) -> str:
    """The day is matched, what only WeChat knows is asked after, and it is matched once more."""
    try:
        found = _match(day, at)
        if _ask(found.unknown_payments, at):
            found = _match(day, at)
        log.get().info("bill-matched", day=day.isoformat(), state=found.state)
        return found.state
    except Exception as error:  # noqa: BLE001 - one bad day must not keep the others from being seen
        log.get().error("bill-not-matched", day=day.isoformat(), exc_info=error)
        return "failed"


@retried
def _match(day: date, at: datetime) -> _Matched:
    with transaction() as session:
        row = bill_readings.locked(day)
        found = bill_match.match(bill_book.open_book(row))
        open_count = bill_cases.settle(row, found.matters, at=at)
        if found.legs_to_ask:
            session.execute(
                update(PayoutLeg).where(PayoutLeg.id.in_(found.legs_to_ask)).values(next_at=at)
            )
        # Until we have heard how a refund ended, the day waits: nobody has to see to it.
        agreed = WAITING if found.legs_to_ask else RECONCILED
        row.state, row.matched_at = DIFFERS if open_count else agreed, at
        session.flush()
        return _Matched(row.state, found.unknown_payments)


def _ask(numbers: Sequence[str], at: datetime) -> bool:
    """Whether WeChat told us of a payment we did not know: the bill is the third net (F8)."""
    is_news = False
    for number in _not_explained(numbers)[:_QUESTIONS_A_DAY]:
        try:
            paid = wechat.pay().query_by_transaction_id(number)
            if paid is not None and paid.is_paid:
                outcome = payments.take_answer(paid=paid, at=at)
                is_news = is_news or outcome != payments.UNCONFIRMED
        except WechatRefused as refused:
            log.get().warning("bill-payment-refused", number=number, code=refused.facts["code"])
        except WechatUnavailable:
            break  # the next run asks again
    return is_news


def _not_explained(numbers: Sequence[str]) -> list[str]:
    if not numbers:
        return []
    with reading() as session:
        waiting = session.scalars(
            select(PaymentCase.transaction_id)
            .where(
                PaymentCase.kind == ONLY_IN_BILL,
                PaymentCase.transaction_id.in_(numbers),
                PaymentCase.resolved_at.is_(None),
            )
            .order_by(PaymentCase.id)
        )
        return list(waiting)
