"""Depositing over WeChat Pay: an order saved before WeChat is called, its limits reserved (4.1).

Idempotency (P8): one (person, route, key) for ever means one body and one order. A refusal stores
nothing, so that the same key may come back with money in the account or another day. Monthly
limits count an order in the calendar month it was made in.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from app import clock, ids, vault, wechat
from app.db import db, insert_unless_there, retried, transaction
from app.errors import Conflict, Refused, Unacceptable
from app.models import IdempotencyKey, PaymentOrder, Person, WechatAccount
from app.money import Fen
from app.rules.deposit import refusals_to_order
from app.rules.periods import month_end, month_start
from app.services import agreements, deposit_limits, enrolment, policies
from app.services.members import Member, locked_person, refuse_unless_bound
from app.services.own_deposits import DepositView, view_of
from app.wechat.faults import WechatRefused, WechatUnavailable

ROUTE = "POST /v1/me/deposits"
DESCRIPTION = "住房公积金缴存（灵活就业人员）"
ORDER_LIFETIME = timedelta(minutes=30)  # well inside the two hours a prepay id is valid
FIRST_QUERY_AFTER = timedelta(seconds=60)
# Longer than the gateway's time-outs together: after it, whoever called is dead, not slow.
_PREPAY_MAY_TAKE = timedelta(seconds=20)


class IdempotencyKeyReused(Unacceptable):
    """The key came before with another body."""

    sentence = "该 Idempotency-Key 已用于另一笔内容不同的请求。"


class DepositInProgress(Conflict):
    """The same request is being worked on right now."""

    sentence = "同一笔请求正在处理中，请稍候再试。"


@dataclass(frozen=True)
class Payable:
    """An order with what `wx.requestPayment` takes, freshly signed; None once it is not payable."""

    deposit: DepositView
    payment_parameters: dict[str, str] | None


@dataclass(frozen=True)
class _Intent:
    """A saved order, and all that WeChat has to be told about it."""

    row_id: int
    deposit: DepositView
    is_payable: bool
    out_trade_no: str
    amount_fen: Fen
    payer_openid: str
    expires_at: datetime
    prepay_id: str | None


def order_deposit(
    *, member: Member, amount_fen: Fen, key: str, body_sha256: str, at: datetime
) -> Payable:
    """An order stands and can be paid; the same key and body give the same order again.

    Raises `StepMissing`, `Refused` (limits, eligibility), `IdempotencyKeyReused`,
    `DepositInProgress`, `WechatRefused`, `WechatUnavailable`.
    """
    intent = _save_intent(member, amount_fen, key, body_sha256, at)
    if not intent.is_payable:
        return Payable(intent.deposit, None)

    prepay_id = intent.prepay_id or _prepay(intent)

    return _save_prepay_id(intent.row_id, prepay_id, at)


def reserved_in_month_fen(person_id: int, day: date) -> Fen:
    """What the calendar month of `day` holds: credited, or ordered and not yet closed.

    In the caller's transaction, with the person's row locked where it decides something.
    """
    reserved: int | None = db.session().scalar(
        select(func.sum(PaymentOrder.amount_fen)).where(
            PaymentOrder.person_id == person_id,
            PaymentOrder.ordered_on >= month_start(day),
            PaymentOrder.ordered_on <= month_end(day),
            PaymentOrder.state != "closed",
        )
    )
    return int(reserved or 0)


@retried
def _save_intent(
    member: Member, amount_fen: Fen, key: str, body_sha256: str, at: datetime
) -> _Intent:
    person_id = member.proved()
    with transaction() as session:
        person = locked_person(person_id)
        known = session.execute(
            select(IdempotencyKey).where(
                IdempotencyKey.person_id == person_id,
                IdempotencyKey.route == ROUTE,
                IdempotencyKey.key == key,
            )
        ).scalar_one_or_none()
        if known is not None:
            return _repeat(known, body_sha256, at)
        order = _allowed_order(member, person, amount_fen, at)
        session.add(order)
        session.flush()
        insert_unless_there(
            IdempotencyKey,
            person_id=person_id,
            route=ROUTE,
            key=key,
            body_sha256=body_sha256,
            order_id=order.id,
            created_at=at,
        )
        return _intent(order, at)


def _allowed_order(member: Member, person: Person, amount_fen: Fen, at: datetime) -> PaymentOrder:
    """A new order that the rules of its day allow, not yet stored."""
    on = clock.day_of(at)
    in_force = policies.policy_on(on)
    enrolment.refuse_unless_eligible(person, policy=in_force.policy, on=on)
    agreement = agreements.agreement_in_force(person.id, on=on)
    reasons = refusals_to_order(
        amount_fen,
        reserved_in_month_fen=reserved_in_month_fen(person.id, on),
        policy=in_force.policy,
        on=on,
        month_max_fen=deposit_limits.month_max_fen(person.id, on),
    )
    if reasons:
        raise Refused(reasons)
    order = _new_order(member, amount_fen, at)
    order.agreement_id, order.policy_version_id = agreement.id, in_force.version_id
    return order


def _repeat(known: IdempotencyKey, body_sha256: str, at: datetime) -> _Intent:
    if known.body_sha256 != body_sha256:
        raise IdempotencyKeyReused(fields={"Idempotency-Key": [IdempotencyKeyReused.sentence]})
    order = db.session().get_one(PaymentOrder, known.order_id, with_for_update=True)
    intent = _intent(order, at)
    if intent.is_payable and order.prepay_id is None:
        if order.prepay_called_at and at - order.prepay_called_at < _PREPAY_MAY_TAKE:
            raise DepositInProgress()
        order.prepay_called_at = at  # whoever called before us died on the way
    return intent


def _new_order(member: Member, amount_fen: Fen, at: datetime) -> PaymentOrder:
    account = db.session().get_one(WechatAccount, member.wechat_account_id)
    refuse_unless_bound(member)
    gateway = wechat.pay()
    return PaymentOrder(
        public_id=ids.new_public_id("dep"),
        person_id=member.proved(),
        out_trade_no=ids.new_out_trade_no(),
        amount_fen=amount_fen,
        appid=gateway.appid,
        mchid=gateway.mchid,
        payer_openid=account.openid,
        payer_index=vault.blind_index(account.openid, purpose="openid"),
        state="created",
        prepay_called_at=at,
        ordered_on=clock.day_of(at),
        created_at=at,
        expires_at=(at + ORDER_LIFETIME).replace(microsecond=0),
        next_query_at=at + FIRST_QUERY_AFTER,
        queries=0,
    )


def _prepay(intent: _Intent) -> str:
    try:
        return wechat.pay().prepay(
            out_trade_no=intent.out_trade_no,
            amount_fen=intent.amount_fen,
            payer_openid=intent.payer_openid,
            description=DESCRIPTION,
            expires_at=intent.expires_at,
        )
    except WechatRefused:
        # Refused means never payable; the follow-up asks WeChat and closes the order.
        _query_soon(intent.row_id)
        raise
    except WechatUnavailable:
        _let_key_try_again(intent.row_id)
        raise


@retried
def _query_soon(row_id: int) -> None:
    with transaction() as session:
        order = session.get_one(PaymentOrder, row_id, with_for_update=True)
        order.prepay_called_at = None
        order.next_query_at = order.created_at


@retried
def _let_key_try_again(row_id: int) -> None:
    """The call is over for us: its key may call again at once, as the 503 invites the phone to.

    Whether it took effect WeChat alone knows, so the order is not closed for another while.
    """
    with transaction() as session:
        order = session.get_one(PaymentOrder, row_id, with_for_update=True)
        if order.prepay_called_at is not None:
            order.prepay_called_at -= _PREPAY_MAY_TAKE


@retried
def _save_prepay_id(row_id: int, prepay_id: str, at: datetime) -> Payable:
    with transaction() as session:
        order = session.get_one(PaymentOrder, row_id, with_for_update=True)
        if order.state == "created":
            order.state, order.prepay_id = "prepaid", prepay_id
        payable = order.state == "prepaid"  # or it was paid or closed while we were calling
        view = view_of(order)
    parameters = wechat.pay().payment_parameters(prepay_id, at=at) if payable else None
    return Payable(view, parameters)


def _intent(order: PaymentOrder, at: datetime) -> _Intent:
    return _Intent(
        row_id=order.id,
        deposit=view_of(order),
        is_payable=order.state in ("created", "prepaid") and order.expires_at > at,
        out_trade_no=order.out_trade_no,
        amount_fen=order.amount_fen,
        payer_openid=order.payer_openid,
        expires_at=order.expires_at,
        prepay_id=order.prepay_id,
    )
