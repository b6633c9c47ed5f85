"""The only way to the database: a query stands inside `transaction()` or `reading()`, or raises.

Transactions are visible and never nest. SQLite takes `BEGIN IMMEDIATE` for writing, so that two
writers queue instead of failing half-way; PostgreSQL runs READ COMMITTED with row locks taken in
id order. `retried` wraps a function whose whole body is one transaction: a `with` block could not
run its body again.
"""

import functools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from flask import Flask, current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Integer,
    MetaData,
    String,
    event,
    literal,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from app.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
# Long enough for a queue of writers on SQLite to drain, short enough for a phone to wait.
_LOCK_WAIT_S = 5
_RETRY_DEADLINE_S = 8.0
_mode: ContextVar[str] = ContextVar("database_mode", default="read")


class DatabaseBusy(Unavailable):
    """The database did not let the transaction through within the deadline."""


class NestedTransaction(RuntimeError):
    """A transaction was opened inside another: a mistake in the program, not of a user."""


class NetworkInsideTransaction(RuntimeError):
    """A gateway was called while a transaction was open: a mistake in the program."""


class Instant(TypeDecorator[datetime]):
    """An instant, stored in UTC and given back aware; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigId = BigInteger().with_variant(Integer, "sqlite")


class days_between(FunctionElement[int]):  # noqa: N801 - reads as a SQL function
    """Whole days from the first date to the second, on either database.

    Typed as BIGINT although days are few: fen x days is computed in the type of its factors.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(days_between, "postgresql")
def _days_between_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    first, second = element.clauses
    return f"({compiler.process(second, **options)} - {compiler.process(first, **options)})"


@compiles(days_between, "sqlite")
def _days_between_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    first, second = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(julianday({second}) - julianday({first}) AS INTEGER)"


class Base(DeclarativeBase):
    """Tables are singular; constraints have spoken names, so that an error says what it means."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: Instant(), date: Date(), str: String(), int: BigId},
    )


db = SQLAlchemy(model_class=Base, session_options={"autobegin": False, "expire_on_commit": False})
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def install(app: Flask, database_url: str) -> None:
    """The app speaks to this database, with the settings each kind of database needs."""
    url = make_url(database_url)
    options: dict[str, Any] = {"pool_pre_ping": True, "hide_parameters": True}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": _LOCK_WAIT_S, "check_same_thread": False}
    else:
        options |= {"pool_size": 8, "max_overflow": 8, "pool_timeout": 2}
        options["connect_args"] = {
            "connect_timeout": 3,
            "options": "-c statement_timeout=5000 -c lock_timeout=4000 -c timezone=UTC",
        }
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    Migrate(app, db, directory=str(_MIGRATIONS))
    with app.app_context():
        _prepare_engine(db.engine)


def _prepare_engine(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgresql)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event writes BEGIN itself
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",  # or INSERT OR REPLACE slips past the append-only triggers
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _mode.get() == "write" else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if _mode.get() == "read":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


@contextmanager
def transaction() -> Iterator[Session]:
    """Everything inside commits together or not at all; raises `NestedTransaction`.

    Rows do not outlive their transaction: the session is emptied after it, so that the next
    paragraph reads the database again instead of a stale copy.
    """
    with _scope("write") as session:
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A read-only view of the database; writing in it fails on PostgreSQL and is a mistake."""
    with _scope("read") as session:
        yield session


@contextmanager
def _scope(mode: str) -> Iterator[Session]:
    session = db.session()
    if session.in_transaction():
        raise NestedTransaction("a transaction is already open")
    token = _mode.set(mode)
    try:
        with session.begin():
            yield session
            if mode == "read":
                session.rollback()
    except PoolTimeout as error:
        raise DatabaseBusy() from error
    finally:
        session.expunge_all()
        _mode.reset(token)


def in_own_session(function: Callable[P, T]) -> Callable[P, T]:
    """The function for other threads: in this app, with a session that begins and ends with it."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with app.app_context():
            return function(*args, **kwargs)

    return run


def refuse_open_transaction() -> None:
    """Gateways call this first: nobody waits for the network while holding rows."""
    if db.session().in_transaction():
        raise NetworkInsideTransaction("close the transaction before calling out")


def retried(function: Callable[P, T]) -> Callable[P, T]:
    """The function, run again while the database asks for it, until a deadline.

    Only for functions whose whole body is one transaction. Raises `DatabaseBusy` at the end.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        deadline = time.monotonic() + _RETRY_DEADLINE_S
        pause_s = 0.01
        while True:
            try:
                return function(*args, **kwargs)
            except DBAPIError as error:
                if not _is_passing(error):
                    raise
                if time.monotonic() + pause_s > deadline:
                    raise DatabaseBusy() from error
            time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret
            pause_s = min(pause_s * 2, 0.5)

    return run


def _is_passing(error: DBAPIError) -> bool:
    # 40001 serialization failure, 40P01 deadlock, 55P03 lock not available
    if getattr(error.orig, "sqlstate", None) in ("40001", "40P01", "55P03"):
        return True
    return "database is locked" in str(error.orig)


def lock_for_naming(key: int) -> None:
    """On PostgreSQL, whoever passes the same key waits here until our transaction ends.

    SQLite has one writer at a time already.
    """
    session = db.session()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def insert_unless_there(model: type[Any], **values: Any) -> bool:
    """Whether this call inserted the row; False when a unique key already holds it."""
    session = db.session()
    postgres = session.get_bind().dialect.name == "postgresql"
    insert: Any = (postgresql.insert if postgres else sqlite.insert)(model.__table__)
    statement = insert.values(**values).on_conflict_do_nothing().returning(literal(1))
    return session.execute(statement).first() is not None
