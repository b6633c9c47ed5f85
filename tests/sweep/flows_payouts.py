"""Refunds, transfers and the bank, each killed at the yield."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from app.models import BankBatch, PaymentCase
from tests.house import STARTS_AT, House
from tests.proposals import suspend
from tests.scenarios.paying_out import BANK, CARD, Till
from tests.scenarios.test_bank_batches import HEAD
from tests.sweep.flows_payments import taken
from tests.sweep.paying import (
    LATER,
    MINUTE,
    PAID,
    a_poor_withdrawal,
    a_withdrawal,
    an_old_withdrawal,
    asked,
    assert_paid_once,
    booked,
    confirmed,
    decided,
    followed_up,
    legs,
)
from tests.sweep.walking import Act


def deciding_a_withdrawal(house: House) -> Iterator[Act]:
    till = Till(house)
    house.faults(no_notice=True)
    said = {"person_id": till.person_id, "amount_fen": PAID}
    proposal = till.clerk.propose("counter-withdrawal", "本人申请提取", **said)

    yield lambda: decided(house, till.reviewer, proposal)

    assert decided(house, till.reviewer, proposal, (200, 409)) in (200, 409)
    followed_up(house)
    assert_paid_once(house, ("refund", PAID, "succeeded"))


def a_refund_sent(house: House) -> Iterator[Act]:
    till = a_withdrawal(house)

    yield till.run

    followed_up(house)
    assert_paid_once(house, ("refund", PAID, "succeeded"))


def a_refund_asked_after(house: House) -> Iterator[Act]:
    till = a_withdrawal(house)
    till.run()
    house.at(STARTS_AT + 12 * MINUTE)

    yield till.run

    followed_up(house, after=24)
    assert_paid_once(house, ("refund", PAID, "succeeded"))


def a_refund_that_fails_and_takes_another_way(house: House) -> Iterator[Act]:
    till = a_withdrawal(house, card=CARD, bank=BANK, outcome="CLOSED")
    till.run()
    house.at(STARTS_AT + 12 * MINUTE)

    yield till.run

    followed_up(house, after=24)
    assert legs(house) == [("refund", PAID, "failed"), ("bank", PAID, "ready")]
    assert booked(house) == 0


def a_refund_for_which_there_is_too_little(house: House) -> Iterator[Act]:
    """NOT_ENOUGH: the same number waits, and pays once the money is there."""
    till, at = a_poor_withdrawal(house)

    yield till.run

    followed_up(house, begin=at)
    number = till.numbers()
    house.play("balances/top-up", {"account": "BASIC", "amount": PAID})
    followed_up(house, begin=at, after=60)
    assert till.numbers() == number
    assert_paid_once(house, ("refund", PAID, "succeeded"))


def a_refund_paid_after_too_little(house: House) -> Iterator[Act]:
    till, at = a_poor_withdrawal(house)
    till.run()
    assert legs(house) == [("refund", PAID, "waiting-for-money")]
    house.play("balances/top-up", {"account": "BASIC", "amount": PAID})
    house.at(at + 20 * MINUTE)

    yield till.run

    followed_up(house, begin=at, after=40)
    assert_paid_once(house, ("refund", PAID, "succeeded"))


def a_refund_notice(house: House) -> Iterator[Act]:
    till = a_withdrawal(house, takes_s=0)
    till.run()
    path = f"notices/refund/{till.numbers()[0]}"
    notice = house.play(path)

    yield lambda: taken(house, notice)

    assert house.send_notice(house.play(path)).status_code == 204
    assert_paid_once(house, ("refund", PAID, "succeeded"))


def a_refund_notice_that_fails_it(house: House) -> Iterator[Act]:
    till = a_withdrawal(house, card=CARD, bank=BANK, outcome="CLOSED", takes_s=0)
    till.run()
    path = f"notices/refund/{till.numbers()[0]}"
    notice = house.play(path)

    yield lambda: taken(house, notice)

    assert house.send_notice(house.play(path)).status_code == 204
    assert legs(house) == [("refund", PAID, "failed"), ("bank", PAID, "ready")]


def a_transfer_sent(house: House) -> Iterator[Act]:
    till = an_old_withdrawal(house)

    yield till.run

    followed_up(house, begin=LATER)
    confirmed(house, till)
    followed_up(house, begin=LATER, after=60)
    assert_paid_once(house, ("transfer", PAID, "succeeded"))


def a_transfer_asked_after(house: House) -> Iterator[Act]:
    till = an_old_withdrawal(house)
    till.run()
    confirmed(house, till)
    house.at(LATER + 12 * MINUTE)

    yield till.run

    followed_up(house, begin=LATER, after=24)
    assert_paid_once(house, ("transfer", PAID, "succeeded"))


def a_transfer_notice(house: House) -> Iterator[Act]:
    till = an_old_withdrawal(house)
    till.run()
    confirmed(house, till)
    path = f"notices/transfer/{till.numbers()[0]}"
    notice = house.play(path)

    yield lambda: taken(house, notice)

    assert house.send_notice(house.play(path)).status_code == 204
    assert_paid_once(house, ("transfer", PAID, "succeeded"))


def making_a_bank_batch(house: House) -> Iterator[Act]:
    """An instruction is in one file for ever."""
    till = an_old_withdrawal(house, card=CARD, bank=BANK)
    path = "/v1/staff/bank-batches"

    yield lambda: asked(house, till.accountant, path, (201,))

    assert asked(house, till.accountant, path, (201, 409)) in (201, 409)
    assert house.rows(select(func.count()).select_from(BankBatch)) == [(1,)]
    assert legs(house) == [("bank", PAID, "processing")]


def a_banks_result(house: House) -> Iterator[Act]:
    till = an_old_withdrawal(house, card=CARD, bank=BANK)
    batch_id = till.accountant.post("/bank-batches")["batch_id"]
    line = f"{till.numbers()[0]},成功,300.00,{LATER.date()},"
    said = {"batch_id": batch_id, "result": f"{HEAD}\r\n{line}"}
    proposal = till.accountant.propose("bank-batch-result", "银行回单", **said)

    yield lambda: decided(house, till.reviewer, proposal)

    assert decided(house, till.reviewer, proposal, (200, 409)) in (200, 409)
    assert_paid_once(house, ("bank", PAID, "succeeded"))


def returning_suspended_money(house: House) -> Iterator[Act]:
    till = Till(house)
    case_id = suspend(house, till.phone, PAID)
    house.faults(no_notice=True)
    proposal = till.accountant.propose("suspense-return", "非缴存款", case_id=case_id)

    yield lambda: decided(house, till.reviewer, proposal)

    assert decided(house, till.reviewer, proposal, (200, 409)) in (200, 409)
    followed_up(house)
    assert legs(house) == [("refund", PAID, "succeeded")]
    assert booked(house, "suspense-returned") == 1
    resolved = select(PaymentCase.resolution).where(PaymentCase.kind == "suspended")
    assert house.rows(resolved) == [("returned-to-payer",)]


def asking_what_lies_at_wechat(house: House) -> Iterator[Act]:
    till = Till(house)
    path = "/v1/staff/wechat-funds"

    yield lambda: asked(house, till.accountant, path, (200,), method="GET")

    assert till.accountant.get("/wechat-funds")["in_transit_fen"] == 100_000


FLOWS = (
    deciding_a_withdrawal,
    a_refund_sent,
    a_refund_asked_after,
    a_refund_that_fails_and_takes_another_way,
    a_refund_for_which_there_is_too_little,
    a_refund_paid_after_too_little,
    a_refund_notice,
    a_refund_notice_that_fails_it,
    a_transfer_sent,
    a_transfer_asked_after,
    a_transfer_notice,
    making_a_bank_batch,
    a_banks_result,
    returning_suspended_money,
    asking_what_lies_at_wechat,
)
