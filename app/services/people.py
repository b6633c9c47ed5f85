"""Depositors as staff see them: found by exact or masked keys, seen masked, on one page."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, select

from app import clock, vault
from app.db import db, reading, retried, transaction
from app.errors import Absent
from app.models import (
    Agreement,
    AgreementTemplate,
    DepositLimitOverride,
    Enrolment,
    FundAccount,
    IdentitySegment,
    Person,
    WechatAccount,
)
from app.rules.id_number import normalise_id_number
from app.rules.policy import Home, PolicySilent
from app.services import accounts, audit, limits, quotas
from app.services.accounts import AccountView, PostingView
from app.services.limits import Limit
from app.services.quotas import LiveQuota
from app.services.staff import Staff, refuse_unless_still
from app.services.work_items import district_of_person

# A clerk at a busy counter stays below; whoever reads through the register does not.
_SEARCHES = Limit("people-search", 300, timedelta(hours=1))
_UNMASKINGS = Limit("people-unmask", 20, timedelta(hours=1))
UNMASKABLE = ("name", "id_number", "phone")
_FOUND_MAX = 20
_POSTINGS_SHOWN = 20


@dataclass(frozen=True)
class Keys:
    """What somebody is looked up by: an ID number, an account number, or both masked keys."""

    id_number: str | None = None
    account_no: str | None = None
    masked_id_number: str | None = None
    masked_phone: str | None = None


@dataclass(frozen=True)
class PersonLine:
    """Somebody found, masked."""

    person_id: str
    name: str
    id_number: str
    phone: str
    district: str
    account_no: str | None


@dataclass(frozen=True)
class EnrolmentView:
    """An application to join, and what became of it."""

    state: str
    work_kind: str
    district: str
    decided_on: date
    reasons: list[dict[str, Any]]


@dataclass(frozen=True)
class AgreementView:
    """An agreement on file; its text and paper stay with their owner."""

    agreement_id: str
    template_code: str
    signed_at: datetime
    ended_at: datetime | None
    text_sha256: str
    pdf_sha256: str


@dataclass(frozen=True)
class SegmentView:
    """As what somebody deposited, half open."""

    kind: str
    from_on: date
    until_on: date | None


@dataclass(frozen=True)
class LimitView:
    """A monthly limit decided for him."""

    month_on: date
    limit_fen: int


@dataclass(frozen=True)
class PersonPage:
    """Everything about one depositor on one page."""

    identity: PersonLine
    real_name_passed_at: datetime
    wechat_bound: bool
    enrolments: tuple[EnrolmentView, ...]
    agreements: tuple[AgreementView, ...]
    account: AccountView | None
    segments: tuple[SegmentView, ...]
    postings: tuple[PostingView, ...]
    quota_first_home: LiveQuota | None
    quota_second_home: LiveQuota | None
    limits: tuple[LimitView, ...]


@retried
def search(*, staff: Staff, keys: Keys, at: datetime) -> tuple[PersonLine, ...]:
    """The depositors of the staff's district with these keys, masked, each reading on record.

    Raises `TooMany` for whoever searches as only a program would.
    """
    with transaction() as session:
        refuse_unless_still(staff)
        limits.spend([(_SEARCHES, str(staff.person_id))], at=at)
        rows = session.scalars(select(Person).where(_has(keys)).order_by(Person.id)).all()
        lines = (_line(person) for person in rows)
        found = tuple(islice((each for each in lines if staff.sees(each.district)), _FOUND_MAX))
        audit.record_subjects(staff, tuple(line.person_id for line in found), at=at)
        return found


def person_page(*, staff: Staff, person_id: str, at: datetime) -> PersonPage:
    """One depositor of the staff's district; raises `Absent`."""
    today = clock.day_of(at)
    with reading():
        person = _seen(staff, person_id)
        flexible = accounts.open_flexible(person.id)
        return PersonPage(
            identity=_line(person),
            real_name_passed_at=person.real_name_passed_at,
            wechat_bound=_is_bound(person.id),
            enrolments=_enrolments(person.id),
            agreements=_agreements(person.id),
            account=None if flexible is None else accounts.account_view(flexible),
            segments=_segments(person.id),
            postings=(
                ()
                if flexible is None
                else accounts.postings_page(flexible, before_seq=None, limit=_POSTINGS_SHOWN)
            ),
            quota_first_home=_quota(person.id, "first", today),
            quota_second_home=_quota(person.id, "second", today),
            limits=_limits(person.id),
        )


