"""Journals and postings refuse every change; orders move forward; the app role may only add.

On PostgreSQL the application logs in as a member of the role `lingcun_app`, which owns nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APP_ROLE = "lingcun_app"
# What is written once and never edited: the books, the rules, and what this database is.
WRITTEN_ONCE = (
    "journal, posting, book_day_total, house_account, policy_version, "
    "agreement_template, deployment"
)
DEFAULTS = (("SELECT, INSERT, UPDATE", "TABLES"), ("USAGE, SELECT", "SEQUENCES"))

FORWARD_ONLY = """
    (OLD.state = 'credited' AND NEW.state <> 'credited')
    OR (OLD.state = 'closed' AND NEW.state NOT IN ('closed', 'credited'))
    OR (OLD.state = 'prepaid' AND NEW.state = 'created')
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgresql()


def _sqlite() -> None:
    for table in ("journal", "posting"):
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    op.execute(
        "CREATE TRIGGER payment_order_moves_forward BEFORE UPDATE OF state ON payment_order "
        f"WHEN {FORWARD_ONLY} "
        "BEGIN SELECT RAISE(ABORT, 'an order only moves forward'); END"
    )


def _postgresql() -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    op.execute(
        "CREATE OR REPLACE FUNCTION order_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF {FORWARD_ONLY} THEN RAISE EXCEPTION 'an order only moves forward'; END IF; "
        "RETURN NEW; END $$"
    )
    for table in ("journal", "posting"):
        op.execute(
            f"CREATE TRIGGER {table}_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER payment_order_moves_forward BEFORE UPDATE OF state ON payment_order "
        "FOR EACH ROW EXECUTE FUNCTION order_moves_forward()"
    )
    _grants()


def _grants() -> None:
    there = op.get_bind().scalar(
        sa.text("SELECT count(*) FROM pg_roles WHERE rolname = :role"), {"role": APP_ROLE}
    )
    if not there:
        raise SystemExit(
            f"the role {APP_ROLE} is missing: CREATE ROLE {APP_ROLE} and let the application's "
            "login be a member of it, then migrate again"
        )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}")
    op.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}")
    op.execute(f"REVOKE UPDATE ON {WRITTEN_ONCE} FROM {APP_ROLE}")
    op.execute(f"REVOKE INSERT, UPDATE ON alembic_version FROM {APP_ROLE}")
    # Nothing is ever deleted but login codes, which nobody needs after ten minutes.
    op.execute(f"REVOKE UPDATE ON used_login_code FROM {APP_ROLE}")
    op.execute(f"GRANT DELETE ON used_login_code TO {APP_ROLE}")
    # What the owner adds later starts from the same rights; a journal-like table revokes its own.
    for rights, kind in DEFAULTS:
        op.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} ON {kind} TO {APP_ROLE}"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in ("journal", "posting"):
            op.execute(f"DROP TRIGGER {table}_refuses_update")
            op.execute(f"DROP TRIGGER {table}_refuses_delete")
        op.execute("DROP TRIGGER payment_order_moves_forward")
        return
    for rights, kind in DEFAULTS:
        op.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE {rights} ON {kind} FROM {APP_ROLE}"
        )
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {APP_ROLE}")
    op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {APP_ROLE}")
    op.execute(f"REVOKE ALL ON SCHEMA public FROM {APP_ROLE}")
    for table in ("journal", "posting"):
        op.execute(f"DROP TRIGGER {table}_refuses_change ON {table}")
    op.execute("DROP TRIGGER payment_order_moves_forward ON payment_order")
    op.execute("DROP FUNCTION refuse_change(), order_moves_forward()")
