"""A WeChat Pay transaction as a query answers it and as a notice encrypts it: one shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.money import MAX_FEN, Fen


class TransactionUnfit(Exception):
    """The object is no transaction: `field` is missing or of another type."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True)
class Transaction:
    """WeChat's own field names; `amount_total` is in fen and counts, `payer_total` does not."""

    appid: str
    mchid: str
    out_trade_no: str
    trade_state: str
    trade_type: str
    transaction_id: str
    success_time: datetime | None
    payer_openid: str
    amount_total: Fen
    currency: str

    @property
    def is_paid(self) -> bool:
        """Whether money arrived; REFUND means it did, and that some went back."""
        return self.trade_state in ("SUCCESS", "REFUND")


def read_transaction(data: Mapping[str, Any]) -> Transaction:
    """The transaction in `data`; raises `TransactionUnfit` naming the field.

    A transaction that is not paid has neither transaction id nor payment time.
    """
    state = text_of(data, "trade_state")
    paid = state in ("SUCCESS", "REFUND")
    amount, payer = object_of(data, "amount", paid), object_of(data, "payer", paid)
    return Transaction(
        appid=text_of(data, "appid"),
        mchid=text_of(data, "mchid"),
        out_trade_no=text_of(data, "out_trade_no"),
        trade_state=state,
        trade_type=text_of(data, "trade_type", needed=paid),
        transaction_id=text_of(data, "transaction_id", needed=paid),
        success_time=instant_of(data, "success_time") if paid else None,
        payer_openid=text_of(payer, "openid", needed=paid),
        amount_total=amount_of(amount, "total") if paid else 0,
        currency=text_of(amount, "currency", needed=paid),
    )


def text_of(data: Mapping[str, Any], field: str, *, needed: bool = True, longest: int = 256) -> str:
    """Printable ASCII under this name, '' where it is not needed; else `TransactionUnfit`."""
    value = data.get(field, None if needed else "")
    if not isinstance(value, str) or len(value) > longest or (needed and not value):
        raise TransactionUnfit(field)
    if not (value.isascii() and value.isprintable()):  # a NUL or a lone surrogate is not storable
        raise TransactionUnfit(field)
    return value


def object_of(data: Mapping[str, Any], field: str, needed: bool) -> Mapping[str, Any]:
    """An object under this name; else `TransactionUnfit`."""
    value = data.get(field, None if needed else {})
    if not isinstance(value, Mapping):
        raise TransactionUnfit(field)
    return value


def amount_of(data: Mapping[str, Any], field: str) -> Fen:
    """Fen under this name, at least 1; else `TransactionUnfit`."""
    value = data.get(field)
    if type(value) is not int or not 1 <= value <= MAX_FEN:
        raise TransactionUnfit(f"amount.{field}")
    return value


def instant_of(data: Mapping[str, Any], field: str) -> datetime:
    """An instant under this name, in UTC; else `TransactionUnfit`."""
    try:
        instant = datetime.fromisoformat(text_of(data, field))
        if instant.tzinfo is None:
            raise TransactionUnfit(field)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise TransactionUnfit(field) from None
