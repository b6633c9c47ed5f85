"""A notice that WeChat did not just sign has no effect at all (F7, S15, S18)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from sandbox.forgery import KINDS
from sandbox.phone import Phone
from tests.api.asking import ask, everything_stored, problem_of
from tests.house import House

PATH = "/v1/notices/wechat-pay"
MAX_BODY = 256 * 1024
AMOUNT_FEN = 100_000

GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "an object": b"{}",
    "null": b"null",
    "a list": b"[]",
    "no JSON": b"<xml><return_code>SUCCESS</return_code></xml>",
    "a NUL": b"\x00",
    "no UTF-8": b"\xff\xfe\xfd",
    "deep": b"[" * 10_000 + b"]" * 10_000,
    "long": b"x" * (MAX_BODY - 1),
    "of the second version": b"<xml><sign>C380BEC2BFD727A4B6845133519F3AD6</sign></xml>",
}
STRANGE_HEADERS: dict[str, dict[str, str]] = {
    "none": {},
    "all empty": dict.fromkeys(
        (
            "Wechatpay-Timestamp",
            "Wechatpay-Nonce",
            "Wechatpay-Signature",
            "Wechatpay-Serial",
            "Wechatpay-Signature-Type",
        ),
        "",
    ),
    "no base64": {"Wechatpay-Signature": "§§§"},
    "base64 of nothing": {"Wechatpay-Signature": "===="},
    "a long signature": {"Wechatpay-Signature": "A" * 8_000},
    "a signature that is short": {"Wechatpay-Signature": "AAAA"},
    "not ASCII": {"Wechatpay-Nonce": "é", "Wechatpay-Signature": "é"},
    "a timestamp of words": {"Wechatpay-Timestamp": "yesterday"},
    "a timestamp of other digits": {"Wechatpay-Timestamp": "\xb2\xb3"},
    "a negative timestamp": {"Wechatpay-Timestamp": "-1"},
    "a timestamp with a fraction": {"Wechatpay-Timestamp": "1.5e9"},
    "a timestamp without end": {"Wechatpay-Timestamp": "9" * 400},
    "another serial": {"Wechatpay-Serial": "PUB_KEY_ID_0000000000000000000000000000"},
    "the serial of a path": {"Wechatpay-Serial": "../../../etc/passwd"},
    "MD5": {"Wechatpay-Signature-Type": "MD5"},
    "SM2": {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"},
    "no signature at all": {"Wechatpay-Signature-Type": "none"},
}


@pytest.fixture
def unpaid(house: House) -> Phone:
    """A worker with an order that nobody has paid."""
    phone = house.worker()
    phone.order(AMOUNT_FEN)
    house.forget_calls()
    return phone


def test_a_forged_notice_is_refused_in_wechats_own_shape_and_leaves_no_trace(
    house: House, unpaid: Phone
) -> None:
    before = everything_stored(house)

    answers = {
        kind: house.play(f"orders/{house.out_trade_no()}/forge", {"kind": kind}) for kind in KINDS
    }

    refused = {k: (a["status"], json.loads(a["body"])["code"]) for k, a in answers.items()}
    assert refused == dict.fromkeys(KINDS, (401, "FAIL"))
    assert everything_stored(house) == before
    assert house.calls() == {}
    assert unpaid.get("/v1/me/deposits")[0]["state"] == "pending"


def test_no_garbage_is_taken_for_a_notice(house: House, unpaid: Phone) -> None:
    signed = true_notice(house, unpaid)["headers"]
    before = everything_stored(house)

    answers = {
        (name, how): ask(house, "POST", PATH, data=body, headers=headers)
        for name, body in GARBAGE.items()
        for how, headers in (("signed for another", signed), ("unsigned", {}))
    }

    assert not_refused(answers) == {}
    assert everything_stored(house) == before


def test_a_true_body_under_other_headers_is_refused(house: House, unpaid: Phone) -> None:
    notice = true_notice(house, unpaid)
    before = everything_stored(house)
    house.forget_calls()

    answers = {
        name: ask(house, "POST", PATH, data=notice["body"].encode(), headers=changed(notice, more))
        for name, more in STRANGE_HEADERS.items()
    }

    assert not_refused(answers) == {}
    assert everything_stored(house) == before
    assert house.calls() == {}


def test_the_same_notice_unspoilt_is_credited(house: House, unpaid: Phone) -> None:
    """Or the tests above would show nothing."""
    notice = true_notice(house, unpaid)

    answer = ask(house, "POST", PATH, data=notice["body"].encode(), headers=notice["headers"])

    assert answer.status_code == 204
    assert unpaid.get("/v1/me/account")["flexible_fen"] == AMOUNT_FEN


def test_a_notice_above_the_limit_is_not_read(house: House, unpaid: Phone) -> None:
    before = everything_stored(house)

    answer = ask(house, "POST", PATH, data=b"x" * (MAX_BODY + 1))

    assert answer.status_code == 413
    assert everything_stored(house) == before


def test_no_session_opens_the_door_of_notices(house: House, unpaid: Phone) -> None:
    answer = ask(house, "POST", PATH, by=unpaid, json={"id": "1", "event_type": "x"})

    assert answer.status_code == 401
    assert problem_of(answer)["type"] == "/problems/notice-forged"


def true_notice(house: House, phone: Phone) -> dict[str, Any]:
    """WeChat's own notice of a payment just made, not yet sent."""
    parameters = phone.order(AMOUNT_FEN, key="another-order-to-be-paid")["payment_parameters"]
    phone.wechat.pay(parameters, notify=False)
    return dict(house.play(f"orders/{house.out_trade_no()}/notice"))


def changed(notice: dict[str, Any], more: dict[str, str]) -> dict[str, str]:
    """The notice's headers with some replaced; without any signature where none is given."""
    if not more:
        return {k: v for k, v in notice["headers"].items() if not k.startswith("Wechatpay-")}
    return {**notice["headers"], **more}


def not_refused(answers: dict[Any, TestResponse]) -> dict[Any, Any]:
    """The answers that are no 401 in WeChat's shape."""
    found = {}
    for case, answer in answers.items():
        problem = problem_of(answer)
        if answer.status_code != 401 or problem.get("code") != "FAIL" or not problem["message"]:
            found[case] = (answer.status_code, problem)
    return found
