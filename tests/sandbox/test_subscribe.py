"""Subscribe messages: who may get one, what may stand in it, and what arrived."""

from typing import Any

import pytest
import requests

from sandbox.message_form import is_value
from tests.sandbox.merchant import Merchant, Phone

TEMPLATE = "BEwX0BO-T3MqK3Uc5oTU3CGBqzjpndk2jzUf7VfExd8"
FIELDS = ["thing1", "amount2", "date3"]
DATA = {
    "thing1": {"value": "住房公积金缴存到账"},
    "amount2": {"value": "¥300.00"},
    "date3": {"value": "2026年3月1日"},
}


@pytest.fixture
def token(merchant: Merchant, phone: Phone) -> str:
    """The template is known and a token in hand."""
    made = {"template_id": TEMPLATE, "title": "到账通知", "fields": FIELDS}
    pages = ["pages/account/index"]
    known = phone.control("PUT", "/templates", {"templates": [made], "pages": pages})
    assert known.json() == {"templates": [made], "pages": pages}
    body = {
        "grant_type": "client_credential",
        "appid": merchant.env["WECHAT_APPID"],
        "secret": merchant.env["WECHAT_APP_SECRET"],
    }
    answer = requests.post(f"{merchant.base}/cgi-bin/stable_token", json=body, timeout=10)
    return str(answer.json()["access_token"])


def _message(phone: Phone, **changes: Any) -> dict[str, Any]:
    return {
        "touser": phone.openid,
        "template_id": TEMPLATE,
        "page": "pages/account/index?month=3",
        "data": DATA,
        "miniprogram_state": "formal",
        "lang": "zh_CN",
    } | changes


def _send(merchant: Merchant, token: str, message: Any) -> dict[str, Any]:
    url = f"{merchant.base}/cgi-bin/message/subscribe/send?access_token={token}"
    answer = requests.post(url, json=message, timeout=10)
    assert answer.status_code == 200
    return dict(answer.json())


def _arrived(phone: Phone) -> list[dict[str, Any]]:
    found = phone.control("GET", f"/users/{phone.user_id}/messages").json()
    return list(found["messages"])


def test_a_message_arrives_as_often_as_it_was_allowed(
    merchant: Merchant, phone: Phone, token: str
) -> None:
    allowed = phone.does("subscribe", template_id=TEMPLATE, times=2).json()

    codes = [_send(merchant, token, _message(phone))["errcode"] for _ in range(3)]

    assert allowed == {"template_id": TEMPLATE, "times_left": 2}
    assert codes == [0, 0, 43101]
    assert len(_arrived(phone)) == 2


def test_what_arrived_is_what_was_sent(merchant: Merchant, phone: Phone, token: str) -> None:
    phone.does("subscribe", template_id=TEMPLATE)

    told = _send(merchant, token, _message(phone))

    (message,) = _arrived(phone)
    assert told["errmsg"] == "ok"
    assert message["msgid"] == told["msgid"]
    assert message["data"] == {key: field["value"] for key, field in DATA.items()}
    assert message["page"] == "pages/account/index?month=3"
    assert phone.control("GET", "/books").json()["messages"] == [message]


def test_one_users_permission_is_not_anothers_and_a_refusal_is_none(
    merchant: Merchant, phone: Phone, token: str
) -> None:
    other = Phone(merchant)
    other.does("subscribe", template_id=TEMPLATE)
    phone.does("subscribe", template_id=TEMPLATE, answer="reject")

    assert _send(merchant, token, _message(phone))["errcode"] == 43101
    assert _arrived(phone) == []


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"touser": "oNobody"}, 40003),
        ({"touser": None}, 40003),
        ({"template_id": "T" * 43}, 40037),
        ({"template_id": None}, 40037),
        ({"page": "pages/other/index"}, 41030),
        ({"page": "/pages/account/index"}, 41030),
        ({"page": "https://example.com"}, 41030),
        ({"data": {}}, 47003),
        ({"data": "thing1"}, 47003),
        ({"data": DATA | {"thing1": {"value": "字" * 21}}}, 47003),
        ({"data": DATA | {"thing1": {"value": ""}}}, 47003),
        ({"data": DATA | {"thing1": "缴存"}}, 47003),
        ({"data": DATA | {"amount2": {"value": 300}}}, 47003),
        ({"data": DATA | {"thing9": {"value": "多"}}}, 47003),
        ({"miniprogram_state": None}, 47003),
        ({"lang": "fr_FR"}, 47003),
        ({"colour": "red"}, 47003),
    ],
)
def test_a_message_out_of_form_gets_its_errcode_and_uses_nothing_up(
    merchant: Merchant, phone: Phone, token: str, changes: dict[str, Any], errcode: int
) -> None:
    phone.does("subscribe", template_id=TEMPLATE)

    refused = _send(merchant, token, _message(phone, **changes))
    sent = _send(merchant, token, _message(phone))

    assert refused["errcode"] == errcode
    assert "rid" in refused["errmsg"]
    assert sent["errcode"] == 0


