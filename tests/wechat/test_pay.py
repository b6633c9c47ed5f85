"""The WeChat Pay client: against the sandbox as a contract, and against WeChats that misbehave."""

from __future__ import annotations

import base64
import json
import re
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
        "unsigned": Reply.of(a_transaction()),
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
    """What signs, verifies, seals and calls; business calls are files of their own."""
    files = [ROOT / "app" / "wechat" / name for name in ("apiv3.py", "apiv3_client.py")]

    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]

    assert len([line for line in lines if line.strip()]) <= 300
