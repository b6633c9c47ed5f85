"""Joining the pilot: what the worker declares, and every reason why he may not (Seed §1)."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import select

from app import clock, ids
from app.db import db, retried, transaction
from app.errors import Refused
from app.models import Enrolment, Person, PolicyVersion
from app.rules.eligibility import Applicant, refusals_to_join, retirement_category_of
from app.rules.id_number import read_id_number
from app.rules.policy import Policy, RetirementCategory
from app.rules.refusal import Refusal
from app.services import policies
from app.services.members import Member, StepMissing, locked_person, refuse_unless_bound


@dataclass(frozen=True)
class Declaration:
    """What the worker declares when he applies, by himself, on his phone (1.5)."""

    work_kind: str
    district: str
    works_in_city: bool
    draws_pension: bool
    own_labour_income: bool | None
    retirement_category: RetirementCategory | None


@dataclass(frozen=True)
class Admission:
    """An accepted enrolment."""

    enrolment_id: str
    work_kind: str
    district: str
    decided_on: date
    policy_code: str


def apply_to_join(*, member: Member, declaration: Declaration, at: datetime) -> Admission:
    """The member is admitted; or the refusal is on record and `Refused` gives every reason.

    Raises `StepMissing` before the real-name check.
    """
    admission, reasons = _decide(member, declaration, at)
    if admission is None:
        raise Refused(reasons)
    return admission


def accepted_enrolment(person_id: int) -> Enrolment | None:
    """The person's latest accepted enrolment, in the caller's transaction."""
    return (
        db.session()
        .scalars(
            select(Enrolment)
            .where(Enrolment.person_id == person_id, Enrolment.state == "accepted")
            .order_by(Enrolment.id.desc())
            .limit(1)
        )
        .one_or_none()
    )


def refuse_unless_eligible(person: Person, *, policy: Policy, on: date) -> Enrolment:
    """The person's enrolment, if what he declared still lets him join on this day.

    In the caller's transaction. Raises `StepMissing` without an enrolment, `Refused` with every
    reason, such as a retirement age reached since.
    """
    enrolment = accepted_enrolment(person.id)
    if enrolment is None:
        raise StepMissing("enrolment")
    applicant = _applicant(person, _declared(enrolment))
    reasons = refusals_to_join(applicant, policy=policy, on=on)
    if reasons:
        raise Refused(reasons)
    return enrolment


@retried
def _decide(
    member: Member, declaration: Declaration, at: datetime
) -> tuple[Admission | None, tuple[Refusal, ...]]:
    on = clock.day_of(at)
    with transaction() as session:
        person = locked_person(member.proved())
        refuse_unless_bound(member)
        in_force = policies.policy_on(on)
        applicant = _applicant(person, declaration)
        reasons = refusals_to_join(applicant, policy=in_force.policy, on=on)
        row = Enrolment(
            public_id=ids.new_public_id("enr"),
            person_id=person.id,
            policy_version_id=in_force.version_id,
            work_kind=declaration.work_kind,
            district=declaration.district,
            works_in_city=declaration.works_in_city,
            own_labour_income=bool(declaration.own_labour_income),
            draws_pension=declaration.draws_pension,
            retirement_category=retirement_category_of(
                applicant.sex, declaration.retirement_category, policy=in_force.policy
            ),
            state="refused" if reasons else "accepted",
            reasons=[asdict(reason) for reason in reasons],
            decided_on=on,
            decided_at=at,
        )
        session.add(row)
        session.flush()
        return (None if reasons else _admission(row)), reasons


def _applicant(person: Person, declared: Declaration) -> Applicant:
    identity = read_id_number(person.id_number)
    return Applicant(
        birth_on=identity.birth_on,
        sex=identity.sex,
        work_kind=declared.work_kind,
        district=declared.district,
        works_in_city=declared.works_in_city,
        draws_pension=declared.draws_pension,
        own_labour_income=declared.own_labour_income,
        retirement_category=declared.retirement_category,
    )


def _declared(row: Enrolment) -> Declaration:
    categories: dict[str, RetirementCategory] = {"M": "M", "F55": "F55", "F50": "F50"}
    return Declaration(
        work_kind=row.work_kind,
        district=row.district,
        works_in_city=row.works_in_city,
        draws_pension=row.draws_pension,
        own_labour_income=row.own_labour_income,
        retirement_category=categories[row.retirement_category],
    )


def _admission(row: Enrolment) -> Admission:
    code = (
        db.session()
        .scalars(select(PolicyVersion.code).where(PolicyVersion.id == row.policy_version_id))
        .one()
    )
    return Admission(row.public_id, row.work_kind, row.district, row.decided_on, code)
