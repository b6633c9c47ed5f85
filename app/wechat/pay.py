"""WeChat Pay for one merchant: prepay, query, close, and what the phone needs to pay."""

import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from app import clock
from app.money import Fen
from app.settings.wechat import PaySettings
from app.wechat.answers import read_answer
from app.wechat.apiv3 import Platform
from app.wechat.apiv3_client import Apiv3Client
from app.wechat.bill import Bills
from app.wechat.faults import WechatRefused, WechatUnavailable
from app.wechat.funds import Funds
from app.wechat.refund import Refunds
from app.wechat.transaction import Transaction, read_transaction
from app.wechat.transfer import Transfers


class WechatPay:
    """The merchant's calls about payments, over the one client of this process."""

    def __init__(
        self, settings: PaySettings, *, appid: str, client: Apiv3Client | None = None
    ) -> None:
        self._settings = settings
        self._appid = appid
        self._client = client or Apiv3Client(settings)
        self.refunds = Refunds(self._client.call, notify_url=settings.notify_url)
        self.funds = Funds(self._client.call)
        self.bills = Bills(self._client.call, self._client.download)
        self.transfers = Transfers(self._client, settings, appid)

    @property
    def platform(self) -> Platform:
        """Who verifies and opens what comes from WeChat Pay."""
        return self._client.platform

    @property
    def appid(self) -> str:
        return self._appid

    @property
    def mchid(self) -> str:
        return self._settings.mchid

    def prepay(
        self,
        *,
        out_trade_no: str,
        amount_fen: Fen,
        payer_openid: str,
        description: str,
        expires_at: datetime,
    ) -> str:
        """The prepay id of an order (JSAPI), valid two hours; the same order may be asked again.

        Raises `WechatRefused` (its code says why), `WechatUnavailable`.
        """
        expire = expires_at.astimezone(clock.SHANGHAI).isoformat(timespec="seconds")
        answer = self._client.call(
            "POST",
            "/v3/pay/transactions/jsapi",
            {
                "appid": self._appid,
                "mchid": self.mchid,
                "description": description,
                "out_trade_no": out_trade_no,
                "time_expire": expire,
                "notify_url": self._settings.notify_url,
                "amount": {"total": amount_fen, "currency": "CNY"},
                "payer": {"openid": payer_openid},
            },
        )
        prepay_id = answer.get("prepay_id")
        if not isinstance(prepay_id, str) or not 0 < len(prepay_id) <= 64:
            raise WechatUnavailable(why="answer-unfit")
        return prepay_id

    def payment_parameters(self, prepay_id: str, *, at: datetime) -> dict[str, str]:
        """What `wx.requestPayment` takes, freshly signed for this moment."""
        timestamp, nonce = str(int(at.timestamp())), secrets.token_hex(16)
        package = f"prepay_id={prepay_id}"
        signature = self._client.merchant.sign(f"{self._appid}\n{timestamp}\n{nonce}\n{package}\n")
        return {
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": signature,
        }

    def query(self, out_trade_no: str) -> Transaction | None:
        """The order as WeChat knows it; None when WeChat says there is none.

        Raises `WechatUnavailable`, `WechatRefused`.
        """
        path = f"out-trade-no/{quote(out_trade_no, safe='')}"
        return self._queried(path, out_trade_no=out_trade_no)

    def query_by_transaction_id(self, transaction_id: str) -> Transaction | None:
        """The payment as WeChat knows it; None when WeChat says there is none."""
        path = f"id/{quote(transaction_id, safe='')}"
        return self._queried(path, transaction_id=transaction_id)

    def close(self, out_trade_no: str) -> None:
        """WeChat was asked to close the order; only a query tells whether it is closed."""
        target = f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}/close"
        self._client.call("POST", target, {"mchid": self.mchid})

    def _queried(self, path: str, **asked: str) -> Transaction | None:
        target = f"/v3/pay/transactions/{path}?{urlencode({'mchid': self.mchid})}"
        try:
            answer = self._client.call("GET", target, None)
        except WechatRefused as refused:
            # A bare 404 may come from whatever stands between us and WeChat.
            if (refused.facts["status"], refused.facts["code"]) == (404, "ORDER_NOT_EXIST"):
                return None
            raise
        return read_answer(read_transaction, answer, **asked)
