"""What a member sees of his deposits: his own orders, and nobody else's."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, select

from app import clock, ids
from app.db import db, reading
from app.errors import Absent
from app.models import PaymentOrder, WechatPayment
from app.money import Fen
from app.services.members import Member


class NoSuchDeposit(Absent):
    """There is no deposit of this id for this member."""

    sentence = "没有找到这笔缴存。"


@dataclass(frozen=True)
class DepositView:
    """An order as its owner sees it; `value_on` and `paid_at` once it is credited."""

    deposit_id: str
    state: str
    amount_fen: Fen
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None = None
    value_on: date | None = None


def deposits_of(*, member: Member, before: str | None, limit: int) -> tuple[DepositView, ...]:
    """A page of the member's orders, newest first, older than the order `before`."""
    with reading() as session:
        query = (
            select(PaymentOrder, WechatPayment.success_at)
            .outerjoin(WechatPayment, _credited())
            .where(PaymentOrder.person_id == member.proved())
        )
        if before is not None:
            query = query.where(PaymentOrder.id < _own_order(member, before).id)
        rows = session.execute(query.order_by(PaymentOrder.id.desc()).limit(min(limit, 100)))
        return tuple(_view(order, success_at) for order, success_at in rows)


def deposit_of(*, member: Member, deposit_id: str) -> DepositView:
    """One of the member's orders; raises `NoSuchDeposit`."""
    with reading():
        return view_of(_own_order(member, deposit_id))


def out_trade_no_of(*, member: Member, deposit_id: str) -> str:
    """WeChat's number of one of the member's orders; raises `NoSuchDeposit`."""
    with reading():
        return _own_order(member, deposit_id).out_trade_no


def view_of(order: PaymentOrder) -> DepositView:
    """The order as its owner sees it, in the caller's transaction."""
    return _view(order, _paid_at(order.id))


def _own_order(member: Member, deposit_id: str) -> PaymentOrder:
    if not ids.is_public_id(deposit_id, "dep"):
        raise NoSuchDeposit()
    order = (
        db.session()
        .scalars(
            select(PaymentOrder).where(
                PaymentOrder.public_id == deposit_id, PaymentOrder.person_id == member.person_id
            )
        )
        .one_or_none()
    )
    if order is None:
        raise NoSuchDeposit()
    return order


def _paid_at(order_id: int) -> datetime | None:
    return db.session().scalar(
        select(WechatPayment.success_at).where(
            WechatPayment.order_id == order_id, WechatPayment.outcome == "credited"
        )
    )


def _credited() -> ColumnElement[bool]:
    return and_(WechatPayment.order_id == PaymentOrder.id, WechatPayment.outcome == "credited")


def _view(order: PaymentOrder, success_at: datetime | None) -> DepositView:
    return DepositView(
        deposit_id=order.public_id,
        state="pending" if order.state in ("created", "prepaid") else order.state,
        amount_fen=order.amount_fen,
        created_at=order.created_at,
        expires_at=order.expires_at,
        paid_at=success_at,
        value_on=None if success_at is None else clock.day_of(success_at),
    )
