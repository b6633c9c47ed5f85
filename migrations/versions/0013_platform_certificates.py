"""The certificates WeChat Pay signs with, fetched by a job and read by every process."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "platform_certificate",
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("certificate_pem", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "effective_at <= expires_at", name=op.f("ck_platform_certificate_not_backwards")
        ),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_platform_certificate")),
    )


def downgrade() -> None:
    op.drop_table("platform_certificate")
