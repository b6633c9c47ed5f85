"""Who did or read what, why and from where: append-only (W8)."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.vault import Encrypted


class AuditEntry(Model):
    """One call of a member of staff, written before it has any effect.

    `act` is the route or command, `subject` the public ids it was about, `verdict` whether it was
    let through. A reading that names its subjects only afterwards, or an act with a reason, gets
    an entry of its own beside that of its call; `request_id` joins them.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_account_id_at", "account_id", "at"),
        Index("ix_audit_entry_request_id", "request_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    role: Mapped[str]
    district: Mapped[str]
    act: Mapped[str]
    subject: Mapped[str]
    verdict: Mapped[str]
    reason: Mapped[str | None] = mapped_column(Encrypted("audit_entry.reason"))
    peer: Mapped[str]
    request_id: Mapped[str]


class AuditAnswer(Model):
    """What an audited call was answered: its HTTP status."""

    __tablename__ = "audit_answer"

    entry_id: Mapped[int] = mapped_column(ForeignKey("audit_entry.id"), primary_key=True)
    status: Mapped[int]
    at: Mapped[datetime]
