"""The only way to the database: visible, never nested, retried while it is busy."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import product
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InvalidRequestError, StatementError

from app import db as database
from app import wechat
from app.db import (
    DatabaseBusy,
    NestedTransaction,
    NetworkInsideTransaction,
    reading,
    retried,
    transaction,
)
from app.models import Deployment, JobRun
from tests.house import STARTS_AT, House, at_once


def a_run(name: str) -> JobRun:
    return JobRun(job=name, started_at=STARTS_AT, counts={})


def names(house: House) -> list[str]:
    return [name for (name,) in house.rows(select(JobRun.job).order_by(JobRun.id))]


def on_postgres(house: House) -> bool:
    return house.database.app_url.startswith("postgresql")


def test_transactions_do_not_nest_in_any_mix(house: House) -> None:
    for outer, inner in product((transaction, reading), repeat=2):
        with house.app.app_context(), pytest.raises(NestedTransaction), outer(), inner():
            pass


def test_what_a_nested_transaction_interrupts_is_rolled_back(house: House) -> None:
    def outer() -> None:
        with transaction() as session:
            session.add(a_run("outer"))
            session.flush()
            with transaction():
                pass

    with house.app.app_context(), pytest.raises(NestedTransaction):
        outer()

    assert names(house) == []


def test_a_query_outside_a_transaction_is_refused(house: House) -> None:
    with house.app.app_context(), pytest.raises(InvalidRequestError, match="begin"):
        database.db.session.execute(text("SELECT 1"))


def test_no_gateway_is_called_while_a_transaction_is_open(house: House) -> None:
    """F21: nobody waits for the network while holding rows."""
    house.forget_calls()
    calls: list[Any] = [
        lambda: wechat.pay().query("LC0000000000"),
        lambda: wechat.pay().close("LC0000000000"),
        lambda: wechat.mini_program().openid_of_login_code("code"),
        lambda: wechat.mini_program().phone_of_code("code"),
    ]
    for scope, call in product((transaction, reading), calls):
        with house.app.app_context(), pytest.raises(NetworkInsideTransaction), scope():
            call()
    assert house.calls() == {}


def test_reading_leaves_no_trace(house: House) -> None:
    """PostgreSQL refuses the write; SQLite forgets it."""

    def write_while_reading() -> None:
        with house.app.app_context(), reading() as session:
            session.add(a_run("written while reading"))
            session.flush()

    if on_postgres(house):
        with pytest.raises(DBAPIError, match="read-only"):
            write_while_reading()
    else:
        write_while_reading()

    assert names(house) == []


def test_a_reader_sees_one_moment_throughout(house: House) -> None:
    with house.app.app_context(), reading() as session:
        before = session.scalars(select(JobRun.job)).all()
        at_once(1, lambda _: written(house, "meanwhile"))
        assert session.scalars(select(JobRun.job)).all() == before == []
    assert names(house) == ["meanwhile"]


def test_rows_do_not_outlive_their_transaction(house: House) -> None:
    with house.app.app_context():
        with transaction() as session:
            mine = session.get_one(Deployment, 1)
            assert mine in session
        with reading() as session:
            assert mine not in session


def test_an_error_undoes_the_whole_transaction(house: House) -> None:
    def break_off() -> None:
        with transaction() as session:
            session.add(a_run("half"))
            session.flush()
            raise ZeroDivisionError

    with house.app.app_context(), pytest.raises(ZeroDivisionError):
        break_off()

    assert names(house) == []


def test_a_busy_database_is_waited_for(house: House) -> None:
    """A writer holds what we need for a while: the transaction is run again until it gets it."""
    with holding(house) as release:
        threading.Timer(0.4, release).start()
        tries = insert_impatiently(house, "patient")

    assert tries >= 2
    assert names(house) == ["patient"]


def test_a_database_that_stays_busy_is_an_answer_not_a_wait_without_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_RETRY_DEADLINE_S", 0.4)
    began = time.monotonic()

    with holding(house), pytest.raises(DatabaseBusy):
        insert_impatiently(house, "never")

    assert time.monotonic() - began < 3
    assert names(house) == []


def test_a_mistake_is_not_tried_again(house: House) -> None:
    tries = []

    @retried
    def broken() -> None:
        tries.append(1)
        with transaction() as session:
            session.execute(text("SELECT nothing FROM nowhere"))

    with house.app.app_context(), pytest.raises(DBAPIError):
        broken()
    assert tries == [1]


def test_deadlocks_are_run_again_until_both_have_passed(house: House) -> None:
    """F10 40P01: two transactions that take two rows in opposite order, twice at once."""
    for name in ("first", "second"):
        written(house, name)
    meeting = threading.Barrier(2)
    tries: list[int] = []

    @retried
    def both(number: int) -> None:
        tries.append(number)
        with transaction() as session:
            if on_postgres(house):
                session.execute(text("SET LOCAL lock_timeout = 0"))
            order = ("first", "second") if number else ("second", "first")
            for name in order:
                session.execute(update(JobRun).where(JobRun.job == name).values(outcome="done"))
                if on_postgres(house) and tries.count(number) == 1 and name == order[0]:
                    meeting.wait(timeout=5)

    def run(number: int) -> None:
        with house.app.app_context():
            both(number)

    assert at_once(2, run) == [None, None]
    assert len(tries) > 2 if on_postgres(house) else len(tries) == 2


def test_a_failed_serialization_is_run_again(house: House) -> None:
    """F11 40001: two transactions that each read what the other writes."""
    for name in ("first", "second"):
        written(house, name)
    if not on_postgres(house):
        return  # one writer at a time: there is nothing to serialize
    meeting = threading.Barrier(2)
    tries: list[int] = []

    @retried
    def read_one_write_other(number: int) -> None:
        tries.append(number)
        mine, other = ("first", "second") if number else ("second", "first")
        with transaction() as session:
            session.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
            session.scalars(select(JobRun.outcome).where(JobRun.job == other)).all()
            if tries.count(number) == 1:
                meeting.wait(timeout=5)
            session.execute(update(JobRun).where(JobRun.job == mine).values(outcome="done"))

    def run(number: int) -> None:
        with house.app.app_context():
            read_one_write_other(number)

    assert at_once(2, run) == [None, None]
    assert len(tries) > 2


def test_a_pool_without_a_free_connection_is_busy_not_broken(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F20: a bounded wait, then 503 with Retry-After instead of a 500."""
    if not on_postgres(house):
        return  # a file has no pool that could be short
    with house.app.app_context():
        pool: Any = database.db.engine.pool
        monkeypatch.setattr(pool, "_timeout", 0.1)
        taken = [pool.connect() for _ in range(16)]
        try:
            with pytest.raises(DatabaseBusy), reading() as session:
                session.execute(text("SELECT 1"))
        finally:
            for connection in taken:
                connection.close()


