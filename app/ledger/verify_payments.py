"""P1, P3, P4, P8: orders, payments, notices and idempotency keys."""

from collections.abc import Iterator

from sqlalchemy import and_, func, or_, select

from app.db import db
from app.models import (
    IdempotencyKey,
    Journal,
    Notice,
    PaymentCase,
    PaymentOrder,
    Posting,
    WechatPayment,
)


def p1_credits_match_orders() -> Iterator[str]:
    """P1: one credit per order and transaction; amount, appid, mchid, CNY, number and payer agree.

    The owner's sub-account is the one credited.
    """
    session = db.session()
    differs = or_(
        PaymentOrder.id.is_(None),
        PaymentOrder.amount_fen != WechatPayment.amount_fen,
        PaymentOrder.appid != WechatPayment.appid,
        PaymentOrder.mchid != WechatPayment.mchid,
        WechatPayment.currency != "CNY",
        PaymentOrder.out_trade_no != WechatPayment.out_trade_no,
        PaymentOrder.payer_index != WechatPayment.payer_index,
        PaymentOrder.state != "credited",
    )
    query = (
        select(WechatPayment.id)
        .outerjoin(PaymentOrder, PaymentOrder.id == WechatPayment.order_id)
        .where(WechatPayment.outcome == "credited", differs)
    )
    for payment_id in session.scalars(query):
        yield f"payment {payment_id} is credited and does not match its order"
    for column in (WechatPayment.transaction_id,):
        double = select(column).group_by(column).having(func.count() > 1)
        for transaction_id in session.scalars(double):
            yield f"transaction {transaction_id} stands twice"
    twice = (
        select(WechatPayment.order_id)
        .where(WechatPayment.outcome == "credited")
        .group_by(WechatPayment.order_id)
        .having(func.count() > 1)
    )
    for order_id in session.scalars(twice):
        yield f"order {order_id} is credited twice"


def p1_journals_carry_the_amount() -> Iterator[str]:
    """P1: the journal of a payment moves exactly its amount, in one posting."""
    query = (
        select(WechatPayment.id)
        .join(Journal, Journal.id == WechatPayment.journal_id)
        .outerjoin(Posting, Posting.journal_id == Journal.id)
        .group_by(WechatPayment.id, WechatPayment.amount_fen)
        .having(or_(func.sum(Posting.amount_fen) != WechatPayment.amount_fen, func.count() != 1))
    )
    for payment_id in db.session().scalars(query):
        yield f"payment {payment_id}: its journal moves another amount"


def p3_states_and_facts_agree() -> Iterator[str]:
    """P3: an order's state is what happened to it; a trigger keeps it moving forward."""
    session = db.session()
    uncredited = (
        select(PaymentOrder.id)
        .outerjoin(
            WechatPayment,
            and_(WechatPayment.order_id == PaymentOrder.id, WechatPayment.outcome == "credited"),
        )
        .where(PaymentOrder.state == "credited", WechatPayment.id.is_(None))
    )
    for order_id in session.scalars(uncredited):
        yield f"order {order_id} is called credited without a payment"
    strange = select(PaymentOrder.id).where(
        or_(
            and_(PaymentOrder.state == "prepaid", PaymentOrder.prepay_id.is_(None)),
            and_(PaymentOrder.state == "created", PaymentOrder.prepay_id.is_not(None)),
            and_(PaymentOrder.state == "closed", PaymentOrder.closed_at.is_(None)),
        )
    )
    for order_id in session.scalars(strange):
        yield f"order {order_id}: its state and its facts disagree"


def p4_notices_had_their_effect() -> Iterator[str]:
    """P4: a notice that claims a payment has that payment; suspended money has a case."""
    session = db.session()
    lost = (
        select(Notice.id)
        .outerjoin(WechatPayment, WechatPayment.transaction_id == Notice.transaction_id)
        .where(Notice.outcome.in_(("credited", "already-recorded")), WechatPayment.id.is_(None))
    )
    for notice_id in session.scalars(lost):
        yield f"notice {notice_id} claims a payment that is not recorded"
    unconfirmed = (
        select(Notice.id)
        .outerjoin(PaymentCase, PaymentCase.transaction_id == Notice.transaction_id)
        .where(Notice.outcome == "unconfirmed", PaymentCase.id.is_(None))
    )
    for notice_id in session.scalars(unconfirmed):
        yield f"notice {notice_id} is unconfirmed and has no case"
    caseless = (
        select(WechatPayment.id)
        .outerjoin(
            PaymentCase,
            and_(PaymentCase.payment_id == WechatPayment.id, PaymentCase.kind == "suspended"),
        )
        .where(WechatPayment.outcome == "suspended", PaymentCase.id.is_(None))
    )
    for payment_id in session.scalars(caseless):
        yield f"payment {payment_id} stands in suspense without a case"


def p8_keys_hold_one_order() -> Iterator[str]:
    """P8: each key belongs to the order of the same person; each order to at most one key."""
    session = db.session()
    strangers = (
        select(IdempotencyKey.id)
        .outerjoin(PaymentOrder, PaymentOrder.id == IdempotencyKey.order_id)
        .where(or_(PaymentOrder.id.is_(None), PaymentOrder.person_id != IdempotencyKey.person_id))
    )
    for key_id in session.scalars(strangers):
        yield f"idempotency key {key_id} points at another person's order"
    doubled = (
        select(IdempotencyKey.order_id).group_by(IdempotencyKey.order_id).having(func.count() > 1)
    )
    for order_id in session.scalars(doubled):
        yield f"order {order_id} belongs to two keys"
    keyless = (
        select(PaymentOrder.id)
        .outerjoin(IdempotencyKey, IdempotencyKey.order_id == PaymentOrder.id)
        .where(IdempotencyKey.id.is_(None))
    )
    for order_id in session.scalars(keyless):
        yield f"order {order_id} was made without a key"


CHECKS = (
    ("P1", "each credit is the payment its order asked for, once", p1_credits_match_orders),
    ("P1", "each credit is the payment its order asked for, once", p1_journals_carry_the_amount),
    ("P3", "order states agree with what happened", p3_states_and_facts_agree),
    ("P4", "verified notices had their effect; suspense has cases", p4_notices_had_their_effect),
    ("P8", "one idempotency key, one order, one person", p8_keys_hold_one_order),
)
