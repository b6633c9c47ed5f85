"""Seed §2, §4: depositing as much as one likes, when one likes."""

from typing import Any

import pytest

from sandbox.phone import Phone
from tests.house import House
from tests.scenarios.building import (
    MIN_FEN,
    MONTH_MAX_FEN,
    balance_of,
    cancel,
    come_back,
    id_of,
    pay,
    reasons_of,
    refused,
    second_phone,
)


def state_of(phone: Phone, ordered: dict[str, Any]) -> str:
    """How an order stands here."""
    return str(phone.get(f"/v1/me/deposits/{id_of(ordered)}")["state"])


@pytest.mark.clause("2.3")
def test_an_order_opens_nothing_and_its_payment_opens_the_account(house: House) -> None:
    worker = house.worker()

    ordered = worker.order(100_000)
    unpaid = refused(worker.get, "/v1/me/account")
    unpaid_settled = worker.settle(id_of(ordered))
    pay(worker, ordered)
    paid = worker.settle(id_of(ordered))

    assert unpaid.details["step"] == "first-deposit"
    assert unpaid_settled["state"] == "pending"
    assert (paid["state"], paid["value_on"]) == ("credited", "2026-03-02")
    account = worker.get("/v1/me/account")
    assert (account["flexible_fen"], account["unit_fen"]) == (100_000, 0)
    assert (account["opened_on"], account["first_credit_on"]) == ("2026-03-02", "2026-03-02")
    assert account["account_no"].isdigit()


def test_a_repeated_request_is_the_same_order_with_a_fresh_signature(house: House) -> None:
    worker = house.worker()
    too_little = refused(worker.order, 100, key="one-intent")
    house.forget_calls()

    first = worker.order(100_000, key="one-intent")
    second = worker.order(100_000, key="one-intent")
    other_body = refused(worker.order, 100_001, key="one-intent")
    pay(worker, second)
    worker.settle(id_of(first))
    after_payment = worker.order(100_000, key="one-intent")

    assert reasons_of(too_little) == [("4.1", "deposit-below-minimum")]
    assert first["deposit"] == second["deposit"]
    for name in ("nonceStr", "paySign"):
        assert first["payment_parameters"][name] != second["payment_parameters"][name]
    assert first["payment_parameters"]["package"] == second["payment_parameters"]["package"]
    assert (other_body.status, other_body.kind) == (422, "idempotency-key-reused")
    assert after_payment["payment_parameters"] is None
    assert after_payment["deposit"]["state"] == "credited"
    assert len(worker.get("/v1/me/deposits")) == 1
    assert house.calls()["POST /v3/pay/transactions/jsapi"] == 1


@pytest.mark.clause("4.1", "1.6")
def test_a_deposit_has_a_minimum_and_the_month_a_maximum_that_waiting_orders_fill(
    house: House,
) -> None:
    worker = house.worker()

    below = refused(worker.order, MIN_FEN - 1)
    pay(worker, smallest := worker.order(MIN_FEN))
    above = refused(worker.order, MONTH_MAX_FEN - MIN_FEN + 1)
    waiting = worker.order(MONTH_MAX_FEN - 2 * MIN_FEN + 1)
    just_short = refused(worker.order, MIN_FEN)
    cancel(worker, waiting)
    rest = worker.order(MONTH_MAX_FEN - MIN_FEN)
    full = refused(worker.order, MIN_FEN)

    assert reasons_of(below) == [("4.1", "deposit-below-minimum")]
    assert "448.20元" in below.details["reasons"][0]["sentence"]
    assert reasons_of(above) == [("4.1", "deposit-above-month-maximum")]
    assert "还可以缴存6,796.44元" in above.details["reasons"][0]["sentence"]
    assert reasons_of(just_short) == [("4.1", "deposit-month-full")]
    assert "剩余448.19元" in just_short.details["reasons"][0]["sentence"]
    assert reasons_of(full) == [("4.1", "deposit-month-full")]
    assert "2026-04-01" in full.details["reasons"][0]["sentence"]
    assert list(full.details["errors"]) == ["amount_fen"]
    pay(worker, rest)
    for ordered in (smallest, rest):
        worker.settle(id_of(ordered))
    assert balance_of(worker) == MONTH_MAX_FEN


def test_a_new_month_has_room_again_from_its_first_second_on(house: House) -> None:
    house.at("2026-03-31T23:50:00")
    worker = house.depositor(MONTH_MAX_FEN)

    still_full = refused(worker.order, MIN_FEN)
    house.at("2026-04-01T00:00:00")
    house.deposit(worker, MONTH_MAX_FEN)

    assert reasons_of(still_full) == [("4.1", "deposit-month-full")]
    assert balance_of(worker) == 2 * MONTH_MAX_FEN


@pytest.mark.clause("4.1")
def test_the_worker_decides_how_much_when_and_whether_to_go_on(house: House) -> None:
    worker = house.depositor(500_000)
    account = worker.get("/v1/me/account")

    come_back(house, worker, "2027-08-17")
    after_a_pause = worker.get("/v1/me/account")
    changed_his_mind = cancel(worker, worker.order(60_000))
    house.deposit(worker, 70_001)
    house.deposit(worker, MIN_FEN)

    assert after_a_pause == account
    assert changed_his_mind["state"] == "closed"
    assert balance_of(worker) == 500_000 + 70_001 + MIN_FEN


@pytest.mark.clause("4.1")
def test_a_cancelled_order_is_closed_at_wechat_and_a_paid_one_is_not_cancelled(
    house: House,
) -> None:
    worker = house.worker()
    unwanted, paid = worker.order(100_000), worker.order(200_000)

    cancelled = cancel(worker, unwanted)
    cancelled_again = cancel(worker, unwanted)
    too_late = refused(pay, worker, unwanted)
    pay(worker, paid)
    not_cancelled = refused(cancel, worker, paid)

    assert cancelled == cancelled_again
    assert cancelled["state"] == "closed"
    assert too_late.details["error"] == "order-closed"
    assert (not_cancelled.status, not_cancelled.kind) == (409, "deposit-already-paid")
    assert state_of(worker, paid) == "credited"
    assert balance_of(worker) == 200_000


def test_an_order_nobody_pays_is_closed_at_wechat_and_frees_the_month(house: House) -> None:
    worker = house.worker()
    forgotten = worker.order(MONTH_MAX_FEN)
    out_trade_no = house.out_trade_no()

    house.at("2026-03-02T09:29:30")
    house.run_job("follow-up-payments")
    waiting = state_of(worker, forgotten)
    house.at("2026-03-02T09:45:00")
    house.run_job("follow-up-payments")

    assert waiting == "pending"
    assert state_of(worker, forgotten) == "closed"
    orders = {each["out_trade_no"]: each["trade_state"] for each in house.books()["orders"]}
    assert orders[out_trade_no] == "CLOSED"
    house.deposit(worker, MONTH_MAX_FEN)


@pytest.mark.clause("3.3")
def test_first_deposits_from_two_phones_open_one_account(house: House) -> None:
    worker = house.worker()
    other = second_phone(house, worker)
    one, two = worker.order(100_000), other.order(200_000)
    pay(worker, one)
    pay(other, two)

    worker.settle(id_of(one))
    other.settle(id_of(two))

    assert worker.get("/v1/me/account") == other.get("/v1/me/account")
    assert balance_of(worker) == 300_000
    assert [each["deposit_id"] for each in worker.get("/v1/me/deposits")] == [
        id_of(two),
        id_of(one),
    ]
