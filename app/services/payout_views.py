"""Payouts as people see them: the worker his own, staff those of their district."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import wechat
from app.db import db, reading
from app.errors import Absent
from app.models import Approval, FundAccount, Payout, PayoutLeg, SubAccount
from app.money import Fen
from app.rules import duties
from app.services import pages
from app.services.members import Member
from app.services.pages import Asked, Page
from app.services.staff import Staff


@dataclass(frozen=True)
class LegView:
    """One instruction; `confirmation` is what the phone needs while the payee has to confirm."""

    channel: str
    amount_fen: Fen
    state: str
    provider_no: str
    success_at: datetime | None
    fail_code: str | None
    confirmation: dict[str, str] | None = None


@dataclass(frozen=True)
class PayoutView:
    """A payout with its legs; `paid_fen` of `amount_fen` have reached the payee."""

    payout_id: str
    purpose: str
    amount_fen: Fen
    paid_fen: Fen
    state: str
    opened_at: datetime
    ended_at: datetime | None
    legs: tuple[LegView, ...]


def own_payouts(*, member: Member) -> tuple[PayoutView, ...]:
    """The member's payouts, newest first, with what he still has to confirm."""
    query = (
        select(Payout)
        .join(SubAccount, SubAccount.id == Payout.sub_account_id)
        .join(FundAccount, FundAccount.id == SubAccount.account_id)
        .where(FundAccount.person_id == member.proved())
        .order_by(Payout.id.desc())
        .limit(pages.PAGE_MAX)
    )
    with reading() as session:
        return tuple(_view(row, to_confirm=True) for row in session.scalars(query))


def payouts(*, staff: Staff, state: str | None, asked: Asked) -> Page[PayoutView]:
    """A page of the payouts of one's district, or of all at the centre, newest first."""
    query = _seen_by(staff)
    if state is not None:
        query = query.where(Payout.state == state)
    with reading():
        return pages.page(
            query,
            order=pages.newest_first(Payout.id),
            place=f"payouts:{staff.account_id}:{state}",
            asked=asked,
            shown=lambda row: _view(row[0]),
        )


def payout(*, staff: Staff, payout_id: str) -> PayoutView:
    """One payout; raises `Absent`, also where it is another district's."""
    with reading() as session:
        row = session.execute(_seen_by(staff).where(Payout.public_id == payout_id)).one_or_none()
        if row is None:
            raise Absent()
        return _view(row[0])


def _seen_by(staff: Staff) -> Any:
    query = select(Payout).join(Approval, Approval.id == Payout.approval_id)
    if staff.district != duties.CENTRE:
        query = query.where(Approval.district == staff.district)
    return query


def _view(row: Payout, *, to_confirm: bool = False) -> PayoutView:
    legs = (
        db.session()
        .scalars(select(PayoutLeg).where(PayoutLeg.payout_id == row.id).order_by(PayoutLeg.id))
        .all()
    )
    return PayoutView(
        payout_id=row.public_id,
        purpose=row.purpose,
        amount_fen=row.amount_fen,
        paid_fen=sum(leg.amount_fen for leg in legs if leg.state == "succeeded"),
        state=row.state,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
        legs=tuple(_leg(leg, to_confirm) for leg in legs),
    )


def _leg(leg: PayoutLeg, to_confirm: bool) -> LegView:
    waits = to_confirm and leg.state == "waiting-for-payee" and leg.package_info is not None
    gateway = wechat.pay()
    said = {"mchId": gateway.mchid, "appId": gateway.appid, "package": leg.package_info or ""}
    return LegView(
        channel=leg.channel,
        amount_fen=leg.amount_fen,
        state=leg.state,
        provider_no=leg.provider_no,
        success_at=leg.success_at,
        fail_code=leg.fail_code,
        confirmation=said if waits else None,
    )
