"""Triggers that hold the books append-only and orders moving forward, on both databases.

PostgreSQL's app role has no right to change journals at all; the triggers bind the owner, too,
and they are what SQLite has. They are attached to the tables here, and written out once more in
their migration; `tests/test_migrations.py` compares the two.
"""

from typing import Any

from sqlalchemy import DDL, Table, event

from app.db import db
from app.models import ledger, payment

_FORWARD_ONLY = """
    (OLD.state = 'credited' AND NEW.state <> 'credited')
    OR (OLD.state = 'closed' AND NEW.state NOT IN ('closed', 'credited'))
    OR (OLD.state = 'prepaid' AND NEW.state = 'created')
"""


def sqlite_ddl() -> list[tuple[str, str]]:
    """(table, statement) for SQLite."""
    found = []
    for table in ("journal", "posting"):
        found += [
            (
                table,
                f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
            )
            for verb in ("UPDATE", "DELETE")
        ]
    found.append(
        (
            "payment_order",
            "CREATE TRIGGER payment_order_moves_forward BEFORE UPDATE OF state ON payment_order "
            f"WHEN {_FORWARD_ONLY} "
            "BEGIN SELECT RAISE(ABORT, 'an order only moves forward'); END",
        )
    )
    return found


def postgresql_ddl() -> list[tuple[str, str]]:
    """(table, statement) for PostgreSQL; the functions come first."""
    refuse = (
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    forward = (
        "CREATE OR REPLACE FUNCTION order_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF {_FORWARD_ONLY} THEN RAISE EXCEPTION 'an order only moves forward'; END IF; "
        "RETURN NEW; END $$"
    )
    found = [("journal", refuse), ("payment_order", forward)]
    for table in ("journal", "posting"):
        found.append(
            (
                table,
                f"CREATE TRIGGER {table}_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE "
                f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
            )
        )
    found.append(
        (
            "payment_order",
            "CREATE TRIGGER payment_order_moves_forward BEFORE UPDATE OF state ON payment_order "
            "FOR EACH ROW EXECUTE FUNCTION order_moves_forward()",
        )
    )
    return found


def _attach() -> None:
    tables: dict[str, Table] = {
        "journal": db.metadata.tables[ledger.Journal.__tablename__],
        "posting": db.metadata.tables[ledger.Posting.__tablename__],
        "payment_order": db.metadata.tables[payment.PaymentOrder.__tablename__],
    }
    for dialect, statements in (("sqlite", sqlite_ddl()), ("postgresql", postgresql_ddl())):
        for table, statement in statements:
            ddl: Any = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            ddl = ddl.execute_if(dialect=dialect)
            event.listen(tables[table], "after_create", ddl)


_attach()
