"""How often something may be done: counted in the database, in the transaction that does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, select

from app import vault
from app.db import db, insert_unless_there
from app.errors import TooMany
from app.models import UsageWindow


@dataclass(frozen=True)
class Limit:
    """At most `allowed` uses within `window`, per key; then none until the window has passed.

    The window runs from its first use, and anew from the last one allowed; `from_last_use`: from
    every use, so that no two windows together let more through at their border.
    """

    kind: str
    allowed: int
    window: timedelta
    from_last_use: bool = False


def spend(uses: Sequence[tuple[Limit, str]], *, at: datetime) -> None:
    """Each use is counted, in the caller's transaction; or none is, and `TooMany` says when again.

    Rows are locked in the order given: whoever races for the last use waits, and is refused.
    """
    windows = [(limit, _locked(limit, key, at)) for limit, key in uses]
    waits = [
        row.started_at + limit.window - at for limit, row in windows if row.used >= limit.allowed
    ]
    if waits:
        raise TooMany(retry_after_s=max(1, int(max(waits).total_seconds()) + 1))
    for limit, row in windows:
        row.used += 1
        if limit.from_last_use or row.used == limit.allowed:
            row.started_at = at  # the wait is a whole window from the last use that was allowed
    db.session().flush()


def forget(limit: Limit, key: str) -> None:
    """The key's uses no longer count, in the caller's transaction: it proved to be the owner."""
    row = db.session().scalars(_query(limit, key).with_for_update()).one_or_none()
    if row is not None:
        row.used = 0


def give_back(limit: Limit, key: str) -> None:
    """One use of the key does not count after all, in the caller's transaction."""
    row = db.session().scalars(_query(limit, key).with_for_update()).one_or_none()
    if row is not None:
        row.used = max(0, row.used - 1)


def drop_old(*, before: datetime) -> None:
    """Windows that began before this instant are gone, in the caller's transaction."""
    db.session().execute(delete(UsageWindow).where(UsageWindow.started_at < before))


def _locked(limit: Limit, key: str, at: datetime) -> UsageWindow:
    insert_unless_there(UsageWindow, kind=limit.kind, key_index=_index(key), started_at=at, used=0)
    row = (
        db.session()
        .scalars(_query(limit, key).with_for_update().execution_options(populate_existing=True))
        .one()
    )
    if at >= row.started_at + limit.window:
        row.started_at, row.used = at, 0
    return row


def _query(limit: Limit, key: str) -> Select[UsageWindow]:
    return select(UsageWindow).where(
        UsageWindow.kind == limit.kind, UsageWindow.key_index == _index(key)
    )


def _index(key: str) -> bytes:
    return vault.blind_index(key, purpose="usage-window")
