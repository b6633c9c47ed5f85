"""WeChat Pay's answers: believed when just signed and sound, and for nothing else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app import clock
from app.wechat.faults import WechatRefused, WechatUnavailable
from app.wechat.pay import WechatPay
from tests.deployments import a_key
from tests.wechat.answering import (
    OPENID,
    Answering,
    Reply,
    a_transaction,
    signature_headers,
    signed,
)

JSAPI = "/v3/pay/transactions/jsapi"
NUMBER = "LC0123456789ABCDEFGHJKMNPQRS"
ORDER = f"/v3/pay/transactions/out-trade-no/{NUMBER}"
CLOSE = f"{ORDER}/close"


def prepay(gateway: WechatPay, **changed: Any) -> str:
    asked = {
        "out_trade_no": NUMBER,
        "amount_fen": 500_000,
        "payer_openid": OPENID,
        "description": "住房公积金缴存",
        "expires_at": clock.now() + timedelta(minutes=30),
    }
    return gateway.prepay(**asked | changed)


PAID = json.dumps(a_transaction()).encode()


def without(name: str) -> Reply:
    headers = signature_headers(PAID)
    del headers[name]
    return Reply(PAID, headers=headers)


DISTRUSTED: dict[str, Callable[[], Reply]] = {
    "unsigned": lambda: Reply(PAID),
    "signed by somebody else": lambda: signed(PAID, by=a_key("stranger")),
    "signed by ourselves": lambda: signed(PAID, by=a_key("merchant")),
    "of an unknown serial": lambda: signed(PAID, Wechatpay_Serial="PUB_KEY_ID_01"),
    "of another scheme": lambda: signed(PAID, Wechatpay_Signature_Type="WECHATPAY2-SM2-WITH-SM3"),
    "five minutes old": lambda: signed(PAID, late_s=-302),
    "five minutes early": lambda: signed(PAID, late_s=302),
    "with another nonce": lambda: signed(PAID, Wechatpay_Nonce="0" * 32),
    "with another time": lambda: signed(
        PAID, Wechatpay_Timestamp=str(int(clock.now().timestamp()) + 1)
    ),
    "with a time that is none": lambda: signed(PAID, Wechatpay_Timestamp="now"),
    "a probe": lambda: signed(PAID, Wechatpay_Signature="WECHATPAY/SIGNTEST/c2lnbg=="),
    "no base64": lambda: signed(PAID, Wechatpay_Signature="%%%"),
    "for another body": lambda: Reply(
        PAID.replace(b"500000", b"500001"), headers=signature_headers(PAID)
    ),
    "without a serial": lambda: without("Wechatpay-Serial"),
    "without a nonce": lambda: without("Wechatpay-Nonce"),
    "without a time": lambda: without("Wechatpay-Timestamp"),
    "without a signature": lambda: without("Wechatpay-Signature"),
}


@pytest.mark.parametrize("how", DISTRUSTED)
def test_an_answer_wechat_did_not_just_sign_is_not_believed(
    wechat: Answering, pay: WechatPay, how: str
) -> None:
    wechat.to(ORDER, DISTRUSTED[how]())

    with pytest.raises(WechatUnavailable):
        pay.query(NUMBER)


def test_an_answer_wechat_just_signed_is_believed(wechat: Answering, pay: WechatPay) -> None:
    wechat.to(ORDER, signed(PAID), signed(PAID, late_s=-290), without("Wechatpay-Signature-Type"))

    found = [pay.query(NUMBER) for _ in range(3)]

    assert [each and each.amount_total for each in found] == [500_000] * 3


def test_a_signed_answer_about_another_order_is_none(wechat: Answering, pay: WechatPay) -> None:
    wechat.to(ORDER, signed(PAID.replace(NUMBER.encode(), b"LCANOTHER")))

    with pytest.raises(WechatUnavailable):
        pay.query(NUMBER)


def test_an_unsigned_204_has_closed_nothing(wechat: Answering, pay: WechatPay) -> None:
    wechat.to(CLOSE, Reply(status=204), signed(b"", status=204))

    with pytest.raises(WechatUnavailable):
        pay.close(NUMBER)
    pay.close(NUMBER)


def test_an_order_is_unknown_only_when_wechat_says_so(wechat: Answering, pay: WechatPay) -> None:
    wechat.to(ORDER, Reply.of({"code": "ORDER_NOT_EXIST", "message": "订单不存在"}, status=404))
    assert pay.query(NUMBER) is None

    for reply in (Reply(b"404 page not found", status=404), Reply.of({"code": "X"}, status=404)):
        wechat.to(ORDER, reply)
        with pytest.raises(WechatRefused):
            pay.query(NUMBER)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 422])
def test_a_4xx_is_a_refusal_with_wechats_code(
    wechat: Answering, pay: WechatPay, status: int
) -> None:
    wechat.to(JSAPI, Reply.of({"code": "PARAM_ERROR", "message": "张三"}, status=status))

    with pytest.raises(WechatRefused) as refused:
        prepay(pay)

    assert refused.value.facts == {"status": status, "code": "PARAM_ERROR"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"PARAM_ERROR"',
        b'{"code": 7}',
        b'{"code": null}',
        '{"code": "错误"}'.encode(),
        b'{"code": "' + b"A" * 65 + b'"}',
        b'{"a":' * 20_000,
        b"\xff\xfe",
    ],
    ids=range(10),
)
def test_a_refusal_without_a_sound_code_says_unknown(
    wechat: Answering, pay: WechatPay, body: bytes
) -> None:
    wechat.to(JSAPI, Reply(body, status=400))

    with pytest.raises(WechatRefused) as refused:
        prepay(pay)

    assert refused.value.facts["code"] == "UNKNOWN"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_and_broken_prove_nothing(wechat: Answering, pay: WechatPay, status: int) -> None:
    wechat.to(JSAPI, signed({"prepay_id": "wx2014", "code": "SYSTEM_ERROR"}, status=status))

    with pytest.raises(WechatUnavailable):
        prepay(pay)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(wechat: Answering, pay: WechatPay, status: int) -> None:
    moved = signed({"prepay_id": "wx2014"}, status=status)
    wechat.to(JSAPI, Reply(moved.body, status, {**moved.headers, "Location": "/elsewhere"}))
    wechat.to("/elsewhere", signed({"prepay_id": "wx2014"}))

    with pytest.raises(WechatUnavailable):
        prepay(pay)

    assert wechat.count("/elsewhere") == 0


UNFIT: dict[str, Callable[[], Reply]] = {
    "no JSON": lambda: signed(b"<html>"),
    "nothing": lambda: signed(b""),
    "a list": lambda: signed(b"[]"),
    "null": lambda: signed(b"null"),
    "no prepay id": lambda: signed({"prepay": "wx2014"}),
    "a number": lambda: signed({"prepay_id": 2014}),
    "an empty one": lambda: signed({"prepay_id": ""}),
    "an endless one": lambda: signed({"prepay_id": "w" * 65}),
    "not UTF-8": lambda: signed(b'{"prepay_id": "\xff"}'),
    "brackets": lambda: signed(b"[" * 100_000),
    "a flood": lambda: signed({"prepay_id": "wx2014", "more": "x" * 300_000}),
    "half of it": lambda: Reply(b'{"prepay_id": "wx2014"}', length=9_999),
    "a flood in a small parcel": lambda: Reply(
        gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}
    ),
}


@pytest.mark.parametrize("what", UNFIT)
def test_a_signed_answer_that_makes_no_sense_is_not_used(
    wechat: Answering, pay: WechatPay, what: str
) -> None:
    wechat.to(JSAPI, UNFIT[what]())

    with pytest.raises(WechatUnavailable):
        prepay(pay)


@pytest.mark.parametrize(
    "changed",
    [
        {"trade_state": None},
        {"trade_state": 1},
        {"appid": None},
        {"mchid": 1604892735},
        {"out_trade_no": ""},
        {"transaction_id": None},
        {"trade_type": None},
        {"payer": None},
        {"payer": {}},
        {"payer": "oUpF8"},
        {"payer": {"openid": "o\u0000"}},
        {"amount": None},
        {"amount": {"total": "500000", "currency": "CNY"}},
        {"amount": {"total": 5e5, "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"amount": {"total": 0, "currency": "CNY"}},
        {"amount": {"total": -1, "currency": "CNY"}},
        {"amount": {"total": 10**30, "currency": "CNY"}},
        {"amount": {"total": 500_000}},
        {"success_time": None},
        {"success_time": "2026-03-02T09:30:00"},
        {"success_time": "yesterday"},
        {"success_time": "0001-01-01T00:00:00+08:00"},
        {"success_time": 1772415000},
        {"transaction_id": "4" * 300},
        {"out_trade_no": "\ud800"},
        {"out_trade_no": "号"},
    ],
    ids=str,
)
def test_a_transaction_is_read_strictly(
    wechat: Answering, pay: WechatPay, changed: dict[str, Any]
) -> None:
    wechat.to(ORDER, signed(a_transaction(**changed)))

    with pytest.raises(WechatUnavailable):
        pay.query(NUMBER)
