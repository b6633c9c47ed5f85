"""What the owner of a phone can do in the sandbox, and what the phone refuses."""

import threading
from typing import Any

import pytest

from tests.sandbox.merchant import Merchant, Phone, Receiver


@pytest.mark.parametrize("name", ["timeStamp", "nonceStr", "package", "paySign", "signType"])
def test_the_dialog_refuses_anything_but_what_was_signed(
    merchant: Merchant, phone: Phone, name: str
) -> None:
    _, prepay_id = phone.placed()
    dialog = merchant.dialog(prepay_id)

    answer = phone.does("pay", **(dialog | {name: dialog[name] + "1"}))

    assert (answer.status_code, answer.json()["error"]) == (400, "pay-sign-wrong")
    assert phone.control("GET", "/books").json()["transactions"] == []


def test_a_prepay_id_wechat_never_gave_opens_no_dialog(merchant: Merchant, phone: Phone) -> None:
    answer = phone.does("pay", **merchant.dialog("wx123"))

    assert (answer.status_code, answer.json()["error"]) == (404, "prepay-unknown")


def test_only_the_payer_of_the_order_can_pay_it(merchant: Merchant, phone: Phone) -> None:
    _, prepay_id = phone.placed()

    answer = Phone(merchant, name="李四").does("pay", **merchant.dialog(prepay_id))

    assert (answer.status_code, answer.json()["error"]) == (403, "not-the-payer")


def test_a_closed_order_cannot_be_paid(merchant: Merchant, phone: Phone) -> None:
    number, prepay_id = phone.placed()
    path = f"/v3/pay/transactions/out-trade-no/{number}/close"
    merchant.call("POST", path, {"mchid": merchant.env["WECHAT_PAY_MCHID"]})

    answer = phone.does("pay", **merchant.dialog(prepay_id))

    assert (answer.status_code, answer.json()["error"]) == (409, "order-closed")


def test_a_prepay_id_ends_after_two_hours(merchant: Merchant, phone: Phone) -> None:
    _, prepay_id = phone.placed()
    phone.control("PUT", "/clock", {"offset_s": 7200})

    answer = phone.does("pay", **merchant.dialog(prepay_id))

    assert (answer.status_code, answer.json()["error"]) == (409, "prepay-expired")


def test_ten_thumbs_at_once_pay_an_order_once(merchant: Merchant, phone: Phone) -> None:
    _, prepay_id = phone.placed()
    dialog = merchant.dialog(prepay_id)
    statuses: list[int] = []

    def press() -> None:
        statuses.append(phone.does("pay", **dialog).status_code)

    thumbs = [threading.Thread(target=press) for _ in range(10)]
    for thumb in thumbs:
        thumb.start()
    for thumb in thumbs:
        thumb.join()

    assert sorted(statuses) == [200] + [409] * 9
    assert len(phone.control("GET", "/books").json()["transactions"]) == 1


def test_a_dismissed_dialog_changes_nothing(phone: Phone) -> None:
    number, _ = phone.placed()
    before = phone.control("GET", "/books").json()

    answer = phone.does("cancel")

    assert answer.json() == {"errMsg": "requestPayment:fail cancel"}
    assert phone.control("GET", "/books").json() == before
    assert before["orders"][0]["out_trade_no"] == number


def test_a_payment_may_bear_the_time_the_tester_gives_it(merchant: Merchant, phone: Phone) -> None:
    _, prepay_id = phone.placed()

    answer = phone.does(
        "pay", **merchant.dialog(prepay_id), success_time="2026-06-30T15:59:59Z", notify=False
    )

    assert answer.json()["success_time"] == "2026-06-30T23:59:59+08:00"


def test_a_stray_payment_exists_by_its_id_and_is_told_of(
    merchant: Merchant, phone: Phone, receiver: Receiver
) -> None:
    made = phone.control("POST", "/stray-payments", {"openid": phone.openid, "amount": 500})

    stray = made.json()
    path = f"/v3/pay/transactions/id/{stray['transaction_id']}"
    found = merchant.call("GET", f"{path}?mchid={merchant.env['WECHAT_PAY_MCHID']}").json()
    assert made.status_code == 201
    assert found["amount"]["total"] == 500
    assert found["out_trade_no"] == stray["out_trade_no"]
    assert len(receiver.wait_for(1)) == 1


def test_a_changed_phone_number_leaves_the_openid(phone: Phone) -> None:
    path = f"/users/{phone.user_id}"

    changed = phone.control("PATCH", path, {"phone": "13911112222"}).json()

    assert changed["openid"] == phone.openid
    assert (changed["phone"], changed["name"]) == ("13911112222", phone.name)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/users", {"name": "张三"}, 400, "field-missing"),
        ("POST", "/users", {"name": "张三", "id_number": "1", "phone": "1"}, 400, "field-wrong"),
        ("POST", "/users", [], 400, "not-json"),
        ("POST", "/users/u_nobody/login-code", {}, 404, "user-unknown"),
        ("POST", "/orders/NOBODYS/resend", {}, 404, "order-unknown"),
        ("POST", "/stray-payments", {"openid": "o", "amount": "5"}, 400, "field-wrong"),
        ("PUT", "/clock", {"now": "2026-01-01"}, 400, "clock"),
        ("PUT", "/clock", {}, 400, "clock"),
        ("PUT", "/clock", {"offset_s": 10**15}, 400, "clock"),
    ],
)
def test_a_tester_is_told_what_is_wrong(
    phone: Phone, method: str, path: str, body: Any, status: int, error: str
) -> None:
    answer = phone.control(method, path, body)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["message"]


def test_an_unpaid_order_has_no_notice_to_send(phone: Phone) -> None:
    number, _ = phone.placed()

    answers = [phone.control("POST", f"/orders/{number}/{w}", {}) for w in ("resend", "notice")]

    assert [answer.json()["error"] for answer in answers] == ["order-not-paid"] * 2
