"""Many hands at once on the same money: over HTTP, on both databases, one effect."""

import uuid
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from app.models import (
    FundAccount,
    IdempotencyKey,
    Journal,
    Notice,
    PaymentOrder,
    SubAccount,
    WechatPayment,
)
from sandbox.phone import Phone, Problem
from tests.house import STARTS_AT, House, at_once
from tests.short_cuts import a_phone

AMOUNT = 100_000


def count(house: House, model: Any) -> int:
    return int(house.rows(select(func.count()).select_from(model))[0][0])


def a_notice(house: House, out_trade_no: str, **how: Any) -> dict[str, Any]:
    return dict(house.play(f"orders/{out_trade_no}/notice", how))


def order_status(house: House, phone: Phone, key: str, amount_fen: int = AMOUNT) -> tuple[int, Any]:
    answer = requests.post(
        f"{house.api}/v1/me/deposits",
        json={"amount_fen": amount_fen},
        headers={
            "Idempotency-Key": key,
            "Authorization": str(phone._http.headers["Authorization"]),
        },
        timeout=30,
    )
    return answer.status_code, answer.json()


def test_a_hundred_copies_of_a_notice_at_once_credit_once_and_all_are_thanked(house: House) -> None:
    """F3: the unique key decides, and WeChat is told 204 each time."""
    phone, _ = a_phone(house)
    phone.deposit(AMOUNT, notify=False)
    notice = a_notice(house, house.out_trade_no())

    answers = at_once(100, lambda _: house.send_notice(notice).status_code)

    assert Counter(answers) == {204: 100}
    assert count(house, Journal) == count(house, WechatPayment) == count(house, Notice) == 1
    assert phone.get("/v1/me/account")["flexible_fen"] == AMOUNT


def test_twelve_different_notices_of_one_payment_at_once_credit_once(house: House) -> None:
    phone, _ = a_phone(house)
    phone.deposit(AMOUNT, notify=False)
    number = house.out_trade_no()
    notices = [a_notice(house, number, same_id=False) for _ in range(12)]

    answers = at_once(12, lambda n: house.send_notice(notices[n]).status_code)

    assert Counter(answers) == {204: 12}
    assert count(house, Journal) == 1
    outcomes = Counter(outcome for (outcome,) in house.rows(select(Notice.outcome)))
    assert outcomes == {"credited": 1, "already-recorded": 11}


def test_two_first_deposits_from_two_phones_open_one_account(house: House) -> None:
    phone, _ = a_phone(house)
    numbers = []
    for amount_fen in (AMOUNT, 2 * AMOUNT):
        phone.deposit(amount_fen, notify=False)
        numbers.append(house.out_trade_no())
    notices = [a_notice(house, number) for number in numbers]

    answers = at_once(2, lambda n: house.send_notice(notices[n]).status_code)

    assert answers == [204, 204]
    assert count(house, FundAccount) == 1
    assert count(house, SubAccount) == 2
    assert phone.get("/v1/me/account")["flexible_fen"] == 3 * AMOUNT


def test_a_notice_and_our_own_question_at_the_same_moment_credit_once(house: House) -> None:
    phones = [a_phone(house)[0] for _ in range(3)]
    for phone in phones:
        deposit_id = phone.deposit(AMOUNT, notify=False)["deposit_id"]
        number = house.out_trade_no()
        notice = a_notice(house, number)
        house.at(STARTS_AT + timedelta(seconds=61))
        acts = (
            lambda notice=notice: house.send_notice(notice).status_code,
            lambda: house.run_job("follow-up-payments"),
            lambda phone=phone, deposit_id=deposit_id: phone.settle(deposit_id)["state"],
            lambda notice=notice: house.send_notice(notice).status_code,
        )

        answers = at_once(4, lambda n, acts=acts: acts[n]())

        assert (answers[0], answers[2], answers[3]) == (204, "credited", 204)
        assert isinstance(answers[1], dict), answers[1]
    assert count(house, Journal) == 3


def test_the_same_key_ten_times_at_once_makes_one_order(house: House) -> None:
    """P8: who does not get the order is told that it is in progress."""
    phone, _ = a_phone(house)
    key = uuid.uuid4().hex

    answers = at_once(10, lambda _: order_status(house, phone, key))

    assert count(house, PaymentOrder) == count(house, IdempotencyKey) == 1
    assert len(house.books()["orders"]) == 1
    made = [body["deposit"]["deposit_id"] for status, body in answers if status == 201]
    assert len(made) >= 1
    assert len(set(made)) == 1
    refused = {(status, body["type"]) for status, body in answers if status != 201}
    assert refused <= {(409, "/problems/deposit-in-progress")}
    assert order_status(house, phone, key)[1]["deposit"]["deposit_id"] == made[0]


