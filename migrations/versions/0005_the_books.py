"""Chart, book days, accounts, journals, postings, daily balance snapshots."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "book_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_book_day")),
    )
    op.create_table(
        "house_account",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("parent_code", sa.String(), nullable=True),
        sa.Column("is_personal", sa.Boolean(), nullable=False),
        sa.CheckConstraint("side IN ('debit', 'credit')", name=op.f("ck_house_account_side_known")),
        sa.ForeignKeyConstraint(
            ["parent_code"], ["house_account.code"], name=op.f("fk_house_account_parent_code")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_house_account")),
    )
    op.create_table(
        "book_day_total",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("debit_fen", BIG_ID, nullable=False),
        sa.Column("credit_fen", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["code"], ["house_account.code"], name=op.f("fk_book_day_total_code")
        ),
        sa.ForeignKeyConstraint(["day"], ["book_day.day"], name=op.f("fk_book_day_total_day")),
        sa.PrimaryKeyConstraint("day", "code", name=op.f("pk_book_day_total")),
    )
    op.create_table(
        "fund_account",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("account_no", sa.String(), nullable=True),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(closed_on IS NULL) = (status NOT IN ('03', '04', '05'))",
            name=op.f("ck_fund_account_closed"),
        ),
        sa.CheckConstraint(
            "status IN ('01', '02', '03', '04', '05', '06')",
            name=op.f("ck_fund_account_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_fund_account_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund_account")),
        sa.UniqueConstraint("account_no", name=op.f("uq_fund_account_account_no")),
    )
    op.create_index(
        "uq_fund_account_open_person",
        "fund_account",
        ["person_id"],
        unique=True,
        sqlite_where=sa.text("closed_on IS NULL"),
        postgresql_where=sa.text("closed_on IS NULL"),
    )
    op.create_table(
        "journal",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("source_kind", sa.String(), nullable=False),
        sa.Column("source_id", BIG_ID, nullable=False),
        sa.Column("reverses_id", BIG_ID, nullable=True),
        sa.CheckConstraint(
            "actor <> '' AND reason <> ''", name=op.f("ck_journal_actor_and_reason")
        ),
        sa.ForeignKeyConstraint(["booked_on"], ["book_day.day"], name=op.f("fk_journal_booked_on")),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["journal.id"], name=op.f("fk_journal_reverses_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_journal_reverses_id")),
    )
    op.create_index(op.f("ix_journal_booked_on"), "journal", ["booked_on"], unique=False)
    op.create_index(
        "uq_journal_source", "journal", ["source_kind", "source_id", "kind"], unique=True
    )
    op.create_table(
        "identity_segment",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("account_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('flexible', 'unit')", name=op.f("ck_identity_segment_kind_known")
        ),
        sa.CheckConstraint(
            "until_on IS NULL OR until_on > from_on", name=op.f("ck_identity_segment_not_empty")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["fund_account.id"], name=op.f("fk_identity_segment_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_segment")),
    )
    op.create_index(
        op.f("ix_identity_segment_account_id"), "identity_segment", ["account_id"], unique=False
    )
    op.create_index(
        "uq_identity_segment_open",
        "identity_segment",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("until_on IS NULL"),
        postgresql_where=sa.text("until_on IS NULL"),
    )
    op.create_table(
        "sub_account",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("account_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("control_code", sa.String(), nullable=False),
        sa.Column("balance_fen", BIG_ID, nullable=False),
        sa.Column("last_seq", BIG_ID, nullable=False),
        sa.CheckConstraint("kind IN ('flexible', 'unit')", name=op.f("ck_sub_account_kind_known")),
        sa.CheckConstraint("balance_fen >= 0", name=op.f("ck_sub_account_balance_not_negative")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["fund_account.id"], name=op.f("fk_sub_account_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["control_code"], ["house_account.code"], name=op.f("fk_sub_account_control_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sub_account")),
    )
    op.create_index(
        "uq_sub_account_account_id_kind", "sub_account", ["account_id", "kind"], unique=True
    )
    op.create_table(
        "daily_balance_snapshot",
        sa.Column("sub_account_id", BIG_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("closing_fen", BIG_ID, nullable=False),
        sa.Column("product_fen_days", BIG_ID, nullable=False),
        sa.CheckConstraint(
            "closing_fen >= 0", name=op.f("ck_daily_balance_snapshot_closing_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["sub_account_id"],
            ["sub_account.id"],
            name=op.f("fk_daily_balance_snapshot_sub_account_id"),
        ),
        sa.PrimaryKeyConstraint("sub_account_id", "day", name=op.f("pk_daily_balance_snapshot")),
    )
    op.create_index(
        "ix_daily_balance_snapshot_probe",
        "daily_balance_snapshot",
        ["sub_account_id", "day"],
        unique=False,
        postgresql_include=["closing_fen", "product_fen_days"],
    )
    op.create_table(
        "posting",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("journal_id", BIG_ID, nullable=False),
        sa.Column("line", BIG_ID, nullable=False),
        sa.Column("debit_code", sa.String(), nullable=False),
        sa.Column("credit_code", sa.String(), nullable=False),
        sa.Column("amount_fen", BIG_ID, nullable=False),
        sa.Column("sub_account_id", BIG_ID, nullable=True),
        sa.Column("account_seq", BIG_ID, nullable=True),
        sa.CheckConstraint(
            "(sub_account_id IS NULL) = (account_seq IS NULL)",
            name=op.f("ck_posting_sequence_with_sub_account"),
        ),
        sa.CheckConstraint(
            "amount_fen BETWEEN 1 AND 10000000000000", name=op.f("ck_posting_amount_within_bounds")
        ),
        sa.CheckConstraint("debit_code <> credit_code", name=op.f("ck_posting_two_accounts")),
        sa.ForeignKeyConstraint(
            ["credit_code"], ["house_account.code"], name=op.f("fk_posting_credit_code")
        ),
        sa.ForeignKeyConstraint(
            ["debit_code"], ["house_account.code"], name=op.f("fk_posting_debit_code")
        ),
        sa.ForeignKeyConstraint(["journal_id"], ["journal.id"], name=op.f("fk_posting_journal_id")),
        sa.ForeignKeyConstraint(
            ["sub_account_id"], ["sub_account.id"], name=op.f("fk_posting_sub_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
    )
    op.create_index("uq_posting_journal_id_line", "posting", ["journal_id", "line"], unique=True)
    op.create_index(
        "uq_posting_sub_account_id_account_seq",
        "posting",
        ["sub_account_id", "account_seq"],
        unique=True,
        sqlite_where=sa.text("sub_account_id IS NOT NULL"),
        postgresql_where=sa.text("sub_account_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_posting_sub_account_id_account_seq",
        table_name="posting",
        sqlite_where=sa.text("sub_account_id IS NOT NULL"),
        postgresql_where=sa.text("sub_account_id IS NOT NULL"),
    )
    op.drop_index("uq_posting_journal_id_line", table_name="posting")
    op.drop_table("posting")
    op.drop_index(
        "ix_daily_balance_snapshot_probe",
        table_name="daily_balance_snapshot",
        postgresql_include=["closing_fen", "product_fen_days"],
    )
    op.drop_table("daily_balance_snapshot")
    op.drop_index("uq_sub_account_account_id_kind", table_name="sub_account")
    op.drop_table("sub_account")
    op.drop_index(
        "uq_identity_segment_open",
        table_name="identity_segment",
        sqlite_where=sa.text("until_on IS NULL"),
        postgresql_where=sa.text("until_on IS NULL"),
    )
    op.drop_index(op.f("ix_identity_segment_account_id"), table_name="identity_segment")
    op.drop_table("identity_segment")
    op.drop_index("uq_journal_source", table_name="journal")
    op.drop_index(op.f("ix_journal_booked_on"), table_name="journal")
    op.drop_table("journal")
    op.drop_index(
        "uq_fund_account_open_person",
        table_name="fund_account",
        sqlite_where=sa.text("closed_on IS NULL"),
        postgresql_where=sa.text("closed_on IS NULL"),
    )
    op.drop_table("fund_account")
    op.drop_table("book_day_total")
    op.drop_table("house_account")
    op.drop_table("book_day")
