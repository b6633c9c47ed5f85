"""The centre's own people: who they are, their accounts, roles over time, sessions, and limits."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.vault import Encrypted

STAFF_STATES = ("invited", "active", "disabled")


class StaffPerson(Model):
    """A natural person who works here, known by ID number: two logins of his are one person."""

    __tablename__ = "staff_person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Encrypted("staff_person.name"))
    id_number: Mapped[str] = mapped_column(Encrypted("staff_person.id_number"))
    id_number_index: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class StaffAccount(Model):
    """One login. `invited` until the first sign-in, when its password and TOTP are proved."""

    __tablename__ = "staff_account"
    __table_args__ = (
        CheckConstraint(f"state IN {STAFF_STATES}", name="state_known"),
        CheckConstraint(
            "state <> 'active' OR (password_hash IS NOT NULL AND totp_secret IS NOT NULL)",
            name="active_has_both_factors",
        ),
        Index("uq_staff_account_id_staff_person_id", "id", "staff_person_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    staff_person_id: Mapped[int] = mapped_column(ForeignKey("staff_person.id"), index=True)
    login: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    password_hash: Mapped[str | None]
    totp_secret: Mapped[str | None] = mapped_column(Encrypted("staff_account.totp_secret"))
    totp_last_step: Mapped[int]
    created_at: Mapped[datetime]


class StaffActivation(Model):
    """A code that helps to activate an account: one from each of two administrators.

    One without an administrator came from the terminal and suffices alone.
    """

    __tablename__ = "staff_activation"
    __table_args__ = (
        Index("ix_staff_activation_account_id_expires_at", "account_id", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    administrator_id: Mapped[int | None] = mapped_column(ForeignKey("staff_person.id"))
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]


class StaffAssignment(Model):
    """From when until when an account held a role in a district; one at a time, never edited away.

    `approval_id` is who decided it; only the first administrators, whom the installer makes, have
    none.
    """

    __tablename__ = "staff_assignment"
    __table_args__ = (
        CheckConstraint("until_at IS NULL OR until_at >= from_at", name="not_backwards"),
        Index(
            "uq_staff_assignment_open",
            "account_id",
            unique=True,
            sqlite_where=text("until_at IS NULL"),
            postgresql_where=text("until_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    role: Mapped[str]
    district: Mapped[str]
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id"))


class StaffSession(Model):
    """A signed-in workplace; only the hash of its token is kept.

    `authenticated_at` is when password and TOTP were last given: sensitive acts want it recent.
    """

    __tablename__ = "staff_session"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended_with_reason"),
        Index("ix_staff_session_account_id_ended_at", "account_id", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    authenticated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class UsageWindow(Model):
    """How often something limited was done since `started_at`; the row is the lock.

    Counted in the database, so that a restart or another worker forgets nothing.
    """

    __tablename__ = "usage_window"
    __table_args__ = (Index("uq_usage_window_kind_key", "kind", "key_index", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key_index: Mapped[bytes]
    started_at: Mapped[datetime]
    used: Mapped[int]
