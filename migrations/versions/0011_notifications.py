"""Notifications to workers, WeChat's message push, and the erasure of personal data."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notification",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", BIG_ID, nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("template_id", sa.String(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("msgid", sa.String(), nullable=True),
        sa.Column("fail_code", sa.String(), nullable=True),
        sa.Column("delivered", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_notification_sent_when")
        ),
        sa.CheckConstraint(
            "delivered IN ('success', 'failed')", name=op.f("ck_notification_delivered_known")
        ),
        sa.CheckConstraint(
            "state <> 'sent' OR template_id IS NOT NULL",
            name=op.f("ck_notification_sent_by_template"),
        ),
        sa.CheckConstraint(
            "state IN ('ready', 'sent', 'no-permission', 'parked', 'inbox-only')",
            name=op.f("ck_notification_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_notification_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("public_id", name=op.f("uq_notification_public_id")),
    )
    op.create_index("uq_notification_kind_source", "notification", ["kind", "source"], unique=True)
    op.create_index(
        "ix_notification_person_id_id", "notification", ["person_id", "id"], unique=False
    )
    op.create_index(
        "ix_notification_state_next_at", "notification", ["state", "next_at"], unique=False
    )
    op.create_index(op.f("ix_notification_msgid"), "notification", ["msgid"], unique=False)
    _message_push()
    op.create_table(
        "erasure",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("openid_index", sa.LargeBinary(), nullable=False),
        sa.Column("wechat_account_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=True),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(done_at IS NULL) = (outcome IS NULL)", name=op.f("ck_erasure_done_with_outcome")
        ),
        sa.CheckConstraint(
            "outcome IN ('erased', 'kept-as-fund-record', 'kept-in-approval', 'came-back')",
            name=op.f("ck_erasure_outcome_known"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_erasure_person_id")),
        sa.ForeignKeyConstraint(
            ["wechat_account_id"],
            ["wechat_account.id"],
            name=op.f("fk_erasure_wechat_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_index(
        "ix_erasure_open",
        "erasure",
        ["due_on"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.add_column("person", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))


def _message_push() -> None:
    op.create_table(
        "message_permission",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("wechat_account_id", BIG_ID, nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["wechat_account_id"],
            ["wechat_account.id"],
            name=op.f("fk_message_permission_wechat_account_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_permission")),
    )
    op.create_index(
        "uq_message_permission_account_template",
        "message_permission",
        ["wechat_account_id", "template_id"],
        unique=True,
    )
    op.create_table(
        "pushed_message",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("openid_index", sa.LargeBinary(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('taken', 'recorded', 'erasure-due', 'nobody')",
            name=op.f("ck_pushed_message_outcome_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pushed_message")),
        sa.UniqueConstraint("content_sha256", name=op.f("uq_pushed_message_content_sha256")),
        sa.UniqueConstraint("signature", name=op.f("uq_pushed_message_signature")),
    )
    op.create_table(
        "message_delivery",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("msgid", sa.String(), nullable=False),
        sa.Column("delivered", sa.String(), nullable=False),
        sa.Column("fail_code", sa.String(), nullable=True),
        sa.CheckConstraint(
            "delivered IN ('success', 'failed')", name=op.f("ck_message_delivery_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_delivery")),
        sa.UniqueConstraint("msgid", name=op.f("uq_message_delivery_msgid")),
    )


def downgrade() -> None:
    op.drop_column("person", "erased_at")
    for table in (
        "erasure",
        "message_delivery",
        "pushed_message",
        "message_permission",
        "notification",
    ):
        op.drop_table(table)
