"""The pages of the books about transfers to users, and how coming ones will go."""

import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.books_platform import read_setting, write_setting

ACCEPTED = "ACCEPTED"
PROCESSING = "PROCESSING"
WAITING = "WAIT_USER_CONFIRM"
TRANSFERRING = "TRANSFERING"  # WeChat spells it so
SUCCESS = "SUCCESS"
FAIL = "FAIL"
CANCELING = "CANCELING"
CANCELLED = "CANCELLED"

ENDED = (SUCCESS, FAIL, CANCELLED)

TRANSFER_SCHEMA = """
CREATE TABLE IF NOT EXISTS transfer (
    out_bill_no TEXT PRIMARY KEY, transfer_bill_no TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL, package_info TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ACCEPTED', 'PROCESSING', 'WAIT_USER_CONFIRM',
        'TRANSFERING', 'SUCCESS', 'FAIL', 'CANCELING', 'CANCELLED')),
    fail_reason TEXT NOT NULL, still_to_come TEXT NOT NULL,
    created_s INTEGER NOT NULL, updated_s INTEGER NOT NULL, due_s INTEGER);
CREATE INDEX IF NOT EXISTS ix_transfer_due ON transfer (due_s) WHERE due_s IS NOT NULL;
"""

_WAYS = "transfer_ways"


@dataclass(frozen=True)
class Transfer:
    """One merchant number and what became of it.

    `request` is what was asked for as canonical JSON, the payee's name opened. `still_to_come`
    are the states planned after this one. At `due_s` the state ends by itself.
    """

    out_bill_no: str
    transfer_bill_no: str
    request: str
    package_info: str
    state: str
    fail_reason: str
    still_to_come: str
    created_s: int
    updated_s: int
    due_s: int | None

    @property
    def asked(self) -> dict[str, Any]:
        """The request."""
        return dict(json.loads(self.request))

    @property
    def path(self) -> list[str]:
        """The states planned after this one."""
        return list(json.loads(self.still_to_come))


@dataclass(frozen=True)
class Ways:
    """The merchant's scenes, the states a coming transfer goes through, how long a cancel takes."""

    scenes: tuple[str, ...] = ("1002",)
    path: tuple[str, ...] = (WAITING,)
    cancel_s: int = 2


def read_ways(db: sqlite3.Connection) -> Ways:
    """How coming transfers will go is returned."""
    kept = read_setting(db, _WAYS) or asdict(Ways())
    return Ways(tuple(kept["scenes"]), tuple(kept["path"]), kept["cancel_s"])


def write_ways(db: sqlite3.Connection, ways: Ways) -> None:
    """Coming transfers will go that way, also after a restart."""
    write_setting(db, _WAYS, asdict(ways))


def transfer_by_no(db: sqlite3.Connection, out_bill_no: str) -> Transfer | None:
    """The transfer of the merchant's number is returned, or None."""
    row = db.execute("SELECT * FROM transfer WHERE out_bill_no = ?", (out_bill_no,)).fetchone()
    return Transfer(**row) if row else None


def transfer_by_bill(db: sqlite3.Connection, transfer_bill_no: str) -> Transfer | None:
    """The transfer of WeChat's number is returned, or None."""
    row = db.execute(
        "SELECT * FROM transfer WHERE transfer_bill_no = ?", (transfer_bill_no,)
    ).fetchone()
    return Transfer(**row) if row else None


def due_transfers(db: sqlite3.Connection, *, at_s: int) -> list[Transfer]:
    """The transfers whose state has ended by itself are returned, the first to end first."""
    rows = db.execute("SELECT * FROM transfer WHERE due_s <= ? ORDER BY due_s, rowid", (at_s,))
    return [Transfer(**row) for row in rows.fetchall()]


def all_transfers(db: sqlite3.Connection) -> list[Transfer]:
    """Every transfer is returned, oldest first."""
    return [Transfer(**row) for row in db.execute("SELECT * FROM transfer ORDER BY rowid")]


def write_transfer(db: sqlite3.Connection, transfer: Transfer) -> None:
    """The transfer is in the books exactly like that, whether it was there before or not."""
    db.execute(
        "INSERT INTO transfer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (out_bill_no) DO UPDATE SET state = excluded.state,"
        " fail_reason = excluded.fail_reason, still_to_come = excluded.still_to_come,"
        " updated_s = excluded.updated_s, due_s = excluded.due_s",
        tuple(asdict(transfer).values()),
    )
