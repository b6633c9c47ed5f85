"""Pages of a list: the newest first, a signed cursor, at most a hundred rows."""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import InstrumentedAttribute

from app import vault
from app.db import db
from app.errors import Unacceptable

T = TypeVar("T")
PAGE_MAX = 100
_MAC_BYTES = 16


class CursorUnfit(Unacceptable):
    """The cursor is none of ours, or belongs to another list or filter."""

    sentence = "翻页标记无效，请从第一页重新查询。"


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list; `next_cursor` leads to the rows after them, None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None


def page(
    query: Any,
    *,
    key: InstrumentedAttribute[int],
    place: str,
    cursor: str | None,
    limit: int,
    shown: Callable[[Any], T],
) -> Page[T]:
    """The next rows of a query ordered by `key` from high to low, in the caller's transaction.

    `place` names list, filters and reader: a cursor works nowhere else. `limit` is 1 to 100.
    `shown` takes a row whose first element has `key`. Raises `CursorUnfit`.
    """
    if cursor is not None:
        query = query.where(key < _position(cursor, place))
    rows = db.session().execute(query.limit(min(limit, PAGE_MAX) + 1)).all()
    here = rows[: min(limit, PAGE_MAX)]
    more = len(rows) > len(here)
    last = getattr(here[-1][0], key.key) if here else 0
    return Page(tuple(shown(row) for row in here), _cursor(last, place) if more else None)


def _cursor(position: int, place: str) -> str:
    raw = position.to_bytes(8, "big")
    return base64.urlsafe_b64encode(raw + _mac(raw, place)).decode().rstrip("=")


def _position(cursor: str, place: str) -> int:
    unfit = CursorUnfit(fields={"cursor": [CursorUnfit.sentence]})
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise unfit from None
    position, mac = raw[:8], raw[8:]
    if len(position) != 8 or not hmac.compare_digest(mac, _mac(position, place)):
        raise unfit
    return int.from_bytes(position, "big")


def _mac(raw: bytes, place: str) -> bytes:
    return vault.blind_index(f"{raw.hex()}:{place}", purpose="cursor")[:_MAC_BYTES]
