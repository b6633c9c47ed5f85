"""People, the WeChat accounts they come with, their sessions, consents and identity checks."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.vault import Encrypted


class Person(Model):
    """A natural person whose identity was proved; one row per ID number (Seed §3).

    `masked_keys_index` finds him by what a masked paper shows: masked ID number and phone.
    With `erased_at` the row stands for nobody any more: its texts are empty or made up.
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(Encrypted("person.name"))
    id_number: Mapped[str] = mapped_column(Encrypted("person.id_number"))
    id_number_index: Mapped[bytes] = mapped_column(unique=True)
    phone: Mapped[str] = mapped_column(Encrypted("person.phone"))
    phone_index: Mapped[bytes] = mapped_column(index=True)
    real_name_passed_at: Mapped[datetime]
    created_at: Mapped[datetime]
    masked_keys_index: Mapped[bytes | None] = mapped_column(index=True)
    erased_at: Mapped[datetime | None]


class WechatAccount(Model):
    """One openid of our mini-program; bound to at most one person, and a person to one of them."""

    __tablename__ = "wechat_account"
    __table_args__ = (
        Index(
            "uq_wechat_account_person_id",
            "person_id",
            unique=True,
            sqlite_where=text("person_id IS NOT NULL"),
            postgresql_where=text("person_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    openid: Mapped[str] = mapped_column(Encrypted("wechat_account.openid"))
    openid_index: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    bound_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class MemberSession(Model):
    """A phone that is logged in; only the hash of its token is kept."""

    __tablename__ = "member_session"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended_with_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    wechat_account_id: Mapped[int] = mapped_column(ForeignKey("wechat_account.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class UsedLoginCode(Model):
    """A login code that was tried; its unique key makes a code work once, also in parallel."""

    __tablename__ = "used_login_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    code_index: Mapped[bytes] = mapped_column(unique=True)
    used_at: Mapped[datetime] = mapped_column(index=True)


class Consent(Model):
    """A separate consent for one purpose, to one exact text (Personal Information Law Art. 29)."""

    __tablename__ = "consent"
    __table_args__ = (
        Index(
            "uq_consent_in_force",
            "wechat_account_id",
            "purpose",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    wechat_account_id: Mapped[int] = mapped_column(ForeignKey("wechat_account.id"))
    purpose: Mapped[str]
    text_sha256: Mapped[str]
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class IdentityCheck(Model):
    """One try at proving an identity: name, ID number and phone on one side, a face on the other.

    Its state comes from WeChat's server alone; what the phone says about it proves nothing.
    """

    __tablename__ = "identity_check"
    __table_args__ = (
        CheckConstraint("state IN ('started', 'sent', 'passed', 'failed')", name="state_known"),
        Index("ix_identity_check_account_started", "wechat_account_id", "started_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    wechat_account_id: Mapped[int] = mapped_column(ForeignKey("wechat_account.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str] = mapped_column(Encrypted("identity_check.name"))
    id_number: Mapped[str] = mapped_column(Encrypted("identity_check.id_number"))
    phone: Mapped[str] = mapped_column(Encrypted("identity_check.phone"))
    out_seq_no: Mapped[str] = mapped_column(unique=True)
    verify_id: Mapped[str | None] = mapped_column(Encrypted("identity_check.verify_id"))
    state: Mapped[str]
    verify_ret: Mapped[int | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Enrolment(Model):
    """A person's application to join, with what he declared and every reason of a refusal."""

    __tablename__ = "enrolment"
    __table_args__ = (CheckConstraint("state IN ('accepted', 'refused')", name="state_known"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    work_kind: Mapped[str]
    district: Mapped[str]
    works_in_city: Mapped[bool]
    own_labour_income: Mapped[bool]
    draws_pension: Mapped[bool]
    retirement_category: Mapped[str]
    state: Mapped[str]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    decided_on: Mapped[date]
    decided_at: Mapped[datetime]
