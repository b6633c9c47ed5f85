"""Notices: sealed, signed, and delivered in the background until somebody takes them."""

import json
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.books import Books
from sandbox.clock import Clock, rfc3339
from sandbox.delivery import Delivery, answered
from sandbox.identity import Identity
from sandbox.orders import Order, facts_of

# Seconds between one attempt and the next: 15 retries over 24 h 4 min, then never again.
RETRY_AFTER_S = (
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
)  # fmt: skip
TAKEN = (200, 204)
SENDERS = 8

PAYMENT, REFUND, TRANSFER = "payment", "refund", "transfer"

# Called at every look, with the books open and the second it is: what falls due is brought about.
Advance = Callable[[sqlite3.Connection, int], None]


@dataclass(frozen=True)
class Told:
    """What one notice tells, of what, and where to.

    `about_no` is the transaction id, out_refund_no or out_bill_no. The seal is made over
    `original_type` as its associated data, as at WeChat.
    """

    about_kind: str
    about_no: str
    event_type: str
    original_type: str
    summary: str
    facts: dict[str, Any]
    url: str


def payment_told(order: Order, identity: Identity) -> Told:
    """What the notice of that payment tells is returned."""
    return Told(
        about_kind=PAYMENT,
        about_no=order.transaction_id or "",
        event_type="TRANSACTION.SUCCESS",
        original_type="transaction",
        summary="支付成功",
        facts=facts_of(order, identity),
        url=order.notify_url,
    )


def new_notice_id() -> str:
    """A fresh notice id, 32 characters, is returned."""
    return secrets.token_hex(16)


def sealed_notice(
    identity: Identity, told: Told, *, notice_id: str, at_s: int, aad: str | None = None
) -> bytes:
    """The body of a notice, its facts encrypted, is returned.

    `aad`, when given, is what the encryption really used, whatever the notice says.
    """
    nonce = secrets.token_hex(6)
    plaintext = _json_bytes(told.facts)
    used = told.original_type if aad is None else aad
    body = {
        "id": notice_id,
        "create_time": rfc3339(at_s),
        "resource_type": "encrypt-resource",
        "event_type": told.event_type,
        "summary": told.summary,
        "resource": {
            "original_type": told.original_type,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": identity.encrypt(plaintext, nonce=nonce, associated_data=used),
            "associated_data": told.original_type,
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


def post_notice(url: str, *, headers: dict[str, str], body: bytes) -> tuple[int | None, str]:
    """The receiver's status and answer are returned; None when no answer came within 5 s."""
    return answered("POST", url, body=body, headers=headers)


def write_notice(
    db: sqlite3.Connection, told: Told, *, identity: Identity, at_s: int, send: bool
) -> str:
    """The notice stands in the books, due now if `send`; its id is returned."""
    notice_id = new_notice_id()
    body = sealed_notice(identity, told, notice_id=notice_id, at_s=at_s)
    db.execute(
        "INSERT INTO notice (id, about_kind, about_no, url, body, due_s) VALUES (?, ?, ?, ?, ?, ?)",
        (notice_id, told.about_kind, told.about_no, told.url, body, at_s if send else None),
    )
    return notice_id


def notice_of(db: sqlite3.Connection, about_kind: str, about_no: str | None) -> sqlite3.Row | None:
    """The last notice about that number is returned, or None."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM notice WHERE about_kind = ? AND about_no = ? ORDER BY rowid DESC LIMIT 1",
        (about_kind, about_no),
    ).fetchone()
    return row


def notice_statuses(db: sqlite3.Connection, about_kind: str) -> dict[str, list[int | None]]:
    """Every attempt to tell of something of that kind is returned, by its number."""
    statuses: dict[str, list[int | None]] = {}
    for row in db.execute(
        "SELECT about_no, status FROM notice_attempt JOIN notice ON id = notice_id"
        " WHERE about_kind = ? ORDER BY notice_attempt.rowid",
        (about_kind,),
    ):
        statuses.setdefault(row["about_no"], []).append(row["status"])
    return statuses


class Courier:
    """Delivers due notices in the background; what they tell of falls due at its looks, too."""

    def __init__(self, identity: Identity, *, books: Books, clock: Clock, advance: Advance) -> None:
        self._identity = identity
        self._books = books
        self._clock = clock
        self._advance = advance
        self._delivery = Delivery[str](
            take_due=self._taken_up, send=self._send_scheduled, senders=SENDERS
        )

    def start(self) -> None:
        """Due notices are on their way, also those a dead process left half sent."""
        with self._books.open() as db:
            db.execute(
                "UPDATE notice SET due_s = ?, is_in_flight = 0 WHERE is_in_flight = 1",
                (self._clock.now_s(),),
            )
        self._delivery.start()

    def wake(self) -> None:
        """The courier looks for due notices now instead of in a moment."""
        self._delivery.wake()

    def close(self) -> None:
        """No further notice leaves; one that is being answered may still end."""
        self._delivery.close()

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

    def _send_scheduled(self, notice_id: str) -> None:
        self.send(notice_id, is_scheduled=True)

    def _taken_up(self) -> list[str]:
        at_s = self._clock.now_s()
        with self._books.open() as db:
            self._advance(db, at_s)
            rows = db.execute(
                "UPDATE notice SET due_s = NULL, is_in_flight = 1 WHERE due_s <= ? RETURNING id",
                (at_s,),
            ).fetchall()
        return [row["id"] for row in rows]


def _json_bytes(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
