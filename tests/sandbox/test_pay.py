"""WeChat Pay of the sandbox, spoken to in raw requests."""

import time
from typing import Any

import pytest
import requests

from sandbox.clock import rfc3339
from tests.sandbox.merchant import JSAPI, Merchant, Phone


def _query(merchant: Merchant, number: str) -> requests.Response:
    mchid = merchant.env["WECHAT_PAY_MCHID"]
    return merchant.call("GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}")


def _close(merchant: Merchant, number: str) -> requests.Response:
    body = {"mchid": merchant.env["WECHAT_PAY_MCHID"]}
    return merchant.call("POST", f"/v3/pay/transactions/out-trade-no/{number}/close", body)


def _raw(merchant: Merchant, headers: dict[str, str], text: str) -> requests.Response:
    return requests.post(merchant.base + JSAPI, data=text, headers=headers, timeout=10)


def test_a_wrong_signature_is_answered_in_the_documented_shape(merchant: Merchant) -> None:
    headers = merchant.headers("POST", JSAPI, '{"signed":1}')

    answer = _raw(merchant, headers, '{"sent":1}')

    told = answer.json()
    assert answer.status_code == 401
    assert told["code"] == "SIGN_ERROR"
    assert told["message"] == "错误的签名,验签失败"
    assert told["detail"]["detail"] == {"issue": "sign not match"}
    assert (told["detail"]["field"], told["detail"]["location"]) == ("signature", "authorization")
    assert told["detail"]["sign_information"]["method"] == "POST"
    assert told["detail"]["sign_information"]["url"] == JSAPI
    assert "Wechatpay-Signature" not in answer.headers


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text.replace("serial_no", "serial"),
        lambda text: text.replace("WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SM2-WITH-SM3"),
        lambda text: text.replace('serial_no="', 'serial_no="AB'),
    ],
)
def test_an_authorization_out_of_form_is_a_sign_error(merchant: Merchant, spoil: Any) -> None:
    headers = merchant.headers("POST", JSAPI, "{}")

    answer = _raw(merchant, headers | {"Authorization": spoil(headers["Authorization"])}, "{}")

    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")


@pytest.mark.parametrize(("skew_s", "status"), [(-290, 404), (290, 404), (-310, 401), (310, 401)])
def test_a_request_may_be_five_minutes_old_and_no_more(
    merchant: Merchant, skew_s: int, status: int
) -> None:
    path = f"/v3/pay/transactions/id/4200?mchid={merchant.env['WECHAT_PAY_MCHID']}"

    answer = merchant.call("GET", path, at_s=int(time.time()) + skew_s)

    assert answer.status_code == status


def test_the_path_is_signed_as_it_was_escaped(merchant: Merchant) -> None:
    path = f"/v3/pay/transactions/out-trade-no/A%7CB%2A12?mchid={merchant.env['WECHAT_PAY_MCHID']}"

    answer = merchant.call("GET", path)

    assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_EXIST")


def test_every_success_is_signed_even_an_empty_one(merchant: Merchant, phone: Phone) -> None:
    number, _ = phone.placed()

    answers = [_query(merchant, number), _close(merchant, number)]

    assert [answer.status_code for answer in answers] == [200, 204]
    assert answers[1].content == b""
    for answer in answers:
        assert merchant.believes(answer.headers, answer.content)
        assert answer.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
        assert answer.headers["Request-ID"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"note": "hello"}, "/note"),
        ({"amount": {"total": 1, "currency": "CNY", "tax": 0}}, "/amount/tax"),
        ({"amount": {"total": 0}}, "/amount/total"),
        ({"amount": {"total": 1.5}}, "/amount/total"),
        ({"amount": {"total": True}}, "/amount/total"),
        ({"amount": {"total": 1, "currency": "USD"}}, "/amount/currency"),
        ({"out_trade_no": "short"}, "/out_trade_no"),
        ({"out_trade_no": "no spaces here"}, "/out_trade_no"),
        ({"notify_url": "http://localhost/n"}, "/notify_url"),
        ({"notify_url": "https://localhost/n?a=1"}, "/notify_url"),
        ({"notify_url": None}, "/notify_url"),
        ({"description": "长" * 128}, "/description"),
        ({"attach": "a" * 129}, "/attach"),
        ({"payer": {"openid": "oNobody"}}, "/payer/openid"),
        ({"payer": {}}, "/payer/openid"),
        ({"time_expire": "2030-01-01T00:00:00Z"}, "/time_expire"),
        ({"time_expire": "2020-01-01T00:00:00+08:00"}, "/time_expire"),
        ({"settle_info": {"profit_sharing": "no"}}, "/settle_info/profit_sharing"),
    ],
)
def test_a_field_out_of_form_is_refused_by_name(
    merchant: Merchant, phone: Phone, changes: dict[str, Any], field: str
) -> None:
    order = merchant.order(phone.openid, **changes)

    answer = merchant.call("POST", JSAPI, order)

    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert answer.json()["detail"]["field"] == field


