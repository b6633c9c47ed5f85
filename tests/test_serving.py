"""`gunicorn wsgi:app` on a machine that knows nothing of us: it serves, keeps time, and ends."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from tests.deployments import (
    ROOT,
    NewDatabase,
    Server,
    decided_policy,
    plain_environment,
    serving,
    sound_settings,
)

IN_A_COPY = ("app", "migrations", "policies", "sandbox", "gunicorn.conf.py", "wsgi.py")
BEFORE_ANY_POLICY_S = -5 * 365 * 86400
SLOW_S = 1.5


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program in one folder, and an empty HOME beside it."""
    place = tmp_path_factory.mktemp("machine")
    for name in IN_A_COPY:
        source, target = ROOT / name, place / "lingcun" / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
    return place


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    """Two workers that were started at once where nothing had been made."""
    environment = plain_environment(place / "home")
    with serving(environment, place / "log.txt", cwd=place / "lingcun") as server:
        yield server


def test_it_makes_its_own_sandbox_and_serves(server: Server, place: Path) -> None:
    answers = {path: server.get(path) for path in ("/healthz", "/readyz", "/openapi.json")}

    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/healthz": 200,
        "/readyz": 200,
        "/openapi.json": 200,
    }
    assert answers["/openapi.json"].json()["openapi"].startswith("3.1")
    made = place / "lingcun" / "var" / "sandbox"
    assert (made / "app.env").stat().st_mode & 0o077 == 0
    assert (made / "lingcun.sqlite").is_file()


def test_two_workers_that_start_at_once_do_the_work_once(server: Server, place: Path) -> None:
    with sqlite3.connect(place / "lingcun" / "var" / "sandbox" / "lingcun.sqlite") as found:
        counts = {
            table: found.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("deployment", "policy_version", "agreement_template", "alembic_version")
        }
    found.close()

    assert len(server.workers) == 2
    assert set(counts.values()) == {1}, counts
    assert "Traceback" not in server.log
    assert "ERROR" not in server.log


def test_nothing_is_written_outside_the_sandbox_folder(server: Server, place: Path) -> None:
    server.get("/healthz")

    assert list((place / "home").iterdir()) == []
    beside = {path.name for path in (place / "lingcun").iterdir()} - {"__pycache__"}
    assert beside == {*IN_A_COPY, "var"}


def test_the_settable_clock_reaches_every_worker_at_once(server: Server, place: Path) -> None:
    offset = place / "lingcun" / "var" / "sandbox" / "clock-offset"

    answers = {}
    try:
        for worker in server.workers:
            with only(worker, of=server):
                offset.write_text(f"{BEFORE_ANY_POLICY_S}\n")
                then = server.get("/v1/public/policy").status_code
                offset.write_text("0\n")
                answers[worker] = (then, server.get("/v1/public/policy").status_code)
    finally:
        offset.unlink()

    # No policy was in force five years ago.
    assert list(answers.values()) == [(409, 200), (409, 200)]


def test_being_asked_to_end_it_finishes_the_request_in_flight(place: Path, server: Server) -> None:
    sandbox = place / "lingcun" / "var" / "sandbox"  # the first server has made its keys
    with slow_wechat() as wechat:
        environment = plain_environment(
            place / "home", SANDBOX_FOLDER=str(sandbox), WECHAT_API_BASE=wechat.base
        )
        with serving(environment, place / "second.txt", workers=1) as second:
            answers: list[requests.Response] = []
            login = threading.Thread(target=lambda: answers.append(log_in(second)))
            login.start()
            assert wechat.asked.wait(10)

            took_s = second.stop()

            login.join()

    assert second.process.returncode == 0
    assert took_s <= 10
    assert [answer.status_code for answer in answers] == [201]
    assert "Traceback" not in second.log


def test_production_serves_on_postgresql_and_lives_in_real_time(
    tmp_path: Path, given_database: NewDatabase
) -> None:
    url, _ = given_database("real", environment="production", policy_toml=decided_policy())
    (tmp_path / "offset").write_text(f"{BEFORE_ANY_POLICY_S}\n")
    environment = plain_environment(
        tmp_path / "home",
        **sound_settings(tmp_path / "keys", url),
        CLOCK_OFFSET_FILE=str(tmp_path / "offset"),
    )

    with serving(environment, tmp_path / "log.txt", workers=1) as server:
        policy = server.get("/v1/public/policy")
        ready = server.get("/readyz")

    assert (ready.status_code, policy.status_code) == (200, 200)
    assert policy.json()["note"] is None or "示意" not in policy.json()["note"]
    assert list((tmp_path / "home").iterdir()) == []
    assert server.process.returncode == 0


# --- what the tests do ---


@contextmanager
def only(worker: int, *, of: Server) -> Iterator[None]:
    """No other worker of the server takes a request."""
    others = [pid for pid in of.workers if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def log_in(server: Server) -> requests.Response:
    return requests.post(f"{server.base}/v1/sessions", json={"code": "any"}, timeout=30)


class slow_wechat:  # noqa: N801 - reads as what it is in a with statement
    """Answers a login, but takes its time; says when it was asked."""

    def __enter__(self) -> slow_wechat:
        self.asked = asked = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.set()
                time.sleep(SLOW_S)
                body = b'{"openid": "o0123456789012345678901234567", "session_key": "k"}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
