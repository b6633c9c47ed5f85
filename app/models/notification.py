"""What people are told (the outbox and their inbox), what WeChat tells us, what must be erased."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model


class Notification(Model):
    """One message about one business event: the worker's inbox, and what is to be sent by WeChat.

    `source` names the event's own row, so that an event told twice notifies once. `params` holds
    figures alone; the words stand in `rules/notices.py`. `delivered` is what WeChat pushed later.
    """

    __tablename__ = "notification"
    __table_args__ = (
        CheckConstraint(
            "state IN ('ready', 'sent', 'no-permission', 'parked', 'inbox-only')",
            name="state_known",
        ),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_when"),
        CheckConstraint("state <> 'sent' OR template_id IS NOT NULL", name="sent_by_template"),
        CheckConstraint("delivered IN ('success', 'failed')", name="delivered_known"),
        Index("uq_notification_kind_source", "kind", "source", unique=True),
        Index("ix_notification_person_id_id", "person_id", "id"),
        Index("ix_notification_state_next_at", "state", "next_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str]
    source: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    state: Mapped[str]
    tries: Mapped[int]
    next_at: Mapped[datetime]
    template_id: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    msgid: Mapped[str | None] = mapped_column(index=True)
    fail_code: Mapped[str | None]
    delivered: Mapped[str | None]


class MessagePermission(Model):
    """What the owner of a WeChat account last answered about one template, by WeChat's word."""

    __tablename__ = "message_permission"
    __table_args__ = (
        Index(
            "uq_message_permission_account_template",
            "wechat_account_id",
            "template_id",
            unique=True,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    wechat_account_id: Mapped[int] = mapped_column(ForeignKey("wechat_account.id"))
    template_id: Mapped[str]
    answer: Mapped[str]
    answered_at: Mapped[datetime]


class PushedMessage(Model):
    """The inbox of message push: every event we act on, in the transaction of its effect.

    `content_sha256` is the same for an event WeChat repeats; `signature` for a replay of its bytes.
    """

    __tablename__ = "pushed_message"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('taken', 'recorded', 'erasure-due', 'nobody')", name="outcome_known"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    content_sha256: Mapped[str] = mapped_column(unique=True)
    signature: Mapped[str] = mapped_column(unique=True)
    event: Mapped[str]
    openid_index: Mapped[bytes]
    happened_at: Mapped[datetime]
    received_at: Mapped[datetime]
    outcome: Mapped[str]


class MessageDelivery(Model):
    """Whether a sent message arrived, by its number; it may be known before the number is."""

    __tablename__ = "message_delivery"
    __table_args__ = (CheckConstraint("delivered IN ('success', 'failed')", name="known"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    msgid: Mapped[str] = mapped_column(unique=True)
    delivered: Mapped[str]
    fail_code: Mapped[str | None]


class Erasure(Model):
    """Personal data that must go because the owner of a WeChat account took his leave.

    `person_id` is whom the account stood for. Done within fifteen days; `outcome` says how far.
    """

    __tablename__ = "erasure"
    __table_args__ = (
        CheckConstraint("(done_at IS NULL) = (outcome IS NULL)", name="done_with_outcome"),
        CheckConstraint(
            "outcome IN ('erased', 'kept-as-fund-record', 'kept-in-approval', 'came-back')",
            name="outcome_known",
        ),
        Index(
            "ix_erasure_open",
            "due_on",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    openid_index: Mapped[bytes]
    wechat_account_id: Mapped[int] = mapped_column(ForeignKey("wechat_account.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    event: Mapped[str]
    received_at: Mapped[datetime]
    due_on: Mapped[date]
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
