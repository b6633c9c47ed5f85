"""商家转账 (the API of 2025): sent under one number for ever, confirmed by the payee's own hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from app import clock
from app.money import Fen
from app.settings.wechat import PaySettings
from app.wechat.answers import read_answer
from app.wechat.apiv3_client import Apiv3Client
from app.wechat.faults import WechatRefused
from app.wechat.transaction import amount_of, instant_of, text_of

_PATH = "/v3/fund-app/mch-transfer/transfer-bills"
_UNKNOWN = ("NOT_FOUND", "RESOURCE_NOT_EXISTS", "RECORD_NOT_EXISTS")


@dataclass(frozen=True)
class Transfer:
    """WeChat's own field names; the amount in fen, None in the answer to a first request.

    `state` is ACCEPTED, PROCESSING, WAIT_USER_CONFIRM, TRANSFERING (spelt so), SUCCESS, FAIL,
    CANCELING or CANCELLED. `package_info` is there while the payee has to confirm, and only in
    the answer to a request to send.
    """

    out_bill_no: str
    transfer_bill_no: str
    state: str
    transfer_amount: Fen | None
    fail_reason: str
    package_info: str
    update_time: datetime | None
    mch_id: str


def read_transfer(data: Mapping[str, Any]) -> Transfer:
    """The transfer in `data`; raises `TransactionUnfit` naming the field."""
    state = text_of(data, "state")
    told = data.get("transfer_amount") is not None
    ended = "update_time" in data
    return Transfer(
        out_bill_no=text_of(data, "out_bill_no"),
        transfer_bill_no=text_of(data, "transfer_bill_no"),
        state=state,
        transfer_amount=amount_of(data, "transfer_amount") if told else None,
        fail_reason=text_of(data, "fail_reason", needed=False),
        package_info=text_of(data, "package_info", needed=False, longest=1024),
        update_time=instant_of(data, "update_time") if ended else None,
        mch_id=text_of(data, "mch_id", needed=False),
    )


class Transfers:
    """The merchant's transfers to WeChat users, out of its operating account."""

    def __init__(self, client: Apiv3Client, pay: PaySettings, appid: str) -> None:
        self._client = client
        self._appid = appid
        self._notify_url = pay.notify_url
        self.settings = pay.transfer

    def parameters(
        self, *, openid: str, user_name: str, out_bill_no: str, amount: Fen, remark: str
    ) -> dict[str, Any]:
        """What `send` sends, but that the name is sealed anew each time.

        Raises `ValueError` when the merchant has no scene for transfers.
        """
        if self.settings is None:
            raise ValueError("no scene for transfers")
        scene = self.settings
        said: dict[str, Any] = {
            "appid": self._appid,
            "out_bill_no": out_bill_no,
            "transfer_scene_id": scene.scene_id,
            "openid": openid,
            "transfer_amount": amount,
            "transfer_remark": remark,
            "notify_url": self._notify_url,
            "transfer_scene_report_infos": [
                {"info_type": scene.report_type, "info_content": scene.report_content}
            ],
        }
        return {**said, "user_name": user_name} if amount >= scene.name_from_fen else said

    def send(self, parameters: Mapping[str, Any]) -> Transfer:
        """The transfer as WeChat accepted it: the same number is one transfer, however often sent.

        `user_name` is sealed for this one call: WeChat refuses to pay anybody else. Raises
        `WechatRefused` (which proves nothing but for `NOT_ENOUGH`), `WechatUnavailable`, and
        `NotSealable` while no key of WeChat's is in force.
        """
        sent, serial = dict(parameters), None
        if "user_name" in sent:
            serial, sent["user_name"] = self._client.platform.seal(
                sent["user_name"], at=clock.now()
            )
        answer = self._client.call("POST", _PATH, sent, sealed_serial=serial)
        return read_answer(read_transfer, answer, out_bill_no=parameters["out_bill_no"])

    def query(self, out_bill_no: str) -> Transfer | None:
        """The transfer as WeChat knows it; None when WeChat says there is none."""
        try:
            answer = self._client.call(
                "GET", f"{_PATH}/out-bill-no/{quote(out_bill_no, safe='')}", None
            )
        except WechatRefused as refused:
            if refused.facts["status"] == 404 and refused.facts["code"] in _UNKNOWN:
                return None
            raise
        return read_answer(read_transfer, answer, out_bill_no=out_bill_no)

    def cancel(self, out_bill_no: str) -> None:
        """WeChat was asked to cancel what the payee has not confirmed; only a query tells more."""
        self._client.call("POST", f"{_PATH}/out-bill-no/{quote(out_bill_no, safe='')}/cancel", None)
