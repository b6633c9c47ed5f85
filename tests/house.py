"""A whole house in one process: the service and WeChat's sandbox on real sockets.

Tests live in it as people do: through a `Phone`, over HTTP, with real signatures. The service's
application is within reach for what no phone can see: the books, jobs, `verify`.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import flask_migrate
import requests
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app import clock, create_app, settings
from app.cli import FIRST_AGREEMENT, FIRST_POLICY
from app.db import db, reading
from app.jobs import runner
from app.services import installation, verification
from sandbox.keys import ensure_keys
from sandbox.phone import Owner, Phone
from sandbox.server import create_sandbox, new_world
from sandbox.world import World, attach, world_of
from tests.databases import Database

STARTS_AT = datetime(2026, 3, 2, 9, 0, tzinfo=clock.SHANGHAI)
_serials = itertools.count(1)


class House:
    """One service with its WeChat; `reset` makes it as new."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        ensure_keys(folder)
        self._wechat = _Switch(folder)
        self._closing: list[Callable[[], None]] = []
        self.sandbox = self._serve(self._wechat)
        self.notices_seen: list[int] = []
        self.app = self._new_app()
        self.api = self._serve(self.app)
        self._install()
        self.reset()

    def reset(self) -> None:
        """Nobody has ever been here, and it is nine o'clock on 2 March 2026."""
        self._wechat.close()
        self._wechat.before = None
        with self.app.app_context():
            db.engine.dispose()
        self.database.reset()
        self._wechat.open(self._new_world())
        self.at(STARTS_AT)

    def close(self) -> None:
        """Nothing of the house runs any more."""
        self._wechat.close()
        with self.app.app_context():
            db.engine.dispose()
        for close in self._closing:
            close()

    # --- time ---

    def at(self, moment: datetime | date | str) -> datetime:
        """It is this moment for the service and for WeChat; a day means nine in the morning."""
        if isinstance(moment, str):
            is_day = len(moment) == len("2026-03-02")
            moment = (date if is_day else datetime).fromisoformat(moment)
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time(9))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=clock.SHANGHAI)
        self._control("PUT", "clock", {"now": moment.isoformat(timespec="seconds")})
        return moment

    # --- people ---

    def phone(self, owner: Owner | None = None) -> Phone:
        """A phone with the mini-program, of somebody new unless told."""
        return Phone(self.api, self.sandbox, owner or somebody())

    def worker(self, owner: Owner | None = None, **declared: Any) -> Phone:
        """The phone of somebody who has done everything before the first deposit."""
        phone = self.phone(owner)
        phone.join(**declared)
        return phone

    def depositor(self, *amounts_fen: int) -> Phone:
        """The phone of a worker with an account, who deposited these amounts."""
        phone = self.worker()
        for amount_fen in amounts_fen or (500_000,):
            self.deposit(phone, amount_fen)
        return phone

    def deposit(self, phone: Phone, amount_fen: int, **how: Any) -> dict[str, Any]:
        """A deposit paid and credited; answers it as the phone sees it."""
        ordered = phone.deposit(amount_fen, notify=False, **how)
        return phone.settle(ordered["deposit_id"])

    # --- WeChat ---

    def play(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What WeChat's side does when asked under /sandbox/."""
        return self._control("POST", path, body or {})

    def arrange(self, path: str, /, **how: Any) -> Any:
        """How WeChat's side is to behave from now on, by a PUT under /sandbox/."""
        return self._control("PUT", path, how)

    def quiet(self) -> None:
        """Everything WeChat had to tell by now was told, and answered."""
        assert self.play("notices/settle")["on_their_way"] == 0

    def balances(self) -> dict[str, Any]:
        """What lies where at WeChat, in fen."""
        return dict(self._control("GET", "balances"))

    def books(self) -> dict[str, Any]:
        """WeChat's truth."""
        return dict(self._control("GET", "books"))

    def calls(self) -> dict[str, int]:
        """How many calls WeChat got, per endpoint, since `forget_calls`."""
        return dict(self._control("GET", "calls")["counts"])

    def forget_calls(self) -> None:
        """WeChat's call log is empty."""
        self._control("DELETE", "calls")

    def faults(self, **faults: Any) -> None:
        """Exactly these faults are in force at WeChat."""
        self._control("PUT", "faults", faults)

    def out_trade_no(self, position: int = -1) -> str:
        """The merchant's number of an order WeChat knows; the newest unless told."""
        return str(self.books()["orders"][position]["out_trade_no"])

    def last_asked_no(self) -> str:
        """The merchant's number of the order WeChat was last asked about, also one it never got."""
        paths = [call["path"] for call in self._control("GET", "calls")["last"]]
        asked = [path.rsplit("/", 1)[1] for path in paths if "/out-trade-no/" in path]
        return str(asked[-1])

    def just_before(self, path_end: str, act: Callable[[], Any]) -> None:
        """`act` happens once, at WeChat, just before it takes a call whose path ends like this."""

        def watch(path: str) -> None:
            if path.endswith(path_end):
                self._wechat.before = None
                act()

        self._wechat.before = watch

    def send_notice(self, notice: dict[str, Any]) -> requests.Response:
        """The service's answer to a notice (headers and body as the sandbox built them)."""
        return requests.post(
            f"{self.api}/v1/notices/wechat-pay",
            data=notice["body"].encode(),
            headers=notice["headers"],
            timeout=30,
        )

    # --- the service's inside ---

    def run_job(self, name: str) -> dict[str, int]:
        """A job ran once, now."""
        job = next(each for each in runner.JOBS if each.name == name)
        with self.app.app_context():
            return runner.run(job, at=clock.now())

    def broken_invariants(self) -> dict[str, tuple[str, ...]]:
        """Invariant id to offenders, for those that do not hold."""
        with self.app.app_context():
            return {f.id: f.offenders for f in verification.verify() if f.offenders}

    def rows(self, statement: Any) -> list[Any]:
        """What the database holds, for assertions no phone could make."""
        with self.app.app_context(), reading() as session:
            return list(session.execute(statement).all())

    # --- building ---

    def _new_app(self) -> Flask:
        given = {
            "APP_ENV": "sandbox",
            "SANDBOX_FOLDER": str(self.folder),
            "DATABASE_URL": self.database.app_url,
            "DATABASE_OWNER_URL": self.database.owner_url,
            "WECHAT_API_BASE": self.sandbox,
            "WECHAT_PAY_BASE": self.sandbox,
            "LOG_LEVEL": "ERROR",
        }
        loaded = settings.load(given)
        # The notice address is only known once the service listens, and it listens only once it
        # is built: reserve the port first.
        self._port = _free_port()
        notify_url = f"https://localhost:{self._port}/v1/notices/wechat-pay"
        return create_app(replace(loaded, pay=replace(loaded.pay, notify_url=notify_url)))

    def _new_world(self) -> World:
        notify = f"https://localhost:{self._port}/v1/notices/wechat-pay"
        return new_world(self.folder, database=":memory:", notify_default=notify)

    def _install(self) -> None:
        with self.app.app_context():
            flask_migrate.upgrade()
            installation.install(
                environment="sandbox",
                policy_toml=FIRST_POLICY.read_text("utf-8"),
                template=FIRST_AGREEMENT.read_text("utf-8"),
                at=datetime(2024, 1, 1, tzinfo=UTC),
            )
            db.engine.dispose()
        self.database.keep()

    def _serve(self, application: Any) -> str:
        port = self._port if isinstance(application, Flask) else 0
        server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()

        def close() -> None:
            server.shutdown()
            thread.join()
            server.server_close()

        self._closing.append(close)
        return f"http://127.0.0.1:{server.server_port}"

    def _control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = requests.request(method, f"{self.sandbox}/sandbox/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None


class _Switch:
    """The sandbox, on an address that stays, with the world of the day; between two it is away."""

    def __init__(self, folder: Path) -> None:
        self._sandbox = create_sandbox(folder, database=":memory:")
        self._is_open = True
        self.before: Callable[[str], None] | None = None

    def open(self, world: World) -> None:
        attach(self._sandbox, world)
        self._is_open = True

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            world_of(self._sandbox).close()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if not self._is_open:
            start_response("503 Service Unavailable", [])
            return [b""]
        if self.before is not None:
            self.before(environ["PATH_INFO"])
        return self._sandbox(environ, start_response)


class _Quiet(WSGIRequestHandler):
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing is printed."""


def somebody(
    *, born_on: date = date(1990, 1, 1), sex: str = "M", name: str = "张小满", area: str = "330502"
) -> Owner:
    """A person who never was before: a valid ID number, a phone number of his own."""
    serial = next(_serials)
    odd = serial * 2 + (1 if sex == "M" else 0)
    assert odd < 1000 * 1000
    first17 = f"{int(area) + odd // 1000:06d}{born_on:%Y%m%d}{odd % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(first17, weights, strict=True))
    return Owner(name, first17 + "10X98765432"[total % 11], f"139{serial:08d}")


def at_once(times: int, work: Callable[[int], Any]) -> list[Any]:
    """What `times` threads got that all started at the same moment; exceptions are answers."""
    barrier = threading.Barrier(times)
    found: list[Any] = [None] * times

    def run(number: int) -> None:
        barrier.wait()
        try:
            found[number] = work(number)
        except Exception as error:  # noqa: BLE001 - an exception is an answer here
            found[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def open_house(folder: Path, database: Database) -> Iterator[House]:
    """A house, closed at the end."""
    house = House(folder, database)
    try:
        yield house
    finally:
        house.close()
