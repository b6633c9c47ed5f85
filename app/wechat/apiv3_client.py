"""One merchant's way to WeChat Pay APIv3 and back: signed requests, verified answers.

Answers are verified before they are read; an unsigned 2xx counts as forged. A 4xx or 5xx is not
signed and proves no business fact: whoever needs one queries.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from app import clock, db, log
from app.settings import WECHAT_PAY_HOSTS
from app.settings.wechat import CERTIFICATE, PaySettings
from app.wechat import wire
from app.wechat.apiv3 import Merchant, NotFromWechat, Platform, parsed
from app.wechat.certificates import (
    Certificate,
    Keyring,
    nothing_stored,
    published_certificates,
)
from app.wechat.faults import WechatRefused, WechatUnavailable

_CERTIFICATES = "/v3/certificates"


class Apiv3Client:
    """Calls and downloads; thread-safe, pooled HTTP sessions per process.

    Every call refuses to run inside a transaction, and raises `WechatUnavailable` (`why` among its
    facts) or `WechatRefused` with nothing of request or answer in it but WeChat's error code.
    """

    def __init__(
        self,
        settings: PaySettings,
        *,
        stored: Callable[[], Iterable[Certificate]] = nothing_stored,
    ) -> None:
        self._settings = settings
        self.merchant = Merchant.of(settings)
        self.platform = Platform(Keyring(settings, stored), settings.apiv3_key)
        self._http = wire.session()
        self._downloads = wire.download_session()

    def call(
        self, method: str, target: str, payload: Any, *, sealed_serial: str | None = None
    ) -> Mapping[str, Any]:
        """WeChat Pay's verified answer, empty for a 204.

        `target` is path and query as on the wire, `payload` what becomes the JSON body (None: no
        body), `sealed_serial` the serial that `Platform.seal` answered with its fields.
        """
        response = self._sent(method, target, payload, serial=sealed_serial)
        return self._trusted(response)

    def certificates(self) -> dict[str, Certificate]:
        """The platform certificates WeChat Pay publishes, by serial, from its verified answer.

        In certificate mode an answer signed with a certificate we do not hold is believed if that
        certificate is in the answer itself. This is sound: each comes sealed with the APIv3 key,
        which WeChat Pay and the merchant alone know, so nobody else can have put it there; and
        the signature over the whole, fresh and by a certificate in force, shows that the list is
        not an old one. It is how a cold start, and one after a long sleep, gets its first key.
        """
        response = self._sent("GET", _CERTIFICATES, None)
        found = published_certificates(parsed(response.content), opened=self.platform.opened)
        is_certificate_mode = self._settings.mode == CERTIFICATE
        answer = self._trusted(response, newcomers=found if is_certificate_mode else {})
        if answer.get("data") and not found:
            raise WechatUnavailable(why="certificates-sealed-otherwise")
        return found

    def download(self, url: str) -> bytes:
        """The file at an address WeChat Pay gave us, at most 64 MB; nobody signed it.

        The caller compares its hash with the signed one. Only WeChat Pay's hosts are asked, and
        ours if our base is another; redirects are not followed.
        """
        base, origin, target = self._settings.base, "", ""
        with suppress(ValueError):
            parts = urlsplit(url)
            origin = f"{parts.scheme}://{parts.netloc}"
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        hosts = {f"https://{host}" for host in WECHAT_PAY_HOSTS}
        if origin not in ({base} | (hosts if base in hosts else set())):
            log.get().error("wechat-download-elsewhere")
            raise WechatUnavailable(why="elsewhere")
        response = self._sent("GET", target, None, file_from=origin)
        _refuse_errors(response)
        if response.status_code != 200:
            raise WechatUnavailable(why="no-file")
        return response.content

    def wechats_time(self) -> datetime | None:
        """What time WeChat Pay's server says it is, unsigned; None when it says nothing of it."""
        response = self._sent("GET", _CERTIFICATES, None)
        with suppress(ValueError):
            said = parsedate_to_datetime(response.headers.get("Date", ""))
            return said if said.tzinfo else None
        return None

    def _sent(
        self,
        method: str,
        target: str,
        payload: Any,
        *,
        serial: str | None = None,
        file_from: str = "",
    ) -> requests.Response:
        db.refuse_open_transaction()
        at = clock.now()
        # ASCII alone: half a character in a text must not end in an error that holds the text.
        body = "" if payload is None else json.dumps(payload)
        named = serial or self.platform.asked_serial(at=at)
        headers = {
            "Authorization": self.merchant.authorization(method, target, body, at=at),
            "Accept": "*/*" if file_from else "application/json",
            "Content-Type": "application/json",
            "User-Agent": "lingcun",
            **({"Wechatpay-Serial": named} if named else {}),
        }
        response = None
        # The exceptions carry the request with its signature; one raised in here would keep them.
        with suppress(requests.RequestException):
            response = (self._downloads if file_from else self._http).request(
                method,
                (file_from or self._settings.base) + target,
                data=body.encode() or None,
                headers=headers,
                timeout=wire.TIMEOUT_S,
                allow_redirects=False,
            )
        if response is None:
            raise WechatUnavailable(why="no-answer")
        return response

    def _trusted(
        self, response: requests.Response, *, newcomers: Mapping[str, Certificate] | None = None
    ) -> Mapping[str, Any]:
        _refuse_errors(response)
        body, why = response.content, ""
        try:
            self.platform.verify(response.headers, body, at=clock.now(), newcomers=newcomers)
        except NotFromWechat as forged:
            why = forged.why
        if why:
            log.get().error("wechat-answer-not-trusted", why=why, status=response.status_code)
            raise WechatUnavailable(why=why)
        answer = parsed(body) if body else {}
        if not isinstance(answer, Mapping):
            raise WechatUnavailable(why="answer-unfit")
        return answer


def _refuse_errors(response: requests.Response) -> None:
    status = response.status_code
    if status == 429 or status >= 500 or 300 <= status < 400:
        raise WechatUnavailable(why=f"status-{status}")
    if status >= 400:
        raise WechatRefused(status=status, code=_error_code(response.content))


def _error_code(body: bytes) -> str:
    answer = parsed(body)
    code = answer.get("code") if isinstance(answer, Mapping) else None
    # WeChat Pay's codes are capitals; anything else may be somebody's name.
    is_code = isinstance(code, str) and re.fullmatch("[A-Z0-9_]{1,64}", code)
    return str(code) if is_code else "UNKNOWN"