def test_a_header_that_names_no_public_key_is_refused(merchant: Merchant, phone: Phone) -> None:
    path = f"/v3/pay/transactions/id/4200?mchid={merchant.env['WECHAT_PAY_MCHID']}"
    headers = merchant.headers("GET", path, "")
    del headers["Wechatpay-Serial"]

    answer = requests.get(merchant.base + path, headers=headers, timeout=10)

    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


def test_the_same_order_again_gives_a_fresh_prepay_id(merchant: Merchant, phone: Phone) -> None:
    order = merchant.order(phone.openid)

    first, second = (merchant.call("POST", JSAPI, order) for _ in range(2))

    assert first.status_code == second.status_code == 200
    assert first.json()["prepay_id"] != second.json()["prepay_id"]


def test_the_same_number_with_other_parameters_is_refused(merchant: Merchant, phone: Phone) -> None:
    order = merchant.order(phone.openid)
    merchant.call("POST", JSAPI, order)

    answer = merchant.call("POST", JSAPI, order | {"amount": {"total": 1, "currency": "CNY"}})

    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    assert answer.json()["message"] == "请求重入时，参数与首次请求时不一致"


def test_a_paid_number_can_be_neither_placed_nor_closed_again(
    merchant: Merchant, phone: Phone
) -> None:
    number, _ = phone.paid()

    placed = merchant.call("POST", JSAPI, merchant.order(phone.openid, out_trade_no=number))
    closed = _close(merchant, number)

    assert (placed.status_code, placed.json()["code"]) == (400, "ORDERPAID")
    assert (closed.status_code, closed.json()["code"]) == (400, "ORDERPAID")


def test_a_closed_number_is_spent(merchant: Merchant, phone: Phone) -> None:
    number, _ = phone.placed()

    closes = [_close(merchant, number).status_code for _ in range(2)]
    placed = merchant.call("POST", JSAPI, merchant.order(phone.openid, out_trade_no=number))

    assert closes == [204, 204]
    assert (placed.status_code, placed.json()["code"]) == (400, "ORDER_CLOSED")


def test_closing_a_number_never_placed_is_answered_204_and_spends_it(
    merchant: Merchant, phone: Phone
) -> None:
    order = merchant.order(phone.openid)

    closed = _close(merchant, order["out_trade_no"])

    assert closed.status_code == 204
    assert _query(merchant, order["out_trade_no"]).status_code == 404
    assert merchant.call("POST", JSAPI, order).json()["code"] == "INVALID_REQUEST"


def test_an_expired_order_stays_notpay_and_takes_no_money(merchant: Merchant, phone: Phone) -> None:
    number, prepay_id = phone.placed(time_expire=rfc3339(int(time.time()) + 120))
    phone.control("PUT", "/clock", {"offset_s": 121})

    refused = phone.does("pay", **merchant.dialog(prepay_id))

    phone.control("PUT", "/clock", {"offset_s": 0})
    assert (refused.status_code, refused.json()["error"]) == (409, "order-expired")
    assert _query(merchant, number).json()["trade_state"] == "NOTPAY"


def test_faults_break_so_many_calls_and_then_none(merchant: Merchant, phone: Phone) -> None:
    order = merchant.order(phone.openid)
    faults = {"fail_prepay": 2, "fail_query": 1}
    phone.control("PUT", "/faults", faults)

    placed = [merchant.call("POST", JSAPI, order).status_code for _ in range(3)]
    queried = [_query(merchant, order["out_trade_no"]).status_code for _ in range(2)]

    assert placed == [500, 500, 200]
    assert queried == [500, 200]


def test_a_late_answer_comes_after_its_effect(merchant: Merchant, phone: Phone) -> None:
    order = merchant.order(phone.openid)
    phone.control("PUT", "/faults", {"timeout_prepay_after_effect": 1, "timeout_s": 1})

    started = time.monotonic()
    answer = merchant.call("POST", JSAPI, order)

    assert time.monotonic() - started >= 1
    assert answer.status_code == 200
    assert _query(merchant, order["out_trade_no"]).json()["trade_state"] == "NOTPAY"


def test_a_fault_nobody_built_is_refused(phone: Phone) -> None:
    answers = [phone.control("PUT", "/faults", {name: 1}) for name in ("no_notice", "earthquake")]

    assert [answer.status_code for answer in answers] == [400, 400]
