"""The centre's people for a house: signed in over HTTP, or, for tests of something else, in a row.

`Office.open` is the way every centre begins: two administrators from the terminal, everybody else
approved by two. `seated` writes a signed-in member of staff straight into the tables.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, ids, vault
from app.models import (
    Approval,
    AuditEntry,
    StaffAccount,
    StaffAssignment,
    StaffPerson,
    StaffSession,
)
from app.services import audit, staff_credentials
from app.services.approval_action import canonical, sha256_of
from app.services.staff import current_assignment, end_sessions
from app.services.staff_accounts import ADMINISTRATOR
from app.services.staff_sessions import LIFETIME
from sandbox.desk import Desk
from sandbox.phone import Owner
from tests.house import House, somebody
from tests.short_cuts import JOINED_AT, writing

_numbers = itertools.count(1)
_PASSWORD, _SECRET = "Zx7-of-everybody-seated", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def invited_administrator(house: House, login: str, owner: Owner | None = None) -> str:
    """An administrator is invited at the terminal; answers his activation code."""
    owner = owner or somebody(name="安管")
    command = ["staff", "add-administrator", "--login", login]
    whose = ["--name", owner.name, "--id-number", owner.id_number]
    said = house.app.test_cli_runner().invoke(args=[*command, *whose])
    assert said.exit_code == 0, said.output
    return str(said.output.split("24 hours: ")[1].split()[0])


def activation_code(first: Desk, second: Desk, account_id: str) -> str:
    """What two administrators hand over to the owner of an invited account."""
    path = f"/accounts/{account_id}/activation-code"
    return "-".join(desk.post(path)["code"] for desk in (first, second))


class Office:
    """The desks of one house."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.first = self._administrator("admin.one")
        self.second = self._administrator("admin.two")

    def desk(
        self, role: str, district: str = "centre", *, owner: Owner | None = None, login: str = ""
    ) -> Desk:
        """Somebody in this role, approved by both administrators, activated and signed in."""
        owner = owner or somebody(name="职员")
        desk = Desk(self.house.api, self.house.sandbox, login or f"{role[:8]}.{next(_numbers)}")
        proposal = self.first.propose(
            "staff-account",
            "新到岗",
            login=desk.login,
            name=owner.name,
            id_number=owner.id_number,
            role=role,
            district=district,
        )
        done = self.second.approve(proposal)
        account_id = done["result"]["account_id"]
        code = activation_code(self.first, self.second, account_id)
        desk.activate(code)
        desk.sign_in()
        return desk

    def _administrator(self, login: str) -> Desk:
        desk = Desk(self.house.api, self.house.sandbox, login)
        desk.activate(invited_administrator(self.house, login))
        desk.sign_in()
        return desk


def seated(
    house: House,
    role: str,
    district: str = "centre",
    *,
    owner: Owner | None = None,
    at: datetime | None = None,
) -> Desk:
    """Somebody in this role, signed in just now, as rows: no desk proposed or approved him.

    The rows are those that two founding administrators would have left, and `verify` holds.
    """
    owner = owner or somebody(name="职员")
    desk = Desk(house.api, house.sandbox, f"seated.{next(_numbers)}")
    desk.password, desk.secret = _PASSWORD, _SECRET
    with house.app.app_context():
        at = at or clock.now()
    with writing(house) as session:
        account = _account(session, desk.login, owner, at)
        approval_id = _hired(session, account, owner, (role, district), at)
        session.add(
            StaffAssignment(
                account_id=account.id,
                role=role,
                district=district,
                from_at=at,
                approval_id=approval_id,
            )
        )
        desk.hold(_signed_in(session, account, (role, district), at))
    return desk


def back(house: House, desk: Desk) -> Desk:
    """The desk has signed in again just now, in the role it holds: nights end every session."""
    with house.app.app_context():
        at = clock.now()
    with writing(house) as session:
        account = session.scalars(
            select(StaffAccount).where(StaffAccount.login == desk.login)
        ).one()
        place = current_assignment(account.id)
        assert place is not None
        desk.hold(_signed_in(session, account, (place.role, place.district), at))
    return desk


@cache
def _password_hash() -> str:
    """Hashing takes as long as it should: once for everybody."""
    return staff_credentials.hash_of(_PASSWORD)


