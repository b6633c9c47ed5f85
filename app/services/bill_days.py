"""The days of WeChat's bills as staff see them: the list, and one day with its cases."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from app.db import db, reading
from app.errors import Absent
from app.models import PaymentCase, WechatBillCase, WechatBillDay
from app.money import Fen
from app.services import pages
from app.services.pages import Asked, Page
from app.services.staff import Staff


@dataclass(frozen=True)
class BillDayView:
    """A day: how its bill and our books agree, what the bill counts (fen), and what is open."""

    day: date
    state: str
    payments_count: int
    payments_fen: Fen
    refunds_count: int
    refunds_fen: Fen
    fees_fen: Fen
    settled_fen: Fen
    topped_up_fen: Fen
    open_cases: int
    is_booked: bool
    read_at: datetime | None
    matched_at: datetime | None


@dataclass(frozen=True)
class BillCaseView:
    """A difference of a day, and how it ended."""

    case_id: str
    kind: str
    transaction_id: str
    out_trade_no: str
    differences: list[dict[str, Any]]
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str | None


@dataclass(frozen=True)
class BillDayWhole(BillDayView):
    """A day with all its differences, open or not."""

    cases: tuple[BillCaseView, ...]


_OPEN = (
    select(func.count())
    .select_from(WechatBillCase)
    .join(PaymentCase, PaymentCase.id == WechatBillCase.case_id)
    .where(WechatBillCase.bill_day_id == WechatBillDay.id, PaymentCase.resolved_at.is_(None))
    .scalar_subquery()
)
# Rows are made in the order of days: the newest row is the newest day.
_NEWEST_FIRST = pages.newest_first(WechatBillDay.id)


def bill_days(*, staff: Staff, asked: Asked) -> Page[BillDayView]:
    """A page of the days, newest first."""
    with reading():
        return pages.page(
            select(WechatBillDay, _OPEN),
            order=_NEWEST_FIRST,
            place=f"bill-days:{staff.account_id}",
            asked=asked,
            shown=lambda row: BillDayView(**_facts(*row)),
        )


def bill_day(*, day: str) -> BillDayWhole:
    """The day with its differences; raises `Absent`."""
    with reading() as session:
        row = session.execute(select(WechatBillDay, _OPEN).where(_is(day))).one_or_none()
        if row is None:
            raise Absent()
        return BillDayWhole(**_facts(*row), cases=_cases(row[0]))


def _is(text: str) -> ColumnElement[bool]:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Absent() from None
    if day.isoformat() != text:
        raise Absent()
    return WechatBillDay.day == day


def _facts(row: WechatBillDay, open_cases: int) -> dict[str, Any]:
    names = BillDayView.__dataclass_fields__.keys() - {"open_cases", "is_booked"}
    return {
        **{name: getattr(row, name) for name in names},
        "open_cases": open_cases,
        "is_booked": row.journal_id is not None,
    }


def _cases(row: WechatBillDay) -> tuple[BillCaseView, ...]:
    found = db.session().scalars(
        select(PaymentCase)
        .join(WechatBillCase, WechatBillCase.case_id == PaymentCase.id)
        .where(WechatBillCase.bill_day_id == row.id)
        .order_by(PaymentCase.id)
    )
    return tuple(
        BillCaseView(
            case_id=each.public_id,
            kind=each.kind,
            transaction_id=each.transaction_id,
            out_trade_no=each.out_trade_no,
            differences=each.differences,
            opened_at=each.opened_at,
            resolved_at=each.resolved_at,
            resolution=each.resolution,
        )
        for each in found
    )
