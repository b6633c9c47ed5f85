"""The WeChat Pay client: against the sandbox as a contract, and against WeChats that misbehave."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from app import clock
from app.db import NetworkInsideTransaction, transaction
from app.wechat.faults import WechatRefused, WechatUnavailable
from app.wechat.pay import WechatPay
from app.wechat.transaction import Transaction
from tests.deployments import ROOT, a_key
from tests.wechat.answering import (
    APPID,
    MCHID,
    OPENID,
    PUBLIC_KEY_ID,
    SERIAL,
    Answering,
    Reply,
    a_transaction,
    chain_of,
    pay_settings,
    signature_headers,
    signed,
)
from tests.wechat.conftest import Sandboxed

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


# --- the contract, against the sandbox ---


def test_an_order_is_placed_paid_and_found(sandboxed: Sandboxed) -> None:
    user, pay = sandboxed.user(), sandboxed.pay
    assert pay.query(NUMBER) is None

    prepay_id = prepay(pay, payer_openid=user["openid"])
    waiting = pay.query(NUMBER)
    dialog = pay.payment_parameters(prepay_id, at=clock.now())
    paid = sandboxed.control("POST", f"users/{user['user_id']}/pay", notify=False, **dialog)
    found = pay.query(NUMBER)

    assert waiting is not None
    assert (waiting.trade_state, waiting.is_paid, waiting.transaction_id) == ("NOTPAY", False, "")
    assert found is not None
    assert found.success_time is not None
    assert found == Transaction(
        appid=pay.appid,
        mchid=pay.mchid,
        out_trade_no=NUMBER,
        trade_state="SUCCESS",
        trade_type="JSAPI",
        transaction_id=paid["transaction_id"],
        success_time=found.success_time,
        payer_openid=user["openid"],
        amount_total=500_000,
        currency="CNY",
    )
    assert abs(found.success_time - clock.now()) < timedelta(seconds=10)
    assert pay.query_by_transaction_id(paid["transaction_id"]) == found
    assert pay.query_by_transaction_id("4200000000000000000000000000") is None


def test_an_order_is_closed_and_stays_so(sandboxed: Sandboxed) -> None:
    prepay(sandboxed.pay, payer_openid=sandboxed.user()["openid"])

    sandboxed.pay.close(NUMBER)

    found = sandboxed.pay.query(NUMBER)
    assert found is not None
    assert found.trade_state == "CLOSED"
    with pytest.raises(WechatRefused) as refused:
        prepay(sandboxed.pay, payer_openid=sandboxed.user(phone="13800138001")["openid"])
    assert refused.value.facts["status"] in (400, 403)


def test_asking_again_with_another_amount_is_refused_with_wechats_code(
    sandboxed: Sandboxed,
) -> None:
    openid = sandboxed.user()["openid"]
    expires_at = clock.now() + timedelta(minutes=30)
    again = {"payer_openid": openid, "expires_at": expires_at}

    first, second = (prepay(sandboxed.pay, **again) for _ in range(2))
    with pytest.raises(WechatRefused) as refused:
        prepay(sandboxed.pay, amount_fen=500_001, **again)

    assert first
    assert second
    assert re.fullmatch("[A-Z_]+", refused.value.facts["code"])
    assert refused.value.facts["code"] in refused.value.detail


# --- what is sent ---


def test_a_request_is_signed_over_exactly_what_goes_over_the_wire(
    wechat: Answering, pay: WechatPay
) -> None:
    wechat.to(JSAPI, signed({"prepay_id": "wx201410272009395522657a690389285100"}))
    wechat.to(ORDER, signed(a_transaction()))
    wechat.to(CLOSE, signed(b"", status=204))

    prepay(pay, description="缴存 “甲&乙” ½")
    pay.query(NUMBER)
    pay.close(NUMBER)

    for asked in wechat.asked:
        scheme, _, listed = asked.headers["Authorization"].partition(" ")
        parts = dict(re.findall(r'(\w+)="([^"]*)"', listed))
        message = "\n".join(
            [asked.method, asked.target, parts["timestamp"], parts["nonce_str"], ""]
        ).encode()
        a_key("merchant").public_key().verify(
            base64.b64decode(parts["signature"]), message + asked.body + b"\n", PKCS1v15(), SHA256()
        )
        assert scheme == "WECHATPAY2-SHA256-RSA2048"
        assert (parts["mchid"], parts["serial_no"]) == (MCHID, SERIAL)
        assert abs(int(parts["timestamp"]) - clock.now().timestamp()) < 10
        assert asked.headers["Wechatpay-Serial"] == PUBLIC_KEY_ID
        assert asked.headers["Accept"] == "application/json"
        assert asked.headers["User-Agent"] == "lingcun"
    placed, queried, closed = wechat.asked
    assert queried.target == f"{ORDER}?mchid={MCHID}"
    assert json.loads(closed.body) == {"mchid": MCHID}
    body = json.loads(placed.body)
    assert body | {"time_expire": ""} == {
        "appid": APPID,
        "mchid": MCHID,
        "description": "缴存 “甲&乙” ½",
        "out_trade_no": NUMBER,
        "time_expire": "",
        "notify_url": "https://fund.huzhou.gov.cn/v1/notices/wechat-pay",
        "amount": {"total": 500_000, "currency": "CNY"},
        "payer": {"openid": OPENID},
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", body["time_expire"])
    assert (
        len({re.findall('nonce_str="([^"]*)"', str(each.headers))[0] for each in wechat.asked}) == 3
    )


def test_the_phone_gets_parameters_signed_for_this_moment(pay: WechatPay) -> None:
    at = clock.now()

    given = pay.payment_parameters("wx2014", at=at)

    message = f"{APPID}\n{int(at.timestamp())}\n{given['nonceStr']}\nprepay_id=wx2014\n"
    signature = base64.b64decode(given.pop("paySign"))
    a_key("merchant").public_key().verify(signature, message.encode(), PKCS1v15(), SHA256())
    given.pop("nonceStr")
    assert given == {
        "timeStamp": str(int(at.timestamp())),
        "package": "prepay_id=wx2014",
        "signType": "RSA",
    }


# --- what is believed ---

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


# --- what never happens ---


def test_nothing_is_asked_while_a_transaction_is_open(wechat: Answering, pay: WechatPay) -> None:
    with transaction():
        for call in (
            lambda: prepay(pay),
            lambda: pay.query(NUMBER),
            lambda: pay.query_by_transaction_id("4200"),
            lambda: pay.close(NUMBER),
        ):
            with pytest.raises(NetworkInsideTransaction):
                call()

    assert wechat.asked == []


@pytest.mark.parametrize("how", ["unreachable", "unsigned", "refused", "unfit"])
def test_no_exception_carries_a_signature_or_a_person(
    wechat: Answering, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    replies = {
        "unsigned": Reply(PAID),
        "refused": Reply.of({"code": "PARAM_ERROR", "message": OPENID}, status=400),
        "unfit": signed(a_transaction(appid=None)),
        "unreachable": Reply(),
    }
    wechat.to(ORDER, replies[how])
    base = "http://127.0.0.1:9" if how == "unreachable" else wechat.base

    with pytest.raises((WechatUnavailable, WechatRefused)) as fault:
        WechatPay(pay_settings(base), appid=APPID).query(NUMBER)

    printed = "".join(capfd.readouterr())
    said = printed + "".join(f"{each!r} {each} {vars(each)}" for each in chain_of(fault.value))
    for kept in ("signature=", "WECHATPAY2", OPENID, "http://"):
        assert kept not in said


def test_the_client_stays_small_enough_to_be_read() -> None:
    files = [ROOT / "app" / "wechat" / name for name in ("apiv3.py", "pay.py", "wire.py")]

    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]

    assert len([line for line in lines if line.strip()]) <= 300
