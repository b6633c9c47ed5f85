"""A payment that needs people, seen whole."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import clock
from app.db import reading
from app.errors import Absent
from app.models import PaymentCase, WechatPayment, WorkItem
from app.services.staff import Staff
from app.services.work_items import ItemView, item_view, visible


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
