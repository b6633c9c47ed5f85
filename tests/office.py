"""The centre's people for a house: signed in over HTTP, or, for tests of something else, in a row.

`Office.open` is the way every centre begins: two administrators from the terminal, everybody else
approved by two. `seated` writes a signed-in member of staff straight into the tables.
"""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import clock, ids, vault
from app.models import StaffAccount, StaffAssignment, StaffPerson, StaffSession
from app.services.staff_sessions import LIFETIME
from sandbox.desk import Desk
from sandbox.phone import Owner
from tests.house import House, somebody
from tests.short_cuts import writing

_numbers = itertools.count(1)


def invited_administrator(house: House, login: str, owner: Owner | None = None) -> str:
    """An administrator is invited at the terminal; answers his activation code."""
    owner = owner or somebody(name="安管")
    command = ["staff", "add-administrator", "--login", login]
    whose = ["--name", owner.name, "--id-number", owner.id_number]
    said = house.app.test_cli_runner().invoke(args=[*command, *whose])
    assert said.exit_code == 0, said.output
    return str(said.output.split("24 hours: ")[1].split()[0])


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
        code = self.first.post(f"/accounts/{account_id}/activation-code")["code"]
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
    """Somebody in this role, signed in just now, as rows: nobody approved him."""
    owner = owner or somebody(name="职员")
    desk = Desk(house.api, house.sandbox, f"seated.{next(_numbers)}")
    token = ids.new_token()
    with house.app.app_context():
        at = at or clock.now()
    with writing(house) as session:
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
            login=desk.login,
            state="active",
            password_hash="not-a-hash",
            totp_secret="JBSWY3DPEHPK3PXP",
            totp_last_step=0,
            created_at=at,
        )
        session.add(account)
        session.flush()
        session.add(
            StaffAssignment(account_id=account.id, role=role, district=district, from_at=at)
        )
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
    desk.hold(token)
    return desk


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
