"""By which ways a payout travels: refunds of the payee's own deposits first, the newest first.

A refund needs no scene, no confirmation and no account number, and goes back to where the money
came from. What no refund can carry goes to the payee's bank card, or to his WeChat by 商家转账.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app import ids, wechat
from app.db import db
from app.models import PaymentOrder, Payout, PayoutLeg, Person, WechatAccount, WechatPayment
from app.money import Fen
from app.services.approval_action import canonical, sha256_of

# WeChat refunds for 365 days; a day is left for what is on its way.
REFUNDABLE_FOR = timedelta(days=364)
_REFUNDS_OF_ONE_ORDER = 50
_REASON = "住房公积金提取"
_ENDED = ("succeeded", "failed")


@dataclass(frozen=True)
class Way:
    """A part of a payout, and what carries it: a refund of that payment, or another channel."""

    channel: str
    amount_fen: Fen
    payment: WechatPayment | None = None


def ways_for(
    person_id: int, amount_fen: Fen, *, card: str | None, at: datetime, but_not: int | None = None
) -> list[Way] | None:
    """How the amount reaches the person; None when there is no way for all of it.

    In the caller's transaction, with the person's row locked: no other payout of his takes the
    same payment. `but_not` is a payment whose refund has just failed.
    """
    left, ways = amount_fen, []
    for payment, free_fen in _refundable(person_id, at):
        if left == 0:
            break
        if payment.id != but_not:
            part = min(left, free_fen)
            ways.append(Way("refund", part, payment))
            left -= part
    if left == 0:
        return ways
    if card is not None:
        return [*ways, Way("bank", left)]
    settings = wechat.pay().transfers.settings
    if settings is not None and left <= settings.limit_fen and _openid_of(person_id) is not None:
        return [*ways, Way("transfer", left)]
    return None


def add_leg(payout: Payout, way: Way, person: Person | None, *, at: datetime) -> PayoutLeg:
    """The instruction stands with its number and everything it will say, in the caller's
    transaction: nothing was sent yet (P5)."""
    number, said = _said(payout, way, person)
    parameters = canonical(said)
    leg = PayoutLeg(
        payout_id=payout.id,
        channel=way.channel,
        provider_no=number,
        parameters=parameters,
        parameters_sha256=sha256_of(parameters),
        amount_fen=way.amount_fen,
        payment_id=None if way.payment is None else way.payment.id,
        state="ready",
        calls=0,
        opened_at=at,
        next_at=at,
    )
    db.session().add(leg)
    db.session().flush()
    return leg


def free_to_refund_fen(payment: WechatPayment) -> Fen:
    """What of a payment no refund has taken or is taking, in the caller's transaction."""
    taken = db.session().scalar(
        select(func.coalesce(func.sum(PayoutLeg.amount_fen), 0)).where(
            PayoutLeg.payment_id == payment.id, PayoutLeg.state != "failed"
        )
    )
    return payment.amount_fen - int(taken or 0)


def _refundable(person_id: int, at: datetime) -> Iterator[tuple[WechatPayment, Fen]]:
    session = db.session()
    payments = session.scalars(
        select(WechatPayment)
        .join(PaymentOrder, PaymentOrder.id == WechatPayment.order_id)
        .where(
            PaymentOrder.person_id == person_id,
            WechatPayment.outcome == "credited",
            WechatPayment.success_at > at - REFUNDABLE_FOR,
        )
        .order_by(WechatPayment.success_at.desc(), WechatPayment.id.desc())
    )
    for payment in payments:
        refunds = session.scalar(select(func.count()).where(PayoutLeg.payment_id == payment.id))
        free_fen = free_to_refund_fen(payment)
        if free_fen > 0 and int(refunds or 0) < _REFUNDS_OF_ONE_ORDER:
            yield payment, free_fen


def _said(payout: Payout, way: Way, person: Person | None) -> tuple[str, dict[str, Any]]:
    """The leg's number for ever, and everything its provider will be told under it."""
    gateway = wechat.pay()
    if way.payment is not None:
        number = ids.new_out_refund_no()
        return number, gateway.refunds.parameters(
            transaction_id=way.payment.transaction_id,
            out_refund_no=number,
            amount=way.amount_fen,
            total=way.payment.amount_fen,
            reason=_REASON if payout.purpose == "counter-withdrawal" else "待查收款退回",
        )
    if person is None:
        raise ValueError("only a refund needs no person")
    if way.channel == "bank":
        number = ids.new_bank_no()
        said = {"name": person.name, "card": payout.payee_card, "bank": payout.payee_bank}
        return number, {**said, "number": number, "amount_fen": way.amount_fen, "remark": _REASON}
    number = ids.new_out_bill_no()
    return number, gateway.transfers.parameters(
        openid=_openid_of(person.id) or "",
        user_name=person.name,
        out_bill_no=number,
        amount=way.amount_fen,
        remark=_REASON,
    )


def _openid_of(person_id: int) -> str | None:
    return db.session().scalar(
        select(WechatAccount.openid).where(WechatAccount.person_id == person_id)
    )
