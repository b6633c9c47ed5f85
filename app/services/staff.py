"""Who is asking on the centre's side, and what must still hold when he acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.db import db
from app.errors import Forbidden, Unauthenticated
from app.models import (
    Person,
    StaffAccount,
    StaffActivation,
    StaffAssignment,
    StaffPerson,
    StaffSession,
)
from app.rules import duties


class SamePerson(Forbidden):
    """Whoever proposed it, or whom it is about, does not decide it: also not over another login."""

    sentence = "经办与复核必须是不同的人，本人的事项也应由他人办理。"


class RoleNotAllowed(Forbidden):
    """The role does not do this."""

    sentence = "您的岗位不能办理此事项。"


@dataclass(frozen=True)
class Call:
    """A request as its door knows it: what was called, about what, and from where."""

    act: str
    """`METHOD /path/<argument>`"""
    subject: str
    """The public ids in the path, blank-separated."""
    peer: str
    request_id: str


@dataclass(frozen=True)
class Staff:
    """A signed-in member of staff, and his audited call.

    `account_id`, `person_id`, `session_id` and `audit_id` are row numbers: two logins of one human
    being share `person_id`.
    """

    account_id: int
    person_id: int
    session_id: int
    role: str
    district: str
    call: Call
    verdict: str
    audit_id: int

    def sees(self, district: str) -> bool:
        """Whether what belongs to the district is his to see (O.1)."""
        return duties.sees(self.district, district)


def refuse_unless_still(staff: Staff) -> None:
    """Returns when account, role, district and session are what they were when the call came in.

    In the caller's transaction; from here until its end nobody can take the role away. Raises
    `Unauthenticated`: a role lost a second ago decides nothing.
    """
    session = db.session()
    state = session.scalar(
        select(StaffAccount.state)
        .where(StaffAccount.id == staff.account_id)
        .with_for_update(read=True)
    )
    ended_at = session.scalar(
        select(StaffSession.ended_at).where(StaffSession.id == staff.session_id)
    )
    assignment = current_assignment(staff.account_id)
    if state != "active" or ended_at is not None or assignment is None:
        raise Unauthenticated()
    if (assignment.role, assignment.district) != (staff.role, staff.district):
        raise Unauthenticated()


def current_assignment(account_id: int) -> StaffAssignment | None:
    """The role the account holds now, in the caller's transaction."""
    return (
        db.session()
        .scalars(
            select(StaffAssignment).where(
                StaffAssignment.account_id == account_id, StaffAssignment.until_at.is_(None)
            )
        )
        .one_or_none()
    )


def refuse_own(staff: Staff, *, depositor_ids: Sequence[int]) -> None:
    """Returns unless one of the depositors is the member of staff himself; else `SamePerson`."""
    own = db.session().scalar(
        select(Person.id)
        .join(StaffPerson, StaffPerson.id_number_index == Person.id_number_index)
        .where(Person.id.in_(depositor_ids), StaffPerson.id == staff.person_id)
        .limit(1)
    )
    if own is not None:
        raise SamePerson()


def end_sessions(*, account_id: int, reason: str, at: datetime) -> None:
    """Every session of the account has ended, in the caller's transaction."""
    rows = db.session().scalars(
        select(StaffSession).where(
            StaffSession.account_id == account_id, StaffSession.ended_at.is_(None)
        )
    )
    for row in rows:
        row.ended_at, row.end_reason = at, reason


def void_activations(account_id: int, *, at: datetime, administrator_id: int | None = None) -> None:
    """No activation code of the account works any more, or none of one administrator's."""
    rows = db.session().scalars(
        select(StaffActivation).where(
            StaffActivation.account_id == account_id, StaffActivation.expires_at > at
        )
    )
    for row in rows:
        if administrator_id is None or row.administrator_id == administrator_id:
            row.expires_at = at
