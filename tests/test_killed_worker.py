"""F1: a real worker is killed in the middle of a notice; WeChat sends it again, one credit."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from sqlalchemy.engine import make_url

from sandbox.keys import ensure_keys
from sandbox.phone import Phone
from sandbox.server import create_sandbox, serve_in_thread
from tests.deployments import NewDatabase, Server, plain_environment, serving
from tests.house import somebody

AMOUNT = 100_000
# The callback has written its inbox row and waits for its person's.
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
WITHIN_S = 20


@pytest.fixture
def wechat(tmp_path: Path) -> Iterator[str]:
    """WeChat, and the keys of both in the folder."""
    ensure_keys(tmp_path / "keys")
    with serve_in_thread(create_sandbox(tmp_path / "keys", database=":memory:")) as base:
        yield base


def test_a_worker_killed_in_its_transaction_leaves_nothing_and_the_next_one_credits(
    tmp_path: Path, wechat: str, given_database: NewDatabase
) -> None:
    url, _ = given_database("killed", environment="sandbox")
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    @contextmanager
    def held() -> Iterator[Callable[[], bool]]:
        with psycopg.connect(plain) as holder, psycopg.connect(plain, autocommit=True) as other:
            holder.execute("SELECT id FROM person FOR UPDATE")
            yield lambda: other.execute(WAITING).fetchone() == (1,)
            assert other.execute("SELECT count(*) FROM notice").fetchone() == (0,)

    credited_once_although_killed(tmp_path, wechat, held, DATABASE_URL=url)


def test_a_worker_killed_while_it_waits_to_write_leaves_nothing_either(
    tmp_path: Path, wechat: str
) -> None:
    @contextmanager
    def held() -> Iterator[Callable[[], bool]]:
        since = time.monotonic()
        holder = sqlite3.connect(tmp_path / "keys" / "lingcun.sqlite", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        yield lambda: time.monotonic() > since + 1
        holder.close()

    credited_once_although_killed(tmp_path, wechat, held)


def credited_once_although_killed(tmp_path: Path, wechat: str, held: Any, **given: str) -> None:
    """A deposit is paid; the worker that takes its notice dies while something is held."""
    environment = plain_environment(
        tmp_path / "home",
        SANDBOX_FOLDER=str(tmp_path / "keys"),
        WECHAT_API_BASE=wechat,
        WECHAT_PAY_BASE=wechat,
        **given,
    )
    with serving(environment, tmp_path / "log.txt", workers=1) as server:
        phone = Phone(server.base, wechat, somebody())
        phone.join()
        deposit_id = phone.deposit(AMOUNT, notify=False)["deposit_id"]
        statuses: list[int | str] = []
        with held() as is_in_the_middle:
            first = threading.Thread(target=lambda: statuses.append(told(server, wechat)))
            first.start()
            until(is_in_the_middle)
            [worker] = server.workers
            os.kill(worker, signal.SIGKILL)
            first.join()
        until(lambda: server.workers not in ([], [worker]))
        phone._http.close()
        statuses += [told(server, wechat), told(server, wechat)]
        seen = phone.get(f"/v1/me/deposits/{deposit_id}")["state"], phone.get("/v1/me/account")

    assert statuses == ["no answer", 204, 204]
    assert (seen[0], seen[1]["flexible_fen"]) == ("credited", AMOUNT)


def told(server: Server, wechat: str) -> int | str:
    """What WeChat hears when it sends the notice of the one payment there is."""
    books = requests.get(f"{wechat}/sandbox/books", timeout=10).json()
    path = f"{wechat}/sandbox/orders/{books['orders'][0]['out_trade_no']}/notice"
    notice = requests.post(path, json={}, timeout=10).json()
    try:
        return requests.post(
            f"{server.base}/v1/notices/wechat-pay",
            data=notice["body"].encode(),
            headers=notice["headers"] | {"Connection": "close"},
            timeout=30,
        ).status_code
    except requests.ConnectionError:
        return "no answer"


def until(holds: Callable[[], bool]) -> None:
    """It has come true."""
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
