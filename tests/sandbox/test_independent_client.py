"""A client that we did not write believes the sandbox, and believes none of its forgeries."""

import base64
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core

from sandbox.forgery import KINDS
from tests.sandbox.merchant import Merchant, Phone, Receiver

# The client has no freshness check: it takes a rightly signed notice of any age.
AGE_ONLY = {"stale", "future"}


@pytest.fixture
def client(wechatpayv3_client: Any) -> Any:
    return wechatpayv3_client


def _placed(client: Any, phone: Phone, **changes: Any) -> tuple[str, str]:
    out_trade_no = "W" + secrets.token_hex(10)
    order = {
        "description": "灵活就业缴存",
        "out_trade_no": out_trade_no,
        "amount": {"total": 12345, "currency": "CNY"},
        "payer": {"openid": phone.openid},
    } | changes
    status, text = client.pay(**order)
    assert status == 200, text
    return out_trade_no, json.loads(text)["prepay_id"]


def _dialog(client: Any, prepay_id: str) -> dict[str, str]:
    appid = client._appid
    stamp, nonce, package = "1700000000", secrets.token_hex(8), f"prepay_id={prepay_id}"
    sign = client.sign([appid, stamp, nonce, package])
    return {
        "timeStamp": stamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": sign,
    }


def test_it_places_pays_queries_and_hears_of_an_order(
    client: Any, phone: Phone, receiver: Receiver
) -> None:
    number, prepay_id = _placed(client, phone, attach="七月", notify_url=receiver.notify_url)

    paid = phone.does("pay", **_dialog(client, prepay_id)).json()

    by_number = json.loads(client.query(out_trade_no=number)[1])
    by_id = json.loads(client.query(transaction_id=paid["transaction_id"])[1])
    headers, body = receiver.wait_for(1)[0]
    told = client.callback(headers, body)
    assert by_number == by_id == told["resource"]
    assert told["event_type"] == "TRANSACTION.SUCCESS"
    assert by_number["amount"] == {
        "total": 12345,
        "payer_total": 12345,
        "currency": "CNY",
        "payer_currency": "CNY",
    }
    assert by_number["trade_state"] == "SUCCESS"
    assert by_number["payer"] == {"openid": phone.openid}
    assert by_number["attach"] == "七月"
    assert by_number["success_time"] == paid["success_time"]


def test_it_closes_an_order_and_sees_it_closed(client: Any, phone: Phone) -> None:
    number, _ = _placed(client, phone)
    before = json.loads(client.query(out_trade_no=number)[1])

    status, text = client.close(number)

    after = json.loads(client.query(out_trade_no=number)[1])
    assert (status, text) == (204, b"")
    assert (before["trade_state"], after["trade_state"]) == ("NOTPAY", "CLOSED")
    assert "transaction_id" not in after


def test_it_is_told_that_an_order_does_not_exist(client: Any) -> None:
    status, text = client.query(out_trade_no="NOBODYS-ORDER")

    assert status == 404
    assert json.loads(text)["code"] == "ORDER_NOT_EXIST"


def test_it_takes_a_ready_notice_with_its_overrides(client: Any, phone: Phone) -> None:
    number, _ = phone.paid()

    ready = phone.control(
        "POST", f"/orders/{number}/notice", {"overrides": {"amount_total": 1, "mchid": "1"}}
    ).json()

    told = client.callback(ready["headers"], ready["body"])["resource"]
    assert (told["amount"]["total"], told["mchid"]) == (1, "1")
    assert told["out_trade_no"] == number


@pytest.mark.parametrize("kind", sorted(set(KINDS) - AGE_ONLY))
def test_it_refuses_every_forged_notice(client: Any, phone: Phone, kind: str) -> None:
    number, _ = phone.paid()

    forged = phone.control("POST", f"/orders/{number}/forge?send=false", {"kind": kind}).json()

    assert not _believed(client, forged)


@pytest.mark.parametrize("kind", sorted(AGE_ONLY))
def test_a_stale_or_future_notice_is_wrong_in_its_age_alone(
    client: Any, phone: Phone, kind: str
) -> None:
    number, _ = phone.paid()

    forged = phone.control("POST", f"/orders/{number}/forge?send=false", {"kind": kind}).json()

    created = json.loads(forged["body"])["create_time"]
    assert _believed(client, forged)
    assert created
    assert base64.b64decode(forged["headers"]["Wechatpay-Signature"], validate=True)


def _believed(client: Any, notice: dict[str, Any]) -> bool:
    try:
        return bool(client.callback(notice["headers"], notice["body"]))
    except Exception as refusal:  # noqa: BLE001 - the client refuses odd headers with a bare one
        return "does not support this algorithm" not in str(refusal)


@pytest.fixture
def certified_client(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client that we did not write, in certificate mode."""
    env = merchant.env
    # Its constructor would fetch the certificates from the real platform.
    monkeypatch.setattr(Core, "_init_certificates", lambda self: None)
    wx = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=env["WECHAT_PAY_MCHID"],
        private_key=Path(env["WECHAT_PAY_MERCHANT_KEY_FILE"]).read_text(encoding="ascii"),
        cert_serial_no=env["WECHAT_PAY_MERCHANT_SERIAL"],
        apiv3_key=env["WECHAT_PAY_APIV3_KEY"],
        appid=env["WECHAT_APPID"],
        notify_url=env["WECHAT_PAY_NOTIFY_URL"],
        timeout=10,
    )
    wx._core._gate_way = merchant.base
    return wx


def test_an_independent_client_works_under_certificates_through_a_rotation(
    certified_client: Any, phone: Phone
) -> None:
    phone.control("PUT", "/signing", {"notices": "certificate", "refuse_unnamed": False})
    number, _ = phone.paid()

    def believed() -> list[Any]:
        status, text = certified_client.query(out_trade_no=number)
        ready = phone.control("POST", f"/orders/{number}/notice", {}).json()
        told = certified_client.callback(ready["headers"], ready["body"])
        return [status, json.loads(text)["out_trade_no"], told["resource"]["out_trade_no"]]

    before = believed()
    held = {each.serial_number for each in certified_client._core._certificates}
    phone.control("POST", "/certificates/rotate", {"overlap_days": 1})
    after = believed()
    held_then = {each.serial_number for each in certified_client._core._certificates}

    assert before == after == [200, number, number]
    assert (len(held), len(held_then)) == (1, 2)
    assert held < held_then
    now = datetime.now(UTC)
    assert all(each.not_valid_after_utc > now for each in certified_client._core._certificates)
