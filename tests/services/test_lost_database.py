"""F2: the database is gone at the moment of COMMIT; WeChat sends again, one credit."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import URL, make_url

from app.models import Journal, Notice, WechatPayment
from tests.api.asking import another_app
from tests.house import House
from tests.short_cuts import a_phone

AMOUNT = 100_000
COMMIT = b"COMMIT"
on_postgres = pytest.mark.parametrize("standing_house", ["postgres"], indirect=True)


class Wire:
    """A way to the database that breaks at the next COMMIT, before or after it has arrived."""

    def __init__(self, to: URL) -> None:
        self._to = to
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.breaks = ""
        self.has_broken = False
        self._sockets: list[socket.socket] = [self._server]
        self._threads: list[threading.Thread] = []
        self._begin(self._serve)

    def close(self) -> None:
        """Nothing of it runs any more."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _begin(self, work: Any, *args: Any) -> None:
        self._threads.append(threading.Thread(target=work, args=args, daemon=True))
        self._threads[-1].start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._server.accept()
                theirs = self._connected()
                self._sockets += [ours, theirs]
                self._begin(self._pump, ours, theirs, True)
                self._begin(self._pump, theirs, ours, False)

    def _connected(self) -> socket.socket:
        host = str(self._to.query.get("host") or self._to.host)
        port = self._to.port or 5432
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        found = socket.socket(socket.AF_UNIX)
        found.connect(f"{host}/.s.PGSQL.{port}")
        return found

    def _pump(self, source: socket.socket, target: socket.socket, is_ours: bool) -> None:
        with suppress(OSError):
            while said := source.recv(65536):
                if is_ours and self.breaks and COMMIT in said:
                    self._break(source, target, said)
                    break
                target.sendall(said)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _break(self, ours: socket.socket, theirs: socket.socket, said: bytes) -> None:
        how, self.breaks = self.breaks, ""
        self.has_broken = True
        ours.shutdown(socket.SHUT_RDWR)  # whatever is answered, nobody hears it
        if how == "after":
            theirs.sendall(said)
            theirs.recv(65536)


@contextmanager
def wired(house: House) -> Iterator[tuple[Any, Wire]]:
    """An application that reaches the house's database over such a wire."""
    url = make_url(house.database.app_url)
    wire = Wire(url)
    address = url.set(host="127.0.0.1", port=wire.port, query={"sslmode": "disable"})
    try:
        database_url = address.render_as_string(hide_password=False)
        with another_app(house, database_url=database_url) as app:
            yield app.test_client(), wire
    finally:
        wire.close()


@on_postgres
@pytest.mark.parametrize("breaks", ["before", "after"])
def test_a_commit_whose_answer_is_lost_is_credited_once(house: House, breaks: str) -> None:
    phone, _ = a_phone(house)
    phone.deposit(AMOUNT, notify=False)

    with wired(house) as (client, wire):
        wire.breaks = breaks
        first = sent(house, client)
        meanwhile = count(house, WechatPayment)
        again = [sent(house, client) for _ in range(2)]

    assert wire.has_broken
    assert first == 204 or 500 <= first < 600
    assert meanwhile == (1 if breaks == "after" or first == 204 else 0)
    assert again == [204, 204]
    assert [count(house, each) for each in (Notice, WechatPayment, Journal)] == [1, 1, 1]
    assert phone.get("/v1/me/account")["flexible_fen"] == AMOUNT


def sent(house: House, client: Any) -> int:
    """The status that WeChat gets for the notice of the one payment."""
    notice = house.play(f"orders/{house.out_trade_no()}/notice")
    how = {"data": notice["body"].encode(), "headers": notice["headers"]}
    return int(client.post("/v1/notices/wechat-pay", **how).status_code)


def count(house: House, table: Any) -> int:
    return int(house.rows(select(func.count()).select_from(table))[0][0])
