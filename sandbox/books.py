"""WeChat's own books: one SQLite file, one connection, one lock."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.books_money import MONEY_SCHEMA
from sandbox.books_platform import PLATFORM_SCHEMA
from sandbox.books_transfers import TRANSFER_SCHEMA

SCHEMA = """
CREATE TABLE IF NOT EXISTS user (
    user_id TEXT PRIMARY KEY, openid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL, id_number TEXT NOT NULL, phone TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS code (
    code TEXT PRIMARY KEY, kind TEXT NOT NULL, openid TEXT NOT NULL,
    until_s INTEGER NOT NULL, is_used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS token (
    access_token TEXT PRIMARY KEY, kind TEXT NOT NULL, until_s INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS face (
    verify_id TEXT PRIMARY KEY, out_seq_no TEXT NOT NULL UNIQUE, openid TEXT NOT NULL,
    cert_type TEXT NOT NULL, cert_name TEXT NOT NULL, cert_no TEXT NOT NULL,
    until_s INTEGER NOT NULL, verify_ret INTEGER);
CREATE TABLE IF NOT EXISTS pay_order (
    out_trade_no TEXT PRIMARY KEY, request TEXT NOT NULL, openid TEXT NOT NULL,
    total_fen INTEGER NOT NULL, attach TEXT NOT NULL, notify_url TEXT NOT NULL,
    until_s INTEGER NOT NULL, is_stray INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('NOTPAY', 'SUCCESS', 'CLOSED', 'NEVER_PLACED')));
CREATE TABLE IF NOT EXISTS prepay (
    prepay_id TEXT PRIMARY KEY, until_s INTEGER NOT NULL,
    out_trade_no TEXT NOT NULL REFERENCES pay_order);
CREATE TABLE IF NOT EXISTS payment (
    transaction_id TEXT PRIMARY KEY, success_s INTEGER NOT NULL,
    out_trade_no TEXT NOT NULL UNIQUE REFERENCES pay_order);
CREATE TABLE IF NOT EXISTS notice (
    id TEXT PRIMARY KEY,
    about_kind TEXT NOT NULL CHECK (about_kind IN ('payment', 'refund', 'transfer')),
    about_no TEXT NOT NULL,
    url TEXT NOT NULL, body BLOB NOT NULL, due_s INTEGER, is_in_flight INTEGER NOT NULL DEFAULT 0,
    sends INTEGER NOT NULL DEFAULT 0, is_delivered INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS ix_notice_about ON notice (about_kind, about_no);
CREATE UNIQUE INDEX IF NOT EXISTS ux_notice_payment ON notice (about_no)
    WHERE about_kind = 'payment';
CREATE INDEX IF NOT EXISTS ix_notice_due ON notice (due_s) WHERE due_s IS NOT NULL;
CREATE TABLE IF NOT EXISTS notice_attempt (
    notice_id TEXT NOT NULL REFERENCES notice, at_s INTEGER NOT NULL, status INTEGER);
CREATE INDEX IF NOT EXISTS ix_attempt_notice ON notice_attempt (notice_id);
CREATE TABLE IF NOT EXISTS call (
    seq INTEGER PRIMARY KEY, at_s INTEGER NOT NULL, endpoint TEXT NOT NULL,
    path TEXT NOT NULL, status INTEGER);
CREATE INDEX IF NOT EXISTS ix_call_endpoint ON call (endpoint);
"""


class Books:
    """Everything WeChat remembers. A file survives a restart, `:memory:` does not."""

    def __init__(self, database: str) -> None:
        if database != ":memory:":
            # SQLite would make the file with the umask; the books name people.
            file = Path(database)
            file.touch(mode=0o600)
            file.chmod(0o600)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing; only a machine without power could, and nobody would
        # mourn a sandbox then. It makes an order about thirty times cheaper.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(SCHEMA + PLATFORM_SCHEMA + MONEY_SCHEMA + TRANSFER_SCHEMA)

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """What the block wrote is kept when it ends, and none of it when it raises.

        One block runs at a time, so what it read still holds when it writes.
        """
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """The file is closed; every later use raises."""
        with self._lock:
            self._connection.close()
