"""The deposit agreement: shown with its hash, signed as that hash, sealed, provable (Seed §2)."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from app import documents, ids
from app.db import db, reading, retried, transaction
from app.documents.agreement import agreement_pdf
from app.documents.seal import seal_pdf
from app.documents.seal_check import check_seal
from app.errors import Absent, Conflict
from app.models import Agreement, AgreementTemplate, Person
from app.services import notifications
from app.services.agreement_paper import AgreementDraft, PreparedPaper, prepared_paper
from app.services.agreement_templates import lowest_number_accepted
from app.services.members import Member, StepMissing, locked_person

SEAL_REASON = "住房公积金缴存使用协议电子印章"


class NoSuchAgreement(Absent):
    """There is no agreement of this id for this member."""

    sentence = "没有找到这份协议。"


class AgreementTextChanged(Conflict):
    """The hash is not that of the text in force for this person: he must see the new text."""

    sentence = "协议文本已更新，请重新阅读后再签署。"
    step = "agreement"


@dataclass(frozen=True)
class SignedAgreement:
    """An agreement that stands."""

    agreement_id: str
    template_code: str
    title: str
    text_sha256: str
    pdf_sha256: str
    signed_at: datetime


@dataclass(frozen=True)
class SealVerdict:
    """Whether a PDF is one of ours, unchanged; `reason` says why not, in Chinese."""

    valid: bool
    reason: str
    template_code: str | None = None
    signed_at: datetime | None = None


def draft_for(*, member: Member, at: datetime) -> AgreementDraft:
    """The text this member would sign now; the same until something in it changes.

    Raises `StepMissing`, and `Refused` when he may not join any more.
    """
    person_id = member.proved()
    with reading() as session:
        return prepared_paper(member, session.get_one(Person, person_id), at).draft


def sign(*, member: Member, text_sha256: str, at: datetime) -> SignedAgreement:
    """The member has signed exactly the text of this hash; the sealed PDF is stored.

    Signing the text in force again answers the first signature. Raises `StepMissing`, `Refused`,
    `AgreementTextChanged`.
    """
    person_id = member.proved()
    with reading() as session:
        prepared = prepared_paper(member, session.get_one(Person, person_id), at)
        signed = _signed(person_id, text_sha256)
    if not hmac.compare_digest(prepared.draft.text_sha256.encode(), text_sha256.encode()):
        raise AgreementTextChanged()
    if signed is not None:
        return signed

    pdf = seal_pdf(
        agreement_pdf(prepared.paper), seal=documents.centre_seal(), at=at, reason=SEAL_REASON
    )

    return _store(member, prepared, pdf, at)


def agreements_of(*, member: Member) -> tuple[SignedAgreement, ...]:
    """Every agreement the member signed, newest first."""
    if member.person_id is None:
        return ()
    with reading() as session:
        rows = session.execute(
            select(Agreement, AgreementTemplate)
            .join(AgreementTemplate, AgreementTemplate.id == Agreement.template_id)
            .where(Agreement.person_id == member.person_id)
            .order_by(Agreement.id.desc())
        )
        return tuple(_answer(agreement, template) for agreement, template in rows)


def pdf_of(*, member: Member, agreement_id: str) -> bytes:
    """The sealed PDF of the member's own agreement; raises `NoSuchAgreement`."""
    if not ids.is_public_id(agreement_id, "agr"):
        raise NoSuchAgreement()
    with reading() as session:
        pdf: bytes | None = session.scalar(
            select(Agreement.pdf).where(
                Agreement.public_id == agreement_id, Agreement.person_id == member.person_id
            )
        )
    if pdf is None:
        raise NoSuchAgreement()
    return pdf


def verdict_on(*, pdf: bytes, at: datetime) -> SealVerdict:
    """Whether these bytes are an agreement this centre sealed: our stored hash and our seal, both.

    The hash comes first: it sees every changed byte, and a stranger's file meets no PDF parser.
    The seal is what somebody without our database can check.
    """
    digest = hashlib.sha256(pdf).hexdigest()
    with reading() as session:
        row = session.execute(
            select(Agreement.signed_at, AgreementTemplate.code)
            .join(AgreementTemplate, AgreementTemplate.id == Agreement.template_id)
            .where(Agreement.pdf_sha256 == digest)
        ).one_or_none()
    if row is None:
        return SealVerdict(False, "文件与本中心存档的任何协议都不一致，可能被改动过。")
    check = check_seal(pdf, trusted_ca=documents.centre_seal().ca, at=at)
    if not check.valid:
        return SealVerdict(False, check.reason)
    return SealVerdict(True, "文件由本中心签章，内容未被改动。", row.code, row.signed_at)


def agreement_in_force(person_id: int, *, on: date) -> Agreement:
    """The person's agreement that allows depositing on this day, in the caller's transaction.

    Raises `StepMissing("agreement")` when none was signed, or a newer mandatory text is in force.
    """
    found = (
        db.session()
        .scalars(
            select(Agreement)
            .join(AgreementTemplate, AgreementTemplate.id == Agreement.template_id)
            .where(
                Agreement.person_id == person_id,
                Agreement.ended_at.is_(None),
                AgreementTemplate.number >= lowest_number_accepted(on),
            )
            .order_by(Agreement.id.desc())
            .limit(1)
        )
        .one_or_none()
    )
    if found is None:
        raise StepMissing("agreement")
    return found


@retried
def _store(member: Member, prepared: PreparedPaper, pdf: bytes, at: datetime) -> SignedAgreement:
    person_id, text_sha256 = member.proved(), prepared.draft.text_sha256
    with transaction() as session:
        # Not the text alone: the sealed evidence must still be what stands beside it.
        if prepared_paper(member, locked_person(person_id), at) != prepared:
            raise AgreementTextChanged()
        signed = _signed(person_id, text_sha256)
        if signed is not None:  # a second tap was faster
            return signed
        row = Agreement(
            public_id=ids.new_public_id("agr"),
            person_id=person_id,
            template_id=prepared.template_id,
            policy_version_id=prepared.policy_version_id,
            enrolment_id=prepared.enrolment_id,
            identity_check_id=prepared.identity_check_id,
            text=prepared.draft.text,
            text_sha256=text_sha256,
            pdf=pdf,
            pdf_sha256=hashlib.sha256(pdf).hexdigest(),
            signed_at=at,
        )
        session.add(row)
        session.flush()
        notifications.notify(
            person_id=person_id,
            kind="agreement-signed",
            source=f"agreement:{row.id}",
            params={"signed_at": notifications.in_shanghai(at)},
            at=at,
        )
        return _answer(row, session.get_one(AgreementTemplate, prepared.template_id))


def _signed(person_id: int, text_sha256: str) -> SignedAgreement | None:
    row = (
        db.session()
        .execute(
            select(Agreement, AgreementTemplate)
            .join(AgreementTemplate, AgreementTemplate.id == Agreement.template_id)
            .where(Agreement.person_id == person_id, Agreement.text_sha256 == text_sha256)
        )
        .one_or_none()
    )
    return None if row is None else _answer(row[0], row[1])


def _answer(agreement: Agreement, template: AgreementTemplate) -> SignedAgreement:
    return SignedAgreement(
        agreement_id=agreement.public_id,
        template_code=template.code,
        title=template.title,
        text_sha256=agreement.text_sha256,
        pdf_sha256=agreement.pdf_sha256,
        signed_at=agreement.signed_at,
    )
