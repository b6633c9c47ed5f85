"""Subscribe messages in the books: templates, the user's permissions, what arrived."""

import json
import secrets
import sqlite3
from typing import Any

from sandbox.books_platform import read_setting, write_setting
from sandbox.clock import rfc3339

_PAGES = "pages"


def replace_templates(
    db: sqlite3.Connection, templates: list[dict[str, Any]], *, pages: list[str] | None
) -> None:
    """Exactly these templates exist; `pages` are the app's, None for whichever it likes."""
    db.execute("DELETE FROM template")
    for each in templates:
        db.execute(
            "INSERT INTO template VALUES (?, ?, ?)",
            (each["template_id"], each["title"], json.dumps(each["fields"])),
        )
    write_setting(db, _PAGES, pages)


def all_templates(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every template is returned."""
    rows = db.execute("SELECT * FROM template ORDER BY rowid")
    return [dict(row) | {"fields": json.loads(row["fields"])} for row in rows]


def app_pages(db: sqlite3.Connection) -> list[str] | None:
    """The pages of the app are returned, None while nobody named them."""
    pages: list[str] | None = read_setting(db, _PAGES)
    return pages


def template_fields(db: sqlite3.Connection, template_id: object) -> list[str] | None:
    """The keys of the template are returned, None for an unknown one."""
    if not isinstance(template_id, str):
        return None
    row = db.execute("SELECT fields FROM template WHERE template_id = ?", (template_id,)).fetchone()
    return json.loads(row["fields"]) if row else None


def permit(db: sqlite3.Connection, *, openid: str, template_id: str, times: int) -> int:
    """So many more messages may be sent; how many in all is returned."""
    row = db.execute(
        "INSERT INTO permission VALUES (?, ?, ?) ON CONFLICT (openid, template_id)"
        " DO UPDATE SET times = times + excluded.times RETURNING times",
        (openid, template_id, times),
    ).fetchone()
    return int(row["times"])


def use_permission(db: sqlite3.Connection, *, openid: str, template_id: str) -> bool:
    """True is returned, and one permission is used up, if there was one."""
    changed = db.execute(
        "UPDATE permission SET times = times - 1"
        " WHERE openid = ? AND template_id = ? AND times > 0",
        (openid, template_id),
    )
    return changed.rowcount == 1


def write_message(db: sqlite3.Connection, asked: dict[str, Any], *, at_s: int) -> int:
    """The message has arrived; its number is returned."""
    msgid = 10**18 + secrets.randbelow(10**18)
    data = {key: field["value"] for key, field in asked["data"].items()}
    db.execute(
        "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (msgid, asked["touser"], asked["template_id"], asked.get("page", ""),
         json.dumps(data, ensure_ascii=False), asked["miniprogram_state"], asked["lang"], at_s),
    )  # fmt: skip
    return msgid


def messages_of(db: sqlite3.Connection, openid: str | None = None) -> list[dict[str, Any]]:
    """What arrived at that user, or at all of them, is returned, the oldest first."""
    rows = db.execute(
        "SELECT * FROM message WHERE openid = ? OR ? IS NULL ORDER BY at_s, rowid",
        (openid, openid),
    )
    return [
        {
            "msgid": row["msgid"],
            "openid": row["openid"],
            "template_id": row["template_id"],
            "page": row["page"],
            "data": json.loads(row["data"]),
            "miniprogram_state": row["miniprogram_state"],
            "lang": row["lang"],
            "sent_at": rfc3339(row["at_s"]),
        }
        for row in rows
    ]


def close_account(db: sqlite3.Connection, user_id: str, *, at_s: int) -> None:
    """Nobody is behind that user any more."""
    db.execute("INSERT OR IGNORE INTO closed_account VALUES (?, ?)", (user_id, at_s))


def is_closed(db: sqlite3.Connection, user_id: str) -> bool:
    """Whether the user has cancelled the account."""
    row = db.execute("SELECT 1 FROM closed_account WHERE user_id = ?", (user_id,)).fetchone()
    return row is not None
