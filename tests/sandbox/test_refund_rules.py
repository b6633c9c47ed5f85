"""What WeChat Pay refunds and what it refuses to refund."""

import threading
from typing import Any

import pytest

from tests.sandbox.bill_reader import paid_on, set_clock
from tests.sandbox.merchant import Phone
from tests.sandbox.refunding import (
    NOON,
    REFUNDS,
    basic,
    call,
    forward,
    refund,
    refund_body,
    refunds_in_books,
    top_up,
)


def test_one_number_is_one_refund(phone: Phone, number: str) -> None:
    body = refund_body(number, 10000)

    first, again = refund(phone, body), refund(phone, dict(reversed(body.items())))
    others = [
        refund(phone, body | {"reason": "别的"}),
        refund(phone, body | {"amount": {"refund": 1, "total": 30000, "currency": "CNY"}}),
    ]

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["refund_id"] == again.json()["refund_id"]
    assert [(each.status_code, each.json()["code"]) for each in others] == [
        (400, "INVALID_REQUEST")
    ] * 2
    assert basic(phone) == (0, 20000)


def test_eight_at_once_with_one_number_are_one_refund(phone: Phone, number: str) -> None:
    body = refund_body(number, 30000)
    answers: list[Any] = []

    threads = [
        threading.Thread(target=lambda: answers.append(refund(phone, body))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["refund_id"] for answer in answers}) == 1
    assert basic(phone) == (0, 0)


def test_no_more_is_refunded_than_was_paid(phone: Phone, number: str) -> None:
    top_up(phone, "BASIC", 50000)
    too_much = refund(phone, refund_body(number, 30001))
    first = refund(phone, refund_body(number, 20000))
    forward(phone, 61)
    second = refund(phone, refund_body(number, 10001))
    third = refund(phone, refund_body(number, 10000))

    assert [each.status_code for each in (too_much, first, second, third)] == [400, 200, 400, 200]
    assert too_much.json()["code"] == second.json()["code"] == "INVALID_REQUEST"
    assert sum(basic(phone)) == 50000


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"out_trade_no": "D404404"}, 404, "ORDER_NOT_EXIST"),
        ({"amount": {"refund": 1, "total": 29999, "currency": "CNY"}}, 400, "INVALID_REQUEST"),
        ({"out_trade_no": "unpaid"}, 400, "INVALID_REQUEST"),
    ],
)
def test_a_refund_of_something_else_is_refused(
    phone: Phone, number: str, changes: dict[str, Any], status: int, code: str
) -> None:
    if changes.get("out_trade_no") == "unpaid":
        order = phone.merchant.order(phone.openid)
        assert call(phone, "POST", "/v3/pay/transactions/jsapi", order).status_code == 200
        changes = {"out_trade_no": order["out_trade_no"]}

    answer = refund(phone, refund_body(number, 1) | changes)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert refunds_in_books(phone) == []
    assert basic(phone) == (0, 30000)


@pytest.mark.parametrize(
    ("moment", "status"), [("2027-03-01T11:59:50", 200), ("2027-03-01T12:00:01", 403)]
)
def test_a_payment_can_be_refunded_for_a_year(
    phone: Phone, number: str, moment: str, status: int
) -> None:
    set_clock(phone, moment)
    top_up(phone, "BASIC", 1)

    answer = refund(phone, refund_body(number, 1))

    assert answer.status_code == status
    assert answer.json().get("code", "TRADE_OVERDUE") == "TRADE_OVERDUE"


def test_two_refunds_of_an_order_are_a_minute_apart(phone: Phone, number: str) -> None:
    other, _ = paid_on(phone, 30000, NOON)
    refund(phone, refund_body(number, 1))

    early = refund(phone, refund_body(number, 1))
    of_another = refund(phone, refund_body(other, 1))
    forward(phone, 61)
    late = refund(phone, refund_body(number, 1))

    assert (early.status_code, early.json()["code"]) == (429, "FREQUENCY_LIMITED")
    assert (of_another.status_code, late.status_code) == (200, 200)


def test_an_order_has_fifty_refunds_at_most(phone: Phone, number: str) -> None:
    found = []
    for _ in range(51):
        found.append(refund(phone, refund_body(number, 1)).status_code)
        forward(phone, 60)

    assert found == [200] * 50 + [400]


