"""Payment notices: verified on the raw bytes first, opened second, read third."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.wechat.apiv3 import NotFromWechat, Platform
from app.wechat.transaction import Transaction, TransactionUnfit, read_transaction

PAYMENT_SUCCEEDED = "TRANSACTION.SUCCESS"


@dataclass(frozen=True)
class PaymentNotice:
    """A notice WeChat Pay certainly sent; `transaction` is None when it is about something else."""

    notice_id: str
    event_type: str
    transaction: Transaction | None
    body_sha256: str


def open_notice(
    platform: Platform, headers: Mapping[str, str], body: bytes, *, at: datetime
) -> PaymentNotice:
    """The notice in these bytes; raises `NotFromWechat` for anything WeChat did not just sign."""
    platform.verify(headers, body, at=at)
    try:
        outer = json.loads(body)
        notice_id, event_type, resource = outer["id"], outer["event_type"], outer["resource"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotFromWechat("envelope") from None
    if not (_is_name(notice_id) and _is_name(event_type)):
        raise NotFromWechat("envelope")
    opened = platform.open_resource(resource)
    transaction = None
    if event_type == PAYMENT_SUCCEEDED:
        try:
            transaction = read_transaction(opened)
        except TransactionUnfit as unfit:
            raise NotFromWechat(f"transaction-{unfit.field}") from None
    return PaymentNotice(notice_id, event_type, transaction, hashlib.sha256(body).hexdigest())


def _is_name(value: object) -> bool:
    return (
        isinstance(value, str) and 0 < len(value) <= 64 and value.isascii() and value.isprintable()
    )
