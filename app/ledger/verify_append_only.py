"""L8, P3: the database itself refuses to change or remove journals and postings. We try.

Trying shows that somebody refuses; the catalogue shows that everybody does: on PostgreSQL the
app's missing rights would hide a trigger that is gone, and the trigger a right that was granted.
"""

import re
from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import db, reading, transaction
from app.ledger.verify_approvals import W5
from app.ledger.verify_payouts import P5
from app.models import append_only

_ORDERS, _APPROVALS, _LEGS = "payment_order", "approval", "payout_leg"


def offenders(tables: tuple[str, ...]) -> Iterator[str]:
    """L8, W8: a line per statement that was not refused, and per trigger or right amiss.

    Everything tried is rolled back.
    """
    with reading() as session:
        dialect = session.get_bind().dialect.name
        amiss = [*_triggers_amiss(dialect, tables), *_rights_amiss(dialect, tables)]
    for table in tables:
        for statement in _statements(table, dialect):
            if not _is_refused(statement, table):
                yield f"not refused: {statement}"
    yield from amiss


def p3_orders_move_forward() -> Iterator[str]:
    """P3: the trigger that lets an order's state only move forward stands as it was made."""
    yield from _triggers_amiss(db.session().get_bind().dialect.name, (_ORDERS,))


def _statements(table: str, dialect: str) -> list[str]:
    key = "entry_id" if table == "audit_answer" else "id"
    if dialect == "postgresql":
        return [
            f"UPDATE {table} SET {key} = {key}",  # noqa: S608 - fixed table names
            f"DELETE FROM {table}",  # noqa: S608
            f"TRUNCATE {table} CASCADE",
        ]
    return [
        f"UPDATE {table} SET {key} = {key}",  # noqa: S608
        f"DELETE FROM {table}",  # noqa: S608
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1",  # noqa: S608
    ]


def w5_approvals_stay_as_decided() -> Iterator[str]:
    """W5: the triggers that let nobody edit or remove an approval stand as they were made."""
    yield from _triggers_amiss(db.session().get_bind().dialect.name, (_APPROVALS,))


def p5_legs_keep_their_word() -> Iterator[str]:
    """P5: the trigger that lets nobody change a leg's number or parameters stands as made."""
    yield from _triggers_amiss(db.session().get_bind().dialect.name, (_LEGS,))


def _is_refused(statement: str, table: str) -> bool:
    try:
        with transaction() as session:
            is_empty = not session.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
            session.execute(text(statement))
            session.rollback()
    except DBAPIError:
        return True
    # SQLite's triggers fire per row: without a row, the catalogue alone can tell.
    return is_empty


def _triggers_amiss(dialect: str, tables: tuple[str, ...]) -> Iterator[str]:
    if dialect == "postgresql":
        wanted, there = append_only.postgresql_ddl(), _postgresql_triggers()
        bodies = {_function(ddl): _body(ddl) for _, ddl in wanted if " FUNCTION " in ddl[:40]}
    else:
        wanted, there, bodies = append_only.sqlite_ddl(), _sqlite_triggers(), {}
    for table, ddl in wanted:
        made = re.match(r"CREATE TRIGGER (\w+)", ddl)
        if made is None or table not in tables:
            continue
        expected = _words(ddl)
        if dialect == "postgresql":
            expected += _words(bodies[_function(ddl)])
        if there.get(made[1]) != sorted(expected):
            yield f"trigger {made[1]} is missing, disabled or another"


def _sqlite_triggers() -> dict[str, list[str]]:
    rows = db.session().execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return {name: sorted(_words(sql)) for name, sql in rows}


def _postgresql_triggers() -> dict[str, list[str]]:
    rows = db.session().execute(
        text(
            "SELECT tgname, pg_get_triggerdef(pg_trigger.oid), prosrc FROM pg_trigger"
            " JOIN pg_proc ON pg_proc.oid = tgfoid"
            " WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        )
    )
    return {
        name: sorted(word for word in _words(made) + _words(body) if word != "public")
        for name, made, body in rows
    }


def _rights_amiss(dialect: str, tables: tuple[str, ...]) -> Iterator[str]:
    """Rights the app's role should not have; the owner of the tables has them all anyway."""
    if dialect != "postgresql":
        return
    rows = db.session().execute(
        text(
            "SELECT relname, verb FROM pg_class, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) verb"
            " WHERE relname = ANY(:tables) AND relkind IN ('r', 'p')"
            " AND NOT pg_has_role(current_user, relowner, 'USAGE')"
            " AND (has_table_privilege(pg_class.oid, verb)"
            "  OR (verb = 'UPDATE' AND has_any_column_privilege(pg_class.oid, verb)))"
        ),
        {"tables": list(tables)},
    )
    for table, verb in rows:
        yield f"the app may {verb} {table}"


def _function(ddl: str) -> str:
    found = re.search(r"FUNCTION (\w+)\(\)", ddl)
    return found[1] if found else ""


def _body(ddl: str) -> str:
    return ddl.split("$$")[1]


def _words(sql: str) -> list[str]:
    # Databases print a definition with other spaces and in another order of the events.
    return re.findall(r"\w+|<>", sql)


CHECKS = (
    ("P3", "order states agree with what happened", p3_orders_move_forward),
    ("W5", W5, w5_approvals_stay_as_decided),
    ("P5", P5, p5_legs_keep_their_word),
)
