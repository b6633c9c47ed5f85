"""Orders, payments, notices, cases, idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("out_trade_no", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('credited', 'already-recorded', 'unconfirmed', 'not-a-payment')",
            name=op.f("ck_notice_outcome_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("notice_id", name=op.f("uq_notice_notice_id")),
    )
    op.create_table(
        "payment_order",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("agreement_id", BIG_ID, nullable=False),
        sa.Column("policy_version_id", BIG_ID, nullable=False),
        sa.Column("out_trade_no", sa.String(), nullable=False),
        sa.Column("amount_fen", BIG_ID, nullable=False),
        sa.Column("appid", sa.String(), nullable=False),
        sa.Column("mchid", sa.String(), nullable=False),
        sa.Column("payer_openid", sa.LargeBinary(), nullable=False),
        sa.Column("payer_index", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("prepay_id", sa.String(), nullable=True),
        sa.Column("prepay_called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ordered_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_query_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queries", BIG_ID, nullable=False),
        sa.CheckConstraint(
            "state <> 'prepaid' OR prepay_id IS NOT NULL",
            name=op.f("ck_payment_order_prepaid_has_id"),
        ),
        sa.CheckConstraint(
            "state IN ('created', 'prepaid', 'credited', 'closed')",
            name=op.f("ck_payment_order_state_known"),
        ),
        sa.CheckConstraint(
            "amount_fen BETWEEN 1 AND 10000000000000",
            name=op.f("ck_payment_order_amount_within_bounds"),
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.id"], name=op.f("fk_payment_order_agreement_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_payment_order_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["policy_version_id"],
            ["policy_version.id"],
            name=op.f("fk_payment_order_policy_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_order")),
        sa.UniqueConstraint("out_trade_no", name=op.f("uq_payment_order_out_trade_no")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payment_order_public_id")),
    )
    op.create_index(
        "ix_payment_order_person_id_ordered_on",
        "payment_order",
        ["person_id", "ordered_on"],
        unique=False,
    )
    op.create_index(
        "ix_payment_order_state_next_query_at",
        "payment_order",
        ["state", "next_query_at"],
        unique=False,
    )
    op.create_table(
        "idempotency_key",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("order_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["payment_order.id"], name=op.f("fk_idempotency_key_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_idempotency_key_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
    )
    op.create_index(
        "uq_idempotency_key_person_route_key",
        "idempotency_key",
        ["person_id", "route", "key"],
        unique=True,
    )
    op.create_table(
        "wechat_payment",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("out_trade_no", sa.String(), nullable=False),
        sa.Column("order_id", BIG_ID, nullable=True),
        sa.Column("appid", sa.String(), nullable=False),
        sa.Column("mchid", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount_fen", BIG_ID, nullable=False),
        sa.Column("payer_index", sa.LargeBinary(), nullable=False),
        sa.Column("success_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("journal_id", BIG_ID, nullable=True),
        sa.CheckConstraint(
            "outcome <> 'credited' OR order_id IS NOT NULL",
            name=op.f("ck_wechat_payment_credit_has_order"),
        ),
        sa.CheckConstraint(
            "outcome IN ('credited', 'suspended')", name=op.f("ck_wechat_payment_outcome_known")
        ),
        sa.CheckConstraint(
            "amount_fen BETWEEN 1 AND 10000000000000",
            name=op.f("ck_wechat_payment_amount_within_bounds"),
        ),
        sa.ForeignKeyConstraint(
            ["journal_id"], ["journal.id"], name=op.f("fk_wechat_payment_journal_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["payment_order.id"], name=op.f("fk_wechat_payment_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_payment")),
        sa.UniqueConstraint("journal_id", name=op.f("uq_wechat_payment_journal_id")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_wechat_payment_transaction_id")),
    )
    op.create_index(
        op.f("ix_wechat_payment_out_trade_no"), "wechat_payment", ["out_trade_no"], unique=False
    )
    op.create_index(
        "uq_wechat_payment_credited_order",
        "wechat_payment",
        ["order_id"],
        unique=True,
        sqlite_where=sa.text("outcome = 'credited'"),
        postgresql_where=sa.text("outcome = 'credited'"),
    )
    op.create_table(
        "payment_case",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("out_trade_no", sa.String(), nullable=False),
        sa.Column("payment_id", BIG_ID, nullable=True),
        sa.Column("differences", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_query_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.String(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('unconfirmed', 'suspended')", name=op.f("ck_payment_case_kind_known")
        ),
        sa.CheckConstraint(
            "(resolved_at IS NULL) = (resolution IS NULL)", name=op.f("ck_payment_case_resolved")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["wechat_payment.id"], name=op.f("fk_payment_case_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_case")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payment_case_public_id")),
    )
    op.create_index(
        "uq_payment_case_transaction_id_kind",
        "payment_case",
        ["transaction_id", "kind"],
        unique=True,
    )


def downgrade() -> None:
    op.drop_index("uq_payment_case_transaction_id_kind", table_name="payment_case")
    op.drop_table("payment_case")
    op.drop_index(
        "uq_wechat_payment_credited_order",
        table_name="wechat_payment",
        sqlite_where=sa.text("outcome = 'credited'"),
        postgresql_where=sa.text("outcome = 'credited'"),
    )
    op.drop_index(op.f("ix_wechat_payment_out_trade_no"), table_name="wechat_payment")
    op.drop_table("wechat_payment")
    op.drop_index("uq_idempotency_key_person_route_key", table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index("ix_payment_order_state_next_query_at", table_name="payment_order")
    op.drop_index("ix_payment_order_person_id_ordered_on", table_name="payment_order")
    op.drop_table("payment_order")
    op.drop_table("notice")
