"""F21, F28: WeChat hangs, or the phone hangs up: nobody else waits, and nothing is lost."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import select

from app.models import PaymentOrder
from app.wechat import wire
from sandbox.phone import Phone
from tests.api.asking import token_of
from tests.house import STARTS_AT, House
from tests.short_cuts import a_phone

AMOUNT, HANGING = 100_000, 20  # more than the pool has connections to the database
GIVEN_UP_S, AT_ONCE_S = 3.0, 1.5


def test_while_wechat_hangs_every_other_route_answers_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F21. That five seconds are the time-out is asserted in `tests/wechat/test_waiting.py`."""
    monkeypatch.setattr(wire, "TIMEOUT_S", (2.0, GIVEN_UP_S))
    other, _ = a_phone(house)
    phones = [a_phone(house)[0] for _ in range(HANGING)]
    house.faults(timeout_prepay_after_effect=HANGING, timeout_s=int(GIVEN_UP_S) + 2)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda p=each: statuses.append(order(house, p))) for each in phones
    ]
    for each in threads:
        each.start()
    time.sleep(GIVEN_UP_S / 2)  # all of them wait for WeChat by now

    waits = [
        waited_s(house, other, path)
        for path in ("/healthz", "/readyz", "/v1/me", "/v1/me/deposits")
    ]

    meanwhile = len(statuses)
    for each in threads:
        each.join()
    assert meanwhile == 0
    assert max(waits) < AT_ONCE_S, waits
    assert statuses == [503] * HANGING


def order(house: House, phone: Phone) -> int:
    """The status of an order of a deposit."""
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Authorization": f"Bearer {token_of(phone)}"}
    body = {"amount_fen": AMOUNT}
    answer = requests.post(f"{house.api}/v1/me/deposits", json=body, headers=headers, timeout=60)
    return answer.status_code


def waited_s(house: House, phone: Phone, path: str) -> float:
    """How long somebody waited for an answer."""
    begun = time.monotonic()
    headers = {"Authorization": f"Bearer {token_of(phone)}"}
    answer = requests.get(f"{house.api}{path}", headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return time.monotonic() - begun


def test_a_phone_that_hangs_up_gets_the_same_answer_under_its_key(house: House) -> None:
    """F28: the order goes on without its caller, and its key gives it to whoever asks again."""
    phone, _ = a_phone(house)
    key = uuid.uuid4().hex

    sent_and_gone(house, phone, key)
    stored = until_prepaid(house)
    first, again = phone.order(AMOUNT, key=key), phone.order(AMOUNT, key=key)

    assert stored == first["deposit"]["deposit_id"]
    assert first["deposit"] == again["deposit"]
    assert len(house.books()["orders"]) == 1
    phone.wechat.pay(again["payment_parameters"], notify=False)
    assert phone.settle(stored)["state"] == "credited"


def test_a_phone_that_hangs_up_after_settling_finds_its_money(house: House) -> None:
    phone, _ = a_phone(house)
    deposit_id = phone.deposit(AMOUNT, notify=False)["deposit_id"]

    said(house, phone, f"/v1/me/deposits/{deposit_id}/settle", "{}", "")
    deadline = time.monotonic() + 10
    while house.rows(select(PaymentOrder.state)) != [("credited",)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)

    house.at(STARTS_AT + timedelta(minutes=2))
    assert phone.settle(deposit_id)["state"] == "credited"


def sent_and_gone(house: House, phone: Phone, key: str) -> None:
    """An order was asked for by somebody who did not wait for the answer."""
    said(house, phone, "/v1/me/deposits", json.dumps({"amount_fen": AMOUNT}), key)


def said(house: House, phone: Phone, path: str, body: str, key: str) -> None:
    """A POST was sent, and the connection cut."""
    place = urlsplit(house.api)
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {place.netloc}",
        f"Authorization: Bearer {token_of(phone)}",
        *([f"Idempotency-Key: {key}"] if key else []),
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    with socket.create_connection((str(place.hostname), int(place.port or 0))) as connection:
        connection.sendall("\r\n".join([*lines, "", body]).encode())


def until_prepaid(house: House) -> str:
    """The one order can be paid; its public id."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        rows = house.rows(select(PaymentOrder.public_id, PaymentOrder.state))
        if [state for _, state in rows] == ["prepaid"]:
            return str(rows[0][0])
        time.sleep(0.02)
    raise AssertionError("the order was never prepaid")
