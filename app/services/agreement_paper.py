"""What a person is asked to sign, and the paper made of it: parties, terms, policy, evidence."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import clock, settings, vault
from app.db import db
from app.documents.agreement import AgreementPaper
from app.models import IdentityCheck, Person
from app.money import yuan
from app.rules.policy import Policy
from app.services import consents, enrolment, policies
from app.services.agreement_templates import filled, template_on
from app.services.members import Member, refuse_unless_bound


@dataclass(frozen=True)
class AgreementDraft:
    """The exact text a person is asked to sign, and its SHA-256."""

    template_code: str
    title: str
    text: str
    text_sha256: str
    policy_code: str
    policy_note: str


@dataclass(frozen=True)
class PreparedPaper:
    """Everything that goes into the paper, read in one transaction."""

    draft: AgreementDraft
    template_id: int
    policy_version_id: int
    enrolment_id: int
    identity_check_id: int
    paper: AgreementPaper


def prepared_paper(member: Member, person: Person, at: datetime) -> PreparedPaper:
    """The draft for this person at this moment, with its paper, in the caller's transaction.

    Raises `StepMissing`, and `Refused` when he may not join any more.
    """
    refuse_unless_bound(member)
    consents.refuse_without_consents(member.wechat_account_id)
    on = clock.day_of(at)
    in_force = policies.policy_on(on)
    joined = enrolment.refuse_unless_eligible(person, policy=in_force.policy, on=on)
    template = template_on(on)
    values = _values(person, joined.district, joined.work_kind, in_force.policy)
    text = filled(template.body, values)
    draft = AgreementDraft(
        template_code=template.code,
        title=template.title,
        text=text,
        text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        policy_code=in_force.policy.code,
        policy_note=in_force.policy.note,
    )
    check = _identity_check(person.id)
    paper = AgreementPaper(
        title=template.title,
        text=text,
        text_sha256=draft.text_sha256,
        parties=(
            ("甲方", values["centre_name"]),
            ("乙方", person.name),
            ("乙方身份证号码", person.id_number),
            ("乙方手机号码", person.phone),
        ),
        policy_code=f"{in_force.policy.code}（{in_force.sha256}）",
        policy_note=in_force.policy.note,
        evidence=_evidence(member, check),
        signed_at=at,
    )
    return PreparedPaper(draft, template.id, in_force.version_id, joined.id, check.id, paper)


def _values(person: Person, district: str, work_kind: str, policy: Policy) -> dict[str, str]:
    eligibility, deposit = policy.eligibility, policy.deposit
    names = {each.code: each.name for each in (*eligibility.districts, *eligibility.work_kinds)}
    return {
        "centre_name": settings.current().centre_name,
        "name": vault.masked_name(person.name),
        "id_number_masked": vault.masked_id_number(person.id_number),
        "phone_masked": vault.masked_phone(person.phone),
        "district": names.get(district, district),
        "work_kind": names.get(work_kind, work_kind),
        "policy_code": policy.code,
        "policy_title": policy.title,
        "policy_note": policy.note,
        "deposit_min_yuan": yuan(deposit.min_per_order_fen),
        "deposit_month_max_yuan": yuan(deposit.max_per_calendar_month_fen),
    }


def _identity_check(person_id: int) -> IdentityCheck:
    return (
        db.session()
        .scalars(
            select(IdentityCheck)
            .where(IdentityCheck.person_id == person_id, IdentityCheck.state == "passed")
            .order_by(IdentityCheck.id.desc())
            .limit(1)
        )
        .one()
    )


def _evidence(member: Member, check: IdentityCheck) -> tuple[tuple[str, str], ...]:
    passed_at = check.finished_at or check.started_at
    rows = [
        ("实名核验", f"微信人脸核身通过（流水号 {check.out_seq_no}），{_words(passed_at)}"),
        ("签署方式", "本人在小程序内逐字展示全文后确认签署"),
    ]
    rows += [
        (f"单独同意：{title}", _words(given_at))
        for title, given_at in consents.evidence(member.wechat_account_id)
    ]
    return tuple(rows)


def _words(instant: datetime) -> str:
    return instant.astimezone(clock.SHANGHAI).strftime("%Y-%m-%d %H:%M:%S %z")
