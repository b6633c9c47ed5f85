"""Whatever fails, no secret, name or body comes out: not in a log, not in an exception."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from app import clock, log
from app.errors import Fact
from app.wechat.apiv3 import NotFromWechat, NotSealable, Platform
from app.wechat.apiv3_client import Apiv3Client
from app.wechat.pay import WechatPay
from app.wechat.pay_notice import open_notice
from tests.deployments import a_key, private_pem
from tests.wechat.answering import (
    APIV3_KEY,
    APPID,
    MCHID,
    OPENID,
    PUBLIC_KEY_ID,
    Answering,
    Reply,
    a_notice,
    a_transaction,
    chain_of,
    pay_settings,
    sealed,
    signature_headers,
    signed,
)

NAME, ID_NUMBER, NONSENSE = "张小满", "330501199001011236", "body-canary-7f3a"
NUMBER = "LC0123456789ABCDEFGHJKMNPQRS"
TRANSFER, LIST = "/v3/fund-app/mch-transfer/transfer-bills", "/v3/certificates"
ORDER, FILE = f"/v3/pay/transactions/out-trade-no/{NUMBER}", "/v3/billdownload/file"
SAID = {"code": NONSENSE, "message": f"{NAME} {OPENID} {ID_NUMBER}", "detail": {"name": NAME}}
BROKEN = f'{{"payer": "{OPENID}", "name": "{NAME}", "{NONSENSE}'.encode()

PEM = private_pem(a_key("merchant")).decode().splitlines()
SECRETS = (
    *(NAME, ascii(NAME).strip("'"), ID_NUMBER, OPENID, NONSENSE),
    *("signature=", "Signature'", "WECHATPAY2-SHA256", "nonce_str", PEM[1], PEM[-2]),
    *(APIV3_KEY.decode(), "http://", "token-canary"),
)

ANSWERS: dict[str, Reply] = {
    "400": Reply.of(SAID, status=400),
    "400 named like a person": Reply.of({"code": OPENID}, status=400),
    "404": Reply.of(SAID, status=404),
    "429": Reply.of(SAID, status=429),
    "500": Reply.of(SAID, status=500),
    "302": Reply(b"", 302, {"Location": f"/?name={NAME}".encode().decode("latin-1")}),
    "unsigned": Reply.of(SAID),
    "signed by another": signed(SAID, by=a_key("stranger")),
    "of an unknown serial": signed(SAID, Wechatpay_Serial=NONSENSE),
    "stale": signed(SAID, late_s=-400),
    "no JSON": signed(BROKEN),
    "no UTF-8": signed(b"\xff" + BROKEN),
    "deep": signed(b"[" * 50_000 + BROKEN),
    "a list": signed([SAID]),
    "half of it": Reply(BROKEN, length=9_999),
    "unfit": signed(a_transaction(success_time=NONSENSE, bank_type=NAME)),
    "about another": signed(a_transaction(out_trade_no=NONSENSE)),
    "a list of certificates": signed({"data": [SAID, {"serial_no": NAME}]}),
}


def everything(answer: BaseException) -> str:
    """All that somebody could read off an exception and what it carries along."""
    parts = []
    for each in chain_of(answer):
        parts += [str(each), repr(each), repr(each.args), repr(vars(each))]
        if isinstance(each, Fact):
            parts += [each.detail, each.slug, repr(dict(each.facts))]
        parts += [repr(getattr(each, name, "")) for name in ("doc", "object", "request")]
    return "\n".join(parts)


def spoken(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def calls(client: Apiv3Client, pay: WechatPay, base: str) -> dict[str, Callable[[], Any]]:
    """Each way to WeChat Pay, with a person in it."""
    payload = {"user_name": NAME, "openid": OPENID, "note": ID_NUMBER}
    return {
        "call": lambda: client.call("POST", TRANSFER, payload),
        "call without body": lambda: client.call("GET", TRANSFER, None),
        "certificates": client.certificates,
        "download": lambda: client.download(f"{base}{FILE}?token=token-canary"),
        "query": lambda: pay.query(NUMBER),
        "close": lambda: pay.close(NUMBER),
        "prepay": lambda: pay.prepay(
            out_trade_no=NUMBER,
            amount_fen=1,
            payer_openid=OPENID,
            description=NAME,
            expires_at=clock.now(),
        ),
    }


@pytest.fixture
def _logging() -> None:
    log.configure("DEBUG")


@pytest.mark.usefixtures("_logging")
@pytest.mark.parametrize("how", [*ANSWERS, "unreachable"])
def test_no_failure_of_a_call_says_who_or_what(
    wechat: Answering, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    base = "http://127.0.0.1:9" if how == "unreachable" else wechat.base
    for path in (TRANSFER, LIST, ORDER, f"{ORDER}/close", "/v3/pay/transactions/jsapi", FILE):
        wechat.to(path, ANSWERS.get(how, Reply()))
    client = Apiv3Client(pay_settings(base))
    pay = WechatPay(pay_settings(base), appid=APPID, client=client)
    failed, told = [], {}
    for name, call in calls(client, pay, base).items():
        try:
            call()
        except Exception as error:  # noqa: BLE001 - every kind of it is looked at
            failed.append(name)
            told[name] = spoken(everything(error))
            pickle.dumps(error.args)

    printed = "".join(capfd.readouterr())
    assert failed
    assert {name: found for name, found in told.items() if found} == {}
    assert spoken(printed) == []


BAD_NOTICES: dict[str, Callable[[], tuple[dict[str, str], bytes]]] = {
    "sealed nonsense": lambda: _holding(BROKEN),
    "sealed bytes": lambda: _holding(b"\xff" + BROKEN),
    "sealed brackets": lambda: _holding(b"[" * 50_000 + BROKEN),
    "sealed without a state": lambda: _holding(json.dumps({"payer": {"openid": OPENID}}).encode()),
    "sealed with a strange time": lambda: _holding(
        json.dumps(a_transaction(success_time=NONSENSE)).encode()
    ),
    "no envelope": lambda: (signature_headers(BROKEN), BROKEN),
    "another algorithm": lambda: _signed(a_notice(sealed(BROKEN, algorithm=NONSENSE))),
    "another key's": lambda: _signed(a_notice(sealed(BROKEN, associated_data=NAME))),
    "forged": lambda: (signature_headers(b""), BROKEN),
    "unsigned": lambda: ({}, BROKEN),
}


def _signed(body: bytes) -> tuple[dict[str, str], bytes]:
    return signature_headers(body), body


def _holding(plain: bytes) -> tuple[dict[str, str], bytes]:
    return _signed(a_notice(sealed(plain)))


@pytest.mark.parametrize("what", BAD_NOTICES)
def test_no_refused_notice_says_what_was_in_it(what: str) -> None:
    headers, body = BAD_NOTICES[what]()
    platform = Platform.of(pay_settings(""))

    with pytest.raises(NotFromWechat) as refused:
        open_notice(platform, headers, body, at=clock.now())

    assert spoken(everything(refused.value)) == []


@pytest.mark.parametrize("text", [NAME * 40, f"{NAME}\ud800"], ids=["long", "half a character"])
def test_what_cannot_be_sealed_is_not_repeated(text: str) -> None:
    with pytest.raises(NotSealable) as refused:
        Platform.of(pay_settings("")).seal(text, at=clock.now())

    assert spoken(everything(refused.value)) == []


def test_half_a_character_in_a_request_does_not_end_in_an_error_that_holds_it(
    wechat: Answering,
) -> None:
    wechat.to(TRANSFER, signed({"ok": True}))
    client = Apiv3Client(pay_settings(wechat.base))

    assert client.call("POST", TRANSFER, {"note": f"{NAME}\ud800"}) == {"ok": True}


def test_the_search_finds_what_it_looks_for() -> None:
    """Or the tests above would show nothing."""
    with pytest.raises(ValueError, match="Unterminated") as error:
        json.loads(BROKEN)

    assert {NAME, OPENID, NONSENSE} <= set(spoken(everything(error.value)))
    assert PUBLIC_KEY_ID not in SECRETS
    assert MCHID not in SECRETS
