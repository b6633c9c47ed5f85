"""The pages of the books about the platform itself: settings, keys, bills, messages, pushes."""

import json
import sqlite3
from typing import Any

PLATFORM_SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS platform_certificate (
    serial TEXT PRIMARY KEY, key_pem BLOB NOT NULL,
    effective_s INTEGER NOT NULL, expire_s INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS bill (
    bill_date TEXT NOT NULL, kind TEXT NOT NULL, lines TEXT NOT NULL,
    PRIMARY KEY (bill_date, kind));
CREATE TABLE IF NOT EXISTS bill_token (
    token TEXT PRIMARY KEY, content BLOB NOT NULL, is_gzip INTEGER NOT NULL,
    kind TEXT NOT NULL, until_s INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS template (
    template_id TEXT PRIMARY KEY, title TEXT NOT NULL, fields TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS permission (
    openid TEXT NOT NULL, template_id TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (openid, template_id));
CREATE TABLE IF NOT EXISTS message (
    msgid INTEGER PRIMARY KEY, openid TEXT NOT NULL, template_id TEXT NOT NULL,
    page TEXT NOT NULL, data TEXT NOT NULL, miniprogram_state TEXT NOT NULL,
    lang TEXT NOT NULL, at_s INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS ix_message_openid ON message (openid);
CREATE TABLE IF NOT EXISTS closed_account (user_id TEXT PRIMARY KEY, at_s INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS push_event (
    id INTEGER PRIMARY KEY, openid TEXT NOT NULL, event TEXT NOT NULL, facts TEXT NOT NULL,
    at_s INTEGER NOT NULL, due_s INTEGER, is_in_flight INTEGER NOT NULL DEFAULT 0,
    sends INTEGER NOT NULL DEFAULT 0, is_delivered INTEGER NOT NULL DEFAULT 0,
    sent_query TEXT, sent_body BLOB);
CREATE INDEX IF NOT EXISTS ix_push_due ON push_event (due_s) WHERE due_s IS NOT NULL;
CREATE TABLE IF NOT EXISTS push_attempt (
    event_id INTEGER NOT NULL REFERENCES push_event, at_s INTEGER NOT NULL, status INTEGER,
    is_taken INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS ix_push_attempt ON push_attempt (event_id);
"""


def write_setting(db: sqlite3.Connection, name: str, value: Any) -> None:
    """The setting has that value, also after a restart."""
    db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, json.dumps(value)))


def read_setting(db: sqlite3.Connection, name: str) -> Any:
    """The setting's value is returned, None if nobody ever wrote it."""
    row = db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return json.loads(row["value"]) if row else None
