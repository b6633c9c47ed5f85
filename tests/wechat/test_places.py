"""Threads that wait for WeChat are counted: the rest of a server stays free for its notices."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.wechat import wire


@pytest.fixture
def away() -> Iterator[tuple[str, threading.Event, threading.Semaphore]]:
    """A WeChat that answers when told, and says who has come."""
    answer, came = threading.Event(), threading.Semaphore(0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.release()
            answer.wait(20)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing is written."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answer, came
    answer.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_no_more_than_so_many_wait_and_who_comes_later_is_told_at_once(
    away: tuple[str, threading.Event, threading.Semaphore], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, answer, came = away
    monkeypatch.setattr(wire, "_places", None)
    wire.let_wait(2)
    http, statuses = wire.session(), list[int]()
    waiting = [
        threading.Thread(target=lambda: statuses.append(http.get(address).status_code))
        for _ in range(2)
    ]
    for each in waiting:
        each.start()
    for _ in waiting:
        assert came.acquire(timeout=10)

    with pytest.raises(wire.TooManyWaiting):
        http.get(address)
    answer.set()
    for each in waiting:
        each.join()

    assert statuses == [204, 204]
    assert http.get(address).status_code == 204
