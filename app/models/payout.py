"""Money sent to people: a payout for one reason, carried by legs over the channels there are."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.money import MAX_FEN
from app.vault import Encrypted

PAYOUT_STATES = ("open", "done", "failed")
LEG_STATES = (
    "ready",
    "unknown",
    "processing",
    "waiting-for-payee",
    "waiting-for-money",
    "abnormal",
    "succeeded",
    "failed",
)
CHANNELS = ("refund", "transfer", "bank")


class Payout(Model):
    """What is to be sent to one payee, and why; `done` once legs of its whole amount succeeded.

    While it is open, what has not been paid of a withdrawal is held on its sub-account: nothing
    else may spend it. `failed` has let go of what was not paid; legs that succeeded stay paid.
    """

    __tablename__ = "payout"
    __table_args__ = (
        CheckConstraint(f"state IN {PAYOUT_STATES}", name="state_known"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint(f"amount_fen BETWEEN 1 AND {MAX_FEN}", name="amount_within_bounds"),
        CheckConstraint("purpose IN ('suspense-return', 'counter-withdrawal')", name="purpose"),
        CheckConstraint(
            "(purpose = 'suspense-return') = (payment_case_id IS NOT NULL) "
            "AND (purpose = 'counter-withdrawal') = (sub_account_id IS NOT NULL)",
            name="has_its_source",
        ),
        Index(
            "uq_payout_case",
            "payment_case_id",
            unique=True,
            sqlite_where=text("state <> 'failed'"),
            postgresql_where=text("state <> 'failed'"),
        ),
        Index(
            "ix_payout_open_sub_account",
            "sub_account_id",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    purpose: Mapped[str]
    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id"), unique=True)
    payment_case_id: Mapped[int | None] = mapped_column(ForeignKey("payment_case.id"))
    sub_account_id: Mapped[int | None] = mapped_column(ForeignKey("sub_account.id"))
    payee_card: Mapped[str | None] = mapped_column(Encrypted("payout.payee_card"))
    payee_bank: Mapped[str | None]
    amount_fen: Mapped[int]
    state: Mapped[str]
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class BankBatch(Model):
    """Instructions handed to the bank in one file; its result comes back as a file, by approval."""

    __tablename__ = "bank_batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    made_on: Mapped[date]
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    district: Mapped[str]


class BankBatchResult(Model):
    """The bank's answer about a file, as two people approved it."""

    __tablename__ = "bank_batch_result"

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("bank_batch.id"), index=True)
    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id"), unique=True)
    recorded_at: Mapped[datetime]


class PayoutLeg(Model):
    """One instruction to one provider (P5): its number and parameters stand before the first call.

    `parameters` is exactly what is sent, every time; a trigger refuses to change it. `unknown`
    means called, outcome not known: it is asked after, never sent under another number.
    """

    __tablename__ = "payout_leg"
    __table_args__ = (
        CheckConstraint(f"state IN {LEG_STATES}", name="state_known"),
        CheckConstraint(f"channel IN {CHANNELS}", name="channel_known"),
        CheckConstraint(f"amount_fen BETWEEN 1 AND {MAX_FEN}", name="amount_within_bounds"),
        CheckConstraint("(channel = 'refund') = (payment_id IS NOT NULL)", name="refund_of"),
        CheckConstraint("batch_id IS NULL OR channel = 'bank'", name="batch_of_bank"),
        CheckConstraint(
            "CASE WHEN channel = 'bank' THEN state NOT IN ('succeeded', 'failed') "
            "OR batch_result_id IS NOT NULL ELSE batch_result_id IS NULL END",
            name="bank_result",
        ),
        CheckConstraint(
            "(state = 'succeeded') = (journal_id IS NOT NULL) "
            "AND (state = 'succeeded') = (success_at IS NOT NULL)",
            name="succeeded_is_booked",
        ),
        Index("ix_payout_leg_state_next_at", "state", "next_at"),
        Index("ix_payout_leg_payout_id", "payout_id"),
        Index("ix_payout_leg_payment_id", "payment_id"),
        Index("ix_payout_leg_batch_id", "batch_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    payout_id: Mapped[int] = mapped_column(ForeignKey("payout.id"))
    channel: Mapped[str]
    provider_no: Mapped[str] = mapped_column(unique=True)
    parameters: Mapped[str] = mapped_column(Encrypted("payout_leg.parameters"))
    parameters_sha256: Mapped[str]
    amount_fen: Mapped[int]
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("wechat_payment.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("bank_batch.id"))
    batch_result_id: Mapped[int | None] = mapped_column(ForeignKey("bank_batch_result.id"))
    state: Mapped[str]
    provider_id: Mapped[str | None]
    package_info: Mapped[str | None] = mapped_column(Encrypted("payout_leg.package_info"))
    fail_code: Mapped[str | None]
    calls: Mapped[int]
    opened_at: Mapped[datetime]
    first_called_at: Mapped[datetime | None]
    next_at: Mapped[datetime]
    success_at: Mapped[datetime | None]
    journal_id: Mapped[int | None] = mapped_column(ForeignKey("journal.id"), unique=True)
