"""Approvals (one proposes, another person decides) and the work list of everything that waits."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.money import MAX_FEN
from app.vault import Encrypted

APPROVAL_STATES = ("submitted", "approved", "rejected", "expired")


class Approval(Model):
    """One act that needs two people: what exactly, who proposed it, who decided (W5).

    `payload` is canonical JSON; what is executed has its hash. A trigger refuses every change of
    what was proposed, and any change once it is decided.
    """

    __tablename__ = "approval"
    __table_args__ = (
        CheckConstraint(f"state IN {APPROVAL_STATES}", name="state_known"),
        CheckConstraint("checker_person_id <> maker_person_id", name="checker_is_not_maker"),
        CheckConstraint(
            "(state IN ('approved', 'rejected')) = (checker_account_id IS NOT NULL) "
            "AND (checker_account_id IS NULL) = (checker_person_id IS NULL) "
            "AND (checker_account_id IS NULL) = (decided_at IS NULL) "
            "AND (checker_account_id IS NULL) = (decide_audit_id IS NULL)",
            name="decided_by_somebody",
        ),
        CheckConstraint(
            "(state = 'approved') = (executed_sha256 IS NOT NULL) "
            "AND (executed_sha256 IS NULL OR executed_sha256 = payload_sha256)",
            name="executed_as_approved",
        ),
        CheckConstraint("decided_at IS NULL OR decided_at < expires_at", name="decided_in_time"),
        ForeignKeyConstraint(
            ["maker_account_id", "maker_person_id"],
            ["staff_account.id", "staff_account.staff_person_id"],
            name="fk_approval_maker",
        ),
        ForeignKeyConstraint(
            ["checker_account_id", "checker_person_id"],
            ["staff_account.id", "staff_account.staff_person_id"],
            name="fk_approval_checker",
        ),
        Index(
            "uq_approval_waiting_payload",
            "action",
            "payload_sha256",
            unique=True,
            sqlite_where=text("state = 'submitted'"),
            postgresql_where=text("state = 'submitted'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    action: Mapped[str]
    district: Mapped[str]
    depositors: Mapped[str]
    payload: Mapped[str] = mapped_column(Encrypted("approval.payload"))
    payload_sha256: Mapped[str]
    reason: Mapped[str] = mapped_column(Encrypted("approval.reason"))
    resubmits_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id"))
    maker_account_id: Mapped[int]
    maker_person_id: Mapped[int]
    submitted_at: Mapped[datetime]
    submit_audit_id: Mapped[int] = mapped_column(ForeignKey("audit_entry.id"))
    expires_at: Mapped[datetime]
    state: Mapped[str]
    checker_account_id: Mapped[int | None]
    checker_person_id: Mapped[int | None]
    decided_at: Mapped[datetime | None]
    decide_audit_id: Mapped[int | None] = mapped_column(ForeignKey("audit_entry.id"))
    decision_reason: Mapped[str | None] = mapped_column(Encrypted("approval.decision_reason"))
    decided_words: Mapped[str | None] = mapped_column(Encrypted("approval.decided_words"))
    executed_sha256: Mapped[str | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)

    @property
    def depositor_ids(self) -> tuple[int, ...]:
        """The people it is about, by row number: they neither propose nor decide it."""
        return tuple(int(each) for each in self.depositors.split())


class WorkItem(Model):
    """Something that waits for people: its acceptance number, its deadline, who has taken it."""

    __tablename__ = "work_item"
    __table_args__ = (
        CheckConstraint(
            "(kind = 'approval' AND approval_id IS NOT NULL AND payment_case_id IS NULL) OR "
            "(kind = 'payment-case' AND payment_case_id IS NOT NULL AND approval_id IS NULL)",
            name="kind_has_its_target",
        ),
        CheckConstraint("(owner_account_id IS NULL) = (taken_at IS NULL)", name="taken"),
        Index(
            "uq_work_item_open_approval",
            "approval_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "uq_work_item_open_payment_case",
            "payment_case_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    acceptance_no: Mapped[str | None] = mapped_column(unique=True)
    kind: Mapped[str]
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id"))
    payment_case_id: Mapped[int | None] = mapped_column(ForeignKey("payment_case.id"))
    district: Mapped[str]
    opened_at: Mapped[datetime]
    due_on: Mapped[date | None]
    owner_account_id: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    taken_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class ManualJournal(Model):
    """An accountant's own journal, or the reversal of one; the source row of its one journal.

    `document_no` is the number of the paper it rests on (原始凭证), each used once.
    """

    __tablename__ = "manual_journal"
    __table_args__ = (CheckConstraint("id <> reverses_id", name="reverses_another"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id"), unique=True)
    document_no: Mapped[str] = mapped_column(unique=True)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("manual_journal.id"), unique=True)
    payment_case_id: Mapped[int | None] = mapped_column(ForeignKey("payment_case.id"))
    journal_id: Mapped[int | None] = mapped_column(ForeignKey("journal.id"), unique=True)


class DepositLimitOverride(Model):
    """One person may deposit up to `limit_fen` in one calendar month; the newest one counts."""

    __tablename__ = "deposit_limit_override"
    __table_args__ = (
        CheckConstraint(f"limit_fen BETWEEN 1 AND {MAX_FEN}", name="limit_within_bounds"),
        Index("ix_deposit_limit_override_person_id_month_on", "person_id", "month_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id"), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    month_on: Mapped[date]
    limit_fen: Mapped[int]
