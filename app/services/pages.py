"""Pages of a list: in one of its orders, a signed cursor, at most a hundred rows."""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement
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


@dataclass(frozen=True)
class Asked:
    """Which page: after the one that gave this cursor (the first one if None), 1 to 100 rows."""

    cursor: str | None
    limit: int


@dataclass(frozen=True)
class Order:
    """How a list is ordered, and where in it a row stands: two numbers, the second one unique."""

    columns: tuple[Any, ...]
    after: Callable[[int, int], ColumnElement[bool]]
    position: Callable[[Any], tuple[int, int]]


def newest_first(key: InstrumentedAttribute[int]) -> Order:
    """From high to low by a unique number of the row's first element."""
    return Order(
        (key.desc(),), lambda _, last: key < last, lambda row: (0, getattr(row[0], key.key))
    )


def page(
    query: Any,
    *,
    order: Order,
    place: str,
    asked: Asked,
    shown: Callable[[Any], T],
) -> Page[T]:
    """The query's next rows in this order, in the caller's transaction.

    `place` names list, filters and reader: a cursor works nowhere else. Raises `CursorUnfit`.
    """
    most = min(asked.limit, PAGE_MAX)
    if asked.cursor is not None:
        query = query.where(order.after(*_position(asked.cursor, place)))
    rows = db.session().execute(query.order_by(*order.columns).limit(most + 1)).all()
    here = rows[:most]
    is_more = len(rows) > most
    next_cursor = _cursor(order.position(here[-1]), place) if is_more else None
    return Page(tuple(shown(row) for row in here), next_cursor)


def _cursor(position: tuple[int, int], place: str) -> str:
    raw = b"".join(number.to_bytes(8, "big") for number in position)
    return base64.urlsafe_b64encode(raw + _mac(raw, place)).decode().rstrip("=")


def _position(cursor: str, place: str) -> tuple[int, int]:
    unfit = CursorUnfit(fields={"cursor": [CursorUnfit.sentence]})
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise unfit from None
    position, mac = raw[:16], raw[16:]
    if len(position) != 16 or not hmac.compare_digest(mac, _mac(position, place)):
        raise unfit
    return int.from_bytes(position[:8], "big"), int.from_bytes(position[8:], "big")


def _mac(raw: bytes, place: str) -> bytes:
    return vault.blind_index(f"{raw.hex()}:{place}", purpose="cursor")[:_MAC_BYTES]
