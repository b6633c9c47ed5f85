"""What WeChat's bills say, day by day; their lines refuse every change."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

APP_ROLE = "lingcun_app"
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXTS_OF_A_TRADE = ("appid", "mchid", "transaction_id", "out_trade_no")
TABLE = "wechat_bill_line"


def upgrade() -> None:
    _days()
    _lines()
    _cases()
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {TABLE}_refuses_{verb.lower()} BEFORE {verb} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
            )
        return
    op.execute(f"REVOKE UPDATE ON {TABLE}, wechat_bill_case FROM {APP_ROLE}")
    op.execute(
        f"CREATE TRIGGER {TABLE}_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE "
        f"ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _days() -> None:
    op.create_table(
        "wechat_bill_day",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", BIG_ID, nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reading", BIG_ID, nullable=False),
        *(sa.Column(f"{each}_sha1", sa.String()) for each in ("trade", "basic", "operation")),
        *(
            sa.Column(name, BIG_ID, nullable=False)
            for name in (
                "payments_count",
                "payments_fen",
                "refunds_count",
                "refunds_fen",
                "fees_fen",
                "settled_fen",
                "topped_up_fen",
            )
        ),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("booked_approval_id", BIG_ID, nullable=True),
        sa.Column("journal_id", BIG_ID, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'unfit', 'differs', 'reconciled')",
            name=op.f("ck_wechat_bill_day_state_known"),
        ),
        sa.CheckConstraint(
            "(reading = 0) = (read_at IS NULL)", name=op.f("ck_wechat_bill_day_was_read")
        ),
        sa.CheckConstraint(
            "state <> 'reconciled' OR matched_at IS NOT NULL",
            name=op.f("ck_wechat_bill_day_reconciled_was_matched"),
        ),
        sa.CheckConstraint(
            "(booked_approval_id IS NULL) = (journal_id IS NULL)",
            name=op.f("ck_wechat_bill_day_booked_by_two"),
        ),
        sa.ForeignKeyConstraint(
            ["booked_approval_id"],
            ["approval.id"],
            name=op.f("fk_wechat_bill_day_booked_approval_id"),
        ),
        sa.ForeignKeyConstraint(
            ["journal_id"], ["journal.id"], name=op.f("fk_wechat_bill_day_journal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_bill_day")),
        sa.UniqueConstraint(
            "booked_approval_id", name=op.f("uq_wechat_bill_day_booked_approval_id")
        ),
        sa.UniqueConstraint("day", name=op.f("uq_wechat_bill_day_day")),
        sa.UniqueConstraint("journal_id", name=op.f("uq_wechat_bill_day_journal_id")),
    )
    op.create_index("ix_wechat_bill_day_state_next_at", "wechat_bill_day", ["state", "next_at"])


def _lines() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("bill_day_id", BIG_ID, nullable=False),
        sa.Column("reading", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("line", BIG_ID, nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in TEXTS_OF_A_TRADE),
        sa.Column("payer_index", sa.LargeBinary(), nullable=True),
        sa.Column("trade_state", sa.String(), nullable=True),
        sa.Column("amount_fen", BIG_ID, nullable=True),
        sa.Column("refund_id", sa.String(), nullable=True),
        sa.Column("out_refund_no", sa.String(), nullable=True),
        sa.Column("refund_fen", BIG_ID, nullable=True),
        sa.Column("refund_status", sa.String(), nullable=True),
        sa.Column("fee_fen", BIG_ID, nullable=True),
        *(
            sa.Column(name, sa.String(), nullable=True)
            for name in ("business_no", "flow_no", "name", "flow_kind")
        ),
        sa.Column("fen", BIG_ID, nullable=True),
        sa.Column("balance_fen", BIG_ID, nullable=True),
        sa.Column("voucher_no", sa.String(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('trade', 'BASIC', 'OPERATION')", name=op.f("ck_wechat_bill_line_kind_known")
        ),
        sa.CheckConstraint(
            "(kind = 'trade') = (trade_state IS NOT NULL) AND (kind = 'trade') = (fen IS NULL)",
            name=op.f("ck_wechat_bill_line_fields_of_its_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["bill_day_id"], ["wechat_bill_day.id"], name=op.f("fk_wechat_bill_line_bill_day_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_bill_line")),
    )
    op.create_index(
        "uq_wechat_bill_line_place", TABLE, ["bill_day_id", "reading", "kind", "line"], unique=True
    )
    for name in ("transaction_id", "out_refund_no", "business_no", "voucher_no"):
        op.create_index(f"ix_wechat_bill_line_{name}", TABLE, [name])


def _cases() -> None:
    op.create_table(
        "wechat_bill_case",
        sa.Column("bill_day_id", BIG_ID, nullable=False),
        sa.Column("case_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["bill_day_id"], ["wechat_bill_day.id"], name=op.f("fk_wechat_bill_case_bill_day_id")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["payment_case.id"], name=op.f("fk_wechat_bill_case_case_id")
        ),
        sa.PrimaryKeyConstraint("bill_day_id", "case_id", name=op.f("pk_wechat_bill_case")),
    )
    op.create_index("ix_wechat_bill_case_case_id", "wechat_bill_case", ["case_id"])


def downgrade() -> None:
    for table in ("wechat_bill_case", TABLE, "wechat_bill_day"):
        op.drop_table(table)
