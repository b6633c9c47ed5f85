"""How the sandbox tells of a payment: until it is heard, and no longer."""

import json
import time

import pytest

from sandbox.delivery import LOOK_EVERY_S, local_address
from sandbox.forgery import KINDS
from sandbox.notices import RETRY_AFTER_S
from tests.sandbox.merchant import Merchant, Phone, Receiver


def test_the_retries_are_wechats() -> None:
    minute, hour = 60, 3600

    in_words = (
        *(15, 15, 30),
        *(3 * minute, 10 * minute, 20 * minute, 30 * minute, 30 * minute, 30 * minute),
        *(hour, 3 * hour, 3 * hour, 3 * hour, 6 * hour, 6 * hour),
    )
    assert in_words == RETRY_AFTER_S
    assert sum(RETRY_AFTER_S) == 24 * hour + 4 * minute


def test_https_to_this_machine_is_spoken_in_http_and_nowhere_else() -> None:
    assert local_address("https://localhost:8000/n") == "http://127.0.0.1:8000/n"
    assert local_address("https://127.0.0.1:8000/n") == "http://127.0.0.1:8000/n"
    assert local_address("https://localhost.example.com/n") is None
    assert local_address("https://localhost@example.com/n") is None


def test_a_refused_notice_comes_again_signed_afresh_until_it_is_taken(
    merchant: Merchant, phone: Phone, receiver: Receiver
) -> None:
    receiver.statuses = [500, 401, 200]

    phone.paid(notify=True, notify_url=receiver.notify_url)
    receiver.wait_for(1)
    for offset_s, heard in ((16, 2), (40, 3), (100_000, 3)):
        phone.control("PUT", "/clock", {"offset_s": offset_s})
        receiver.wait_for(heard)
    time.sleep(2 * LOOK_EVERY_S)

    came = receiver.came
    assert len(came) == 3
    assert len({json.loads(body)["id"] for _, body in came}) == 1
    assert len({headers["Wechatpay-Nonce"] for headers, _ in came}) == 3
    assert all(merchant.believes(headers, body) for headers, body in came)


def test_a_notice_nobody_takes_comes_sixteen_times(phone: Phone, receiver: Receiver) -> None:
    receiver.statuses = [500] * 20
    phone.paid(notify=True, notify_url=receiver.notify_url)
    offset_s = 0

    for heard, wait_s in enumerate((*RETRY_AFTER_S, 7 * 86400), start=1):
        receiver.wait_for(heard)
        time.sleep(0.02)  # the answer has to reach the books
        offset_s += wait_s + 1
        phone.control("PUT", "/clock", {"offset_s": offset_s})
    time.sleep(2 * LOOK_EVERY_S)

    assert len(receiver.came) == 16


def test_the_books_show_every_attempt(phone: Phone, receiver: Receiver) -> None:
    receiver.statuses = [503]
    number, _ = phone.paid(notify_url=receiver.notify_url)

    statuses = phone.control("POST", f"/orders/{number}/resend", {"copies": 3}).json()["statuses"]

    line = phone.control("GET", "/books").json()["transactions"][0]
    assert statuses == [503, 204, 204]
    assert line["notice_statuses"] == [503, 204, 204]


def test_a_payment_without_notice_is_silent_until_a_resend(
    phone: Phone, receiver: Receiver
) -> None:
    phone.control("PUT", "/faults", {"no_notice": True})
    number, _ = phone.paid(notify=True, notify_url=receiver.notify_url)
    silent = list(receiver.came)

    phone.control("POST", f"/orders/{number}/resend", {})

    assert silent == []
    assert len(receiver.came) == 1


def test_nothing_is_sent_to_another_machine(phone: Phone) -> None:
    number, _ = phone.paid(notify_url="https://pay.example.com/notices")

    answer = phone.control("POST", f"/orders/{number}/resend", {})

    assert answer.json() == {"statuses": [None]}


def test_a_ready_notice_keeps_the_id_unless_another_is_wanted(
    merchant: Merchant, phone: Phone, receiver: Receiver
) -> None:
    number, _ = phone.paid(notify_url=receiver.notify_url)
    path = f"/orders/{number}/notice"

    same, again, other = (
        phone.control("POST", path, body).json() for body in ({}, {}, {"same_id": False})
    )

    ids = [json.loads(ready["body"])["id"] for ready in (same, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert merchant.believes(same["headers"], same["body"].encode())
    assert receiver.came == []


def test_an_override_nobody_built_is_refused(phone: Phone) -> None:
    number, _ = phone.paid()

    answer = phone.control("POST", f"/orders/{number}/notice", {"overrides": {"colour": "red"}})

    assert (answer.status_code, answer.json()["error"]) == (400, "override-unknown")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_forgery_is_sent_and_its_answer_shown(
    phone: Phone, receiver: Receiver, kind: str
) -> None:
    receiver.statuses = [401]
    number, _ = phone.placed(notify_url=receiver.notify_url)

    answer = phone.control("POST", f"/orders/{number}/forge", {"kind": kind})

    assert answer.json() == {"status": 401, "body": ""}
    assert len(receiver.came) == 1
    assert phone.control("GET", "/books").json()["transactions"] == []
