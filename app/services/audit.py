"""The record of who did and read what (W8): written before the act, read by auditors alone."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from app.db import db, reading, retried, transaction
from app.models import AuditAnswer, AuditEntry, StaffAccount
from app.rules import duties
from app.services import pages, tables
from app.services.pages import Asked, Page
from app.services.staff import Call, Staff, current_assignment

_CHUNK = 1000


@dataclass(frozen=True)
class Entry:
    """One line of the record; `status` is what the call was answered, if it was one."""

    entry_id: int
    at: datetime
    account_id: str
    login: str
    role: str
    district: str
    act: str
    subject: str
    verdict: str
    reason: str
    peer: str
    request_id: str
    status: int | None


@dataclass(frozen=True)
class Wanted:
    """What an auditor looks for; None means any."""

    from_at: datetime | None = None
    until_at: datetime | None = None
    login: str | None = None
    subject: str | None = None
    request_id: str | None = None


def record_subjects(staff: Staff, subjects: tuple[str, ...], *, at: datetime) -> None:
    """These public ids were read in the staff's present call, in the caller's transaction."""
    for subject in subjects:
        _add_of(staff, at=at, act=f"{staff.call.act} found", subject=subject)


def record_reason(staff: Staff, *, act: str, subject: str, reason: str, at: datetime) -> None:
    """The act was done for this reason, in the caller's transaction."""
    _add_of(staff, at=at, act=act, subject=subject, reason=reason)


def record_command(*, act: str, subject: str, by: str, at: datetime) -> None:
    """Somebody at the terminal did this, in the caller's transaction; `by` is the system's user."""
    _add(
        at=at,
        role="installer",
        district=duties.CENTRE,
        act=act,
        subject=subject,
        verdict="allowed",
        peer=by,
        request_id="",
    )


def write(call: Call, account: StaffAccount | None, *, verdict: str, at: datetime) -> int:
    """The call stands in the record with its verdict, in the caller's transaction; its id.

    None where no account could be told from the call: somebody tried a login nobody has.
    """
    assignment = None if account is None else current_assignment(account.id)
    return _add(
        at=at,
        account_id=None if account is None else account.id,
        role="" if assignment is None else assignment.role,
        district=duties.CENTRE if assignment is None else assignment.district,
        act=call.act,
        subject=call.subject,
        verdict=verdict,
        peer=call.peer,
        request_id=call.request_id,
    )


@retried
def answered(*, entry_id: int, status: int, at: datetime) -> None:
    """What the call was answered is on record."""
    with transaction() as session:
        session.add(AuditAnswer(entry_id=entry_id, status=status, at=at))


def entries(*, staff: Staff, wanted: Wanted, asked: Asked) -> Page[Entry]:
    """A page of the record, newest first, of the auditor's own district (or of all)."""
    query = _query(staff, wanted)
    with reading():
        return pages.page(
            query,
            order=pages.newest_first(AuditEntry.id),
            place=f"audit:{staff.account_id}:{wanted}",
            asked=asked,
            shown=_entry,
        )


def exported(*, staff: Staff, wanted: Wanted) -> Iterator[Entry]:
    """The record of a period in order, read piece by piece while it is written out."""
    last, is_more = 0, True
    while is_more:
        query = _query(staff, wanted).where(AuditEntry.id > last).order_by(AuditEntry.id)
        with reading() as session:
            rows = [_entry(row) for row in session.execute(query.limit(_CHUNK))]
        yield from rows
        is_more = len(rows) == _CHUNK
        last = rows[-1].entry_id if rows else last


def csv_lines(*, staff: Staff, wanted: Wanted) -> Iterator[str]:
    """The record of a period as CSV lines, a spreadsheet's byte order mark first."""
    names = [each.name for each in fields(Entry)]
    return tables.csv_lines(
        names, (astuple(entry) for entry in exported(staff=staff, wanted=wanted))
    )


def _query(staff: Staff, wanted: Wanted) -> Select[AuditEntry, str, str, int]:
    query = (
        select(AuditEntry, StaffAccount.public_id, StaffAccount.login, AuditAnswer.status)
        .outerjoin(StaffAccount, StaffAccount.id == AuditEntry.account_id)
        .outerjoin(AuditAnswer, AuditAnswer.entry_id == AuditEntry.id)
    )
    if staff.district != duties.CENTRE:
        query = query.where(AuditEntry.district == staff.district)
    if wanted.from_at is not None:
        query = query.where(AuditEntry.at >= wanted.from_at)
    if wanted.until_at is not None:
        query = query.where(AuditEntry.at < wanted.until_at)
    if wanted.login is not None:
        query = query.where(StaffAccount.login == wanted.login)
    if wanted.subject is not None:
        query = query.where(AuditEntry.subject == wanted.subject)
    if wanted.request_id is not None:
        query = query.where(AuditEntry.request_id == wanted.request_id)
    return query


def _entry(row: Row[AuditEntry, str, str, int]) -> Entry:
    entry, public_id, login, status = row
    return Entry(
        entry_id=entry.id,
        at=entry.at,
        account_id=public_id or "",
        login=login or "",
        role=entry.role,
        district=entry.district,
        act=entry.act,
        subject=entry.subject,
        verdict=entry.verdict,
        reason=entry.reason or "",
        peer=entry.peer,
        request_id=entry.request_id,
        status=status,
    )


def _add_of(staff: Staff, **said: Any) -> None:
    """One more line about the staff's present call."""
    _add(
        account_id=staff.account_id,
        role=staff.role,
        district=staff.district,
        verdict="allowed",
        peer=staff.call.peer,
        request_id=staff.call.request_id,
        **said,
    )


def _add(**columns: Any) -> int:
    entry = AuditEntry(**columns)
    db.session().add(entry)
    db.session().flush()
    return entry.id
