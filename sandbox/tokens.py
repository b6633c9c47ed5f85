"""Access tokens of the mini-program, of both kinds, which live apart."""

import secrets
import sqlite3

LIFE_S = 7200
# In a token's last five minutes a new one is issued and both work.
OVERLAP_S = 300

STABLE = "stable"
PLAIN = "plain"


def stable_token(db: sqlite3.Connection, *, force_refresh: bool, at_s: int) -> tuple[str, int]:
    """The token every caller shares is returned with the seconds it still lives.

    `force_refresh` ends the old one at once and issues another.
    """
    if force_refresh:
        db.execute("DELETE FROM token WHERE kind = ?", (STABLE,))
    row = db.execute(
        "SELECT access_token, until_s FROM token WHERE kind = ? AND until_s > ?"
        " ORDER BY until_s DESC LIMIT 1",
        (STABLE, at_s + OVERLAP_S),
    ).fetchone()
    # A clock set back would leave a token that lives longer than WeChat ever grants.
    if row is not None and row["until_s"] <= at_s + LIFE_S:
        return row["access_token"], row["until_s"] - at_s
    return _issued(db, kind=STABLE, at_s=at_s), LIFE_S


def plain_token(db: sqlite3.Connection, *, at_s: int) -> tuple[str, int]:
    """A new token is returned with its life in seconds; the older ones end within five minutes."""
    db.execute(
        "UPDATE token SET until_s = min(until_s, ?) WHERE kind = ?", (at_s + OVERLAP_S, PLAIN)
    )
    return _issued(db, kind=PLAIN, at_s=at_s), LIFE_S


def token_until_s(db: sqlite3.Connection, access_token: str) -> int | None:
    """The second at which the token ends is returned, or None for an unknown token."""
    row = db.execute("SELECT until_s FROM token WHERE access_token = ?", (access_token,)).fetchone()
    return row["until_s"] if row else None


def _issued(db: sqlite3.Connection, *, kind: str, at_s: int) -> str:
    access_token = secrets.token_urlsafe(120)
    db.execute("INSERT INTO token VALUES (?, ?, ?)", (access_token, kind, at_s + LIFE_S))
    return access_token