def test_instants_without_a_zone_are_refused(house: House) -> None:
    naive = JobRun(job="naive", started_at=STARTS_AT.replace(tzinfo=None), counts={})

    with house.app.app_context(), pytest.raises(StatementError, match="time zone"):
        with_one_row(naive)

    written(house, "aware")
    assert house.rows(select(JobRun.started_at))[0][0] == STARTS_AT
    assert house.rows(select(JobRun.started_at))[0][0].utcoffset() == timedelta(0)


def with_one_row(row: JobRun) -> None:
    with transaction() as session:
        session.add(row)
        session.flush()


def written(house: House, name: str) -> None:
    with house.app.app_context(), transaction() as session:
        session.add(a_run(name))


def insert_impatiently(house: House, name: str) -> int:
    """A row is written by a retried function whose single try gives up quickly; its tries."""
    tries = []

    @retried
    def insert() -> None:
        tries.append(1)
        with transaction() as session:
            if on_postgres(house):
                session.execute(text("SET LOCAL lock_timeout = '50ms'"))
                session.execute(text("LOCK TABLE job_run IN SHARE ROW EXCLUSIVE MODE"))
            session.add(a_run(name))

    with house.app.app_context():
        with reading() as session:
            if not on_postgres(house):
                session.execute(text("PRAGMA busy_timeout = 50"))
        try:
            insert()
        finally:
            database.db.engine.dispose()  # the short patience must not outlive the test
    return len(tries)


@contextmanager
def holding(house: House) -> Iterator[Any]:
    """Another process has the write lock; yields what makes it let go."""
    url = make_url(house.database.app_url)
    if on_postgres(house):
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        other: Any = psycopg.connect(plain)
        other.execute("LOCK TABLE job_run IN SHARE ROW EXCLUSIVE MODE")
    else:
        other = sqlite3.connect(url.database, check_same_thread=False, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    try:
        yield other.rollback
    finally:
        other.close()