@pytest.mark.parametrize(("given", "errcode"), [("invented", 40001), ("", 41001)])
def test_a_message_needs_a_token(
    merchant: Merchant, phone: Phone, token: str, given: str, errcode: int
) -> None:
    assert token != given

    assert _send(merchant, given, _message(phone))["errcode"] == errcode


def test_a_token_refreshed_away_or_too_old_sends_nothing(
    merchant: Merchant, phone: Phone, token: str
) -> None:
    phone.control("PUT", "/clock", {"offset_s": 7201})

    assert _send(merchant, token, _message(phone))["errcode"] == 42001


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("thing1", ["字" * 20, "a b,1"], ["字" * 21, "", "a\nb"]),
        ("number1", ["1", "3.14", "9" * 32], ["9" * 33, "1a", "."]),
        ("letter1", ["aZ"], ["a1", "字", "a" * 33]),
        ("character_string1", ["D2026-03/1", "a" * 32], ["字", "a b", "a" * 33]),
        ("phrase1", ["已到账", "字" * 5], ["字" * 6, "ok"]),
        ("name1", ["字" * 10, "Li Lei"], ["字" * 11, "a" * 21, "张3"]),
        ("amount1", ["¥300.00", "￥1", "$1234567890", "¥5元"], ["300.00", "¥12345678901", "¥¥1"]),
        ("amount1", ["¥12345678.90"], ["¥123456789.01", "¥1.", "CNY1", "¥-1"]),
        ("date1", ["2026年3月1日", "2026年3月1日 15:01", "2026-03-01"], ["3月", "20260301"]),
        ("time1", ["15:01", "2026年3月1日 15:01", "9:00~17:00"], ["25:00", "15"]),
        ("phone_number1", ["+86-13800138000"], ["1" * 18, "字"]),
        ("symbol1", ["+-"], ["a", "++++++"]),
        ("car_number1", ["粤A8Z888"], ["粤A8Z8888888"]),
        ("colour1", [], ["red"]),
    ],
)
def test_every_kind_of_field_has_its_limits(key: str, good: list[str], bad: list[str]) -> None:
    assert {value: is_value(key, value) for value in (*good, *bad)} == (
        dict.fromkeys(good, True) | dict.fromkeys(bad, False)
    )


@pytest.mark.parametrize(
    "body",
    [
        {"templates": [{"template_id": "T", "title": "t", "fields": ["colour1"]}]},
        {"templates": [{"template_id": "T", "title": "t"}]},
        {"templates": ["T"]},
        {"templates": [], "pages": ["/pages/index"]},
        {"templates": {}},
    ],
)
def test_a_template_out_of_form_is_refused(phone: Phone, body: dict[str, Any]) -> None:
    assert phone.control("PUT", "/templates", body).status_code == 400


def test_a_cancelled_account_gets_nothing_and_does_nothing(
    merchant: Merchant, phone: Phone, token: str
) -> None:
    phone.does("subscribe", template_id=TEMPLATE)
    phone.does("cancel-account")

    assert _send(merchant, token, _message(phone))["errcode"] == 40003
    assert phone.does("login-code").json()["error"] == "account-cancelled"
    assert _arrived(phone) == []
