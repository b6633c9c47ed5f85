"""Nobody told us: orders and cases are asked after at WeChat until they are settled (P2).

Each order is asked about within ten minutes of being paid at the latest, and is closed here only
after WeChat itself says that it is closed. Several are asked about at once: an answer is on its
way most of its time.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

from sqlalchemy import select, update

from app import log, wechat
from app.db import in_own_session, reading, retried, transaction
from app.errors import Conflict
from app.models import PaymentCase, PaymentOrder
from app.services import own_deposits, payments
from app.services.members import Member
from app.wechat.faults import WechatRefused, WechatUnavailable
from app.wechat.transaction import Transaction

BATCH = 200
AT_ONCE = 8
GIVE_UP_AFTER = 5
_LONGEST_PAUSE = timedelta(minutes=5)  # half of what P2 allows
_LONGEST_PAUSE_OF_A_CASE = timedelta(hours=1)
_CLOSED_AT_WECHAT = ("CLOSED", "REVOKED", "PAYERROR")


class DepositAlreadyPaid(Conflict):
    """The deposit cannot be cancelled: WeChat has taken the money."""

    sentence = "这笔缴存已支付成功，不能取消。"


def follow_up_payments(*, at: datetime) -> dict[str, int]:
    """The orders and cases longest due, a batch of each, were asked about; counts by outcome.

    One that fails does not stop the others. Running it twice at once is safe.
    """
    with reading() as session:
        due = session.scalars(
            select(PaymentOrder.out_trade_no)
            .where(PaymentOrder.state.in_(("created", "prepaid")), PaymentOrder.next_query_at <= at)
            .order_by(PaymentOrder.next_query_at, PaymentOrder.id)
            .limit(BATCH)
        ).all()
        cases = session.scalars(
            select(PaymentCase.transaction_id)
            .where(
                PaymentCase.kind == "unconfirmed",
                PaymentCase.resolved_at.is_(None),
                PaymentCase.next_query_at <= at,
            )
            .order_by(PaymentCase.next_query_at, PaymentCase.id)
            .limit(BATCH)
        ).all()
    questions = [(_settled, each) for each in due] + [(_confirmed, each) for each in cases]
    return dict(_outcomes(questions, at))


_Question = tuple[Callable[[str, datetime], str], str]


def _outcomes(questions: Sequence[_Question], at: datetime) -> Counter[str]:
    """Counts by outcome of questions asked at most `AT_ONCE` at a time.

    As long as WeChat may be away, no more are open than it takes to give up. After that no further
    one is asked: waiting for each time-out would hold up the other jobs.
    """
    counts: Counter[str] = Counter()
    waiting, room, in_vain = list(reversed(questions)), GIVE_UP_AFTER, 0
    asked: set[Future[str]] = set()
    settle_one = in_own_session(lambda ask, number: ask(number, at))
    with ThreadPoolExecutor(AT_ONCE, "follow-up") as threads:
        while asked or waiting:
            while waiting and len(asked) < min(room, AT_ONCE):
                asked.add(threads.submit(settle_one, *waiting.pop()))
            answered, asked = wait(asked, return_when=FIRST_COMPLETED)
            for outcome in (each.result() for each in answered):
                counts[outcome] += 1
                in_vain = in_vain + 1 if outcome == "wechat-unavailable" else 0
            room = GIVE_UP_AFTER - in_vain if in_vain else AT_ONCE
            if room <= 0:
                waiting.clear()
    return counts


def settle_order(*, member: Member, deposit_id: str, at: datetime) -> own_deposits.DepositView:
    """The order stands here as WeChat knows it now: what a phone asks after `requestPayment`."""
    deposit = own_deposits.deposit_of(member=member, deposit_id=deposit_id)
    if deposit.state == "credited":
        return deposit
    out_trade_no = own_deposits.out_trade_no_of(member=member, deposit_id=deposit_id)

    settle(out_trade_no, at=at)

    return own_deposits.deposit_of(member=member, deposit_id=deposit_id)


def cancel_order(*, member: Member, deposit_id: str, at: datetime) -> own_deposits.DepositView:
    """The order is closed at WeChat and here; raises `DepositAlreadyPaid` when it was paid.

    Cancelling twice changes nothing.
    """
    out_trade_no = own_deposits.out_trade_no_of(member=member, deposit_id=deposit_id)

    settle(out_trade_no, at=at, close=True)

    view = own_deposits.deposit_of(member=member, deposit_id=deposit_id)
    if view.state == "credited":
        raise DepositAlreadyPaid()
    return view


def settle(out_trade_no: str, *, at: datetime, close: bool = False) -> str:
    """The order is credited, closed, or known to wait; answers which.

    An order past its time is closed at WeChat first; only WeChat's own word that it is closed
    closes it here. Raises `WechatUnavailable`, `WechatRefused`.
    """
    found = wechat.pay().query(out_trade_no)
    if found is not None and found.is_paid:
        return _taken(found, at)

    if not close and not _is_overdue(out_trade_no, at):
        _ask_again_later(out_trade_no, at)
        return "waiting"

    if found is not None and found.trade_state not in _CLOSED_AT_WECHAT:
        _close_at_wechat(out_trade_no)
        found = wechat.pay().query(out_trade_no)  # somebody may have paid in between
        if found is not None and found.is_paid:
            return _taken(found, at)
    return _closed(out_trade_no, found, at)


def _close_at_wechat(out_trade_no: str) -> None:
    try:
        wechat.pay().close(out_trade_no)
    except WechatRefused as refused:
        if refused.facts["code"] not in ("ORDERPAID", "ORDER_CLOSED"):
            raise  # paid or closed a moment ago is no failure: the next query tells which


def _taken(paid: Transaction, at: datetime) -> str:
    outcome = payments.take_answer(paid=paid, at=at)
    if outcome != payments.CREDITED:
        _ask_again_later(paid.out_trade_no, at)  # it may still be open: not first in every run
    return outcome


def _settled(out_trade_no: str, at: datetime) -> str:
    try:
        return settle(out_trade_no, at=at)
    except (WechatUnavailable, WechatRefused) as error:
        log.get().warning("order-not-settled", out_trade_no=out_trade_no, why=error.slug)
        _ask_again_later(out_trade_no, at)
        return error.slug
    except Exception as error:  # noqa: BLE001 - one bad row must not keep the others from credit
        log.get().error("order-not-settled", out_trade_no=out_trade_no, exc_info=error)
        _put_off(out_trade_no, at)
        return "failed"


def _confirmed(transaction_id: str, at: datetime) -> str:
    try:
        _put_off_case(transaction_id, at)
        paid = wechat.pay().query_by_transaction_id(transaction_id)
        if paid is None or not paid.is_paid:
            return "case-open"  # WeChat does not know the payment its notice spoke of: for people
        return payments.take_answer(paid=paid, at=at)
    except (WechatUnavailable, WechatRefused) as error:
        return error.slug
    except Exception as error:  # noqa: BLE001 - as above
        log.get().error("case-not-settled", transaction_id=transaction_id, exc_info=error)
        return "failed"


@retried
def _closed(out_trade_no: str, found: Transaction | None, at: datetime) -> str:
    """Closed here if WeChat has closed it or never knew it, and nobody can pay it any more."""
    with transaction() as session:
        order = session.scalars(
            select(PaymentOrder).where(PaymentOrder.out_trade_no == out_trade_no).with_for_update()
        ).one()
        if order.state in ("credited", "closed"):
            return order.state
        gone = found is None and _prepay_is_over(order, at)
        if not gone and (found is None or found.trade_state not in _CLOSED_AT_WECHAT):
            order.next_query_at = at + timedelta(seconds=30)
            return "waiting"
        order.state, order.closed_at = "closed", at
        return "closed"


def _prepay_is_over(order: PaymentOrder, at: datetime) -> bool:
    """Whether no prepay call of ours can still create the order at WeChat."""
    called_at = order.prepay_called_at
    return called_at is None or at - called_at > timedelta(minutes=1)


def _is_overdue(out_trade_no: str, at: datetime) -> bool:
    with reading() as session:
        expires_at = session.scalars(
            select(PaymentOrder.expires_at).where(PaymentOrder.out_trade_no == out_trade_no)
        ).one()
    return expires_at <= at


@retried
def _ask_again_later(out_trade_no: str, at: datetime) -> None:
    with transaction() as session:
        order = session.scalars(
            select(PaymentOrder).where(PaymentOrder.out_trade_no == out_trade_no).with_for_update()
        ).one()
        pause = min(timedelta(seconds=30 * 2 ** min(order.queries, 8)), _LONGEST_PAUSE)
        order.queries += 1
        order.next_query_at = at + pause


@retried
def _put_off(out_trade_no: str, at: datetime) -> None:
    """Asked again after the longest pause; the row is not read, it may be what is damaged."""
    with transaction() as session:
        session.execute(
            update(PaymentOrder)
            .where(PaymentOrder.out_trade_no == out_trade_no)
            .values(next_query_at=at + _LONGEST_PAUSE)
        )


@retried
def _put_off_case(transaction_id: str, at: datetime) -> None:
    """Asked again when the case is twice as old, or in an hour: new cases come before old ones."""
    with transaction() as session:
        case = session.scalars(
            select(PaymentCase).where(
                PaymentCase.transaction_id == transaction_id, PaymentCase.kind == "unconfirmed"
            )
        ).one()
        age = max(at - case.opened_at, timedelta(seconds=10))
        case.next_query_at = at + min(age, _LONGEST_PAUSE_OF_A_CASE)
