"""P1, P3, P4, P8: orders, payments, notices and idempotency keys."""

from collections.abc import Iterator

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import aliased

from app import clock, vault
from app.db import db
from app.ledger import chart
from app.models import (
    Agreement,
    FundAccount,
    IdempotencyKey,
    Journal,
    ManualJournal,
    Notice,
    PaymentCase,
    PaymentOrder,
    Payout,
    Posting,
    SubAccount,
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


def p1_payers_are_who_they_are() -> Iterator[str]:
    """P1: the payer an order is looked up by is the one it was made for."""
    rows = db.session().execute(
        select(PaymentOrder.id, PaymentOrder.payer_openid, PaymentOrder.payer_index)
    )
    for order_id, openid, index in rows:
        if vault.blind_index(openid, purpose="openid") != index:
            yield f"order {order_id}: the blind index is not that of its payer"


def p1_orders_are_their_makers() -> Iterator[str]:
    """P1: an order counts in the month it was made in, and rests on its maker's own agreement."""
    rows = db.session().execute(
        select(
            PaymentOrder.id,
            PaymentOrder.ordered_on,
            PaymentOrder.created_at,
            Agreement.person_id.is_not_distinct_from(PaymentOrder.person_id),
        ).outerjoin(Agreement, Agreement.id == PaymentOrder.agreement_id)
    )
    for order_id, ordered_on, created_at, is_own in rows:
        if ordered_on != clock.day_of(created_at):
            yield f"order {order_id} of {clock.day_of(created_at)} counts on {ordered_on}"
        if not is_own:
            yield f"order {order_id} rests on an agreement of another person"


def p1_notices_tell_of_the_payment() -> Iterator[str]:
    """P1: the notice that credited an order tells of the transaction that is recorded for it."""
    query = (
        select(WechatPayment.id)
        .join(Notice, Notice.out_trade_no == WechatPayment.out_trade_no)
        .where(
            WechatPayment.found_by == "notice",
            Notice.outcome == "credited",
            Notice.transaction_id != WechatPayment.transaction_id,
        )
    )
    for payment_id in db.session().scalars(query):
        yield f"payment {payment_id}: its notice tells of another transaction"


def p1_journals_say_what_happened() -> Iterator[str]:
    """P1: a payment's journal moves its amount, in one posting, to its owner or into suspense."""
    to_owner = and_(
        Journal.kind == "deposit-received",
        Posting.credit_code == chart.FLEXIBLE_MONEY,
        FundAccount.person_id == PaymentOrder.person_id,
    )
    into_suspense = and_(Journal.kind == "payment-suspended", Posting.credit_code == chart.SUSPENSE)
    is_right = and_(
        Posting.line == 1,
        Posting.debit_code == chart.WECHAT_IN_TRANSIT,
        Posting.amount_fen == WechatPayment.amount_fen,
        case((WechatPayment.outcome == "credited", to_owner), else_=into_suspense),
    )
    query = (
        select(WechatPayment.id)
        .join(Journal, Journal.id == WechatPayment.journal_id)
        .outerjoin(Posting, Posting.journal_id == Journal.id)
        .outerjoin(SubAccount, SubAccount.id == Posting.sub_account_id)
        .outerjoin(FundAccount, FundAccount.id == SubAccount.account_id)
        .outerjoin(PaymentOrder, PaymentOrder.id == WechatPayment.order_id)
        .group_by(WechatPayment.id)
        .having(or_(func.count() != 1, func.sum(case((is_right, 1), else_=0)) != 1))
    )
    for payment_id in db.session().scalars(query):
        yield f"payment {payment_id}: its journal says something else"


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
            PaymentOrder.closed_at < PaymentOrder.created_at,
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
    silent = (
        select(WechatPayment.id)
        .outerjoin(
            Notice,
            and_(
                Notice.transaction_id == WechatPayment.transaction_id, Notice.outcome == "credited"
            ),
        )
        .where(WechatPayment.found_by == "notice", Notice.id.is_(None))
    )
    for payment_id in session.scalars(silent):
        yield f"payment {payment_id} was found by a notice that is not in the inbox"
    yield from _suspense_without_a_case()


def _suspense_without_a_case() -> Iterator[str]:
    """Money stands in suspense until it is reversed, put where it belongs, or given back.

    So long its case is open.
    """
    reversal, undone = aliased(Journal), aliased(ManualJournal)
    put_in_place = (
        select(ManualJournal.id)
        .join(PaymentCase, PaymentCase.id == ManualJournal.payment_case_id)
        .outerjoin(undone, undone.reverses_id == ManualJournal.id)
        .where(PaymentCase.payment_id == WechatPayment.id, undone.id.is_(None))
    )
    given_back = (
        select(Payout.id)
        .join(PaymentCase, PaymentCase.id == Payout.payment_case_id)
        .where(PaymentCase.payment_id == WechatPayment.id, Payout.state == "done")
    )
    caseless = (
        select(WechatPayment.id)
        .outerjoin(
            PaymentCase,
            and_(
                PaymentCase.payment_id == WechatPayment.id,
                PaymentCase.kind == "suspended",
                PaymentCase.resolved_at.is_(None),
            ),
        )
        .outerjoin(reversal, reversal.reverses_id == WechatPayment.journal_id)
        .where(
            WechatPayment.outcome == "suspended",
            PaymentCase.id.is_(None),
            reversal.id.is_(None),
            ~put_in_place.exists(),
            ~given_back.exists(),
        )
    )
    for payment_id in db.session().scalars(caseless):
        yield f"payment {payment_id} stands in suspense without an open case"


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
    ("P1", "each credit is the payment its order asked for, once", p1_payers_are_who_they_are),
    ("P1", "each credit is the payment its order asked for, once", p1_orders_are_their_makers),
    ("P1", "each credit is the payment its order asked for, once", p1_notices_tell_of_the_payment),
    ("P1", "each credit is the payment its order asked for, once", p1_journals_say_what_happened),
    ("P3", "order states agree with what happened", p3_states_and_facts_agree),
    ("P4", "verified notices had their effect; suspense has cases", p4_notices_had_their_effect),
    ("P8", "one idempotency key, one order, one person", p8_keys_hold_one_order),
)
