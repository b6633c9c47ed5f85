"""Payments and payouts that need people: opened once per matter, closed with how they ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import clock, ids, log
from app.db import db, insert_unless_there, reading
from app.errors import Absent, Unacceptable
from app.models import PaymentCase, WechatPayment, WorkItem
from app.services import work_items
from app.services.approval_action import Action, Decision, Payload, Proposal
from app.services.staff import Staff
from app.services.work_items import ItemView, item_view, visible

EXPLAINED = "explained"
_ENDED_OTHERWISE = {
    "suspended": "待查收款应以手工凭证入账或原路退回办结。",
    "payout-unsettled": "支付有结果后自动办结。",
}


@dataclass(frozen=True)
class Difference:
    """A field in which what we hold and what we are told disagree; no value names a person."""

    field: str
    expected: str
    found: str


# --- in the caller's transaction ---


def open_case(
    kind: str,
    transaction_id: str,
    out_trade_no: str,
    found: Sequence[Difference],
    *,
    at: datetime,
    payment_id: int | None = None,
) -> None:
    """The matter is a case and waits in the work list; a second time changes nothing.

    `transaction_id` and `out_trade_no` are WeChat's number and ours: of a payment, or of a refund
    or transfer where `kind` is about one.
    """
    inserted = insert_unless_there(
        PaymentCase,
        public_id=ids.new_public_id("cas"),
        kind=kind,
        transaction_id=transaction_id,
        out_trade_no=out_trade_no,
        payment_id=payment_id,
        differences=[vars(each) for each in found],
        opened_at=at,
        next_query_at=at,
    )
    if inserted:
        query = select(PaymentCase).where(
            PaymentCase.transaction_id == transaction_id, PaymentCase.kind == kind
        )
        work_items.open_for_case(db.session().scalars(query).one(), at=at)
        fields = [each.field for each in found]
        log.get().warning("payment-case-opened", kind=kind, differences=fields)


def close_case(kind: str, transaction_id: str, resolution: str, *, at: datetime) -> None:
    """The matter, where it is a case and open, ended like this."""
    case = (
        db.session()
        .scalars(
            select(PaymentCase).where(
                PaymentCase.transaction_id == transaction_id,
                PaymentCase.kind == kind,
                PaymentCase.resolved_at.is_(None),
            )
        )
        .one_or_none()
    )
    if case is not None:
        resolve(case, resolution, at=at)


def reopen(case: PaymentCase, *, at: datetime) -> None:
    """A matter that had ended by itself is there again, and waits in the work list once more."""
    case.resolved_at = case.resolution = None
    db.session().flush()
    work_items.open_for_case(case, at=at)


def resolve(case: PaymentCase, resolution: str, *, at: datetime) -> None:
    """The case ended like this, and waits in no list any more."""
    case.resolved_at, case.resolution = at, resolution
    work_items.close(case_id=case.id, at=at)


# --- the action: people explain a case that no money waits for ---


def _prepare(payload: Payload, at: datetime) -> Proposal:
    """`case_id` of an open case; the reason says how it came about and what was done."""
    case = _open_case(payload["case_id"])
    if case is None:
        raise Unacceptable(fields={"case_id": ["没有这个事项，或已办结。"]})
    if case.kind in _ENDED_OTHERWISE:
        raise Unacceptable(fields={"case_id": [_ENDED_OTHERWISE[case.kind]]})
    return Proposal(payload=dict(payload))


def _apply(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The case is closed by two people; nothing is booked."""
    case = _open_case(payload["case_id"])
    if case is None:
        raise Absent()
    case.approval_id = decision.approval_id
    resolve(case, EXPLAINED, at=decision.at)
    return {"case_id": payload["case_id"]}


def _in_words(payload: Payload) -> list[str]:
    query = select(PaymentCase).where(PaymentCase.public_id == payload["case_id"])
    case = db.session().scalars(query).one_or_none()
    if case is None:
        return []
    told = [
        f"{each['field']}：应为 {each['expected']}，实为 {each['found']}"
        for each in case.differences
    ]
    return [f"办结差错事项 {case.public_id}（{case.kind}），不做账务处理。", *told]


def _open_case(case_id: str) -> PaymentCase | None:
    return (
        db.session()
        .scalars(
            select(PaymentCase)
            .where(PaymentCase.public_id == case_id, PaymentCase.resolved_at.is_(None))
            .with_for_update()
        )
        .one_or_none()
    )


EXPLANATION = Action(prepare=_prepare, apply=_apply, in_words=_in_words)


# --- a case, seen whole ---


@dataclass(frozen=True)
class CaseView:
    """A payment that needs people: what differs, and where its money stands."""

    case_id: str
    kind: str
    transaction_id: str
    out_trade_no: str
    amount_fen: int | None
    differences: list[dict[str, Any]]
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str | None
    items: tuple[ItemView, ...]


def payment_case(*, staff: Staff, case_id: str, at: datetime) -> CaseView:
    """The case with its items in the work list; raises `Absent`."""
    today = clock.day_of(at)
    with reading() as session:
        query = visible(staff).where(PaymentCase.public_id == case_id).order_by(WorkItem.id)
        rows = session.execute(query).all()
        if not rows:
            raise Absent()
        case = rows[0][2]
        payment = None if case.payment_id is None else session.get(WechatPayment, case.payment_id)
        return CaseView(
            case_id=case.public_id,
            kind=case.kind,
            transaction_id=case.transaction_id,
            out_trade_no=case.out_trade_no,
            amount_fen=None if payment is None else payment.amount_fen,
            differences=case.differences,
            opened_at=case.opened_at,
            resolved_at=case.resolved_at,
            resolution=case.resolution,
            items=tuple(item_view(row, today) for row in rows),
        )
