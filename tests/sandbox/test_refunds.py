"""Refunds of the sandbox: accepted once, paid out of the purse, told of when they have ended."""

import time
from pathlib import Path

import pytest

from sandbox.clock import Clock
from sandbox.delivery import LOOK_EVERY_S
from sandbox.server import create_sandbox, serve_in_thread
from tests.sandbox.bill_reader import paid_on, set_clock
from tests.sandbox.merchant import Merchant, Phone, Receiver, receiving
from tests.sandbox.refunding import (
    NOON,
    REFUNDS,
    basic,
    call,
    forward,
    opened,
    plan,
    refund,
    refund_body,
    refunds_in_books,
    status_of,
)


def test_a_refund_is_accepted_first_and_succeeds_a_little_later(
    merchant: Merchant, phone: Phone, number: str
) -> None:
    plan(phone, "SUCCESS", 60)
    body = refund_body(number, 10000)

    answer = refund(phone, body)
    waiting = status_of(phone, body["out_refund_no"])
    forward(phone, 61)
    done = call(phone, "GET", f"{REFUNDS}/{body['out_refund_no']}").json()

    told = answer.json()
    assert answer.status_code == 200
    assert merchant.believes(answer.headers, answer.content)
    assert (told["status"], waiting, done["status"]) == ("PROCESSING", "PROCESSING", "SUCCESS")
    assert "success_time" not in told
    assert done["success_time"] > told["create_time"]
    assert done["refund_id"] == told["refund_id"]
    assert (told["out_trade_no"], told["channel"]) == (number, "ORIGINAL")
    assert {name: told["amount"][name] for name in ("total", "refund", "payer_refund")} == {
        "total": 30000,
        "refund": 10000,
        "payer_refund": 10000,
    }
    assert basic(phone) == (0, 20000)


def test_nobody_has_to_ask_for_the_notice_of_a_refund(
    merchant: Merchant, phone: Phone, receiver: Receiver, number: str
) -> None:
    plan(phone, "SUCCESS", 0)
    body = refund_body(number, 10000, notify_url=receiver.notify_url)

    answer = refund(phone, body).json()
    ((headers, content),) = receiver.wait_for(1)

    notice, facts = opened(merchant, content)
    assert merchant.believes(headers, content)
    assert (notice["event_type"], notice["resource"]["original_type"]) == (
        "REFUND.SUCCESS",
        "refund",
    )
    assert notice["resource"]["associated_data"] == "refund"
    assert facts.pop("success_time") == answer["create_time"]
    assert facts == {
        "mchid": merchant.env["WECHAT_PAY_MCHID"],
        "transaction_id": answer["transaction_id"],
        "out_trade_no": number,
        "refund_id": answer["refund_id"],
        "out_refund_no": body["out_refund_no"],
        "refund_status": "SUCCESS",
        "user_received_account": "支付用户零钱",
        "amount": {"total": 30000, "refund": 10000, "payer_total": 30000, "payer_refund": 10000},
    }


def test_an_abnormal_refund_keeps_the_money_out_until_it_goes_to_a_card(
    merchant: Merchant, phone: Phone, receiver: Receiver, number: str
) -> None:
    plan(phone, "ABNORMAL", 0)
    body = refund_body(number, 10000, notify_url=receiver.notify_url)
    refund_id = refund(phone, body).json()["refund_id"]
    receiver.wait_for(1)
    abnormal, out = status_of(phone, body["out_refund_no"]), basic(phone)
    path = f"{REFUNDS}/{refund_id}/apply-abnormal-refund"
    asked = {"out_refund_no": body["out_refund_no"], "type": "MERCHANT_BANK_CARD"}

    plan(phone, "ABNORMAL", 60)
    moved = call(phone, "POST", path, asked)
    again = call(phone, "POST", path, asked)
    forward(phone, 61)
    came = receiver.wait_for(2)

    assert (abnormal, out) == ("ABNORMAL", (0, 20000))
    assert (moved.status_code, moved.json()["status"]) == (200, "PROCESSING")
    assert (again.status_code, again.json()["code"]) == (400, "INVALID_REQUEST")
    told = [opened(merchant, content) for _, content in came]
    assert [notice["event_type"] for notice, _ in told] == ["REFUND.ABNORMAL", "REFUND.SUCCESS"]
    assert "success_time" not in told[0][1]
    assert told[1][1]["user_received_account"] == "商户银行卡"
    assert basic(phone) == (0, 20000)
    assert refunds_in_books(phone)[0]["notice_statuses"] == [204, 204]


