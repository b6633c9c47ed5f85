"""The books: chart, book days, journals with their postings, and daily balance snapshots.

A journal is one business event. A posting moves an amount from one account of the chart to
another (debit, credit, amount > 0), so a journal balances by construction. Where one of the two
is a control account of personal money (201xx), the posting names the sub-account; it never names
two of them.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.money import MAX_FEN


class HouseAccount(Model):
    """An account of the state's chart (财会字[1999]33号) with this centre's sub-accounts."""

    __tablename__ = "house_account"
    __table_args__ = (CheckConstraint("side IN ('debit', 'credit')", name="side_known"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    side: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("house_account.code"))
    is_personal: Mapped[bool]


class BookDay(Model):
    """An accounting day; posting reads its row FOR SHARE, the sealer takes it FOR UPDATE."""

    __tablename__ = "book_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    sealed_at: Mapped[datetime | None]


class BookDayTotal(Model):
    """A house account's turnover of a sealed day: no house account is a row everybody updates."""

    __tablename__ = "book_day_total"

    day: Mapped[date] = mapped_column(ForeignKey("book_day.day"), primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey("house_account.code"), primary_key=True)
    debit_fen: Mapped[int]
    credit_fen: Mapped[int]


class Journal(Model):
    """One business event in the books, append-only.

    `value_on` is the day the money counts, `booked_on` the accounting day it stands in.
    """

    __tablename__ = "journal"
    __table_args__ = (
        CheckConstraint("actor <> '' AND reason <> ''", name="actor_and_reason"),
        Index("uq_journal_source", "source_kind", "source_id", "kind", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    value_on: Mapped[date]
    booked_on: Mapped[date] = mapped_column(ForeignKey("book_day.day"), index=True)
    posted_at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str]
    source_kind: Mapped[str]
    source_id: Mapped[int]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("journal.id"), unique=True)


class Posting(Model):
    """One line of a journal: `amount_fen` from the credit account to the debit account."""

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint("debit_code <> credit_code", name="two_accounts"),
        CheckConstraint(f"amount_fen BETWEEN 1 AND {MAX_FEN}", name="amount_within_bounds"),
        CheckConstraint(
            "(sub_account_id IS NULL) = (account_seq IS NULL)", name="sequence_with_sub_account"
        ),
        Index("uq_posting_journal_id_line", "journal_id", "line", unique=True),
        Index(
            "uq_posting_sub_account_id_account_seq",
            "sub_account_id",
            "account_seq",
            unique=True,
            sqlite_where=text("sub_account_id IS NOT NULL"),
            postgresql_where=text("sub_account_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    journal_id: Mapped[int] = mapped_column(ForeignKey("journal.id"))
    line: Mapped[int]
    debit_code: Mapped[str] = mapped_column(ForeignKey("house_account.code"))
    credit_code: Mapped[str] = mapped_column(ForeignKey("house_account.code"))
    amount_fen: Mapped[int]
    sub_account_id: Mapped[int | None] = mapped_column(ForeignKey("sub_account.id"))
    account_seq: Mapped[int | None]


class DailyBalanceSnapshot(Model):
    """A sub-account's balance at the end of a value day on which it moved.

    `product_fen_days` is the running balance-day product (积数): the sum of the closing balances
    of all days up to and including this one. A day without a row carries the one before.
    """

    __tablename__ = "daily_balance_snapshot"
    __table_args__ = (
        CheckConstraint("closing_fen >= 0", name="closing_not_negative"),
        Index(
            "ix_daily_balance_snapshot_probe",
            "sub_account_id",
            "day",
            postgresql_include=["closing_fen", "product_fen_days"],
        ),
    )

    sub_account_id: Mapped[int] = mapped_column(ForeignKey("sub_account.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    closing_fen: Mapped[int]
    product_fen_days: Mapped[int]
