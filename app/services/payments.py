"""Money that WeChat says has arrived: credited once, or standing in suspense with an open case.

A notice that matches its order is credited in one transaction with its inbox row. A notice that
does not match is not believed: it opens a case, and the follow-up asks WeChat. What WeChat's own
answer confirms and no order explains goes to account 219 with an open case.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import select

from app import clock, log, vault, wechat
from app.db import db, insert_unless_there, retried, transaction
from app.errors import Unauthenticated
from app.ledger import entries
from app.models import Notice, PaymentOrder, WechatPayment
from app.services import notifications, payment_cases, payout_channels, payouts
from app.services.accounts import open_account
from app.services.members import locked_person
from app.services.payment_cases import Difference
from app.wechat.apiv3 import NotFromWechat
from app.wechat.pay_notice import PaymentNotice, open_notice
from app.wechat.transaction import Transaction

CREDITED, KNOWN, UNCONFIRMED, SUSPENDED = (
    "credited",
    "already-recorded",
    "unconfirmed",
    "suspended",
)


class NoticeForged(Unauthenticated):
    """The bytes were not signed by WeChat Pay within the last five minutes."""

    sentence = "通知未通过验签。"
    extensions: ClassVar[Mapping[str, str]] = {  # WeChat's own shape of a refusal
        "code": "FAIL",
        "message": "signature not accepted",
    }


def receive_notice(*, headers: Mapping[str, str], body: bytes, at: datetime) -> str:
    """The notice in these raw bytes has had its effect; answers the outcome.

    Raises `NoticeForged` for anything WeChat did not just sign: no row, no outbound call.
    """
    try:
        notice = open_notice(wechat.pay().platform, headers, body, at=at)
    except NotFromWechat as forged:
        log.get().warning("payment-notice-forged", why=forged.why)
        raise NoticeForged() from None
    return take_notice(notice=notice, at=at)


@retried
def take_notice(*, notice: PaymentNotice, at: datetime) -> str:
    """The verified notice stands in the inbox, and its effect with it; answers the outcome.

    The same notice again changes nothing.
    """
    paid = notice.transaction
    with transaction():
        if not insert_unless_there(Notice, **_inbox_row(notice, at)):
            return KNOWN
        if notice.refund is not None or notice.transfer is not None:
            return _take_leg(notice, at)
        if paid is None or not paid.is_paid:
            return "not-a-payment"
        order = _locked_order(paid.out_trade_no)
        if _is_recorded(paid.transaction_id):
            outcome = KNOWN
        elif found := differences(paid, order):
            _open_case("unconfirmed", paid, found, at)
            if order is not None:
                order.next_query_at = at
            outcome = UNCONFIRMED
        else:
            outcome = _credit(paid, order, found_by="notice", at=at)
        _set_outcome(notice.notice_id, outcome)
    log.get().info("payment-notice", outcome=outcome, out_trade_no=paid.out_trade_no)
    return outcome


@retried
def take_answer(*, paid: Transaction, at: datetime) -> str:
    """What WeChat answered to our own question is in the books; answers the outcome.

    Raises nothing for a repeat. A payment in another currency or for another merchant is not ours
    to book: it stays a case.
    """
    with transaction():
        order = _locked_order(paid.out_trade_no)
        if _is_recorded(paid.transaction_id):
            _resolve_unconfirmed(paid.transaction_id, "recorded", at)
            return KNOWN
        found = differences(paid, order)
        if not found:
            return _credit(paid, order, found_by="query", at=at)
        if {each.field for each in found} & {"appid", "mchid", "currency"}:
            _open_case("unconfirmed", paid, found, at)
            return UNCONFIRMED
        return _suspend(paid, order, found, at)


def differences(paid: Transaction, order: PaymentOrder | None) -> list[Difference]:
    """Every way in which a payment is not the one the order asked for (P1)."""
    gateway = wechat.pay()
    pairs: list[tuple[str, str, str]] = [
        ("mchid", gateway.mchid, paid.mchid),
        ("appid", gateway.appid, paid.appid),
        ("currency", "CNY", paid.currency),
        ("trade_type", "JSAPI", paid.trade_type),
        ("trade_state", "SUCCESS", "SUCCESS" if paid.is_paid else paid.trade_state),
    ]
    if order is None:
        pairs.append(("out_trade_no", "an order of ours", paid.out_trade_no))
    else:
        pairs.append(("amount", str(order.amount_fen), str(paid.amount_total)))
        payer = vault.blind_index(paid.payer_openid, purpose="openid")
        pairs.append(("payer", "the owner", "the owner" if payer == order.payer_index else "other"))
        if order.state == "credited":
            pairs.append(("order", "unpaid", "credited by another payment"))
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def _credit(paid: Transaction, order: PaymentOrder | None, *, found_by: str, at: datetime) -> str:
    assert order is not None  # no difference means an order  # noqa: S101
    payment = _new_payment(paid, order, "credited", found_by, at)
    if payment is None:
        return KNOWN
    into = open_account(person_id=order.person_id, on=clock.day_of(payment.success_at), at=at)
    journal = entries.deposit_received(payment, into=into, actor=f"person:{order.person_id}", at=at)
    payment.journal_id = journal.id
    order.state = "credited"
    notifications.notify(
        person_id=order.person_id,
        kind="deposit-credited",
        source=f"wechat-payment:{payment.id}",
        params={
            "amount_fen": payment.amount_fen,
            "paid_at": notifications.in_shanghai(payment.success_at),
            "value_on": journal.value_on.isoformat(),
        },
        at=at,
    )
    _resolve_unconfirmed(paid.transaction_id, "credited", at)
    db.session().flush()
    return CREDITED


def _suspend(
    paid: Transaction, order: PaymentOrder | None, found: list[Difference], at: datetime
) -> str:
    payment = _new_payment(paid, order, "suspended", "query", at)
    if payment is None:
        return KNOWN
    if order is not None and order.state in ("created", "prepaid"):
        # Its number is spent at WeChat: it can neither be paid nor wait for anything any more.
        order.state, order.closed_at = "closed", at
    journal = entries.payment_suspended(payment, actor="job:follow-up-payments", at=at)
    payment.journal_id = journal.id
    _resolve_unconfirmed(paid.transaction_id, "suspended", at)
    _open_case("suspended", paid, found, at, payment_id=payment.id)
    db.session().flush()
    return SUSPENDED


def _new_payment(
    paid: Transaction, order: PaymentOrder | None, outcome: str, found_by: str, at: datetime
) -> WechatPayment | None:
    """The payment's row; None when another transaction recorded it first."""
    assert paid.success_time is not None  # a paid transaction has one  # noqa: S101
    inserted = insert_unless_there(
        WechatPayment,
        transaction_id=paid.transaction_id,
        out_trade_no=paid.out_trade_no,
        order_id=None if order is None else order.id,
        appid=paid.appid,
        mchid=paid.mchid,
        currency=paid.currency,
        amount_fen=paid.amount_total,
        payer_index=vault.blind_index(paid.payer_openid, purpose="openid"),
        success_at=paid.success_time,
        found_by=found_by,
        recorded_at=at,
        outcome=outcome,
    )
    if not inserted:
        return None
    return (
        db.session()
        .scalars(select(WechatPayment).where(WechatPayment.transaction_id == paid.transaction_id))
        .one()
    )