def test_an_abnormal_refund_is_known_by_both_its_numbers(phone: Phone, number: str) -> None:
    plan(phone, "ABNORMAL", 0)
    body = refund_body(number, 10000)
    refund_id = refund(phone, body).json()["refund_id"]
    asked = {"out_refund_no": body["out_refund_no"], "type": "MERCHANT_BANK_CARD"}
    path = f"{REFUNDS}/{refund_id}/apply-abnormal-refund"

    answers = [
        call(phone, "POST", f"{REFUNDS}/5030/apply-abnormal-refund", asked),
        call(phone, "POST", path, asked | {"out_refund_no": "R2"}),
        call(phone, "POST", path, asked | {"type": "USER_BANK_CARD"}),
        call(phone, "POST", path, asked | {"type": "CASH"}),
    ]

    assert [each.json()["code"] for each in answers] == [
        *["RESOURCE_NOT_EXISTS"] * 2,
        *["PARAM_ERROR"] * 2,
    ]
    assert status_of(phone, body["out_refund_no"]) == "ABNORMAL"


def test_the_money_of_a_closed_refund_comes_back_with_its_fee(
    merchant: Merchant, phone: Phone, receiver: Receiver
) -> None:
    set_clock(phone, NOON)
    phone.control("PUT", "/merchant", {"fee_rate_bp": 60})
    number, _ = paid_on(phone, 30000, NOON)
    body = refund_body(number, 30000, notify_url=receiver.notify_url)
    plan(phone, "SUCCESS", 3600)

    accepted = refund(phone, body).status_code
    out = sum(basic(phone))
    path = f"/refunds/{body['out_refund_no']}/finish"
    closed = phone.control("POST", path, {"outcome": "CLOSED"})
    back = sum(basic(phone))
    forward(phone, 61)
    anew = refund(phone, refund_body(number, 30000))

    assert (accepted, out, back) == (200, 0, 29820)
    assert closed.json()["status"] == "CLOSED"
    ((_, content),) = receiver.wait_for(1)
    assert opened(merchant, content)[0]["event_type"] == "REFUND.CLOSED"
    assert anew.status_code == 200


@pytest.mark.parametrize(
    ("ended", "then", "status"),
    [
        ("SUCCESS", "CLOSED", 409),
        ("CLOSED", "SUCCESS", 409),
        ("ABNORMAL", "ABNORMAL", 409),
        ("ABNORMAL", "CLOSED", 200),
        ("ABNORMAL", "LOST", 400),
    ],
)
def test_only_an_abnormal_refund_can_end_twice(
    phone: Phone, number: str, ended: str, then: str, status: int
) -> None:
    body = refund_body(number, 10000)
    refund(phone, body)
    path = f"/refunds/{body['out_refund_no']}/finish"
    first = phone.control("POST", path, {"outcome": ended})

    answer = phone.control("POST", path, {"outcome": then})

    assert first.status_code == 200
    assert answer.status_code == status
    expected = then if status == 200 else ended
    assert status_of(phone, body["out_refund_no"]) == expected
    assert basic(phone) == {"CLOSED": (10000, 20000)}.get(expected, (0, 20000))


