"""The channels a leg travels by, behind one interface: send it, ask after it, read the answer.

The bank is none of them: its legs go out and come back in files (`bank_batches`).
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from app import wechat
from app.models import PayoutLeg
from app.services.payouts import Word
from app.wechat.pay_notice import PaymentNotice
from app.wechat.refund import Refund
from app.wechat.transfer import Transfer

_REFUND_STATES = {
    "SUCCESS": "succeeded",
    "PROCESSING": "processing",
    "ABNORMAL": "abnormal",  # the payer's card takes nothing: people see to it at WeChat
    "CLOSED": "failed",
}
_TRANSFER_STATES = {
    "ACCEPTED": "processing",
    "PROCESSING": "processing",
    "WAIT_USER_CONFIRM": "waiting-for-payee",
    "TRANSFERING": "processing",
    "SUCCESS": "succeeded",
    "FAIL": "failed",
    "CANCELING": "processing",
    "CANCELLED": "failed",
}


class Channel(Protocol):
    """What a leg is sent over; `parameters` are those stored before the first call."""

    def send(self, parameters: Mapping[str, Any]) -> Word:
        """The provider took it; raises `WechatRefused`, `WechatUnavailable`."""

    def ask(self, provider_no: str, parameters: Mapping[str, Any]) -> Word | None:
        """What became of it; None when the provider certainly does not know the number."""


class _Refunds:
    def send(self, parameters: Mapping[str, Any]) -> Word:
        return word_of_refund(wechat.pay().refunds.send(parameters), parameters)

    def ask(self, provider_no: str, parameters: Mapping[str, Any]) -> Word | None:
        found = wechat.pay().refunds.query(provider_no)
        return None if found is None else word_of_refund(found, parameters)


class _Transfers:
    def send(self, parameters: Mapping[str, Any]) -> Word:
        return word_of_transfer(wechat.pay().transfers.send(parameters), parameters)

    def ask(self, provider_no: str, parameters: Mapping[str, Any]) -> Word | None:
        found = wechat.pay().transfers.query(provider_no)
        return None if found is None else word_of_transfer(found, parameters)


CHANNELS: Mapping[str, Channel] = {"refund": _Refunds(), "transfer": _Transfers()}


def word_of_refund(refund: Refund, asked: Mapping[str, Any]) -> Word:
    """What WeChat says of the refund that was asked for with these parameters."""
    pairs = {
        "out_refund_no": (asked["out_refund_no"], refund.out_refund_no),
        "transaction_id": (asked["transaction_id"], refund.transaction_id),
        "amount.refund": (asked["amount"]["refund"], refund.amount_refund),
        "amount.total": (asked["amount"]["total"], refund.amount_total),
        "mchid": (wechat.pay().mchid, refund.mchid or wechat.pay().mchid),
        "status": (True, refund.status in _REFUND_STATES),
    }
    return Word(
        state=_REFUND_STATES.get(refund.status, "processing"),
        provider_id=refund.refund_id,
        success_at=refund.success_time,
        fail_code=refund.status if refund.status == "CLOSED" else "",
        differing=_differing(pairs),
    )


def word_of_transfer(transfer: Transfer, asked: Mapping[str, Any]) -> Word:
    """What WeChat says of the transfer that was asked for with these parameters."""
    told_fen = transfer.transfer_amount
    pairs = {
        "out_bill_no": (asked["out_bill_no"], transfer.out_bill_no),
        "transfer_amount": (asked["transfer_amount"], told_fen or asked["transfer_amount"]),
        "mch_id": (wechat.pay().mchid, transfer.mch_id or wechat.pay().mchid),
        "state": (True, transfer.state in _TRANSFER_STATES),
        "update_time": (True, transfer.state != "SUCCESS" or transfer.update_time is not None),
    }
    is_over = transfer.state in ("FAIL", "CANCELLED")
    return Word(
        state=_TRANSFER_STATES.get(transfer.state, "processing"),
        provider_id=transfer.transfer_bill_no,
        success_at=transfer.update_time if transfer.state == "SUCCESS" else None,
        fail_code=(transfer.fail_reason or transfer.state) if is_over else "",
        package_info=transfer.package_info,
        differing=_differing(pairs),
    )


def word_of_notice(notice: PaymentNotice, leg: PayoutLeg) -> Word:
    """What a verified notice about this leg says of it."""
    asked = json.loads(leg.parameters)
    if notice.refund is not None and leg.channel == "refund":
        return word_of_refund(notice.refund, asked)
    if notice.transfer is not None and leg.channel == "transfer":
        return word_of_transfer(notice.transfer, asked)
    return Word("processing", differing=("channel",))


def _differing(pairs: Mapping[str, tuple[object, object]]) -> tuple[str, ...]:
    return tuple(name for name, (ours, theirs) in pairs.items() if ours != theirs)
