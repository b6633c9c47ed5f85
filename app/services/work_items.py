"""The work list: everything that waits for people, with number, deadline and who has taken it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true, update

from app import clock, ids
from app.db import db, reading, retried, transaction
from app.errors import Absent, Conflict
from app.models import (
    Approval,
    Enrolment,
    PaymentCase,
    PaymentOrder,
    StaffAccount,
    WorkItem,
)
from app.models.payment import BILL_CASE_KINDS
from app.rules import duties
from app.rules.policy import ServicePolicy
from app.services import pages, policies
from app.services.pages import Asked, Order, Page
from app.services.staff import Staff, refuse_unless_still

APPROVAL, PAYMENT_CASE = "approval", "payment-case"
# Whoever may look at a case sees it in his list.
_CASE_ROLES = duties.ROUTES["GET /v1/staff/payment-cases/<case_id>"].roles


class ItemClosed(Conflict):
    """What is done is nobody's to take or to let go."""

    sentence = "该事项已办结。"


class TakenBySomebody(Conflict):
    """Another member of staff has taken the item."""

    sentence = "该事项已由他人受理。"


@dataclass(frozen=True)
class ItemView:
    """One thing that waits. `target_id` is the public id of the approval or payment case."""

    item_id: str
    acceptance_no: str
    kind: str
    what: str
    target_id: str
    district: str
    opened_at: datetime
    due_on: date | None
    is_overdue: bool
    owner_login: str | None
    closed_at: datetime | None


@dataclass(frozen=True)
class Wanted:
    """Which items; None means any. `state` is open, closed or mine, `sort` newest or deadline."""

    state: str = "open"
    kind: str | None = None
    sort: str = "deadline"


# Items without a deadline come last.
_NEVER = date(9999, 12, 31)
_due = func.coalesce(WorkItem.due_on, _NEVER)
_BY_DEADLINE = Order(
    (_due, WorkItem.id),
    lambda day, last: or_(
        _due > date.fromordinal(day), and_(_due == date.fromordinal(day), WorkItem.id > last)
    ),
    lambda row: ((row[0].due_on or _NEVER).toordinal(), row[0].id),
)


# --- in the caller's transaction ---


def open_for_approval(approval: Approval, *, at: datetime) -> WorkItem:
    """The approval waits in the list, with the deadline of the policy in force."""
    return _open(
        WorkItem(kind=APPROVAL, approval_id=approval.id, district=approval.district),
        at,
        lambda service: service.approval_days,
    )


def open_for_case(case: PaymentCase, *, at: datetime) -> WorkItem:
    """The payment case waits in the list of the district of whoever the order belongs to.

    What a bill says otherwise is the centre's business.
    """
    is_bills = case.kind in BILL_CASE_KINDS
    district = duties.CENTRE if is_bills else _district_of_order(case.out_trade_no)
    return _open(
        WorkItem(kind=PAYMENT_CASE, payment_case_id=case.id, district=district),
        at,
        lambda service: service.payment_case_days,
    )


def close(*, at: datetime, approval_id: int | None = None, case_id: int | None = None) -> None:
    """Nothing waits for people any more about this approval or payment case."""
    target = (
        WorkItem.approval_id == approval_id
        if approval_id is not None
        else WorkItem.payment_case_id == case_id
    )
    db.session().execute(
        update(WorkItem).where(target, WorkItem.closed_at.is_(None)).values(closed_at=at)
    )


def release_of(account_id: int) -> None:
    """What the account had taken and not finished is nobody's again."""
    db.session().execute(
        update(WorkItem)
        .where(WorkItem.owner_account_id == account_id, WorkItem.closed_at.is_(None))
        .values(owner_account_id=None, taken_at=None)
    )


def district_of_person(person_id: int) -> str:
    """The district a depositor works in, by his latest admission; the centre's before it."""
    found = db.session().scalar(
        select(Enrolment.district)
        .where(Enrolment.person_id == person_id, Enrolment.state == "accepted")
        .order_by(Enrolment.id.desc())
        .limit(1)
    )
    return found or duties.CENTRE


# --- use cases ---


