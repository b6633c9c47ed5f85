"""Refunds of WeChat Pay: asked for under one number for ever, and told in two shapes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from app.money import Fen
from app.wechat.answers import read_answer
from app.wechat.faults import WechatRefused
from app.wechat.transaction import amount_of, instant_of, object_of, text_of

Call = Callable[[str, str, Any], Mapping[str, Any]]
_PATH = "/v3/refund/domestic/refunds"


@dataclass(frozen=True)
class Refund:
    """WeChat's own field names; amounts in fen. `success_time` stands once it is SUCCESS.

    `status` is SUCCESS, PROCESSING, ABNORMAL or CLOSED; `mchid` is there in a notice alone.
    """

    out_refund_no: str
    refund_id: str
    out_trade_no: str
    transaction_id: str
    status: str
    amount_refund: Fen
    amount_total: Fen
    success_time: datetime | None
    mchid: str


def read_refund(data: Mapping[str, Any]) -> Refund:
    """The refund in `data`; raises `TransactionUnfit` naming the field.

    A notice calls the status `refund_status`, an answer `status`.
    """
    field = "refund_status" if "refund_status" in data else "status"
    status, amount = text_of(data, field), object_of(data, "amount", True)
    return Refund(
        out_refund_no=text_of(data, "out_refund_no"),
        refund_id=text_of(data, "refund_id"),
        out_trade_no=text_of(data, "out_trade_no"),
        transaction_id=text_of(data, "transaction_id"),
        status=status,
        amount_refund=amount_of(amount, "refund"),
        amount_total=amount_of(amount, "total"),
        success_time=instant_of(data, "success_time") if status == "SUCCESS" else None,
        mchid=text_of(data, "mchid", needed=False),
    )


class Refunds:
    """The merchant's refunds; `call` speaks to WeChat and verifies its answers."""

    def __init__(self, call: Call, *, notify_url: str) -> None:
        self._call = call
        self._notify_url = notify_url

    def parameters(
        self, *, transaction_id: str, out_refund_no: str, amount: Fen, total: Fen, reason: str
    ) -> dict[str, Any]:
        """What `send` sends: made once, stored, and sent unchanged as often as needed."""
        return {
            "transaction_id": transaction_id,
            "out_refund_no": out_refund_no,
            "reason": reason,
            "notify_url": self._notify_url,
            "amount": {"refund": amount, "total": total, "currency": "CNY"},
        }

    def send(self, parameters: Mapping[str, Any]) -> Refund:
        """The refund as WeChat accepted it: the same number is one refund, however often sent.

        Raises `WechatRefused` (which proves nothing but for `NOT_ENOUGH`), `WechatUnavailable`.
        """
        answer = self._call("POST", _PATH, parameters)
        return read_answer(read_refund, answer, out_refund_no=parameters["out_refund_no"])

    def query(self, out_refund_no: str) -> Refund | None:
        """The refund as WeChat knows it; None when WeChat says there is none."""
        try:
            answer = self._call("GET", f"{_PATH}/{quote(out_refund_no, safe='')}", None)
        except WechatRefused as refused:
            # A bare 404 may come from whatever stands between us and WeChat.
            if (refused.facts["status"], refused.facts["code"]) == (404, "RESOURCE_NOT_EXISTS"):
                return None
            raise
        return read_answer(read_refund, answer, out_refund_no=out_refund_no)
