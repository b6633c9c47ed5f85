"""W1-W3: one account per person, opened by a proved person of the right age with an agreement."""

import hashlib
from collections.abc import Iterator
from datetime import date

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from app import ids, settings, vault
from app.db import db
from app.models import (
    FLEXIBLE,
    Agreement,
    AgreementTemplate,
    Enrolment,
    FundAccount,
    IdentityCheck,
    IdentitySegment,
    Journal,
    PaymentOrder,
    Person,
    PolicyVersion,
    Posting,
    SubAccount,
    WechatAccount,
)
from app.rules.eligibility import statutory_retirement
from app.rules.id_number import read_id_number
from app.rules.periods import add_months
from app.rules.policy_document import policy_from_canonical

_FACE_PASSED = 10000  # WeChat's `verify_ret` of somebody who was there
_PDFS_AT_ONCE = 50


def w1_one_open_account() -> Iterator[str]:
    """W1: one open account per person, with its number, two sub-accounts and a segment."""
    session = db.session()
    double = (
        select(FundAccount.person_id)
        .where(FundAccount.closed_on.is_(None))
        .group_by(FundAccount.person_id)
        .having(func.count() > 1)
    )
    for person_id in session.scalars(double):
        yield f"person {person_id} has two open accounts"
    counted = (
        select(FundAccount.id, FundAccount.account_no)
        .outerjoin(SubAccount, SubAccount.account_id == FundAccount.id)
        .group_by(FundAccount.id, FundAccount.account_no)
    )
    kinds = (func.count(SubAccount.kind.distinct()), func.count(SubAccount.id))
    for account_id, account_no, different, count in session.execute(counted.add_columns(*kinds)):
        if (different, count) != (2, 2):
            yield f"account {account_id} has {count} sub-accounts of {different} kinds"
        if account_no != ids.account_number(settings.current().centre_code, account_id):
            yield f"account {account_id} does not have the number that belongs to it"
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


def w1_indexes_find_their_owner() -> Iterator[str]:
    """W1: one person per ID number; a blind index is that of the value it stands beside."""
    session = db.session()
    seen: dict[bytes, int] = {}
    columns = (Person.id, Person.id_number, Person.id_number_index)
    for person_id, id_number, stored, phone, phone_index, masked in session.execute(
        select(*columns, Person.phone, Person.phone_index, Person.masked_keys_index)
    ):
        index = vault.blind_index(id_number, purpose="id-number")
        if index != stored:
            yield f"person {person_id}: the blind index is not that of the ID number"
        if seen.setdefault(index, person_id) != person_id:
            yield f"persons {seen[index]} and {person_id} have one ID number"
        if vault.blind_index(phone, purpose="phone") != phone_index:
            yield f"person {person_id}: the blind index is not that of the phone"
        if masked is not None and vault.masked_keys_index(id_number, phone) != masked:
            yield f"person {person_id}: the blind index is not that of the masked keys"
    accounts = select(WechatAccount.id, WechatAccount.openid, WechatAccount.openid_index)
    for account_id, openid, index in session.execute(accounts):
        if vault.blind_index(openid, purpose="openid") != index:
            yield f"WeChat account {account_id}: the blind index is not that of the openid"


def w1_nobody_erased_has_an_account() -> Iterator[str]:
    """W1: a person is erased only where no account of his was ever opened."""
    query = (
        select(FundAccount.id)
        .join(Person, Person.id == FundAccount.person_id)
        .where(Person.erased_at.is_not(None))
    )
    for account_id in db.session().scalars(query):
        yield f"account {account_id} belongs to somebody erased"


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


def w2_begins_with_first_deposit() -> Iterator[str]:
    """W2: an account and its first identity segment begin on the first deposit's value day."""
    deposited_on = (
        select(func.min(Journal.value_on))
        .join(Posting, Posting.journal_id == Journal.id)
        .join(SubAccount, SubAccount.id == Posting.sub_account_id)
        .where(SubAccount.account_id == FundAccount.id, SubAccount.kind == FLEXIBLE)
        .scalar_subquery()
    )
    segment_from_on = (
        select(func.min(IdentitySegment.from_on))
        .where(IdentitySegment.account_id == FundAccount.id)
        .scalar_subquery()
    )
    query = select(FundAccount.id).where(
        or_(FundAccount.opened_on != deposited_on, FundAccount.opened_on != segment_from_on)
    )
    for account_id in db.session().scalars(query):
        yield f"account {account_id} does not begin with its first deposit"


