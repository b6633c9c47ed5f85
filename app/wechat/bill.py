"""Bills of WeChat Pay: asked for by day, fetched, unpacked, compared with their hash, and read.

The answer that says where a bill lies is signed, and names the SHA-1 of the bill's bytes; the
bytes themselves are not signed. They are fetched from our own base or from WeChat's hosts alone.
"""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar
from urllib.parse import urlencode

from app.wechat.bill_text import (
    BillUnfit,
    FlowLine,
    TradeLine,
    read_flow_bill,
    read_trade_bill,
)
from app.wechat.faults import WechatRefused, WechatUnavailable
from app.wechat.funds import BASIC, OPERATION
from app.wechat.refund import Call

T = TypeVar("T")
Download = Callable[[str], bytes]

LARGEST_BILL = 128 * 2**20
_GZIP = 31  # zlib's word for: a gzip header, and nothing else


class BillNotReady(Exception):
    """WeChat is still making the bill: later."""


@dataclass(frozen=True)
class Bill(Generic[T]):
    """A bill as it was read; no hash and no lines where there is none for the day."""

    sha1: str
    lines: tuple[T, ...]


@dataclass(frozen=True)
class DayBills:
    """What WeChat says of one day: its trades, and the moves of both accounts."""

    trade: Bill[TradeLine]
    basic: Bill[FlowLine]
    operation: Bill[FlowLine]


class Bills:
    """The merchant's bills; `call` asks WeChat and verifies, `download` fetches what is told."""

    def __init__(self, call: Call, download: Download) -> None:
        self._call = call
        self._download = download

    def of_day(self, day: date) -> DayBills:
        """All bills of the day; a day without one is an empty bill.

        Raises `BillNotReady`, `BillUnfit`, `WechatUnavailable`.
        """
        return DayBills(
            trade=self._bill("tradebill", day, {"bill_type": "ALL"}, read_trade_bill),
            basic=self._bill("fundflowbill", day, {"account_type": BASIC}, read_flow_bill),
            operation=self._bill("fundflowbill", day, {"account_type": OPERATION}, read_flow_bill),
        )

    def _bill(
        self,
        path: str,
        day: date,
        which: Mapping[str, str],
        read: Callable[[bytes], tuple[T, ...]],
    ) -> Bill[T]:
        asked = {"bill_date": day.isoformat(), **which, "tar_type": "GZIP"}
        try:
            told = self._call("GET", f"/v3/bill/{path}?{urlencode(asked)}", None)
        except WechatRefused as refused:
            code = str(refused.facts["code"])
            if code == "NO_STATEMENT_EXIST":
                return Bill("", ())
            if code == "STATEMENT_CREATING":
                raise BillNotReady() from None
            raise BillUnfit(f"refused-{code.lower()}") from None
        sha1, url = told.get("hash_value"), told.get("download_url")
        if told.get("hash_type") != "SHA1" or not isinstance(sha1, str) or not isinstance(url, str):
            raise BillUnfit("answer")
        content = unpacked(self._fetched(url))
        if hashlib.sha1(content, usedforsecurity=False).hexdigest() != sha1.lower():
            raise BillUnfit("hash")
        return Bill(sha1.lower(), read(content))

    def _fetched(self, url: str) -> bytes:
        """What lies there. A refusal is not passing: people should know who is refused."""
        try:
            return self._download(url)
        except WechatRefused:
            raise BillUnfit("download-refused") from None
        except WechatUnavailable as away:
            if away.facts.get("why") == "elsewhere":
                raise BillUnfit("download-host") from None
            raise


def unpacked(packed: bytes) -> bytes:
    """The bytes in a gzip file of one member, at most `LARGEST_BILL`; raises `BillUnfit`."""
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        content = unpacker.decompress(packed, LARGEST_BILL + 1)
    except zlib.error:
        raise BillUnfit("gzip") from None
    if len(content) > LARGEST_BILL:
        raise BillUnfit("too-large")
    if not unpacker.eof:
        raise BillUnfit("cut-off")
    if unpacker.unused_data:
        raise BillUnfit("gzip")
    return content


__all__ = [
    "Bill",
    "BillNotReady",
    "BillUnfit",
    "Bills",
    "DayBills",
    "FlowLine",
    "TradeLine",
    "unpacked",
]
