"""What every sending has in common: one request to this machine, and threads that make it."""

import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from urllib.parse import urlsplit, urlunsplit

import requests

ANSWER_WITHIN_S = 5
# How often the books are asked, so that a clock set forward brings the retries due.
LOOK_EVERY_S = 0.25
# A sender may be waiting for a slow receiver; ending quickly is worth more than its answer.
JOIN_S = 0.1

_LOCAL_HOSTS = ("localhost", "127.0.0.1")

Key = TypeVar("Key", bound=str | int)


def local_address(url: str) -> str | None:
    """Where something for `url` really goes on this machine is returned, or None if elsewhere.

    WeChat demands https and a sandbox has no certificate for localhost, so https to localhost
    is spoken as plain http. Nothing is ever sent to another machine.
    """
    parts = urlsplit(url)
    if parts.hostname not in _LOCAL_HOSTS:
        return None
    # An address family of its own choosing would cost a refused ::1 connection per sending.
    netloc = f"127.0.0.1:{parts.port or 80}"
    return urlunsplit(("http", netloc, parts.path, parts.query, ""))


def answered(
    method: str, url: str, *, body: bytes, headers: dict[str, str], query: str = ""
) -> tuple[int | None, str]:
    """The receiver's status and answer are returned; None when no answer came within 5 s."""
    address = local_address(url)
    if address is None:
        return None, "not sent: the sandbox delivers to localhost and 127.0.0.1 only"
    if query:
        address += f"{'&' if '?' in address else '?'}{query}"
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy in the environment must not see what is sent
            answer = session.request(
                method, address, data=body, headers=headers, timeout=ANSWER_WITHIN_S,
                allow_redirects=False,
            )  # fmt: skip
            return answer.status_code, answer.text
    except requests.RequestException as error:
        return None, type(error).__name__


class Delivery(Generic[Key]):
    """Daemon threads that send what is due; they never keep the process alive.

    `take_due` marks what is due as on its way and returns its keys; `send` sends one of them.
    """

    def __init__(
        self, *, take_due: Callable[[], list[Key]], send: Callable[[Key], object], senders: int
    ) -> None:
        self._take_due = take_due
        self._send_one = send
        self._senders = senders
        self._due: queue.SimpleQueue[Key | None] = queue.SimpleQueue()
        self._news = threading.Event()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """What is due is on its way from now on."""
        works = [self._look, *([self._send] * self._senders)]
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """What is due is looked for now instead of in a moment."""
        self._news.set()

    def close(self) -> None:
        """Nothing further leaves; a sending that is being answered may still end."""
        self._closed.set()
        self._news.set()
        for _ in range(self._senders):
            self._due.put(None)
        for thread in self._threads:
            thread.join(timeout=JOIN_S)

    def _look(self) -> None:
        while not self._closed.is_set():
            for key in self._found():
                self._due.put(key)
            self._news.wait(LOOK_EVERY_S)
            self._news.clear()

    def _found(self) -> list[Key]:
        try:
            return self._take_due()
        except (sqlite3.ProgrammingError, ValueError):
            # Closed books at the end, or a clock file somebody is editing by hand.
            return []

    def _send(self) -> None:
        while (key := self._due.get()) is not None:
            if self._closed.is_set():
                return
            try:
                self._send_one(key)
            except (sqlite3.ProgrammingError, ValueError):
                if self._closed.is_set():
                    return
