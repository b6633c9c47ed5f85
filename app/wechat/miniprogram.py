"""The mini-program's server API, with wechatpy behind an adapter.

wechatpy 1.8.18 is mended in five places: its token fetch is replaced by `stable_token` (every
process gets the same token, nothing to share); its automatic retry, which has no end, is off and
one retry is done here; `code_to_session` would attach an access token to the login URL; it would
read a redirect's body as an answer and stumble over an errcode that is no number; and its
exceptions carry URLs with the app secret, so none of them leaves this file, not even as a context.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from app import db, log
from app.settings.wechat import MiniProgramSettings
from app.wechat import wire
from app.wechat.faults import WechatCodeRefused, WechatUnavailable

FACE_PASSED = 10000
_TOKEN_REFUSED = (40001, 40014, 42001)
# Ours or WeChat's to mend, and no fault of the worker's data: busy, wrong app or secret, no
# permission, too many calls. Whatever else WeChat answers is about the data it was sent.
_NOT_ABOUT_DATA = (-1, 40013, 40125, 41002, 41004, 45009, 45011, 48001, 48004, 50002, 89503)
# A token is renewed this long before it expires; WeChat keeps the old one valid for five minutes.
_RENEW_EARLY_S = 240


class _Client(WeChatClient):  # type: ignore[misc]
    """wechatpy's transport alone: base URL from settings, no token of its own, no retry."""

    def __init__(self, settings: MiniProgramSettings) -> None:
        super().__init__(settings.appid, settings.app_secret, auto_retry=False)
        self.API_BASE_URL = f"{settings.api_base}/"
        self._http = wire.session()

    def _handle_result(self, res: requests.Response, *_: Any, **__: Any) -> dict[str, Any] | None:
        """The JSON object of a plain 200, also one that says no; None for anything else."""
        try:
            answer = json.loads(res.content) if res.status_code == 200 else None
        except (ValueError, RecursionError):
            return None
        if not isinstance(answer, dict) or type(answer.get("errcode", 0)) is not int:
            return None
        return answer


