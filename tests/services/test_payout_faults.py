"""F15, F16, F4: whatever becomes of a call, a leg is paid once, under one number, and booked."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.models import Journal, PayoutLeg
from tests.api.asking import on_sqlite_alone
from tests.house import STARTS_AT, House, at_once
from tests.scenarios.paying_out import Till

MINUTES = timedelta(minutes=1)
GONE = "PAYEE_ACCOUNT_ABNORMAL"
LOST: dict[str, dict[str, Any]] = {
    "an error before the effect": {"fail_refund": 1},
    "an error after the effect": {"refund_error_after_effect": 1},
    "errors before and after": {"fail_refund": 2, "refund_error_after_effect": 1},
    "an error, and the question fails too": {
        "refund_error_after_effect": 1,
        "fail_refund_query": 2,
    },
    "no effect, and the question fails too": {"fail_refund": 1, "fail_refund_query": 2},
}
SLOW: dict[str, dict[str, Any]] = {
    "a time-out before the effect": {"timeout_refund_before_effect": 1},
    "a time-out after the effect": {"timeout_refund_after_effect": 1},
}


def legs(house: House) -> list[tuple[str, str]]:
    """(state, number) of every leg."""
    query = select(PayoutLeg.state, PayoutLeg.provider_no).order_by(PayoutLeg.id)
    return [(state, number) for state, number in house.rows(query)]


def booked(house: House) -> int:
    """How often a withdrawal was booked."""
    query = select(func.count()).where(Journal.kind == "withdrawal-paid")
    return int(house.rows(query)[0][0])


def follow_up(house: House, till: Till, *, times: int = 8) -> None:
    """The job ran every few minutes."""
    for turn in range(1, times + 1):
        house.at(STARTS_AT + turn * 12 * MINUTES)
        till.run()


def survives(house: House, faults: dict[str, Any]) -> None:
    """With these faults in force the leg is unknown, then paid once under its number."""
    till = Till(house)
    till.withdraw(30_000)
    house.faults(no_notice=True, **faults)

    till.run()
    meanwhile = legs(house)
    held = till.errors(70_001)
    follow_up(house, till)

    assert meanwhile == [("unknown", meanwhile[0][1])]
    assert held == ["amount_fen"]
    assert legs(house) == [("succeeded", meanwhile[0][1])]
    assert till.refunds() == [(30_000, "SUCCESS")]
    assert booked(house) == 1
    till.phone.log_in()
    assert till.balance() == 70_000


@pytest.mark.parametrize("faults", LOST.values(), ids=LOST)
def test_an_unknown_call_is_asked_after_and_never_made_under_another_number(
    house: House, faults: dict[str, Any]
) -> None:
    survives(house, faults)


@on_sqlite_alone
@pytest.mark.parametrize("faults", SLOW.values(), ids=SLOW)
def test_a_call_that_nobody_answers_is_an_unknown_one(house: House, faults: dict[str, Any]) -> None:
    survives(house, faults)


def test_unknown_for_two_hours_is_shown_to_people_and_ends_by_itself(house: House) -> None:
    till = Till(house)
    till.withdraw(30_000)
    house.faults(no_notice=True, fail_refund=100)
    for hours in (0, 1, 2, 3):
        house.at(STARTS_AT + timedelta(hours=hours))
        till.run()
    till.sit_down()
    waiting = [each["what"] for each in till.accountant.get("/work-items")["items"]]

    house.faults()
    follow_up_from = STARTS_AT + timedelta(hours=4)
    for minutes in (0, 15):
        house.at(follow_up_from + minutes * MINUTES)
        till.run()
    till.sit_down()

    assert waiting == ["payout-unsettled"]
    assert legs(house)[0][0] == "succeeded"
    assert till.accountant.get("/work-items")["items"] == []


def test_one_number_is_one_refund_however_many_runs_send_it(house: House) -> None:
    till = Till(house)
    till.withdraw(30_000)

    at_once(8, lambda _: till.run())
    house.at(STARTS_AT + 2 * MINUTES)
    at_once(8, lambda _: till.run())
    house.quiet()

    assert till.refunds() == [(30_000, "SUCCESS")]
    assert (legs(house)[0][0], booked(house)) == ("succeeded", 1)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_whatever_order_its_notices_come_in_a_leg_only_moves_forward(
    house: House, order: tuple[int, ...]
) -> None:
    """ABNORMAL, then SUCCESS, and the same SUCCESS once more."""
    till = Till(house)
    payout_id = till.withdraw(30_000)
    house.faults(no_notice=True)
    house.arrange("refunds/plan", outcome="ABNORMAL", takes_s=0)
    till.run()
    [number] = till.numbers()
    notices = [house.play(f"notices/refund/{number}")]
    house.play(f"refunds/{number}/finish", {"outcome": "SUCCESS"})
    notices.append(house.play(f"notices/refund/{number}"))
    notices.append(house.play(f"notices/refund/{number}", {"same_id": False}))

    statuses = [house.send_notice(notices[each]).status_code for each in order]

    assert statuses == [204, 204, 204]
    assert till.stands(payout_id)[:2] == ("done", 30_000)
    assert (till.balance(), booked(house)) == (70_000, 1)


@pytest.mark.parametrize(
    "overrides",
    [
        {"amount.refund": 30_001},
        {"amount.total": 5},
        {"transaction_id": "4200000000000000000000000000"},
        {"mchid": "1900000999"},
        {"refund_status": "WHATEVER"},
    ],
    ids=str,
)
def test_a_notice_about_other_money_changes_nothing_and_the_leg_is_asked_after(
    house: House, overrides: dict[str, Any]
) -> None:
    till = Till(house)
    payout_id = till.withdraw(30_000)
    house.faults(no_notice=True)
    house.arrange("refunds/plan", takes_s=0)
    till.run()
    [number] = till.numbers()

    status = house.send_notice(
        house.play(f"notices/refund/{number}", {"overrides": overrides})
    ).status_code
    meanwhile = till.stands(payout_id)[0], till.balance()
    till.run()

    assert status == 204
    assert meanwhile == ("open", 100_000)
    assert till.stands(payout_id)[0] == "done"


def test_a_transfer_that_fails_definitely_may_be_sent_again_under_a_new_number(
    house: House,
) -> None:
    till = Till(house)
    house.at("2027-03-02")  # older than a refund may be
    till.sit_down()
    house.play("balances/top-up", {"account": "OPERATION", "amount": 100_000})
    house.arrange("transfers/plan", path=["ACCEPTED", "PROCESSING"])
    first = till.withdraw(30_000)
    till.run()
    [number] = till.numbers()
    house.play(
        f"transfers/{number}/finish", {"state": "FAIL", "fail_reason": "PAYEE_ACCOUNT_ABNORMAL"}
    )
    house.quiet()

    failed = till.payout(first)
    second = till.withdraw(30_000)
    till.run()

    assert (failed["state"], failed["legs"][0]["fail_code"]) == ("failed", GONE)
    assert len(set(till.numbers())) == 2
    assert till.stands(second)[0] == "open"
    assert house.balances()["operation"]["available_fen"] == 70_000