def test_one_key_with_two_bodies_at_once_serves_one_of_them(house: House) -> None:
    phone, _ = a_phone(house)
    key = uuid.uuid4().hex

    answers = at_once(8, lambda n: order_status(house, phone, key, AMOUNT + n % 2))

    assert count(house, PaymentOrder) == 1
    (amount_fen,) = house.rows(select(PaymentOrder.amount_fen))[0]
    for number, (status, body) in enumerate(answers):
        if AMOUNT + number % 2 == amount_fen:
            assert status in (201, 409), body
        else:
            assert status == 422, body


def test_a_notice_that_overtakes_the_prepay_answer_is_credited(house: House) -> None:
    """The worker paid before our own request for the prepay id had come home."""
    phone, _ = a_phone(house)
    paid: list[Any] = []

    def pay_while_answering(_app: Any, **facts: Any) -> None:
        prepay_id = facts["prepay_id"]
        parameters = house.app.extensions["lingcun-pay"].payment_parameters(prepay_id, at=STARTS_AT)
        phone.wechat.pay(parameters, notify=False)
        paid.append(house.send_notice(a_notice(house, house.out_trade_no())).status_code)

    with overtaken(house, pay_while_answering):
        ordered = phone.order(AMOUNT)

    assert paid == [204]
    assert ordered["deposit"]["state"] == "credited"
    assert ordered["payment_parameters"] is None
    assert phone.get("/v1/me/account")["flexible_fen"] == AMOUNT


def test_cancelling_and_paying_at_once_end_in_one_truth(house: House) -> None:
    """Either the money came and is credited, or the order is closed at WeChat and here."""
    for _ in range(4):
        phone, _worker = a_phone(house)
        ordered = phone.order(AMOUNT)
        deposit_id = ordered["deposit"]["deposit_id"]
        acts = (
            lambda phone=phone, ordered=ordered: phone.wechat.pay(
                ordered["payment_parameters"], notify=False
            ),
            lambda phone=phone, deposit_id=deposit_id: phone.post(
                f"/v1/me/deposits/{deposit_id}/cancel"
            ),
        )

        paid, _cancelled = at_once(2, lambda n, acts=acts: acts[n]())

        here = phone.settle(deposit_id)["state"]
        there = house.books()["orders"][-1]["trade_state"]
        assert (here, there) in (("credited", "SUCCESS"), ("closed", "CLOSED"))
        assert isinstance(paid, Problem) == (there == "CLOSED")


class overtaken:  # noqa: N801 - reads as a sentence in a with statement
    """The gateway's prepay answer is held back until something else has happened."""

    def __init__(self, house: House, meanwhile: Any) -> None:
        self._session = house.app.extensions["lingcun-pay"]._client._http
        self._meanwhile = meanwhile

    def __enter__(self) -> None:
        self._hooks = self._session.hooks["response"]
        self._session.hooks["response"] = [self._hold_back]

    def __exit__(self, *_: object) -> None:
        self._session.hooks["response"] = self._hooks

    def _hold_back(self, response: requests.Response, **_: Any) -> None:
        if response.url.endswith("/jsapi"):
            self._meanwhile(None, prepay_id=response.json()["prepay_id"])


def test_a_cancel_that_loses_to_a_payment_finds_the_money(house: House) -> None:
    phone, _ = a_phone(house)
    ordered = phone.order(50_000)
    path = f"/v1/me/deposits/{ordered['deposit']['deposit_id']}"
    pay = partial(phone.wechat.pay, ordered["payment_parameters"], notify=False)
    house.just_before("/close", pay)

    with pytest.raises(Problem) as refused:
        phone.post(f"{path}/cancel")

    assert refused.value.kind == "deposit-already-paid"
    assert phone.get(path)["state"] == "credited"


def test_a_proof_given_while_signing_is_never_left_out_of_the_paper(house: House) -> None:
    """Either the paper carries the newest proof, or the signature is asked for again."""
    phone = house.phone()
    phone.log_in()
    phone.consent()
    phone.prove_identity()
    phone.enrol()

    def act(number: int) -> None:
        return phone.prove_identity() if number else phone.sign_agreement()

    answers = at_once(2, act)

    kinds = {each.kind for each in answers if isinstance(each, Problem)}
    assert kinds <= {"agreement-text-changed"}
    agreements = phone.get("/v1/me/agreements")
    assert len(agreements) == 1 - len(kinds)
