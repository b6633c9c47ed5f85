"""Staff accounts: proposed and approved by two administrators, activated by their owner."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import ids, vault
from app.db import db, insert_unless_there, reading, retried, transaction
from app.errors import Absent, Unacceptable
from app.models import StaffAccount, StaffAssignment, StaffPerson
from app.rules import duties
from app.services import audit, pages, staff_credentials, work_items
from app.services.pages import Asked, Page
from app.services.staff import (
    SamePerson,
    Staff,
    current_assignment,
    end_sessions,
    refuse_unless_still,
    void_activations,
)

ADMINISTRATOR = "security-administrator"
LOGIN_SHAPE = re.compile(r"[a-z][a-z0-9.-]{2,31}")


@dataclass(frozen=True)
class StaffView:
    """A member of staff as colleagues see him."""

    account_id: str
    login: str
    name: str
    state: str
    role: str
    district: str


@retried
def disable(*, staff: Staff, account_id: str, reason: str, at: datetime) -> None:
    """The account is disabled and its sessions have ended; one administrator suffices.

    Raises `Absent`, and `SamePerson` for one's own account.
    """
    with transaction():
        refuse_unless_still(staff)
        account = account_seen(staff, account_id)
        if account.staff_person_id == staff.person_id:
            raise SamePerson()
        account.state = "disabled"
        end_sessions(account_id=account.id, reason="disabled", at=at)
        work_items.release_of(account.id)
        audit.record_reason(
            staff, act="disable account", subject=account.public_id, reason=reason, at=at
        )


def staff_accounts(*, staff: Staff, asked: Asked) -> Page[StaffView]:
    """A page of the accounts of one's own district, or of all at the centre."""
    query = (
        select(StaffAccount, StaffPerson.name, StaffAssignment.role, StaffAssignment.district)
        .join(StaffPerson, StaffPerson.id == StaffAccount.staff_person_id)
        .join(StaffAssignment, StaffAssignment.account_id == StaffAccount.id)
        .where(StaffAssignment.until_at.is_(None))
    )
    if staff.district != duties.CENTRE:
        query = query.where(StaffAssignment.district == staff.district)
    with reading():
        place = f"staff-accounts:{staff.account_id}"
        return pages.page(
            query,
            order=pages.newest_first(StaffAccount.id),
            place=place,
            asked=asked,
            shown=_view,
        )


@dataclass(frozen=True)
class Me:
    """What a member of staff may know about himself and do."""

    account: StaffView
    actions_proposed: list[str]
    actions_decided: list[str]


def myself(*, staff: Staff) -> Me:
    """Who is signed in, and which actions he proposes and decides."""
    with reading() as session:
        account = session.get_one(StaffAccount, staff.account_id)
        name = session.get_one(StaffPerson, staff.person_id).name
        view = _view((account, name, staff.role, staff.district))
    proposed = [each for each, what in duties.ACTIONS.items() if staff.role in what.makers]
    decided = [each for each, what in duties.ACTIONS.items() if staff.role in what.checkers]
    return Me(view, proposed, decided)


# --- in the caller's transaction ---


def account_seen(staff: Staff, account_id: str) -> StaffAccount:
    """The account with this public id, locked, if its district is his to see; or `Absent`."""
    account = (
        db.session()
        .scalars(select(StaffAccount).where(StaffAccount.public_id == account_id).with_for_update())
        .one_or_none()
    )
    assignment = None if account is None else current_assignment(account.id)
    if account is None or assignment is None or not staff.sees(assignment.district):
        raise Absent()
    return account


def person_of(name: str, id_number: str, at: datetime) -> int:
    """The row of the person with this ID number, made if there is none."""
    insert_unless_there(
        StaffPerson,
        name=name,
        id_number=id_number,
        id_number_index=_index(id_number),
        created_at=at,
    )
    found = person_id_of(id_number)
    assert found is not None  # it was just inserted, or was there  # noqa: S101
    return found


def invite(*, login: str, person_id: int, at: datetime) -> StaffAccount:
    """A new account waits for its owner; raises `Unacceptable` when the login is taken."""
    if staff_credentials.account_of(login) is not None:
        raise Unacceptable(fields={"login": ["该账号名已被使用。"]})
    account = StaffAccount(
        public_id=ids.new_public_id("stf"),
        staff_person_id=person_id,
        login=login,
        state="invited",
        totp_last_step=0,
        created_at=at,
    )
    db.session().add(account)
    db.session().flush()
    return account


def assign(
    account_id: int, role: str, district: str, *, approval_id: int | None, at: datetime
) -> None:
    """From now on the account holds this role in this district; its sessions have ended."""
    before = current_assignment(account_id)
    if before is not None:
        before.until_at = at
        db.session().flush()
    end_sessions(account_id=account_id, reason="role-changed", at=at)
    work_items.release_of(account_id)
    db.session().add(
        StaffAssignment(
            account_id=account_id, role=role, district=district, from_at=at, approval_id=approval_id
        )
    )
    db.session().flush()


def reset(account: StaffAccount, *, at: datetime) -> None:
    """The account waits for its owner again, without password and TOTP; its sessions have ended."""
    account.state, account.password_hash, account.totp_secret = "invited", None, None
    void_activations(account.id, at=at)
    end_sessions(account_id=account.id, reason="reset", at=at)
    work_items.release_of(account.id)


def person_id_of(id_number: str) -> int | None:
    """The row of the member of staff with this ID number, if there is one."""
    return db.session().scalar(
        select(StaffPerson.id).where(StaffPerson.id_number_index == _index(id_number))
    )


def _index(id_number: str) -> bytes:
    return vault.blind_index(id_number, purpose="id-number")


def _view(row: Any) -> StaffView:
    account, name, role, district = row
    shown = vault.masked_name(name)
    return StaffView(account.public_id, account.login, shown, account.state, role, district)