def test_a_payment_once_refunded_says_so_when_asked(phone: Phone, number: str) -> None:
    mchid = phone.merchant.env["WECHAT_PAY_MCHID"]
    query = f"/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}"
    before = call(phone, "GET", query).json()

    refund(phone, refund_body(number, 1))
    after = call(phone, "GET", query).json()

    assert (before["trade_state"], after["trade_state"]) == ("SUCCESS", "REFUND")
    assert after["amount"] == before["amount"]


@pytest.mark.parametrize(
    ("fault", "status", "refunded"),
    [
        ("fail_refund", 500, False),
        ("timeout_refund_before_effect", 500, False),
        ("timeout_refund_after_effect", 200, True),
        ("refund_error_after_effect", 500, True),
    ],
)
def test_a_fault_strikes_once_before_or_after_the_effect(
    phone: Phone, number: str, fault: str, status: int, refunded: bool
) -> None:
    phone.control("PUT", "/faults", {fault: 1, "timeout_s": 1})
    body = refund_body(number, 10000)

    started = time.monotonic()
    struck = refund(phone, body)
    took_s = time.monotonic() - started
    left = sum(basic(phone))
    again = refund(phone, body)

    assert struck.status_code == status
    assert struck.json().get("code", "SYSTEM_ERROR") == "SYSTEM_ERROR"
    assert (took_s >= 1) == fault.startswith("timeout")
    assert left == (20000 if refunded else 30000)
    assert again.status_code == 200
    assert basic(phone) == (0, 20000)


def test_a_query_of_a_refund_can_fail(phone: Phone, number: str) -> None:
    body = refund_body(number, 10000)
    refund(phone, body)
    phone.control("PUT", "/faults", {"fail_refund_query": 1})

    found = [call(phone, "GET", f"{REFUNDS}/{body['out_refund_no']}") for _ in range(2)]

    assert [answer.status_code for answer in found] == [500, 200]


def test_the_books_tell_of_every_refund(phone: Phone, receiver: Receiver, number: str) -> None:
    receiver.statuses = [500]
    plan(phone, "SUCCESS", 0)
    body = refund_body(number, 10000, notify_url=receiver.notify_url)
    told = refund(phone, body).json()
    receiver.wait_for(1)
    forward(phone, 16)
    receiver.wait_for(2)
    time.sleep(0.05)  # the answer has to reach the books

    assert refunds_in_books(phone) == [
        {
            "out_refund_no": body["out_refund_no"],
            "refund_id": told["refund_id"],
            "out_trade_no": number,
            "transaction_id": told["transaction_id"],
            "amount": 10000,
            "status": "SUCCESS",
            "success_time": told["create_time"],
            "notice_statuses": [500, 204],
        }
    ]


def test_a_refund_without_notice_is_silent_until_a_resend(
    phone: Phone, receiver: Receiver, number: str
) -> None:
    plan(phone, "SUCCESS", 0)
    phone.control("PUT", "/faults", {"no_notice": True})
    body = refund_body(number, 10000, notify_url=receiver.notify_url)
    refund(phone, body)
    time.sleep(2 * LOOK_EVERY_S)
    silent = list(receiver.came)

    answer = phone.control("POST", f"/refunds/{body['out_refund_no']}/resend", {"copies": 2})

    assert silent == []
    assert answer.json() == {"statuses": [204, 204]}
    assert len(receiver.came) == 2


def test_a_refund_on_its_way_arrives_after_a_restart(folder: Path) -> None:
    with receiving() as receiver:
        with serve_in_thread(create_sandbox(folder)) as base:
            phone = Phone(Merchant(folder, base))
            number, _ = phone.paid()
            plan(phone, "SUCCESS", 30)
            refund(phone, refund_body(number, 10000, notify_url=receiver.notify_url))
        before = list(receiver.came)

        Clock(folder / "clock-offset").set_offset_s(31)
        with serve_in_thread(create_sandbox(folder)):
            came = receiver.wait_for(1)

    assert (len(before), len(came)) == (0, 1)
