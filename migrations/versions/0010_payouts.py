"""Payouts in legs, each with one number for ever; notices may be about a leg."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APP_ROLE = "lingcun_app"
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BEFORE = "outcome IN ('credited', 'already-recorded', 'unconfirmed', 'not-a-payment')"
AFTER = (
    "outcome IN ('credited', 'already-recorded', 'unconfirmed', 'not-a-payment', "
    "'leg-recorded', 'leg-unconfirmed')"
)
WITHIN_BOUNDS = "amount_fen BETWEEN 1 AND 10000000000000"
KINDS_BEFORE = "kind IN ('unconfirmed', 'suspended')"
KINDS_AFTER = (
    "kind IN ('unconfirmed', 'suspended', 'payout-unsettled', 'payout-unexplained', "
    "'bill-unfit', 'only-in-bill', 'not-in-bill', 'bill-differs', 'twice-in-bill')"
)
# A provider is told the same thing under the same number for ever; what ended has ended.
FROZEN = " OR ".join(
    [
        "OLD.state IN ('succeeded', 'failed')",
        *(
            f"OLD.{column} <> NEW.{column}"
            for column in (
                "payout_id",
                "channel",
                "provider_no",
                "parameters",
                "parameters_sha256",
                "amount_fen",
            )
        ),
        "COALESCE(OLD.payment_id, 0) <> COALESCE(NEW.payment_id, 0)",
    ]
)


def upgrade() -> None:
    _payouts()
    _batches()
    _legs()
    _cases()
    _outcomes(AFTER)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER payout_leg_keeps_its_word BEFORE UPDATE ON payout_leg WHEN {FROZEN} "
            "BEGIN SELECT RAISE(ABORT, 'a payout leg keeps its word'); END"
        )
        return
    op.execute(f"REVOKE UPDATE ON bank_batch, bank_batch_result FROM {APP_ROLE}")
    op.execute(
        "CREATE OR REPLACE FUNCTION leg_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF {FROZEN} THEN RAISE EXCEPTION 'a payout leg keeps its word'; END IF; "
        "RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER payout_leg_keeps_its_word BEFORE UPDATE ON payout_leg "
        "FOR EACH ROW EXECUTE FUNCTION leg_keeps_its_word()"
    )


def _payouts() -> None:
    op.create_table(
        "payout",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("approval_id", BIG_ID, nullable=False),
        sa.Column("payment_case_id", BIG_ID, nullable=True),
        sa.Column("sub_account_id", BIG_ID, nullable=True),
        sa.Column("payee_card", sa.LargeBinary(), nullable=True),
        sa.Column("payee_bank", sa.String(), nullable=True),
        sa.Column("amount_fen", BIG_ID, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(purpose = 'suspense-return') = (payment_case_id IS NOT NULL) "
            "AND (purpose = 'counter-withdrawal') = (sub_account_id IS NOT NULL)",
            name=op.f("ck_payout_has_its_source"),
        ),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f("ck_payout_ended")),
        sa.CheckConstraint(
            "purpose IN ('suspense-return', 'counter-withdrawal')", name=op.f("ck_payout_purpose")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'done', 'failed')", name=op.f("ck_payout_state_known")
        ),
        sa.CheckConstraint(WITHIN_BOUNDS, name=op.f("ck_payout_amount_within_bounds")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_payout_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_case_id"], ["payment_case.id"], name=op.f("fk_payout_payment_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["sub_account_id"], ["sub_account.id"], name=op.f("fk_payout_sub_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_payout_approval_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payout_public_id")),
    )
    not_failed, is_open = sa.text("state <> 'failed'"), sa.text("state = 'open'")
    op.create_index(
        "uq_payout_case",
        "payout",
        ["payment_case_id"],
        unique=True,
        sqlite_where=not_failed,
        postgresql_where=not_failed,
    )
    op.create_index(
        "ix_payout_open_sub_account",
        "payout",
        ["sub_account_id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _batches() -> None:
    op.create_table(
        "bank_batch",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", BIG_ID, nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by"], ["staff_account.id"], name=op.f("fk_bank_batch_made_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_batch")),
        sa.UniqueConstraint("public_id", name=op.f("uq_bank_batch_public_id")),
    )
    op.create_table(
        "bank_batch_result",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("batch_id", BIG_ID, nullable=False),
        sa.Column("approval_id", BIG_ID, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_bank_batch_result_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["bank_batch.id"], name=op.f("fk_bank_batch_result_batch_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_batch_result")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_bank_batch_result_approval_id")),
    )
    op.create_index(op.f("ix_bank_batch_result_batch_id"), "bank_batch_result", ["batch_id"])


def _legs() -> None:
    op.create_table(
        "payout_leg",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("payout_id", BIG_ID, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("provider_no", sa.String(), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=False),
        sa.Column("parameters_sha256", sa.String(), nullable=False),
        sa.Column("amount_fen", BIG_ID, nullable=False),
        sa.Column("payment_id", BIG_ID, nullable=True),
        sa.Column("batch_id", BIG_ID, nullable=True),
        sa.Column("batch_result_id", BIG_ID, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("package_info", sa.LargeBinary(), nullable=True),
        sa.Column("fail_code", sa.String(), nullable=True),
        sa.Column("calls", BIG_ID, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("journal_id", BIG_ID, nullable=True),
        sa.CheckConstraint(
            "(channel = 'refund') = (payment_id IS NOT NULL)", name=op.f("ck_payout_leg_refund_of")
        ),
        sa.CheckConstraint(
            "batch_id IS NULL OR channel = 'bank'", name=op.f("ck_payout_leg_batch_of_bank")
        ),
        sa.CheckConstraint(
            "CASE WHEN channel = 'bank' THEN state NOT IN ('succeeded', 'failed') "
            "OR batch_result_id IS NOT NULL ELSE batch_result_id IS NULL END",
            name=op.f("ck_payout_leg_bank_result"),
        ),
        sa.CheckConstraint(
            "(state = 'succeeded') = (journal_id IS NOT NULL) "
            "AND (state = 'succeeded') = (success_at IS NOT NULL)",
            name=op.f("ck_payout_leg_succeeded_is_booked"),
        ),
        sa.CheckConstraint(
            "channel IN ('refund', 'transfer', 'bank')", name=op.f("ck_payout_leg_channel_known")
        ),
        sa.CheckConstraint(
            "state IN ('ready', 'unknown', 'processing', 'waiting-for-payee', "
            "'waiting-for-money', 'abnormal', 'succeeded', 'failed')",
            name=op.f("ck_payout_leg_state_known"),
        ),
        sa.CheckConstraint(WITHIN_BOUNDS, name=op.f("ck_payout_leg_amount_within_bounds")),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_payout_leg_{name}"))
            for name, table in (
                ("payout_id", "payout"),
                ("payment_id", "wechat_payment"),
                ("batch_id", "bank_batch"),
                ("batch_result_id", "bank_batch_result"),
                ("journal_id", "journal"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_leg")),
        sa.UniqueConstraint("journal_id", name=op.f("uq_payout_leg_journal_id")),
        sa.UniqueConstraint("provider_no", name=op.f("uq_payout_leg_provider_no")),
    )
    for name in ("payout_id", "payment_id", "batch_id"):
        op.create_index(f"ix_payout_leg_{name}", "payout_leg", [name])
    op.create_index("ix_payout_leg_state_next_at", "payout_leg", ["state", "next_at"])


def _cases() -> None:
    """More matters than payments become cases, and two people may explain one."""
    with op.batch_alter_table("payment_case") as case:
        case.drop_constraint(op.f("ck_payment_case_kind_known"), type_="check")
        case.create_check_constraint(op.f("ck_payment_case_kind_known"), sa.text(KINDS_AFTER))
        case.add_column(sa.Column("approval_id", BIG_ID, nullable=True))
        case.create_foreign_key(
            op.f("fk_payment_case_approval_id"), "approval", ["approval_id"], ["id"]
        )
        case.create_unique_constraint(op.f("uq_payment_case_approval_id"), ["approval_id"])
        case.create_check_constraint(
            op.f("ck_payment_case_explained_by_two"),
            sa.text("(approval_id IS NOT NULL) = (COALESCE(resolution, '') = 'explained')"),
        )


def _outcomes(allowed: str) -> None:
    with op.batch_alter_table("notice") as notice:
        notice.drop_constraint(op.f("ck_notice_outcome_known"), type_="check")
        notice.create_check_constraint(op.f("ck_notice_outcome_known"), sa.text(allowed))


def downgrade() -> None:
    _outcomes(BEFORE)
    with op.batch_alter_table("payment_case") as case:
        case.drop_constraint(op.f("ck_payment_case_explained_by_two"), type_="check")
        case.drop_constraint(op.f("uq_payment_case_approval_id"), type_="unique")
        case.drop_constraint(op.f("fk_payment_case_approval_id"), type_="foreignkey")
        case.drop_column("approval_id")
        case.drop_constraint(op.f("ck_payment_case_kind_known"), type_="check")
        case.create_check_constraint(op.f("ck_payment_case_kind_known"), sa.text(KINDS_BEFORE))
    for table in ("payout_leg", "bank_batch_result", "bank_batch", "payout"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION leg_keeps_its_word()")
