"""Agreement templates (the text in force) and agreements (what a person signed, for ever)."""

import hashlib
import json
from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.vault import Encrypted, EncryptedBytes


class AgreementTemplate(Model):
    """One version of the agreement's text; a mandatory one must be signed before depositing."""

    __tablename__ = "agreement_template"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    number: Mapped[int] = mapped_column(unique=True)
    title: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str]
    mandatory: Mapped[bool]
    effective_on: Mapped[date]
    installed_at: Mapped[datetime]
    installed_by: Mapped[str]

    def content_sha256(self) -> str:
        """The hash of all that the centre wrote, as canonical JSON; stored as `sha256`."""
        written = {
            "code": self.code,
            "number": self.number,
            "title": self.title,
            "effective_on": self.effective_on.isoformat(),
            "mandatory": self.mandatory,
            "body": self.body,
        }
        text = json.dumps(written, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


class Agreement(Model):
    """A signed agreement: the exact text, the sealed PDF and the SHA-256 of both (Seed §2)."""

    __tablename__ = "agreement"
    __table_args__ = (
        Index("uq_agreement_person_id_text_sha256", "person_id", "text_sha256", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    template_id: Mapped[int] = mapped_column(ForeignKey("agreement_template.id"))
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    enrolment_id: Mapped[int] = mapped_column(ForeignKey("enrolment.id"))
    identity_check_id: Mapped[int] = mapped_column(ForeignKey("identity_check.id"))
    text: Mapped[str] = mapped_column(Encrypted("agreement.text"))
    text_sha256: Mapped[str]
    pdf: Mapped[bytes] = mapped_column(EncryptedBytes("agreement.pdf"))
    pdf_sha256: Mapped[str] = mapped_column(unique=True)
    signed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