def test_an_empty_purse_refunds_nothing_and_the_number_works_later(
    phone: Phone, number: str
) -> None:
    set_clock(phone, "2026-03-02T12:00:00")
    top_up(phone, "BASIC", 9999)
    top_up(phone, "OPERATION", 10000)
    body = refund_body(number, 10000)

    refused = refund(phone, body)
    nothing, unknown = (
        refunds_in_books(phone),
        call(phone, "GET", f"{REFUNDS}/{body['out_refund_no']}"),
    )
    lying = basic(phone)
    top_up(phone, "BASIC", 1)
    answer = refund(phone, body)

    assert (refused.status_code, refused.json()["code"]) == (403, "NOT_ENOUGH")
    assert (nothing, lying) == ([], (9999, 0))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")
    assert answer.status_code == 200
    assert basic(phone) == (0, 0)


def test_a_refund_may_be_asked_to_spare_what_came_today(phone: Phone, number: str) -> None:
    top_up(phone, "BASIC", 500)

    more = refund(phone, refund_body(number, 501, funds_account="AVAILABLE"))
    less = refund(phone, refund_body(number, 500, funds_account="AVAILABLE"))

    assert (more.status_code, more.json()["code"]) == (403, "NOT_ENOUGH")
    assert (less.status_code, less.json()["funds_account"]) == (200, "AVAILABLE")
    assert basic(phone) == (0, 30000)


def test_a_payment_can_be_named_by_wechats_number(phone: Phone, number: str) -> None:
    paid = phone.control("GET", "/books").json()["transactions"][0]
    body = refund_body(number, 7, transaction_id=paid["transaction_id"])
    del body["out_trade_no"]

    answer = refund(phone, body)

    assert answer.json()["out_trade_no"] == number


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"transaction_id": "4200"}, "/transaction_id"),
        ({"out_refund_no": "R" * 65}, "/out_refund_no"),
        ({"out_refund_no": "R 1"}, "/out_refund_no"),
        ({"reason": "长" * 81}, "/reason"),
        ({"notify_url": "http://localhost/n"}, "/notify_url"),
        ({"notify_url": "https://localhost/n?a=1"}, "/notify_url"),
        ({"notify_url": f"https://localhost/{'n' * 240}"}, "/notify_url"),
        ({"funds_account": "OPERATION"}, "/funds_account"),
        ({"colour": "red"}, "/colour"),
        ({"amount": {"refund": 1, "total": 30000}}, "/amount/currency"),
        ({"amount": {"refund": True, "total": 30000, "currency": "CNY"}}, "/amount/refund"),
        ({"amount": {"refund": 0, "total": 30000, "currency": "CNY"}}, "/amount/refund"),
        ({"amount": {"refund": 1, "total": 30000, "currency": "USD"}}, "/amount/currency"),
    ],
)
def test_a_request_out_of_form_names_the_field(
    phone: Phone, number: str, changes: dict[str, Any], field: str
) -> None:
    answer = refund(phone, refund_body(number, 1) | changes)

    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert answer.json()["detail"]["field"] == field
    assert refunds_in_books(phone) == []


def test_a_refund_number_may_hold_every_sign_wechat_allows(phone: Phone, number: str) -> None:
    body = refund_body(number, 1, out_refund_no="aZ9_-|*@")

    refund(phone, body)

    assert call(phone, "GET", f"{REFUNDS}/aZ9_-%7C%2A%40").json()["out_refund_no"] == "aZ9_-|*@"


def test_the_fee_comes_back_in_shares_that_make_up_the_fee(phone: Phone) -> None:
    set_clock(phone, NOON)
    phone.control("PUT", "/merchant", {"fee_rate_bp": 33})
    number, _ = paid_on(phone, 300, NOON)
    lying = [sum(basic(phone))]

    back = []
    for _ in range(3):
        answer = refund(phone, refund_body(number, 100, total=300))
        back.append(answer.json()["amount"]["refund_fee"])
        lying.append(sum(basic(phone)))
        forward(phone, 61)

    # A third of one fen is none, two thirds are one, and then there is no more to give.
    assert back == [0, 1, 0]
    assert lying == [299, 199, 100, 0]