def _account(session: Session, login: str, owner: Owner, at: datetime) -> StaffAccount:
    index = vault.blind_index(owner.id_number, purpose="id-number")
    person = session.scalars(
        select(StaffPerson).where(StaffPerson.id_number_index == index)
    ).one_or_none()
    if person is None:
        person = StaffPerson(
            name=owner.name, id_number=owner.id_number, id_number_index=index, created_at=at
        )
        session.add(person)
        session.flush()
    account = StaffAccount(
        public_id=ids.new_public_id("stf"),
        staff_person_id=person.id,
        login=login,
        state="active",
        password_hash=_password_hash(),
        totp_secret=_SECRET,
        totp_last_step=0,
        created_at=at,
    )
    session.add(account)
    session.flush()
    return account


def _hired(
    session: Session, account: StaffAccount, owner: Owner, place: tuple[str, str], at: datetime
) -> int:
    """The approval by which the founders gave somebody login, role and district."""
    login, (role, district) = account.login, place
    maker, checker = (_founder(session, name) for name in ("founder.one", "founder.two"))
    said = {"name": owner.name, "id_number": owner.id_number}
    payload = canonical({**said, "login": login, "role": role, "district": district})
    centre = (ADMINISTRATOR, "centre")
    path = "POST /v1/staff/approvals"
    row = Approval(
        public_id=ids.new_public_id("apv"),
        action="staff-account",
        district="centre",
        depositors="",
        payload=payload,
        payload_sha256=sha256_of(payload),
        reason="新到岗",
        maker_account_id=maker.id,
        maker_person_id=maker.staff_person_id,
        submitted_at=at,
        submit_audit_id=_on_record(session, maker, centre, f"{path}/staff-account", at),
        expires_at=at + timedelta(days=30),
        state="approved",
        checker_account_id=checker.id,
        checker_person_id=checker.staff_person_id,
        decided_at=at,
        decide_audit_id=_on_record(session, checker, centre, f"{path}/<approval_id>/approve", at),
        executed_sha256=sha256_of(payload),
        result={"account_id": account.public_id},
    )
    session.add(row)
    session.flush()
    return row.id


def _founder(session: Session, login: str) -> StaffAccount:
    """One of the two administrators who were there before anybody else."""
    found = session.scalars(select(StaffAccount).where(StaffAccount.login == login)).one_or_none()
    if found is not None:
        return found
    account = _account(session, login, somebody(name="安管"), JOINED_AT)
    session.add(
        StaffAssignment(
            account_id=account.id, role=ADMINISTRATOR, district="centre", from_at=JOINED_AT
        )
    )
    audit.record_command(
        act="flask staff add-administrator", subject=account.public_id, by="tests", at=JOINED_AT
    )
    session.flush()
    return account


def _signed_in(
    session: Session, account: StaffAccount, place: tuple[str, str], at: datetime
) -> str:
    """The token of a session that a sign-in on record opened; earlier ones have ended."""
    token = ids.new_token()
    _on_record(session, account, place, "POST /v1/staff/sessions", at)
    end_sessions(account_id=account.id, reason="signed-in-again", at=at)
    session.add(
        StaffSession(
            token_hash=ids.token_hash(token),
            account_id=account.id,
            created_at=at,
            last_used_at=at,
            authenticated_at=at,
            expires_at=at + LIFETIME,
        )
    )
    return token


def _on_record(
    session: Session, account: StaffAccount, place: tuple[str, str], act: str, at: datetime
) -> int:
    entry = AuditEntry(
        at=at,
        account_id=account.id,
        role=place[0],
        district=place[1],
        act=act,
        subject="",
        verdict="allowed",
        peer="127.0.0.1",
        request_id="",
    )
    session.add(entry)
    session.flush()
    return entry.id


def account_id_of(desk: Desk) -> str:
    """The public id of the desk's account."""
    return str(desk.get("/me")["account"]["account_id"])


def refusal(act: Any) -> tuple[int, str]:
    """Status and kind of the refusal the act met."""
    from sandbox.phone import Problem

    try:
        act()
    except Problem as problem:
        return problem.status, problem.kind
    raise AssertionError("nothing was refused")
