"""What tests of refunds and of the purse do, at the sandbox's own time."""

import base64
import json
import secrets
from datetime import datetime
from typing import Any

import requests
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.sandbox.merchant import Merchant, Phone

NOON = "2026-03-01T12:00:00"
REFUNDS = "/v3/refund/domestic/refunds"


def now_s(phone: Phone) -> int:
    """The sandbox's time in Unix seconds."""
    told = phone.control("GET", "/clock").json()["now"]
    return int(datetime.fromisoformat(told).timestamp())


def call(
    phone: Phone, method: str, path: str, body: dict[str, Any] | None = None
) -> requests.Response:
    """A signed call, stamped with the sandbox's time."""
    return phone.merchant.call(method, path, body, at_s=now_s(phone))


def refund_body(number: str, fen: int, *, total: int = 30000, **changes: Any) -> dict[str, Any]:
    """A refund request in form; `changes` replace or add fields."""
    return {
        "out_trade_no": number,
        "out_refund_no": "R" + secrets.token_hex(10),
        "reason": "提取",
        "amount": {"refund": fen, "total": total, "currency": "CNY"},
    } | changes


def refund(phone: Phone, body: dict[str, Any]) -> requests.Response:
    """The refund is asked for."""
    return call(phone, "POST", REFUNDS, body)


def status_of(phone: Phone, out_refund_no: str) -> str:
    """What WeChat answers has become of it."""
    answer = call(phone, "GET", f"{REFUNDS}/{out_refund_no}")
    assert answer.status_code == 200, answer.text
    assert phone.merchant.believes(answer.headers, answer.content)
    return str(answer.json()["status"])


def plan(phone: Phone, outcome: str, takes_s: int) -> None:
    """Coming refunds end like that."""
    answer = phone.control("PUT", "/refunds/plan", {"outcome": outcome, "takes_s": takes_s})
    assert answer.json() == {"outcome": outcome, "takes_s": takes_s}


def top_up(phone: Phone, account: str, fen: int) -> None:
    """The merchant pays in."""
    answer = phone.control("POST", "/balances/top-up", {"account": account, "amount": fen})
    assert answer.status_code == 200, answer.text


def basic(phone: Phone) -> tuple[int, int]:
    """The basic account: what is available, and what was collected today."""
    told = phone.control("GET", "/balances").json()["basic"]
    return told["available_fen"], told["unsettled_fen"]


def forward(phone: Phone, by_s: int) -> None:
    """Everybody's clock goes on by so much."""
    offset_s = phone.control("GET", "/clock").json()["offset_s"]
    phone.control("PUT", "/clock", {"offset_s": offset_s + by_s})


def opened(merchant: Merchant, body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """A notice, and what was sealed in it."""
    notice = json.loads(body)
    resource = notice["resource"]
    plain = AESGCM(merchant.env["WECHAT_PAY_APIV3_KEY"].encode()).decrypt(
        resource["nonce"].encode(),
        base64.b64decode(resource["ciphertext"]),
        b"refund",
    )
    return notice, json.loads(plain)


def refunds_in_books(phone: Phone) -> list[dict[str, Any]]:
    """Every refund WeChat knows of."""
    return list(phone.control("GET", "/books").json()["refunds"])
