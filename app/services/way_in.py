"""How far a member has come: the steps of the way in, and which one is next."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import clock, vault
from app.db import reading
from app.models import Person
from app.services import agreements, consents, enrolment
from app.services.accounts import open_flexible
from app.services.members import STEPS, Member, StepMissing


@dataclass(frozen=True)
class StepState:
    """One step of the way in, in order."""

    step: str
    name: str
    done: bool


@dataclass(frozen=True)
class WayIn:
    """The member's own view of himself, masked; `next_step` is None once the account is open."""

    name_masked: str | None
    id_number_masked: str | None
    phone_masked: str | None
    steps: tuple[StepState, ...]
    next_step: str | None


def way_in_of(*, member: Member, at: datetime) -> WayIn:
    """Which steps the member has done, and what comes next."""
    with reading() as session:
        person = (
            None
            if member.person_id is None
            else session.scalars(select(Person).where(Person.id == member.person_id)).one()
        )
        done = _done(member, at)
        steps = tuple(StepState(step, name, step in done) for step, name in STEPS.items())
        waiting = [each.step for each in steps if not each.done]
        return WayIn(
            name_masked=vault.masked_name(person.name) if person else None,
            id_number_masked=vault.masked_id_number(person.id_number) if person else None,
            phone_masked=vault.masked_phone(person.phone) if person else None,
            steps=steps,
            next_step=waiting[0] if waiting else None,
        )


def _done(member: Member, at: datetime) -> set[str]:
    done: set[str] = set()
    with suppress(StepMissing):
        consents.refuse_without_consents(member.wechat_account_id)
        done.add("consents")
    if member.person_id is None:
        return done
    done.add("identity-check")
    if enrolment.accepted_enrolment(member.person_id) is not None:
        done.add("enrolment")
    with suppress(StepMissing):
        agreements.agreement_in_force(member.person_id, on=clock.day_of(at))
        done.add("agreement")
    if open_flexible(member.person_id) is not None:
        done.add("first-deposit")
    return done
