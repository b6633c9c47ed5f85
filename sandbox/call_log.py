"""Which WeChat calls arrived. Paths only: a query string holds secrets and tokens."""

import sqlite3

SHOWN = 200


def write_call(db: sqlite3.Connection, *, endpoint: str, path: str, at_s: int) -> int:
    """The call stands in the log, unanswered; its number is returned."""
    cursor = db.execute(
        "INSERT INTO call (at_s, endpoint, path) VALUES (?, ?, ?)", (at_s, endpoint, path)
    )
    return int(cursor.lastrowid or 0)


def write_answer(db: sqlite3.Connection, seq: int, *, status: int) -> None:
    """The call is logged as answered with `status`."""
    db.execute("UPDATE call SET status = ? WHERE seq = ?", (status, seq))


def call_counts(db: sqlite3.Connection) -> dict[str, int]:
    """How many calls arrived is returned per endpoint, like `GET /cgi-bin/token`."""
    rows = db.execute("SELECT endpoint, count(*) AS calls FROM call GROUP BY endpoint")
    return {row["endpoint"]: row["calls"] for row in rows}


def last_calls(db: sqlite3.Connection) -> list[dict[str, object]]:
    """The last 200 calls are returned, oldest first; `status` is None while being answered."""
    rows = db.execute("SELECT * FROM call ORDER BY seq DESC LIMIT ?", (SHOWN,)).fetchall()
    return [dict(row) for row in reversed(rows)]


def forget_calls(db: sqlite3.Connection) -> None:
    """The log is empty."""
    db.execute("DELETE FROM call")
