"""The centre's own people, their sessions, and the record of what they did."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APP_ROLE = "lingcun_app"

AUDIT = ("audit_entry", "audit_answer")


def _triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in AUDIT:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        return
    for table in AUDIT:
        op.execute(
            f"CREATE TRIGGER {table}_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(f"REVOKE UPDATE ON {', '.join(AUDIT)} FROM {APP_ROLE}")
    op.execute(f"REVOKE UPDATE ON staff_person FROM {APP_ROLE}")
    # Counters that ran out long ago are cleared away; nobody needs them again.
    op.execute(f"GRANT DELETE ON usage_window TO {APP_ROLE}")


def upgrade() -> None:
    op.create_table(
        "staff_person",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("id_number", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_index", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_person")),
        sa.UniqueConstraint("id_number_index", name=op.f("uq_staff_person_id_number_index")),
    )
    op.create_table(
        "usage_window",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key_index", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", BIG_ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_window")),
    )
    op.create_index("uq_usage_window_kind_key", "usage_window", ["kind", "key_index"], unique=True)
    op.create_table(
        "staff_account",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("staff_person_id", BIG_ID, nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_last_step", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state <> 'active' OR (password_hash IS NOT NULL AND totp_secret IS NOT NULL)",
            name=op.f("ck_staff_account_active_has_both_factors"),
        ),
        sa.CheckConstraint(
            "state IN ('invited', 'active', 'disabled')", name=op.f("ck_staff_account_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["staff_person_id"], ["staff_person.id"], name=op.f("fk_staff_account_staff_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_account")),
        sa.UniqueConstraint("login", name=op.f("uq_staff_account_login")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staff_account_public_id")),
    )
    op.create_index(
        op.f("ix_staff_account_staff_person_id"), "staff_account", ["staff_person_id"], unique=False
    )
    op.create_index(
        "uq_staff_account_id_staff_person_id",
        "staff_account",
        ["id", "staff_person_id"],
        unique=True,
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", BIG_ID, nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("peer", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staff_account.id"], name=op.f("fk_audit_entry_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(
        "ix_audit_entry_account_id_at", "audit_entry", ["account_id", "at"], unique=False
    )
    op.create_index("ix_audit_entry_request_id", "audit_entry", ["request_id"], unique=False)
    op.create_table(
        "staff_session",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (end_reason IS NULL)",
            name=op.f("ck_staff_session_ended_with_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staff_account.id"], name=op.f("fk_staff_session_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_session_token_hash")),
    )
    op.create_index(
        "ix_staff_session_account_id_ended_at",
        "staff_session",
        ["account_id", "ended_at"],
        unique=False,
    )
    op.create_table(
        "audit_answer",
        sa.Column("entry_id", BIG_ID, nullable=False),
        sa.Column("status", BIG_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["audit_entry.id"], name=op.f("fk_audit_answer_entry_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_answer")),
    )
    op.create_table(
        "staff_activation",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("account_id", BIG_ID, nullable=False),
        sa.Column("administrator_id", BIG_ID, nullable=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staff_account.id"], name=op.f("fk_staff_activation_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["administrator_id"],
            ["staff_person.id"],
            name=op.f("fk_staff_activation_administrator_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_activation")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_staff_activation_code_hash")),
    )
    op.create_index(
        "ix_staff_activation_account_id_expires_at",
        "staff_activation",
        ["account_id", "expires_at"],
        unique=False,
    )
    _triggers()


def downgrade() -> None:
    op.drop_table("staff_activation")
    op.drop_table("audit_answer")
    op.drop_table("staff_session")
    op.drop_table("audit_entry")
    op.drop_table("staff_account")
    op.drop_table("usage_window")
    op.drop_table("staff_person")
