"""Money in suspense (219): its case, and its way back to its payer by two people's decision."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.db import db
from app.errors import Unacceptable
from app.models import PaymentCase, Payout, WechatPayment
from app.money import yuan
from app.services import payouts
from app.services.approval_action import Action, Decision, Payload, Proposal
from app.services.payout_legs import REFUNDABLE_FOR, Way


def open_suspended_case(case_id: str | None) -> PaymentCase | None:
    """The suspended payment's open case, locked, in the caller's transaction; None otherwise."""
    if case_id is None:
        return None
    return (
        db.session()
        .scalars(
            select(PaymentCase)
            .where(
                PaymentCase.public_id == case_id,
                PaymentCase.kind == "suspended",
                PaymentCase.resolved_at.is_(None),
            )
            .with_for_update()
        )
        .one_or_none()
    )


def open_return_of(case_id: int) -> Payout | None:
    """The payout that returns this case's money, under way or done; None otherwise."""
    query = select(Payout).where(Payout.payment_case_id == case_id, Payout.state != "failed")
    return db.session().scalars(query).one_or_none()


# --- the action: money in suspense goes back to its payer ---


def _prepare(payload: Payload, at: datetime) -> Proposal:
    """`case_id` of a suspended payment that is open, not older than WeChat refunds."""
    case = open_suspended_case(payload["case_id"])
    payment = None if case is None else db.session().get(WechatPayment, case.payment_id)
    if case is None or payment is None:
        raise Unacceptable(fields={"case_id": ["没有这笔待查款项，或已办结。"]})
    if open_return_of(case.id) is not None:
        raise Unacceptable(fields={"case_id": ["这笔款项正在退回或已退回。"]})
    if at >= payment.success_at + REFUNDABLE_FOR:
        hint = "付款已超过微信可退款期限，请改用其他方式退回。"
        raise Unacceptable(fields={"case_id": [hint]})
    return Proposal(payload=dict(payload))


def _apply(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The payout stands with its one leg; the next run of the job sends it."""
    case = open_suspended_case(payload["case_id"])
    if case is None or case.payment_id is None:  # prepared just now: cannot be
        raise Unacceptable(fields={"case_id": ["没有这笔待查款项，或已办结。"]})
    payment = db.session().get_one(WechatPayment, case.payment_id, with_for_update=True)
    order = payouts.Order(
        payouts.SUSPENSE_RETURN, decision.approval_id, payment.amount_fen, case_id=case.id
    )
    way = Way("refund", payment.amount_fen, payment)
    payout = payouts.open_payout(order, [way], None, at=decision.at)
    return {"payout_id": payout.public_id}


def _in_words(payload: Payload) -> list[str]:
    found = (
        db.session()
        .scalars(
            select(WechatPayment)
            .join(PaymentCase, PaymentCase.payment_id == WechatPayment.id)
            .where(PaymentCase.public_id == payload["case_id"])
        )
        .one_or_none()
    )
    if found is None:
        return []
    return [
        f"将待查收款 {yuan(found.amount_fen)}元（微信支付订单号 {found.transaction_id}）"
        "原路退回付款人。"
    ]


RETURN = Action(prepare=_prepare, apply=_apply, in_words=_in_words)