def work_items(*, staff: Staff, wanted: Wanted, asked: Asked, at: datetime) -> Page[ItemView]:
    """A page of what waits in the staff's district and trade, the nearest deadline first."""
    today = clock.day_of(at)
    query = visible(staff)
    if wanted.state == "closed":
        query = query.where(WorkItem.closed_at.is_not(None))
    else:
        query = query.where(WorkItem.closed_at.is_(None))
    if wanted.state == "mine":
        query = query.where(WorkItem.owner_account_id == staff.account_id)
    if wanted.kind is not None:
        query = query.where(WorkItem.kind == wanted.kind)
    with reading():
        return pages.page(
            query,
            order=_BY_DEADLINE if wanted.sort == "deadline" else pages.newest_first(WorkItem.id),
            place=f"work-items:{staff.account_id}:{wanted}",
            asked=asked,
            shown=lambda row: item_view(row, today),
        )


@retried
def take(*, staff: Staff, item_id: str, at: datetime) -> ItemView:
    """The item is the staff's to see to; taking it twice changes nothing.

    Raises `Absent`, `ItemClosed`, `TakenBySomebody`.
    """
    with transaction() as session:
        refuse_unless_still(staff)
        item = _locked(staff, item_id)
        if item.owner_account_id not in (None, staff.account_id):
            raise TakenBySomebody()
        if item.owner_account_id is None:
            item.owner_account_id, item.taken_at = staff.account_id, at
        session.flush()
        return item_view(_one(staff, item_id), clock.day_of(at))


@retried
def let_go(*, staff: Staff, item_id: str) -> None:
    """The item is nobody's again, if it was the staff's; raises `Absent`, `TakenBySomebody`."""
    with transaction():
        refuse_unless_still(staff)
        item = _locked(staff, item_id)
        if item.owner_account_id not in (None, staff.account_id):
            raise TakenBySomebody()
        item.owner_account_id = item.taken_at = None


def _open(item: WorkItem, at: datetime, days: Callable[[ServicePolicy], int]) -> WorkItem:
    item.public_id, item.opened_at = ids.new_public_id("wrk"), at
    today = clock.day_of(at)
    service: ServicePolicy | None = policies.policy_on(today).policy.service_section
    if service is not None:  # a policy may leave deadlines unsaid
        item.due_on = today + timedelta(days=days(service))
    session = db.session()
    session.add(item)
    session.flush()
    item.acceptance_no = ids.acceptance_number(today, item.id)
    session.flush()
    return item


def _district_of_order(out_trade_no: str) -> str:
    person_id = db.session().scalar(
        select(PaymentOrder.person_id).where(PaymentOrder.out_trade_no == out_trade_no)
    )
    return duties.CENTRE if person_id is None else district_of_person(person_id)


def visible(staff: Staff) -> Any:
    """The items a member of staff may see: his district's, and of them what his role deals with."""
    kinds: ColumnElement[bool] = Approval.action.in_(duties.actions_seen_by(staff.role))
    if staff.role in _CASE_ROLES:
        kinds = kinds | (WorkItem.kind == PAYMENT_CASE)
    own = true() if staff.district == duties.CENTRE else WorkItem.district == staff.district
    return (
        select(WorkItem, Approval, PaymentCase, StaffAccount.login)
        .outerjoin(Approval, Approval.id == WorkItem.approval_id)
        .outerjoin(PaymentCase, PaymentCase.id == WorkItem.payment_case_id)
        .outerjoin(StaffAccount, StaffAccount.id == WorkItem.owner_account_id)
        .where(kinds, own)
    )


def _locked(staff: Staff, item_id: str) -> WorkItem:
    row = _one(staff, item_id)
    item = db.session().get_one(WorkItem, row[0].id, with_for_update=True, populate_existing=True)
    if item.closed_at is not None:
        raise ItemClosed()
    return item


def _one(staff: Staff, item_id: str) -> Any:
    row = db.session().execute(visible(staff).where(WorkItem.public_id == item_id)).one_or_none()
    if row is None:
        raise Absent()
    return row


def item_view(row: Any, today: date) -> ItemView:
    """A row of `visible` as people see it on that day."""
    item, approval, case, login = row
    return ItemView(
        item_id=item.public_id,
        acceptance_no=item.acceptance_no or "",
        kind=item.kind,
        what=case.kind if approval is None else approval.action,
        target_id=case.public_id if approval is None else approval.public_id,
        district=item.district,
        opened_at=item.opened_at,
        due_on=item.due_on,
        is_overdue=item.closed_at is None and item.due_on is not None and today > item.due_on,
        owner_login=login,
        closed_at=item.closed_at,
    )
