"""A small town with a little of everything, and its owner's ways to ruin it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from app.db import db
from app.services import book_days
from sandbox.phone import Phone
from tests.house import House
from tests.ledger.corruption import Corruption
from tests.office import seated
from tests.proposals import (
    a_journal,
    a_limit,
    a_line,
    a_newer_text,
    a_policy,
    account_no_of,
    person_id_of,
)
from tests.short_cuts import a_worker, credit, noon, reverse

LITTLE_OF_EVERYTHING = "lingcun_little_of_everything"
MARCH_2, MARCH_3, MARCH_4 = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
_WITH_TRIGGERS = (
    *("journal", "posting", "payment_order"),
    *("audit_entry", "audit_answer", "approval"),
    *("wechat_bill_line", "payout_leg"),
)


def build(house: House) -> None:
    """Two depositors, two sealed days, an open one, a correction, suspense, orders of each state.

    Anna came over HTTP, Bert by short cuts, and the staff decided a little of everything. The state
    is kept under `LITTLE_OF_EVERYTHING`.
    """
    house.reset()
    anna = house.worker()
    anna.deposit(100_000, notify=False)
    assert tell(house, house.out_trade_no()) == 204
    stray = house.play(
        "stray-payments", {"openid": anna.wechat.openid, "amount": 7, "notify": False}
    )
    assert tell(house, stray["out_trade_no"]) == 204
    house.run_job("follow-up-payments")  # finds the stray payment true, and suspends it
    anna.deposit(50_000, notify=False)
    assert tell(house, house.out_trade_no(), amount_total=49_999) == 204
    cancelled = anna.order(60_000)["deposit"]["deposit_id"]
    anna.post(f"/v1/me/deposits/{cancelled}/cancel")

    bert = a_worker(house)
    credit(house, bert, 100, paid_at=noon(MARCH_2))
    wrong = credit(house, bert, 50_000, paid_at=noon(MARCH_2))
    reverse(house, wrong, value_on=MARCH_3, at=noon(MARCH_3))
    with house.app.app_context():
        assert book_days.seal_overdue_days(at=noon(MARCH_4)) == {"sealed": 2}
    _staff_at_work(house, anna)
    credit(house, bert, 700, paid_at=noon(MARCH_4))
    assert house.broken_invariants() == {}
    with house.app.app_context():
        db.engine.dispose()
    house.database.keep(LITTLE_OF_EVERYTHING)


def _staff_at_work(house: House, anna: Phone) -> None:
    """A limit, a journal, a policy and a text approved; a limit rejected, and one that waits."""
    house.at("2026-03-04T11:00:00")
    clerk, accountant = seated(house, "counter-clerk", "wuxing"), seated(house, "accountant")
    officer, secretary = seated(house, "policy-officer"), seated(house, "committee-secretary")
    reviewer, person_id = seated(house, "reviewer"), person_id_of(house, anna.owner)
    for limit_fen, how in ((900_000, "approve"), (910_000, "reject")):
        limit = a_limit(person_id, limit_fen)
        proposal = clerk.propose("deposit-limit-override", "奖金", **limit)
        reviewer.decide(proposal, how, "已核对")
    line = a_line("10109", "20102", 11, account_no=account_no_of(anna))
    journal = a_journal(line, document_no="凭证-1", value_on="2026-03-02")
    reviewer.approve(accountant.propose("manual-journal", "更正", **journal))
    policy = {"document": a_policy("newer-policy", "2026-05-01")}
    secretary.approve(officer.propose("policy-version", "调整", **policy))
    text = {"text": a_newer_text(number=2, effective_on="2026-05-01")}
    secretary.approve(officer.propose("agreement-template", "修订", **text))
    clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, 920_000))


def back_to_good(house: House) -> None:
    """The database is as `build` left it."""
    with house.app.app_context():
        db.engine.dispose()
    house.database.reset(LITTLE_OF_EVERYTHING)


def tell(house: House, out_trade_no: str, **overrides: Any) -> int:
    """WeChat's notice about a payment reached the service; its status."""
    notice = house.play(f"orders/{out_trade_no}/notice", {"overrides": overrides})
    return house.send_notice(notice).status_code


def dialect(house: House) -> str:
    """`sqlite` or `postgresql`."""
    return make_url(house.database.app_url).get_backend_name()


def ruin(house: House, corruption: Corruption) -> None:
    """The owner did it, with triggers and constraints out of the way."""
    with owner_of(house) as owner:
        for name in corruption.without:
            owner.drop(*name.split("."))
        with owner.triggers_aside():
            if not _touches_triggers(corruption):
                owner.run(corruption.sql())
        if _touches_triggers(corruption):
            owner.run(corruption.sql())


def _touches_triggers(corruption: Corruption) -> bool:
    return any("TRIGGER" in each.upper() or "FUNCTION" in each for each in corruption.statements)


@contextmanager
def owner_of(house: House) -> Iterator[Any]:
    """Whoever owns the database, on a connection of his own."""
    if dialect(house) == "sqlite":
        path = make_url(house.database.app_url).database
        with closing(sqlite3.connect(str(path), isolation_level=None)) as connection:
            yield _SqliteOwner(connection)
    else:
        url = make_url(house.database.owner_url).set(drivername="postgresql")
        plain = url.render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            yield _PostgresOwner(connection)


class _SqliteOwner:
    """Checks and foreign keys bind nobody who asks SQLite not to look."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statements: list[str]) -> None:
        for statement in statements:
            self._connection.execute(statement)

    def drop(self, _table: str, name: str) -> None:
        if name.startswith("uq_"):
            self._connection.execute(f"DROP INDEX {name}")
        else:
            self._connection.execute("PRAGMA ignore_check_constraints = ON")

    @contextmanager
    def triggers_aside(self) -> Iterator[None]:
        rows = self._connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in rows:
            self._connection.execute(f"DROP TRIGGER {name}")
        yield
        for _, sql in rows:
            self._connection.execute(sql)


class _PostgresOwner:
    """The owner role: no superuser, so constraints go before the data can."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def run(self, statements: list[str]) -> None:
        for statement in statements:
            self._connection.execute(statement.encode())

    def drop(self, table: str, name: str) -> None:
        if name.startswith("uq_"):
            self.run([f"DROP INDEX {name}"])
        else:
            self.run([f"ALTER TABLE {table} DROP CONSTRAINT {name}"])

    @contextmanager
    def triggers_aside(self) -> Iterator[None]:
        self.run([f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in _WITH_TRIGGERS])
        yield
        self.run([f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in _WITH_TRIGGERS])
