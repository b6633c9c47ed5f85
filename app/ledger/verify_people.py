"""W1-W3: one account per person, opened by a proved person of the right age with an agreement."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import func, select

from app import vault
from app.db import db
from app.models import (
    FLEXIBLE,
    Agreement,
    AgreementTemplate,
    Enrolment,
    FundAccount,
    IdentityCheck,
    IdentitySegment,
    Person,
    PolicyVersion,
    Posting,
    SubAccount,
)
from app.rules.eligibility import statutory_retirement
from app.rules.id_number import read_id_number
from app.rules.periods import add_months
from app.rules.policy_document import policy_from_canonical


def w1_one_open_account() -> Iterator[str]:
    """W1: one open account per person, one person per ID number, two sub-accounts, one segment."""
    session = db.session()
    double = (
        select(FundAccount.person_id)
        .where(FundAccount.closed_on.is_(None))
        .group_by(FundAccount.person_id)
        .having(func.count() > 1)
    )
    for person_id in session.scalars(double):
        yield f"person {person_id} has two open accounts"
    seen: dict[bytes, int] = {}
    for person_id, id_number, index in session.execute(
        select(Person.id, Person.id_number, Person.id_number_index)
    ):
        computed = vault.blind_index(id_number, purpose="id-number")
        if computed != index:
            yield f"person {person_id}: the blind index is not that of the ID number"
        if seen.setdefault(computed, person_id) != person_id:
            yield f"persons {seen[computed]} and {person_id} have one ID number"
    for account_id in session.scalars(select(FundAccount.id)):
        kinds = sorted(
            session.scalars(select(SubAccount.kind).where(SubAccount.account_id == account_id))
        )
        if kinds != ["flexible", "unit"]:
            yield f"account {account_id} has the sub-accounts {kinds}"
    segmentless = (
        select(FundAccount.id)
        .outerjoin(
            IdentitySegment,
            (IdentitySegment.account_id == FundAccount.id) & IdentitySegment.until_on.is_(None),
        )
        .where(FundAccount.closed_on.is_(None), IdentitySegment.id.is_(None))
    )
    for account_id in session.scalars(segmentless):
        yield f"account {account_id} is open without an identity segment"


def w2_proved_signed_and_paid() -> Iterator[str]:
    """W2: an account has a proved person, an agreement signed before it, and a first deposit."""
    session = db.session()
    rows = session.execute(
        select(FundAccount.id, FundAccount.opened_at, Person.id).outerjoin(
            Person, Person.id == FundAccount.person_id
        )
    ).all()
    for account_id, opened_at, person_id in rows:
        if not _is_proved(person_id):
            yield f"account {account_id} belongs to nobody proved"
            continue
        signed = session.scalar(
            select(func.min(Agreement.signed_at))
            .join(AgreementTemplate, AgreementTemplate.id == Agreement.template_id)
            .where(Agreement.person_id == person_id)
        )
        if signed is None or signed > opened_at:
            yield f"account {account_id} was opened before an agreement was signed"
        first = session.scalar(
            select(Posting.id)
            .join(SubAccount, SubAccount.id == Posting.sub_account_id)
            .where(SubAccount.account_id == account_id, SubAccount.kind == FLEXIBLE)
            .limit(1)
        )
        if first is None:
            yield f"account {account_id} is open without a first deposit"


def _is_proved(person_id: int | None) -> bool:
    found = db.session().scalar(
        select(IdentityCheck.id)
        .where(IdentityCheck.person_id == person_id, IdentityCheck.state == "passed")
        .limit(1)
    )
    return found is not None


def w3_age_on_joining() -> Iterator[str]:
    """W3: of age and not retired on the day of joining; 16-17 with the declaration of income."""
    rows = db.session().execute(
        select(Enrolment, Person.id_number, PolicyVersion.document)
        .join(Person, Person.id == Enrolment.person_id)
        .join(PolicyVersion, PolicyVersion.id == Enrolment.policy_version_id)
        .join(Agreement, Agreement.enrolment_id == Enrolment.id)
        .where(Enrolment.state == "accepted")
    )
    for enrolment, id_number, document in rows:
        rule = policy_from_canonical(document).eligibility
        birth_on = read_id_number(id_number).birth_on
        if enrolment.decided_on < add_months(birth_on, 12 * rule.age_min_years):
            yield f"enrolment {enrolment.id}: too young on {enrolment.decided_on}"
        minor = enrolment.decided_on < add_months(birth_on, 12 * rule.full_capacity_years)
        if minor and not enrolment.own_labour_income:
            yield f"enrolment {enrolment.id}: a minor without the declaration"
        if enrolment.decided_on >= _retires_on(birth_on, enrolment.retirement_category):
            yield f"enrolment {enrolment.id}: of retirement age on {enrolment.decided_on}"


def _retires_on(birth_on: date, category: str) -> date:
    return statutory_retirement(birth_on, category).until_on  # type: ignore[arg-type]


CHECKS = (
    ("W1", "one open account per person, one person per ID number", w1_one_open_account),
    ("W2", "accounts have a proved person, an agreement, a deposit", w2_proved_signed_and_paid),
    ("W3", "everybody was of age and not retired on joining", w3_age_on_joining),
)
