"""A house in which nothing happens by itself: one thread, and a clock that is moved by hand.

The house's sockets stay where they are and nobody uses them: what a phone, a desk, WeChat or the
service itself sends is answered by the application it is for, in the caller's own thread. So the
order of things is the order in which they were asked for, the same each time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import requests
from flask import Flask
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from sqlalchemy import event

from app import clock
from app.db import db
from sandbox.clock import Clock
from sandbox.world import World, world_of
from tests.house import House
from tests.ledger.ruined import dialect, owner_of

# Every row of these is looked for in the order of its due time alone: that rows due in the same
# second come in one order each time needs a table nobody tidies up in the background.
_LEFT_ALONE = ("payment_order", "payment_case", "payout_leg")


class Killed(BaseException):
    """The process died here; nothing of the service may catch it."""


class StillClock:
    """The one time of the service and of WeChat; it moves when somebody moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def move(self, by: timedelta) -> None:
        """It is so much later."""
        self.at += by

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Everybody in this process lives at this clock's time inside the block."""
        with (
            patch.object(clock, "now", lambda: self.at),
            patch.object(Clock, "now", lambda _: self.at),
        ):
            yield


class Death:
    """A process that dies at its k-th point: before a statement, a commit or a call outside."""

    def __init__(self) -> None:
        self._left = 0

    def step(self, *_: Any, **__: Any) -> None:
        """A point is reached; raises `Killed` at the one that was chosen."""
        if self._left:
            self._left -= 1
            if not self._left:
                raise Killed

    @contextmanager
    def at(self, point: int) -> Iterator[None]:
        """Whatever the service does inside the block ends at this point."""
        self._left = point
        try:
            yield
        finally:
            self._left = 0


class Line:
    """The line from the service to WeChat: calls get lost before WeChat has them, or answers."""

    def __init__(self, death: Death) -> None:
        self.death = death
        self.lose_calls = self.lose_answers = 0

    def before(self) -> None:
        """A call leaves the service."""
        self.death.step()
        if self.lose_calls:
            self.lose_calls -= 1
            raise requests.ConnectTimeout("nobody was reached")

    def after(self) -> None:
        """WeChat has done what it was asked."""
        if self.lose_answers:
            self.lose_answers -= 1
            raise requests.ReadTimeout("no answer came")


class InProcess(BaseAdapter):
    """Answers a request by the application it is for, in the caller's thread."""

    def __init__(self, application: Flask, line: Line | None = None) -> None:
        super().__init__()
        self._client = application.test_client(use_cookies=False)
        self._line = line

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """The application's answer."""
        if self._line is not None:
            self._line.before()
        parts = urlsplit(str(request.url))
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = self._client.open(
            parts.path,
            query_string=parts.query,
            method=request.method,
            headers=dict(request.headers),
            data=request.body or b"",
            environ_overrides={"RAW_URI": target, "REQUEST_URI": target},
        )
        if self._line is not None:
            self._line.after()
        return _as_received(answer, request)

    def close(self) -> None:
        """There is nothing to close."""


def _as_received(answer: Any, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status_code
    response.headers = CaseInsensitiveDict(dict(answer.headers))
    response.url, response.request = str(request.url), request
    response.raw = io.BytesIO(answer.get_data())
    response.encoding = "utf-8"
    return response


class OneThread:
    """A house, emptied, of which every part lives in the caller's thread."""

    def __init__(self, house: House, starts_at: datetime) -> None:
        self.house, self.clock, self.death = house, StillClock(starts_at), Death()
        self.line = Line(self.death)
        self.sandbox: Flask = house._wechat._sandbox
        self._to_service, self._to_wechat = InProcess(house.app), InProcess(self.sandbox)
        self._http = self.connected(requests.Session())

    @property
    def wechat(self) -> World:
        """What WeChat remembers."""
        return world_of(self.sandbox)

    def connected(self, session: requests.Session) -> requests.Session:
        """The session reaches the service and WeChat without a socket."""
        session.trust_env = False
        session.mount(self.house.api, self._to_service)
        session.mount(self.house.sandbox, self._to_wechat)
        return session

    def _hurried(self, connection: Any, *_: Any) -> None:
        """Processes die here, machines do not: nobody waits for the disk."""
        if dialect(self.house) == "sqlite":
            connection.execute("PRAGMA synchronous=OFF").close()

    def _session(self) -> requests.Session:
        return self.connected(requests.Session())

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """What WeChat's side answers under /sandbox/; raises `requests.HTTPError`."""
        answer = self._http.request(method, f"{self.house.sandbox}/sandbox/{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def send_notice(self, notice: dict[str, Any]) -> int:
        """The status with which the service answers a notice."""
        url = f"{self.house.api}/v1/notices/wechat-pay"
        return self._http.post(
            url, data=notice["body"].encode(), headers=notice["headers"]
        ).status_code

    @contextmanager
    def living(self) -> Iterator[None]:
        """The clock stands, couriers rest, and deaths are possible inside the block."""
        with self.house.app.app_context():
            engine = db.engine
        client = self.house.app.extensions["lingcun-apiv3"]
        client.platform._keyring._read_at = None  # as in a process that has just begun
        mounted = client._http.adapters.copy()
        client._http.mount(self.house.sandbox, InProcess(self.sandbox, self.line))
        self.wechat.courier.close()
        self.wechat.pusher.close()
        self._leave_tables_alone()
        listened: tuple[tuple[str, Callable[..., Any]], ...] = (
            ("before_cursor_execute", self.death.step),
            ("commit", self.death.step),
            ("checkout", self._hurried),
        )
        for name, step in listened:
            event.listen(engine, name, step)
        try:
            with (
                self.clock.in_force(),
                patch.object(self.house, "_control", self.control),
                patch("sandbox.phone.http_session", self._session),
                patch("sandbox.desk.http_session", self._session),
            ):
                yield
        finally:
            client._http.adapters = mounted
            for name, step in listened:
                event.remove(engine, name, step)

    def _leave_tables_alone(self) -> None:
        if dialect(self.house) == "postgresql":
            with owner_of(self.house) as owner:
                off = "ALTER TABLE {} SET (autovacuum_enabled = false)"
                owner.run([off.format(table) for table in _LEFT_ALONE])
