"""WeChat Pay APIv3 for one merchant: prepay, query, close, and what the phone needs to pay.

Answers are verified before they are read; an unsigned 2xx counts as forged. A 4xx or 5xx is not
signed and proves no business fact: whoever needs one queries.
"""

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import requests

from app import clock, db, log
from app.money import Fen
from app.settings import PaySettings
from app.wechat import wire
from app.wechat.apiv3 import Merchant, NotFromWechat, Platform
from app.wechat.faults import WechatRefused, WechatUnavailable
from app.wechat.transaction import Transaction, TransactionUnfit, read_transaction


class WechatPay:
    """The merchant's calls; thread-safe, one pooled HTTP session per process."""

    def __init__(self, settings: PaySettings, *, appid: str) -> None:
        self._settings = settings
        self._appid = appid
        self._merchant = Merchant.of(settings)
        self.platform = Platform.of(settings)
        self._http = wire.session()

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
        answer = self._call(
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
            raise WechatUnavailable()
        return prepay_id

    def payment_parameters(self, prepay_id: str, *, at: datetime) -> dict[str, str]:
        """What `wx.requestPayment` takes, freshly signed for this moment."""
        timestamp, nonce = str(int(at.timestamp())), secrets.token_hex(16)
        package = f"prepay_id={prepay_id}"
        signature = self._merchant.sign(f"{self._appid}\n{timestamp}\n{nonce}\n{package}\n")
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
        self._call("POST", target, {"mchid": self.mchid})

    def _queried(self, path: str, **asked: str) -> Transaction | None:
        query = urlencode({"mchid": self.mchid})
        try:
            answer = self._call("GET", f"/v3/pay/transactions/{path}?{query}", None)
            found = read_transaction(answer)
        except WechatRefused as refused:
            # A bare 404 may come from whatever stands between us and WeChat.
            if (refused.facts["status"], refused.facts["code"]) == (404, "ORDER_NOT_EXIST"):
                return None
            raise
        except TransactionUnfit as unfit:
            log.get().error("wechat-answer-unfit", field=unfit.field)
            raise WechatUnavailable() from None
        if any(getattr(found, field) != value for field, value in asked.items()):
            log.get().error("wechat-answer-about-another", asked=sorted(asked))
            raise WechatUnavailable()
        return found

    def _call(self, method: str, target: str, payload: Any) -> Mapping[str, Any]:
        db.refuse_open_transaction()
        body = "" if payload is None else json.dumps(payload, ensure_ascii=False)
        signed = self._merchant.authorization(method, target, body, at=clock.now())
        response = None
        # The exceptions carry the request with its signature; one raised in here would keep them.
        with suppress(requests.RequestException):
            response = self._http.request(
                method,
                self._settings.base + target,
                data=body.encode() or None,
                headers={
                    "Authorization": signed,
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                    "User-Agent": "lingcun",
                    "Wechatpay-Serial": self._settings.public_key_id,
                },
                timeout=wire.TIMEOUT_S,
                allow_redirects=False,
            )
        if response is None:
            raise WechatUnavailable()
        return self._trusted(response)

    def _trusted(self, response: requests.Response) -> Mapping[str, Any]:
        status, body = response.status_code, response.content
        if status == 429 or status >= 500 or 300 <= status < 400:
            raise WechatUnavailable()
        if status >= 400:
            raise WechatRefused(status=status, code=_error_code(body))
        try:
            self.platform.verify(response.headers, body, at=clock.now())
            answer = json.loads(body) if body else {}
        except NotFromWechat as forged:
            log.get().error("wechat-answer-not-trusted", why=forged.why, status=status)
            raise WechatUnavailable() from None
        except (ValueError, RecursionError):
            raise WechatUnavailable() from None
        if not isinstance(answer, Mapping):
            raise WechatUnavailable()
        return answer


def _error_code(body: bytes) -> str:
    try:
        code = json.loads(body)["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "UNKNOWN"
    return code if isinstance(code, str) and code.isascii() and len(code) <= 64 else "UNKNOWN"
