"""Approvals by two people, the work list, manual journals, limit overrides, masked keys."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APP_ROLE = "lingcun_app"

# What was proposed stays as it was; what is decided stays decided.
FROZEN = " OR ".join(
    [
        "OLD.state <> 'submitted'",
        *(
            f"OLD.{column} <> NEW.{column}"
            for column in (
                "public_id",
                "action",
                "district",
                "depositors",
                "payload",
                "payload_sha256",
                "reason",
                "maker_account_id",
                "maker_person_id",
                "submitted_at",
                "submit_audit_id",
                "expires_at",
            )
        ),
        "COALESCE(OLD.resubmits_id, 0) <> COALESCE(NEW.resubmits_id, 0)",
    ]
)


def _triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER approval_stays_as_decided BEFORE UPDATE ON approval WHEN {FROZEN} "
            "BEGIN SELECT RAISE(ABORT, 'an approval is not edited'); END"
        )
        op.execute(
            "CREATE TRIGGER approval_refuses_delete BEFORE DELETE ON approval "
            "BEGIN SELECT RAISE(ABORT, 'approval is append-only'); END"
        )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION approval_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF {FROZEN} THEN RAISE EXCEPTION 'an approval is not edited'; END IF; "
        "RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER approval_stays_as_decided BEFORE UPDATE ON approval "
        "FOR EACH ROW EXECUTE FUNCTION approval_is_frozen()"
    )
    op.execute(
        "CREATE TRIGGER approval_refuses_delete BEFORE DELETE OR TRUNCATE ON approval "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"REVOKE UPDATE ON deposit_limit_override FROM {APP_ROLE}")


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("depositors", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_sha256", sa.String(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("resubmits_id", BIG_ID, nullable=True),
        sa.Column("maker_account_id", BIG_ID, nullable=False),
        sa.Column("maker_person_id", BIG_ID, nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submit_audit_id", BIG_ID, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("checker_account_id", BIG_ID, nullable=True),
        sa.Column("checker_person_id", BIG_ID, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decide_audit_id", BIG_ID, nullable=True),
        sa.Column("decision_reason", sa.LargeBinary(), nullable=True),
        sa.Column("decided_words", sa.LargeBinary(), nullable=True),
        sa.Column("executed_sha256", sa.String(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "(state = 'approved') = (executed_sha256 IS NOT NULL) "
            "AND (executed_sha256 IS NULL OR executed_sha256 = payload_sha256)",
            name=op.f("ck_approval_executed_as_approved"),
        ),
        sa.CheckConstraint(
            "(state IN ('approved', 'rejected')) = (checker_account_id IS NOT NULL) "
            "AND (checker_account_id IS NULL) = (checker_person_id IS NULL) "
            "AND (checker_account_id IS NULL) = (decided_at IS NULL) "
            "AND (checker_account_id IS NULL) = (decide_audit_id IS NULL)",
            name=op.f("ck_approval_decided_by_somebody"),
        ),
        sa.CheckConstraint(
            "state IN ('submitted', 'approved', 'rejected', 'expired')",
            name=op.f("ck_approval_state_known"),
        ),
        sa.CheckConstraint(
            "checker_person_id <> maker_person_id", name=op.f("ck_approval_checker_is_not_maker")
        ),
        sa.CheckConstraint(
            "decided_at IS NULL OR decided_at < expires_at",
            name=op.f("ck_approval_decided_in_time"),
        ),
        sa.ForeignKeyConstraint(
            ["checker_account_id", "checker_person_id"],
            ["staff_account.id", "staff_account.staff_person_id"],
            name="fk_approval_checker",
        ),
        sa.ForeignKeyConstraint(
            ["decide_audit_id"], ["audit_entry.id"], name=op.f("fk_approval_decide_audit_id")
        ),
        sa.ForeignKeyConstraint(
            ["maker_account_id", "maker_person_id"],
            ["staff_account.id", "staff_account.staff_person_id"],
            name="fk_approval_maker",
        ),
        sa.ForeignKeyConstraint(
            ["resubmits_id"], ["approval.id"], name=op.f("fk_approval_resubmits_id")
        ),
        sa.ForeignKeyConstraint(
            ["submit_audit_id"], ["audit_entry.id"], name=op.f("fk_approval_submit_audit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint("public_id", name=op.f("uq_approval_public_id")),
    )
    op.create_index(
        "uq_approval_waiting_payload",
        "approval",
        ["action", "payload_sha256"],
        unique=True,
        sqlite_where=sa.text("state = 'submitted'"),
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_table(
        "deposit_limit_override",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("approval_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("month_on", sa.Date(), nullable=False),
        sa.Column("limit_fen", BIG_ID, nullable=False),
        sa.CheckConstraint(
            "limit_fen BETWEEN 1 AND 10000000000000",
            name=op.f("ck_deposit_limit_override_limit_within_bounds"),
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_deposit_limit_override_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_deposit_limit_override_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit_limit_override")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_deposit_limit_override_approval_id")),
    )
    op.create_index(
        "ix_deposit_limit_override_person_id_month_on",
        "deposit_limit_override",
        ["person_id", "month_on"],
        unique=False,
    )
    op.create_table(
        "staff_assignment",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("account_id", BIG_ID, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approval_id", BIG_ID, nullable=True),
        sa.CheckConstraint(
            "until_at IS NULL OR until_at >= from_at",
            name=op.f("ck_staff_assignment_not_backwards"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staff_account.id"], name=op.f("fk_staff_assignment_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_staff_assignment_approval_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_assignment")),
    )
    op.create_index(
        "uq_staff_assignment_open",
        "staff_assignment",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("until_at IS NULL"),
        postgresql_where=sa.text("until_at IS NULL"),
    )
    op.create_table(
        "manual_journal",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("approval_id", BIG_ID, nullable=False),
        sa.Column("document_no", sa.String(), nullable=False),
        sa.Column("reverses_id", BIG_ID, nullable=True),
        sa.Column("payment_case_id", BIG_ID, nullable=True),
        sa.Column("journal_id", BIG_ID, nullable=True),
        sa.CheckConstraint("id <> reverses_id", name=op.f("ck_manual_journal_reverses_another")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_manual_journal_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["journal_id"], ["journal.id"], name=op.f("fk_manual_journal_journal_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_case_id"], ["payment_case.id"], name=op.f("fk_manual_journal_payment_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["manual_journal.id"], name=op.f("fk_manual_journal_reverses_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_journal")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_manual_journal_approval_id")),
        sa.UniqueConstraint("document_no", name=op.f("uq_manual_journal_document_no")),
        sa.UniqueConstraint("journal_id", name=op.f("uq_manual_journal_journal_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_manual_journal_public_id")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_manual_journal_reverses_id")),
    )
    op.create_table(
        "work_item",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("acceptance_no", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("approval_id", BIG_ID, nullable=True),
        sa.Column("payment_case_id", BIG_ID, nullable=True),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("owner_account_id", BIG_ID, nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'approval' AND approval_id IS NOT NULL AND payment_case_id IS NULL) OR "
            "(kind = 'payment-case' AND payment_case_id IS NOT NULL AND approval_id IS NULL)",
            name=op.f("ck_work_item_kind_has_its_target"),
        ),
        sa.CheckConstraint(
            "(owner_account_id IS NULL) = (taken_at IS NULL)", name=op.f("ck_work_item_taken")
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_work_item_approval_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_account_id"], ["staff_account.id"], name=op.f("fk_work_item_owner_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_case_id"], ["payment_case.id"], name=op.f("fk_work_item_payment_case_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item")),
        sa.UniqueConstraint("acceptance_no", name=op.f("uq_work_item_acceptance_no")),
        sa.UniqueConstraint("public_id", name=op.f("uq_work_item_public_id")),
    )
    op.create_index(
        "uq_work_item_open_approval",
        "work_item",
        ["approval_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "uq_work_item_open_payment_case",
        "work_item",
        ["payment_case_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.add_column("person", sa.Column("masked_keys_index", sa.LargeBinary(), nullable=True))
    op.create_index(
        op.f("ix_person_masked_keys_index"), "person", ["masked_keys_index"], unique=False
    )
    # Cases that were open before there was a work list wait in it, too.
    op.execute(
        "INSERT INTO work_item (public_id, acceptance_no, kind, payment_case_id, district, "
        "opened_at) SELECT 'wrk_' || substr(public_id, 5), 'SL' || upper(substr(public_id, 5)), "
        "'payment-case', id, 'centre', opened_at FROM payment_case WHERE resolved_at IS NULL"
    )
    _triggers()


def downgrade() -> None:
    op.drop_index("ix_person_masked_keys_index", table_name="person")
    op.drop_column("person", "masked_keys_index")
    op.drop_table("work_item")
    op.drop_table("manual_journal")
    op.drop_table("staff_assignment")
    op.drop_table("deposit_limit_override")
    op.drop_table("approval")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION approval_is_frozen()")
