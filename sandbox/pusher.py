"""Pushes events to the app in the background, until it answers `success` or three retries."""

import secrets

from sandbox.books import Books
from sandbox.clock import Clock
from sandbox.delivery import Delivery, answered
from sandbox.identity import Identity
from sandbox.push_crypto import PushSettings, echo_query, sealed_push
from sandbox.push_events import Event, event_text
from sandbox.push_queue import put_back, read_event, read_settings, take_due, write_attempt

SUCCESS = "success"
SENDERS = 2

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
    return answered("POST", settings.url, query=query, body=body, headers=headers)


def is_the_apps(settings: PushSettings, *, at_s: int) -> bool:
    """Whether the url answers the echo that WeChat sends before it pushes anything there."""
    echostr = str(secrets.randbelow(10**19))
    query = echo_query(settings.token, echostr=echostr, at_s=at_s)
    status, text = answered("GET", settings.url, query=query, body=b"", headers={})
    return status == 200 and text == echostr


class Pusher:
    """Delivers due events in daemon threads, which never keep the process alive."""

    def __init__(self, identity: Identity, *, books: Books, clock: Clock) -> None:
        self._identity = identity
        self._books = books
        self._clock = clock
        self._delivery = Delivery[int](take_due=self._taken_up, send=self._push, senders=SENDERS)

    def start(self) -> None:
        """Due events are on their way, also those a dead process left half sent."""
        with self._books.open() as db:
            put_back(db, at_s=self._clock.now_s())
        self._delivery.start()

    def wake(self) -> None:
        """The pusher looks for due events now instead of in a moment."""
        self._delivery.wake()

    def close(self) -> None:
        """No further event leaves; one that is being answered may still end."""
        self._delivery.close()

    def _taken_up(self) -> list[int]:
        with self._books.open() as db:
            return take_due(db, at_s=self._clock.now_s())

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
