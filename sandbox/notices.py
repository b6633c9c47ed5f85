"""Payment notices: sealed, signed, and delivered in the background until somebody takes them."""

import json
import queue
import secrets
import sqlite3
import threading
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from sandbox.books import Books
from sandbox.clock import Clock, rfc3339
from sandbox.identity import Identity
from sandbox.orders import Order, facts_of

ASSOCIATED_DATA = "transaction"

# Seconds between one attempt and the next: 15 retries over 24 h 4 min, then never again.
RETRY_AFTER_S = (
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
)  # fmt: skip
ANSWER_WITHIN_S = 5
TAKEN = (200, 204)

SENDERS = 8
# How often the books are asked, so that a clock set forward brings the retries due.
LOOK_EVERY_S = 0.25
# A sender may be waiting for a slow receiver; ending quickly is worth more than its answer.
JOIN_S = 0.1

_LOCAL_HOSTS = ("localhost", "127.0.0.1")


def new_notice_id() -> str:
    """A fresh notice id, 32 characters, is returned."""
    return secrets.token_hex(16)


def sealed_notice(
    identity: Identity, facts: dict[str, Any], *, notice_id: str, at_s: int, aad: str | None = None
) -> bytes:
    """The body of a payment notice, its facts encrypted, is returned.

    `aad`, when given, is what the encryption really used, whatever the notice says.
    """
    nonce = secrets.token_hex(6)
    plaintext = _json_bytes(facts)
    used = ASSOCIATED_DATA if aad is None else aad
    body = {
        "id": notice_id,
        "create_time": rfc3339(at_s),
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": identity.encrypt(plaintext, nonce=nonce, associated_data=used),
            "associated_data": ASSOCIATED_DATA,
            "nonce": nonce,
        },
    }
    return _json_bytes(body)


def notice_headers(identity: Identity, body: bytes, *, at_s: int) -> dict[str, str]:
    """All headers of a notice, freshly signed over `body`, are returned."""
    return {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "User-Agent": "Mozilla/4.0",
        "Request-ID": secrets.token_hex(16).upper(),
    } | identity.notice_headers(body, notice_id=json.loads(body)["id"], at_s=at_s)


def local_address(url: str) -> str | None:
    """Where a notice for `url` really goes on this machine is returned, or None if elsewhere.

    WeChat demands https and a sandbox has no certificate for localhost, so https to localhost
    is spoken as plain http. Nothing is ever sent to another machine.
    """
    parts = urlsplit(url)
    if parts.hostname not in _LOCAL_HOSTS:
        return None
    # An address family of its own choosing would cost a refused ::1 connection per notice.
    netloc = f"127.0.0.1:{parts.port or 80}"
    return urlunsplit(("http", netloc, parts.path, parts.query, ""))


def post_notice(url: str, *, headers: dict[str, str], body: bytes) -> tuple[int | None, str]:
    """The receiver's status and answer are returned; None when no answer came within 5 s."""
    address = local_address(url)
    if address is None:
        return None, "not sent: the sandbox delivers to localhost and 127.0.0.1 only"
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy in the environment must not see notices
            answer = session.post(
                address, data=body, headers=headers, timeout=ANSWER_WITHIN_S, allow_redirects=False
            )
            return answer.status_code, answer.text
    except requests.RequestException as error:
        return None, type(error).__name__


def write_notice(
    db: sqlite3.Connection, order: Order, *, identity: Identity, at_s: int, send: bool
) -> str:
    """The payment's one notice stands in the books, due now if `send`; its id is returned."""
    notice_id = new_notice_id()
    body = sealed_notice(identity, facts_of(order, identity), notice_id=notice_id, at_s=at_s)
    db.execute(
        "INSERT INTO notice (id, transaction_id, url, body, due_s) VALUES (?, ?, ?, ?, ?)",
        (notice_id, order.transaction_id, order.notify_url, body, at_s if send else None),
    )
    return notice_id


def notice_of(db: sqlite3.Connection, transaction_id: str | None) -> sqlite3.Row | None:
    """The notice of that payment is returned, or None."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM notice WHERE transaction_id = ?", (transaction_id,)
    ).fetchone()
    return row


class Courier:
    """Delivers due notices in daemon threads, which never keep the process alive."""

    def __init__(self, identity: Identity, *, books: Books, clock: Clock) -> None:
        self._identity = identity
        self._books = books
        self._clock = clock
        self._due: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._news = threading.Event()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Due notices are on their way, also those a dead process left half sent."""
        with self._books.open() as db:
            db.execute(
                "UPDATE notice SET due_s = ?, is_in_flight = 0 WHERE is_in_flight = 1",
                (self._clock.now_s(),),
            )
        works = [self._look, *([self._send] * SENDERS)]
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """The courier looks for due notices now instead of in a moment."""
        self._news.set()

    def close(self) -> None:
        """No further notice leaves; one that is being answered may still end."""
        self._closed.set()
        self._news.set()
        for _ in range(SENDERS):
            self._due.put(None)
        for thread in self._threads:
            thread.join(timeout=JOIN_S)

    def send(self, notice_id: str, *, is_scheduled: bool = False) -> int | None:
        """The notice has been sent once, freshly signed; the receiver's status is returned.

        200 and 204 end the retries. Only a scheduled attempt moves the schedule on.
        """
        with self._books.open() as db:
            row = db.execute("SELECT * FROM notice WHERE id = ?", (notice_id,)).fetchone()
        at_s = self._clock.now_s()
        headers = notice_headers(self._identity, row["body"], at_s=at_s)
        status, _ = post_notice(row["url"], headers=headers, body=row["body"])
        with self._books.open() as db:
            db.execute("INSERT INTO notice_attempt VALUES (?, ?, ?)", (notice_id, at_s, status))
            if status in TAKEN:
                db.execute(
                    "UPDATE notice SET is_delivered = 1, due_s = NULL WHERE id = ?", (notice_id,)
                )
            if is_scheduled:
                self._reschedule(db, notice_id)
        return status

    def _reschedule(self, db: sqlite3.Connection, notice_id: str) -> None:
        row = db.execute(
            "UPDATE notice SET sends = sends + 1, is_in_flight = 0 WHERE id = ? RETURNING *",
            (notice_id,),
        ).fetchone()
        if not row["is_delivered"] and row["sends"] <= len(RETRY_AFTER_S):
            due_s = self._clock.now_s() + RETRY_AFTER_S[row["sends"] - 1]
            db.execute("UPDATE notice SET due_s = ? WHERE id = ?", (due_s, notice_id))

    def _look(self) -> None:
        while not self._closed.is_set():
            for notice_id in self._taken_up():
                self._due.put(notice_id)
            self._news.wait(LOOK_EVERY_S)
            self._news.clear()

    def _taken_up(self) -> list[str]:
        try:
            with self._books.open() as db:
                rows = db.execute(
                    "UPDATE notice SET due_s = NULL, is_in_flight = 1"
                    " WHERE due_s <= ? RETURNING id",
                    (self._clock.now_s(),),
                ).fetchall()
        except (sqlite3.ProgrammingError, ValueError):
            # Closed books at the end, or a clock file somebody is editing by hand.
            return []
        return [row["id"] for row in rows]

    def _send(self) -> None:
        while (notice_id := self._due.get()) is not None:
            if self._closed.is_set():
                return
            try:
                self.send(notice_id, is_scheduled=True)
            except (sqlite3.ProgrammingError, ValueError):
                if self._closed.is_set():
                    return


def _json_bytes(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
