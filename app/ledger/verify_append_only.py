"""L8: the database itself refuses to change or remove journals and postings. We try."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import reading, transaction

_TABLES = ("journal", "posting")


def offenders() -> Iterator[str]:
    """One line per statement that was not refused; everything tried is rolled back."""
    with reading() as session:
        dialect = session.get_bind().dialect.name
    for table in _TABLES:
        for statement in _statements(table, dialect):
            if not _is_refused(statement):
                yield f"not refused: {statement}"


def _statements(table: str, dialect: str) -> list[str]:
    if dialect == "postgresql":
        return [
            f"UPDATE {table} SET id = id",  # noqa: S608 - two fixed table names
            f"DELETE FROM {table}",  # noqa: S608
            f"TRUNCATE {table} CASCADE",
        ]
    return [
        f"UPDATE {table} SET id = id",  # noqa: S608
        f"DELETE FROM {table}",  # noqa: S608
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1",  # noqa: S608
    ]


def _is_refused(statement: str) -> bool:
    table = _table_of(statement)
    try:
        with transaction() as session:
            empty = not session.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
            session.execute(text(statement))
            session.rollback()
    except DBAPIError:
        return True
    # SQLite's triggers fire per row: without a row, their being there is the refusal.
    return empty and _sqlite_has_triggers(table)


def _sqlite_has_triggers(table: str) -> bool:
    with reading() as session:
        if session.get_bind().dialect.name != "sqlite":
            return False
        found = session.scalar(
            text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"),
            {"table": table},
        )
    return bool(found and found >= 2)


def _table_of(statement: str) -> str:
    return next(table for table in _TABLES if f" {table}" in statement)