def _locked_order(out_trade_no: str) -> PaymentOrder | None:
    """Our order of this number, with its owner's row locked before it; None if there is none."""
    session = db.session()
    query = select(PaymentOrder).where(PaymentOrder.out_trade_no == out_trade_no)
    person_id = session.scalar(
        select(PaymentOrder.person_id).where(PaymentOrder.out_trade_no == out_trade_no)
    )
    if person_id is None:
        return None
    locked_person(person_id)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()


def _is_recorded(transaction_id: str) -> bool:
    found = db.session().scalar(
        select(WechatPayment.id).where(WechatPayment.transaction_id == transaction_id)
    )
    return found is not None


def _take_leg(notice: PaymentNotice, at: datetime) -> str:
    """The leg stands as the notice says; one that is about other money is asked after instead.

    A number of no leg of ours is money somebody sent back by hand: a case for people.
    """
    leg = payouts.locked_leg(notice.our_no)
    outcome = "leg-unconfirmed"
    if leg is None:
        found = [Difference("out_no", "a payout of ours", notice.our_no)]
        payment_cases.open_case("payout-unexplained", notice.wechat_no, notice.our_no, found, at=at)
    elif not (word := payout_channels.word_of_notice(notice, leg)).differing:
        payouts.record(leg, word, at=at)
        outcome = "leg-recorded"
    elif leg.state not in payouts.ENDED:
        leg.next_at = at
    _set_outcome(notice.notice_id, outcome)
    log.get().info("payout-notice", outcome=outcome, provider_no=notice.our_no)
    return outcome


def _inbox_row(notice: PaymentNotice, at: datetime) -> dict[str, object]:
    return {
        "notice_id": notice.notice_id,
        "event_type": notice.event_type,
        "out_trade_no": notice.our_no,
        "transaction_id": notice.wechat_no,
        "body_sha256": notice.body_sha256,
        "received_at": at,
        "outcome": "not-a-payment",
    }


def _set_outcome(notice_id: str, outcome: str) -> None:
    row = db.session().scalars(select(Notice).where(Notice.notice_id == notice_id)).one()
    row.outcome = outcome


def _open_case(
    kind: str,
    paid: Transaction,
    found: list[Difference],
    at: datetime,
    *,
    payment_id: int | None = None,
) -> None:
    payment_cases.open_case(
        kind, paid.transaction_id, paid.out_trade_no, found, at=at, payment_id=payment_id
    )


def _resolve_unconfirmed(transaction_id: str, resolution: str, at: datetime) -> None:
    payment_cases.close_case("unconfirmed", transaction_id, resolution, at=at)
