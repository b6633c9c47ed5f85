"""Pushed events in the books: what waits, what was tried, what the app took."""

import json
import sqlite3
from dataclasses import asdict
from typing import Any

from sandbox.books_platform import read_setting, write_setting
from sandbox.clock import rfc3339
from sandbox.push_crypto import PushSettings
from sandbox.push_events import Event

# Seconds between one attempt and the next: three retries, then never again.
RETRY_AFTER_S = (5, 5, 5)

_SETTINGS = "push"


def write_settings(db: sqlite3.Connection, settings: PushSettings | None) -> None:
    """Events go there from now on, None for nowhere."""
    write_setting(db, _SETTINGS, asdict(settings) if settings else None)


def read_settings(db: sqlite3.Connection) -> PushSettings | None:
    """Where events go is returned, None for nowhere."""
    found = read_setting(db, _SETTINGS)
    return PushSettings(**found) if found else None


def write_event(db: sqlite3.Connection, event: Event, *, at_s: int) -> int:
    """The event stands in the books, due now if events go anywhere; its id is returned."""
    due_s = at_s if read_settings(db) else None
    cursor = db.execute(
        "INSERT INTO push_event (openid, event, facts, at_s, due_s) VALUES (?, ?, ?, ?, ?)",
        (event.openid, event.name, json.dumps(event.facts), at_s, due_s),
    )
    return int(cursor.lastrowid or 0)


def take_due(db: sqlite3.Connection, *, at_s: int) -> list[int]:
    """The events that are due are returned and on their way."""
    rows = db.execute(
        "UPDATE push_event SET due_s = NULL, is_in_flight = 1 WHERE due_s <= ? RETURNING id",
        (at_s,),
    ).fetchall()
    return [row["id"] for row in rows]


def put_back(db: sqlite3.Connection, *, at_s: int) -> None:
    """What a dead process left half sent is due again."""
    db.execute("UPDATE push_event SET due_s = ?, is_in_flight = 0 WHERE is_in_flight = 1", (at_s,))


def read_event(db: sqlite3.Connection, event_id: int) -> tuple[Event, int]:
    """The event and when it happened are returned."""
    row = db.execute("SELECT * FROM push_event WHERE id = ?", (event_id,)).fetchone()
    return Event(row["event"], row["openid"], json.loads(row["facts"])), row["at_s"]


def write_attempt(
    db: sqlite3.Connection, event_id: int, *, sent: tuple[str, bytes], status: int | None,
    is_taken: bool, at_s: int,
) -> None:  # fmt: skip
    """The event was sent in these bytes; unless it was taken it is due again, three times."""
    db.execute("INSERT INTO push_attempt VALUES (?, ?, ?, ?)", (event_id, at_s, status, is_taken))
    row = db.execute(
        "UPDATE push_event SET sends = sends + 1, is_in_flight = 0, is_delivered = ?,"
        " sent_query = ?, sent_body = ? WHERE id = ? RETURNING sends",
        (is_taken, *sent, event_id),
    ).fetchone()
    if not is_taken and row["sends"] <= len(RETRY_AFTER_S):
        due_s = at_s + RETRY_AFTER_S[row["sends"] - 1]
        db.execute("UPDATE push_event SET due_s = ? WHERE id = ?", (due_s, event_id))


def last_sent(db: sqlite3.Connection, openid: str, *, name: str) -> tuple[str, bytes] | None:
    """Query and body of the user's last event of that name are returned, as they were sent."""
    row = db.execute(
        "SELECT sent_query, sent_body FROM push_event WHERE openid = ? AND event = ?"
        " AND sent_query IS NOT NULL ORDER BY id DESC LIMIT 1",
        (openid, name),
    ).fetchone()
    return (row["sent_query"], row["sent_body"]) if row else None


def all_events(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every event with the statuses of its attempts is returned, the oldest first."""
    statuses: dict[int, list[int | None]] = {}
    for row in db.execute("SELECT event_id, status FROM push_attempt ORDER BY rowid"):
        statuses.setdefault(row["event_id"], []).append(row["status"])
    return [
        {
            "id": row["id"],
            "event": row["event"],
            "openid": row["openid"],
            "happened_at": rfc3339(row["at_s"]),
            "statuses": statuses.get(row["id"], []),
            "is_delivered": bool(row["is_delivered"]),
        }
        for row in db.execute("SELECT * FROM push_event ORDER BY id")
    ]