def person_postings(
    *, staff: Staff, person_id: str, before_seq: int | None, limit: int
) -> tuple[PostingView, ...]:
    """A page of a depositor's movements, newest first; empty before his account is open."""
    with reading():
        flexible = accounts.open_flexible(_seen(staff, person_id).id)
        if flexible is None:
            return ()
        return accounts.postings_page(flexible, before_seq=before_seq, limit=limit)


@retried
def unmask(
    *, staff: Staff, person_id: str, fields: list[str], reason: str, at: datetime
) -> dict[str, str]:
    """These fields of a depositor in full, for a reason that is on record; at most 20 an hour.

    Raises `Absent`, `TooMany`.
    """
    with transaction():
        refuse_unless_still(staff)
        person = _seen(staff, person_id)
        limits.spend([(_UNMASKINGS, str(staff.person_id))], at=at)
        act = f"unmask {' '.join(sorted(fields))}"
        audit.record_reason(staff, act=act, subject=person.public_id, reason=reason, at=at)
        return {name: getattr(person, name) for name in UNMASKABLE if name in fields}


def _quota(person_id: int, home: Home, day: date) -> LiveQuota | None:
    """None where the policy in force says nothing of quotas: the rest of the page stands."""
    try:
        return quotas.quota_of(person_id, home=home, day=day)
    except PolicySilent:
        return None


def _has(keys: Keys) -> ColumnElement[bool]:
    if keys.id_number is not None:
        number = normalise_id_number(keys.id_number)
        return Person.id_number_index == vault.blind_index(number, purpose="id-number")
    if keys.account_no is not None:
        owner = select(FundAccount.person_id).where(FundAccount.account_no == keys.account_no)
        return Person.id.in_(owner)
    masked = vault.masked_keys_index(
        normalise_id_number(keys.masked_id_number or ""), keys.masked_phone or ""
    )
    return Person.masked_keys_index == masked


def _seen(staff: Staff, person_id: str) -> Person:
    person = db.session().scalars(select(Person).where(Person.public_id == person_id)).one_or_none()
    if person is None or not staff.sees(district_of_person(person.id)):
        raise Absent()
    return person


def _line(person: Person) -> PersonLine:
    account_no = db.session().scalar(
        select(FundAccount.account_no).where(
            FundAccount.person_id == person.id, FundAccount.closed_on.is_(None)
        )
    )
    return PersonLine(
        person_id=person.public_id,
        name=vault.masked_name(person.name),
        id_number=vault.masked_id_number(person.id_number),
        phone=vault.masked_phone(person.phone),
        district=district_of_person(person.id),
        account_no=account_no,
    )


def _is_bound(person_id: int) -> bool:
    query = select(WechatAccount.id).where(WechatAccount.person_id == person_id)
    return db.session().scalar(query) is not None


def _enrolments(person_id: int) -> tuple[EnrolmentView, ...]:
    rows = db.session().scalars(
        select(Enrolment).where(Enrolment.person_id == person_id).order_by(Enrolment.id.desc())
    )
    return tuple(
        EnrolmentView(row.state, row.work_kind, row.district, row.decided_on, row.reasons)
        for row in rows
    )


def _agreements(person_id: int) -> tuple[AgreementView, ...]:
    columns = (Agreement.public_id, AgreementTemplate.code, Agreement.signed_at, Agreement.ended_at)
    rows = db.session().execute(
        select(*columns, Agreement.text_sha256, Agreement.pdf_sha256)
        .join(AgreementTemplate, AgreementTemplate.id == Agreement.template_id)
        .where(Agreement.person_id == person_id)
        .order_by(Agreement.id.desc())
    )
    return tuple(AgreementView(*row) for row in rows)


def _segments(person_id: int) -> tuple[SegmentView, ...]:
    rows = db.session().scalars(
        select(IdentitySegment)
        .join(FundAccount, FundAccount.id == IdentitySegment.account_id)
        .where(FundAccount.person_id == person_id)
        .order_by(IdentitySegment.from_on)
    )
    return tuple(SegmentView(row.kind, row.from_on, row.until_on) for row in rows)


def _limits(person_id: int) -> tuple[LimitView, ...]:
    rows = db.session().scalars(
        select(DepositLimitOverride)
        .where(DepositLimitOverride.person_id == person_id)
        .order_by(DepositLimitOverride.id.desc())
    )
    return tuple(LimitView(row.month_on, row.limit_fen) for row in rows)
