"""Payments over WeChat Pay: orders, what WeChat says was paid, notices, cases, idempotency keys."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.money import MAX_FEN
from app.vault import Encrypted

# created -> prepaid -> credited, with `closed` as an end that a late payment still opens again.
ORDER_STATES = ("created", "prepaid", "credited", "closed")


# What WeChat's bills say otherwise: the business of the centre, of no district.
BILL_CASE_KINDS = (
    "bill-unfit",
    "only-in-bill",
    "not-in-bill",
    "bill-differs",
    "twice-in-bill",
)
# What people have to look into.
CASE_KINDS = (
    "unconfirmed",
    "suspended",
    "payout-unsettled",
    "payout-unexplained",
    *BILL_CASE_KINDS,
)


class PaymentOrder(Model):
    """A worker's intent to deposit, committed before WeChat is called (Seed §4)."""

    __tablename__ = "payment_order"
    __table_args__ = (
        CheckConstraint(f"state IN {ORDER_STATES}", name="state_known"),
        CheckConstraint(f"amount_fen BETWEEN 1 AND {MAX_FEN}", name="amount_within_bounds"),
        CheckConstraint("state <> 'prepaid' OR prepay_id IS NOT NULL", name="prepaid_has_id"),
        Index("ix_payment_order_person_id_ordered_on", "person_id", "ordered_on"),
        Index("ix_payment_order_state_next_query_at", "state", "next_query_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"))
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    out_trade_no: Mapped[str] = mapped_column(unique=True)
    amount_fen: Mapped[int]
    appid: Mapped[str]
    mchid: Mapped[str]
    payer_openid: Mapped[str] = mapped_column(Encrypted("payment_order.payer_openid"))
    payer_index: Mapped[bytes]
    state: Mapped[str]
    prepay_id: Mapped[str | None]
    prepay_called_at: Mapped[datetime | None]
    ordered_on: Mapped[date]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    next_query_at: Mapped[datetime]
    queries: Mapped[int]


class WechatPayment(Model):
    """Money that WeChat says has arrived; the source row of its one journal (P1)."""

    __tablename__ = "wechat_payment"
    __table_args__ = (
        CheckConstraint("outcome IN ('credited', 'suspended')", name="outcome_known"),
        CheckConstraint(f"amount_fen BETWEEN 1 AND {MAX_FEN}", name="amount_within_bounds"),
        CheckConstraint("outcome <> 'credited' OR order_id IS NOT NULL", name="credit_has_order"),
        Index(
            "uq_wechat_payment_credited_order",
            "order_id",
            unique=True,
            sqlite_where=text("outcome = 'credited'"),
            postgresql_where=text("outcome = 'credited'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[str] = mapped_column(unique=True)
    out_trade_no: Mapped[str] = mapped_column(index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("payment_order.id"))
    appid: Mapped[str]
    mchid: Mapped[str]
    currency: Mapped[str]
    amount_fen: Mapped[int]
    payer_index: Mapped[bytes]
    success_at: Mapped[datetime]
    found_by: Mapped[str]
    recorded_at: Mapped[datetime]
    outcome: Mapped[str]
    journal_id: Mapped[int | None] = mapped_column(ForeignKey("journal.id"), unique=True)


class Notice(Model):
    """The inbox: every verified notice, written in the transaction of its effect (P4)."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('credited', 'already-recorded', 'unconfirmed', 'not-a-payment', "
            "'leg-recorded', 'leg-unconfirmed')",
            name="outcome_known",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[str] = mapped_column(unique=True)
    event_type: Mapped[str]
    out_trade_no: Mapped[str]
    transaction_id: Mapped[str]
    body_sha256: Mapped[str]
    received_at: Mapped[datetime]
    outcome: Mapped[str]


class PaymentCase(Model):
    """Something about a payment that is not settled yet: for the follow-up, then for people."""

    __tablename__ = "payment_case"
    __table_args__ = (
        CheckConstraint(f"kind IN {CASE_KINDS}", name="kind_known"),
        CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name="resolved"),
        CheckConstraint(
            "(approval_id IS NOT NULL) = (COALESCE(resolution, '') = 'explained')",
            name="explained_by_two",
        ),
        Index("uq_payment_case_transaction_id_kind", "transaction_id", "kind", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    transaction_id: Mapped[str]
    out_trade_no: Mapped[str]
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("wechat_payment.id"))
    differences: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    opened_at: Mapped[datetime]
    next_query_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str | None]
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id"), unique=True)


class IdempotencyKey(Model):
    """One (person, route, key) for ever means one body and one order (P8)."""

    __tablename__ = "idempotency_key"
    __table_args__ = (
        Index("uq_idempotency_key_person_route_key", "person_id", "route", "key", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    route: Mapped[str]
    key: Mapped[str]
    body_sha256: Mapped[str]
    order_id: Mapped[int] = mapped_column(ForeignKey("payment_order.id"))
    created_at: Mapped[datetime]
