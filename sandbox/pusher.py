"""Pushes events to the app in the background, until it answers `success` or three retries."""

import queue
import secrets
import sqlite3
import threading

import requests

from sandbox.books import Books
from sandbox.clock import Clock
from sandbox.identity import Identity
from sandbox.notices import ANSWER_WITHIN_S, local_address
from sandbox.push_crypto import PushSettings, echo_query, sealed_push
from sandbox.push_events import Event, event_text
from sandbox.push_queue import put_back, read_event, read_settings, take_due, write_attempt

SUCCESS = "success"
SENDERS = 2
# How often the books are asked, so that a clock set forward brings the retries due.
LOOK_EVERY_S = 0.25
JOIN_S = 0.1

_TYPES = {True: "text/xml", False: "application/json"}


def sealed_event(
    settings: PushSettings, event: Event, *, appid: str, happened_s: int, at_s: int,
    inner_appid: str | None = None,
) -> tuple[str, bytes]:  # fmt: skip
    """Query and body with which the event is pushed at that second are returned."""
    text = event_text(event, appid=appid, at_s=happened_s, is_xml=settings.is_xml)
    return sealed_push(
        settings, text, openid=event.openid, appid=appid,
        inner_appid=inner_appid or appid, at_s=at_s,
    )  # fmt: skip


def post_push(settings: PushSettings, sent: tuple[str, bytes]) -> tuple[int | None, str]:
    """The app's status and answer are returned; None when no answer came within 5 s."""
    query, body = sent
    headers = {"Content-Type": _TYPES[settings.is_xml], "User-Agent": "Mozilla/4.0"}
    return _asked("POST", settings.url, query=query, body=body, headers=headers)


def is_the_apps(settings: PushSettings, *, at_s: int) -> bool:
    """Whether the url answers the echo that WeChat sends before it pushes anything there."""
    echostr = str(secrets.randbelow(10**19))
    query = echo_query(settings.token, echostr=echostr, at_s=at_s)
    status, text = _asked("GET", settings.url, query=query, body=b"", headers={})
    return status == 200 and text == echostr


def _asked(
    method: str, url: str, *, query: str, body: bytes, headers: dict[str, str]
) -> tuple[int | None, str]:
    address = local_address(url)
    if address is None:
        return None, "not sent: the sandbox delivers to localhost and 127.0.0.1 only"
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy in the environment must not see events
            answer = session.request(
                method, f"{address}{'&' if '?' in address else '?'}{query}", data=body,
                headers=headers, timeout=ANSWER_WITHIN_S, allow_redirects=False,
            )  # fmt: skip
            return answer.status_code, answer.text
    except requests.RequestException as error:
        return None, type(error).__name__


class Pusher:
    """Delivers due events in daemon threads, which never keep the process alive."""

    def __init__(self, identity: Identity, *, books: Books, clock: Clock) -> None:
        self._identity = identity
        self._books = books
        self._clock = clock
        self._due: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._news = threading.Event()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Due events are on their way, also those a dead process left half sent."""
        with self._books.open() as db:
            put_back(db, at_s=self._clock.now_s())
        works = [self._look, *([self._send] * SENDERS)]
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """The pusher looks for due events now instead of in a moment."""
        self._news.set()

    def close(self) -> None:
        """No further event leaves; one that is being answered may still end."""
        self._closed.set()
        self._news.set()
        for _ in range(SENDERS):
            self._due.put(None)
        for thread in self._threads:
            thread.join(timeout=JOIN_S)

    def _look(self) -> None:
        while not self._closed.is_set():
            try:
                with self._books.open() as db:
                    found = take_due(db, at_s=self._clock.now_s())
            except (sqlite3.ProgrammingError, ValueError):
                # Closed books at the end, or a clock file somebody is editing by hand.
                found = []
            for event_id in found:
                self._due.put(event_id)
            self._news.wait(LOOK_EVERY_S)
            self._news.clear()

    def _send(self) -> None:
        while (event_id := self._due.get()) is not None:
            if self._closed.is_set():
                return
            try:
                self._push(event_id)
            except (sqlite3.ProgrammingError, ValueError):
                if self._closed.is_set():
                    return

    def _push(self, event_id: int) -> None:
        with self._books.open() as db:
            settings = read_settings(db)
            event, happened_s = read_event(db, event_id)
        if settings is None:
            return
        at_s = self._clock.now_s()
        sent = sealed_event(
            settings, event, appid=self._identity.appid, happened_s=happened_s, at_s=at_s
        )
        status, text = post_push(settings, sent)
        is_taken = status == 200 and text.strip() == SUCCESS
        with self._books.open() as db:
            write_attempt(
                db, event_id, sent=sent, status=status, is_taken=is_taken,
                at_s=self._clock.now_s(),
            )  # fmt: skip