def w2_agreements_rest_on_proof() -> Iterator[str]:
    """W2: who signed was admitted and, by WeChat's word, proved; who ordered was still bound."""
    session = db.session()
    unproved = (
        select(Agreement.id)
        .outerjoin(IdentityCheck, IdentityCheck.id == Agreement.identity_check_id)
        .outerjoin(Enrolment, Enrolment.id == Agreement.enrolment_id)
        .where(~_rests_on_proof())
    )
    for agreement_id in session.scalars(unproved):
        yield f"agreement {agreement_id}: its signer was not proved or not admitted"
    faceless = select(IdentityCheck.id).where(
        IdentityCheck.state == "passed", IdentityCheck.verify_ret.is_distinct_from(_FACE_PASSED)
    )
    for check_id in session.scalars(faceless):
        yield f"identity check {check_id} is called passed without WeChat's word"
    ended = (
        select(PaymentOrder.id)
        .join(Agreement, Agreement.id == PaymentOrder.agreement_id)
        .where(Agreement.ended_at < PaymentOrder.created_at)
    )
    for order_id in session.scalars(ended):
        yield f"order {order_id} rests on an agreement that had ended"


def w2_papers_are_as_signed() -> Iterator[str]:
    """W2: an agreement's text and PDF are those of their hashes."""
    session = db.session()
    columns = (Agreement.id, Agreement.text, Agreement.text_sha256)
    papers = select(*columns, Agreement.pdf, Agreement.pdf_sha256)
    with session.execute(papers.execution_options(yield_per=_PDFS_AT_ONCE)) as rows:
        for agreement_id, text, text_sha256, pdf, pdf_sha256 in rows:
            if hashlib.sha256(text.encode()).hexdigest() != text_sha256:
                yield f"agreement {agreement_id} is not the text that was signed"
            if hashlib.sha256(pdf).hexdigest() != pdf_sha256:
                yield f"agreement {agreement_id} is not the PDF that was sealed"


def w2_templates_unchanged() -> Iterator[str]:
    """W2: every agreement template is what was installed."""
    for template in db.session().scalars(select(AgreementTemplate)):
        if template.content_sha256() != template.sha256:
            yield f"agreement template {template.id} is not the one that was installed"


def _rests_on_proof() -> ColumnElement[bool]:
    return func.coalesce(
        and_(
            IdentityCheck.state == "passed",
            IdentityCheck.person_id == Agreement.person_id,
            Enrolment.state == "accepted",
            Enrolment.person_id == Agreement.person_id,
        ),
        false(),
    )


def w3_age_on_joining() -> Iterator[str]:
    """W3: of age and not retired on the day of joining; 16-17 with the declaration of income."""
    rows = db.session().execute(
        select(Enrolment, Person.id_number, PolicyVersion.document)
        .join(Person, Person.id == Enrolment.person_id)
        .join(PolicyVersion, PolicyVersion.id == Enrolment.policy_version_id)
        .join(Agreement, Agreement.enrolment_id == Enrolment.id)
        .where(Enrolment.state == "accepted", Person.erased_at.is_(None))
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
    ("W1", "one open account per person, one person per ID number", w1_indexes_find_their_owner),
    (
        "W1",
        "one open account per person, one person per ID number",
        w1_nobody_erased_has_an_account,
    ),
    ("W2", "accounts have a proved person, an agreement, a deposit", w2_proved_signed_and_paid),
    ("W2", "accounts have a proved person, an agreement, a deposit", w2_begins_with_first_deposit),
    ("W2", "accounts have a proved person, an agreement, a deposit", w2_agreements_rest_on_proof),
    ("W2", "accounts have a proved person, an agreement, a deposit", w2_papers_are_as_signed),
    ("W2", "accounts have a proved person, an agreement, a deposit", w2_templates_unchanged),
    ("W3", "everybody was of age and not retired on joining", w3_age_on_joining),
)
