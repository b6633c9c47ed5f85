"""L8: the database itself refuses to change or remove journals and postings. We try."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import db, transaction

_TABLES = ("journal", "posting")


class _Undo(Exception):
    pass


def offenders() -> Iterator[str]:
    """One line per statement that was not refused; everything tried is rolled back."""
    with transaction() as session:
        dialect = session.get_bind().dialect.name
        session.rollback()
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
    try:
        with transaction() as session:
            empty = not session.scalar(
                text(f"SELECT count(*) FROM {_table_of(statement)}")  # noqa: S608
            )
            session.execute(text(statement))
            if empty and session.get_bind().dialect.name == "sqlite":
                return _sqlite_has_triggers(_table_of(statement))  # no row to fire on
            raise _Undo
    except DBAPIError:
        return True
    except _Undo:
        return False


def _sqlite_has_triggers(table: str) -> bool:
    found = db.session().scalar(
        text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"),
        {"table": table},
    )
    return bool(found and found >= 2)


def _table_of(statement: str) -> str:
    return next(table for table in _TABLES if f" {table}" in statement)
