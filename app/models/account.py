"""Fund accounts: one open per person, a sub-account per kind of money, identity segments."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model

FLEXIBLE, UNIT = "flexible", "unit"


class FundAccount(Model):
    """A person's account; status codes are JGJ/T 320 A.6 (01 normal, 05 closed by withdrawal)."""

    __tablename__ = "fund_account"
    __table_args__ = (
        CheckConstraint("status IN ('01', '02', '03', '04', '05', '06')", name="status_known"),
        CheckConstraint("(closed_on IS NULL) = (status NOT IN ('03', '04', '05'))", name="closed"),
        Index(
            "uq_fund_account_open_person",
            "person_id",
            unique=True,
            sqlite_where=text("closed_on IS NULL"),
            postgresql_where=text("closed_on IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_no: Mapped[str | None] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    status: Mapped[str]
    opened_on: Mapped[date]
    opened_at: Mapped[datetime]
    closed_on: Mapped[date | None]


class SubAccount(Model):
    """Flexible or unit money of one account, under its own control account of the ledger.

    The row is the lock: whoever posts takes it FOR UPDATE and gets the next gapless sequence.
    """

    __tablename__ = "sub_account"
    __table_args__ = (
        CheckConstraint("kind IN ('flexible', 'unit')", name="kind_known"),
        CheckConstraint("balance_fen >= 0", name="balance_not_negative"),
        Index("uq_sub_account_account_id_kind", "account_id", "kind", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("fund_account.id"))
    kind: Mapped[str]
    control_code: Mapped[str] = mapped_column(ForeignKey("house_account.code"))
    balance_fen: Mapped[int]
    last_seq: Mapped[int]


class IdentitySegment(Model):
    """From when until when (half open) somebody deposited as flexible worker or unit employee."""

    __tablename__ = "identity_segment"
    __table_args__ = (
        CheckConstraint("kind IN ('flexible', 'unit')", name="kind_known"),
        CheckConstraint("until_on IS NULL OR until_on > from_on", name="not_empty"),
        Index(
            "uq_identity_segment_open",
            "account_id",
            unique=True,
            sqlite_where=text("until_on IS NULL"),
            postgresql_where=text("until_on IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("fund_account.id"), index=True)
    kind: Mapped[str]
    from_on: Mapped[date]
    until_on: Mapped[date | None]
