"""What WeChat's bills say: a row per day, the lines of every reading of it, and its cases."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model

BILL_DAY_STATES = ("waiting", "unfit", "differs", "reconciled")
BILL_KINDS = ("trade", "BASIC", "OPERATION")


class WechatBillDay(Model):
    """One day of Beijing as WeChat's bills have it; the source row of its one journal.

    `waiting`: for the bill, or for our own refunds to end as the bill says. `unfit`: the bill does
    not hold together. `differs`: it says something else than we do, and nobody has explained it.
    The sums are those of the newest reading, in fen; fees less those given back. A reading is
    never changed: a newer one has the next number.
    """

    __tablename__ = "wechat_bill_day"
    __table_args__ = (
        CheckConstraint(f"state IN {BILL_DAY_STATES}", name="state_known"),
        CheckConstraint("(reading = 0) = (read_at IS NULL)", name="was_read"),
        CheckConstraint(
            "state <> 'reconciled' OR matched_at IS NOT NULL", name="reconciled_was_matched"
        ),
        CheckConstraint(
            "(booked_approval_id IS NULL) = (journal_id IS NULL)", name="booked_by_two"
        ),
        Index("ix_wechat_bill_day_state_next_at", "state", "next_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(unique=True)
    state: Mapped[str]
    tries: Mapped[int]
    next_at: Mapped[datetime]
    reading: Mapped[int]
    trade_sha1: Mapped[str | None]
    basic_sha1: Mapped[str | None]
    operation_sha1: Mapped[str | None]
    payments_count: Mapped[int]
    payments_fen: Mapped[int]
    refunds_count: Mapped[int]
    refunds_fen: Mapped[int]
    fees_fen: Mapped[int]
    settled_fen: Mapped[int]
    topped_up_fen: Mapped[int]
    read_at: Mapped[datetime | None]
    matched_at: Mapped[datetime | None]
    booked_approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id"), unique=True)
    journal_id: Mapped[int | None] = mapped_column(ForeignKey("journal.id"), unique=True)


class WechatBillLine(Model):
    """A line of a bill as it was read, append-only; the payer is known by blind index alone.

    A trade line has the fields of a trade, a line of an account (BASIC, OPERATION) those of a move.
    """

    __tablename__ = "wechat_bill_line"
    __table_args__ = (
        CheckConstraint(f"kind IN {BILL_KINDS}", name="kind_known"),
        CheckConstraint(
            "(kind = 'trade') = (trade_state IS NOT NULL) AND (kind = 'trade') = (fen IS NULL)",
            name="fields_of_its_kind",
        ),
        Index(
            "uq_wechat_bill_line_place",
            *("bill_day_id", "reading", "kind", "line"),
            unique=True,
        ),
        Index("ix_wechat_bill_line_transaction_id", "transaction_id"),
        Index("ix_wechat_bill_line_out_refund_no", "out_refund_no"),
        Index("ix_wechat_bill_line_business_no", "business_no"),
        Index("ix_wechat_bill_line_voucher_no", "voucher_no"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    bill_day_id: Mapped[int] = mapped_column(ForeignKey("wechat_bill_day.id"))
    reading: Mapped[int]
    kind: Mapped[str]
    line: Mapped[int]
    moment: Mapped[datetime]
    appid: Mapped[str | None]
    mchid: Mapped[str | None]
    transaction_id: Mapped[str | None]
    out_trade_no: Mapped[str | None]
    payer_index: Mapped[bytes | None]
    trade_state: Mapped[str | None]
    amount_fen: Mapped[int | None]
    refund_id: Mapped[str | None]
    out_refund_no: Mapped[str | None]
    refund_fen: Mapped[int | None]
    refund_status: Mapped[str | None]
    fee_fen: Mapped[int | None]
    business_no: Mapped[str | None]
    flow_no: Mapped[str | None]
    name: Mapped[str | None]
    flow_kind: Mapped[str | None]
    fen: Mapped[int | None]
    balance_fen: Mapped[int | None]
    voucher_no: Mapped[str | None]


class WechatBillCase(Model):
    """Which day's bill a payment case is about."""

    __tablename__ = "wechat_bill_case"

    bill_day_id: Mapped[int] = mapped_column(ForeignKey("wechat_bill_day.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(
        ForeignKey("payment_case.id"), primary_key=True, index=True
    )