class MiniProgram:
    """WeChat's answers about who is at the phone; only the server's word counts."""

    def __init__(self, settings: MiniProgramSettings) -> None:
        self._settings = settings
        self._client = _Client(settings)
        self._token = ""
        self._token_until = 0.0
        self._token_lock = threading.Lock()

    @property
    def appid(self) -> str:
        return self._settings.appid

    def check_access(self) -> None:
        """WeChat gives this app an access token.

        Raises `WechatUnavailable`, with WeChat's `errcode` among its facts where it said no.
        """
        self._access_token()

    def openid_of_login_code(self, code: str) -> str:
        """The openid behind a `wx.login` code (code2Session); the session key is dropped here.

        Raises `WechatCodeRefused`, `WechatUnavailable`.
        """
        answer = self._asked(
            "get",
            "sns/jscode2session",
            params={
                "appid": self._settings.appid,
                "secret": self._settings.app_secret,
                "js_code": code,
                "grant_type": "authorization_code",
                "access_token": None,
            },
        )
        return _text(_accepted(answer), "openid")

    def phone_of_code(self, code: str) -> str:
        """The phone number behind the code of a `getPhoneNumber` button, mainland numbers only.

        Raises `WechatCodeRefused`, `WechatUnavailable`.
        """
        answer = self._authorised("wxa/business/getuserphonenumber", {"code": code})
        info = answer.get("phone_info")
        if not isinstance(info, Mapping):
            raise WechatUnavailable()
        watermark = info.get("watermark")
        if not isinstance(watermark, Mapping) or watermark.get("appid") != self._settings.appid:
            raise WechatUnavailable()
        return _text(info, "purePhoneNumber")

    def begin_face_check(
        self, *, out_seq_no: str, name: str, id_number: str, openid: str
    ) -> tuple[str, int]:
        """WeChat's `verify_id` for this person and try, and for how many seconds it is valid.

        Raises `WechatCodeRefused` when WeChat refuses the data, `WechatUnavailable`.
        """
        answer = self._authorised(
            "cityservice/face/identify/getverifyid",
            {
                "out_seq_no": out_seq_no,
                "cert_info": {
                    "cert_type": "IDENTITY_CARD",
                    "cert_name": name,
                    "cert_no": id_number,
                },
                "openid": openid,
            },
        )
        expires_in = answer.get("expires_in")
        return _text(answer, "verify_id"), expires_in if type(expires_in) is int else 3600

    def face_result(
        self, *, out_seq_no: str, verify_id: str, name: str, id_number: str, openid: str
    ) -> int:
        """WeChat's `verify_ret` of the check; `FACE_PASSED` alone means the person was there.

        Raises `WechatCodeRefused` when the data differ from the check's, `WechatUnavailable`.
        """
        answer = self._authorised(
            "cityservice/face/identify/queryverifyinfo",
            {
                "verify_id": verify_id,
                "out_seq_no": out_seq_no,
                "cert_hash": cert_hash(name=name, id_number=id_number),
                "openid": openid,
            },
        )
        result = answer.get("verify_ret")
        if type(result) is not int:
            raise WechatUnavailable()
        return result

    def send_message(self, *, openid: str, template_id: str, fields: Mapping[str, str]) -> str:
        """A subscribe message is on its way; WeChat's number of it, empty if it gave none.

        `WechatCodeRefused` has WeChat's `errcode`: 43101 where the user has not allowed it,
        anything else where the message itself is at fault. Raises `WechatUnavailable` besides.
        """
        answer = self._authorised(
            "cgi-bin/message/subscribe/send",
            {
                "touser": openid,
                "template_id": template_id,
                "data": {name: {"value": value} for name, value in fields.items()},
                "miniprogram_state": "formal",
                "lang": "zh_CN",
            },
        )
        msgid = answer.get("msgid", "")
        return str(msgid)[:32] if isinstance(msgid, int | str) else ""

    def _authorised(self, endpoint: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        token = self._access_token()
        answer = self._asked("post", endpoint, params={"access_token": token}, data=dict(body))
        if answer.get("errcode") in _TOKEN_REFUSED:
            token = self._access_token(instead_of=token)
            answer = self._asked("post", endpoint, params={"access_token": token}, data=dict(body))
        return _accepted(answer)

    def _access_token(self, *, instead_of: str = "") -> str:
        with self._token_lock:
            fresh = self._token and time.monotonic() < self._token_until
            if fresh and self._token != instead_of:
                return self._token
            answer = self._asked(
                "post",
                "cgi-bin/stable_token",
                params={"access_token": None},
                data={
                    "grant_type": "client_credential",
                    "appid": self._settings.appid,
                    "secret": self._settings.app_secret,
                },
            )
            if answer.get("errcode"):
                _refused_us(answer["errcode"])
            lifetime = answer.get("expires_in")
            seconds = lifetime if type(lifetime) is int else 7200
            self._token = _text(answer, "access_token")
            self._token_until = time.monotonic() + max(seconds - _RENEW_EARLY_S, 10)
            return self._token

    def _asked(self, method: str, endpoint: str, **kwargs: Any) -> Mapping[str, Any]:
        """WeChat's answer, which may be an errcode; `WechatUnavailable` when there is none."""
        db.refuse_open_transaction()
        answer = None
        # The exceptions carry the URL with the secret; one raised in here would keep them.
        with suppress(WeChatClientException, requests.RequestException):
            answer = getattr(self._client, method)(
                endpoint, timeout=wire.TIMEOUT_S, allow_redirects=False, **kwargs
            )
        if answer is None:
            raise WechatUnavailable()
        found: Mapping[str, Any] = answer
        return found


def _accepted(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    errcode = answer.get("errcode", 0)
    if errcode in _TOKEN_REFUSED or errcode in _NOT_ABOUT_DATA:
        _refused_us(errcode)
    if errcode:
        raise WechatCodeRefused(errcode=errcode)
    return answer


def _refused_us(errcode: int) -> NoReturn:
    log.get().warning("wechat-refused-us", errcode=errcode)
    raise WechatUnavailable(errcode=errcode)


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value or len(value) > 2048:
        raise WechatUnavailable()
    return value


def cert_hash(*, name: str, id_number: str) -> str:
    """The digest by which WeChat recognises the person of a face check (`cert_hash`)."""

    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    joined = (
        f"cert_type={encoded('IDENTITY_CARD')}&cert_name={encoded(name)}"
        f"&cert_no={encoded(id_number)}"
    )
    return hashlib.sha256(joined.encode()).hexdigest()
