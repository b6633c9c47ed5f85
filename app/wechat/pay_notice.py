"""Notices of WeChat Pay: verified on the raw bytes first, opened second, read third."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeGuard

from app.wechat.apiv3 import NotFromWechat, Platform, parsed
from app.wechat.refund import Refund, read_refund
from app.wechat.transaction import Transaction, TransactionUnfit, read_transaction
from app.wechat.transfer import Transfer, read_transfer

PAYMENT_SUCCEEDED = "TRANSACTION.SUCCESS"
REFUND_ENDED = ("REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED")
TRANSFER_ENDED = "MCHTRANSFER.BILL.FINISHED"


@dataclass(frozen=True)
class PaymentNotice:
    """A notice WeChat Pay certainly sent: of a payment, a refund, a transfer, or none of them."""

    notice_id: str
    event_type: str
    body_sha256: str
    transaction: Transaction | None = None
    refund: Refund | None = None
    transfer: Transfer | None = None

    @property
    def our_no(self) -> str:
        """The number we gave to what it is about; '' when it is about nothing of ours."""
        if self.transfer is not None:
            return self.transfer.out_bill_no
        if self.refund is not None:
            return self.refund.out_refund_no
        return "" if self.transaction is None else self.transaction.out_trade_no

    @property
    def wechat_no(self) -> str:
        """The number WeChat gave to it; '' likewise."""
        if self.transfer is not None:
            return self.transfer.transfer_bill_no
        if self.refund is not None:
            return self.refund.refund_id
        return "" if self.transaction is None else self.transaction.transaction_id


def open_notice(
    platform: Platform, headers: Mapping[str, str], body: bytes, *, at: datetime
) -> PaymentNotice:
    """The notice in these bytes; raises `NotFromWechat` for anything WeChat did not just sign."""
    platform.verify(headers, body, at=at)
    outer = parsed(body)
    if not isinstance(outer, dict) or "resource" not in outer:
        raise NotFromWechat("envelope")
    notice_id, event_type = outer.get("id"), outer.get("event_type")
    if not (_is_name(notice_id) and _is_name(event_type)):
        raise NotFromWechat("envelope")
    opened, unfit = platform.open_resource(outer["resource"]), ""
    about = "transaction" if event_type == PAYMENT_SUCCEEDED else "payout"
    notice = PaymentNotice(notice_id, event_type, hashlib.sha256(body).hexdigest())
    try:
        if event_type == PAYMENT_SUCCEEDED:
            return replace(notice, transaction=read_transaction(opened))
        if event_type in REFUND_ENDED:
            return replace(notice, refund=read_refund(opened))
        if event_type == TRANSFER_ENDED:
            return replace(notice, transfer=read_transfer(opened))
    except TransactionUnfit as error:
        unfit = error.field
    if unfit:  # not from within the handler: what could not be read would come along
        raise NotFromWechat(f"{about}-{unfit}")
    return notice


def _is_name(value: object) -> TypeGuard[str]:
    return (
        isinstance(value, str) and 0 < len(value) <= 64 and value.isascii() and value.isprintable()
    )
