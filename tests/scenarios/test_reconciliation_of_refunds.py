"""P6: refunds stand in the bill of the day WeChat accepted them, with what had become of them then.

The refund is decided over HTTP; its journey to WeChat is written into the rows on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlalchemy import select

from app import clock
from app.models import PayoutLeg
from app.services import payouts
from app.services.payouts import Word
from tests.house import House
from tests.office import seated
from tests.proposals import suspend
from tests.scenarios.bill_days import (
    DAY,
    NEXT_DAY,
    all_cases,
    bill_day,
    booked,
    cases,
    fill,
    instant,
    moves,
    numbers,
    paid_in,
    reconcile,
)
from tests.short_cuts import a_phone, writing

REFUND_ID, FEN = "50300000000000000000000001", 30_000
AFTERWARDS = "2026-03-04T10:30:00"


@dataclass(frozen=True)
class Refund:
    """A refund that two people decided, of a payment of 2 March."""

    number: str
    out_trade_no: str


def a_refund(house: House) -> Refund:
    """It waits to be sent."""
    phone, _ = a_phone(house)
    house.deposit(phone, 100_000)
    case_id = suspend(house, phone, FEN)
    accountant, reviewer = seated(house, "accountant"), seated(house, "reviewer")
    proposal = accountant.propose("suspense-return", "付款人要求退回", case_id=case_id)
    reviewer.approve(proposal)
    [(number,)] = house.rows(select(PayoutLeg.provider_no))
    return Refund(str(number), str(house.books()["transactions"][-1]["out_trade_no"]))


def sent(house: House, refund: Refund, moment: str) -> None:
    """We called WeChat at this moment, and it took the refund."""
    with writing(house):
        leg = payouts.locked_leg(refund.number)
        assert leg is not None
        leg.first_called_at, leg.calls = at(moment), 1
        leg.state, leg.provider_id, leg.next_at = "processing", REFUND_ID, at(AFTERWARDS)


def ended(house: House, refund: Refund, state: str, moment: str) -> None:
    """We heard at this moment how it ended."""
    with writing(house):
        leg = payouts.locked_leg(refund.number)
        assert leg is not None
        success_at = at(moment) if state == "succeeded" else None
        payouts.record(leg, Word(state, REFUND_ID, success_at=success_at), at=at(moment))


def billed(
    house: House, refund: Refund, accepted: str, *, status: str = "SUCCESS", fee_fen: int = 0
) -> None:
    """WeChat's bills have the refund as accepted at this moment, and its money as gone then."""
    gone = ("BASIC", accepted, "退款", -FEN, REFUND_ID, refund.number)
    fees = [("BASIC", accepted, "退还交易手续费", fee_fen, REFUND_ID, refund.number)]
    line = (refund.out_trade_no, REFUND_ID, refund.number, FEN, fee_fen, status)
    fill(
        house,
        billed_refund=[(*line, instant(accepted), None)],
        billed_move=moves(*paid_in(house), *(fees if fee_fen else []), gone),
    )


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=clock.SHANGHAI)


def test_a_refund_stands_in_the_bill_of_the_next_day(house: House) -> None:
    refund = a_refund(house)
    sent(house, refund, f"{NEXT_DAY}T11:00:00")
    ended(house, refund, "succeeded", f"{NEXT_DAY}T11:00:05")
    billed(house, refund, f"{NEXT_DAY}T11:00:00", fee_fen=60)

    counts = reconcile(house, AFTERWARDS)

    assert counts == {"read": 2, "reconciled": 2}
    day = bill_day(house, NEXT_DAY)
    assert (day["refunds_count"], day["refunds_fen"], day["fees_fen"]) == (1, FEN, -60)
    assert all_cases(house) == ["suspended", "unconfirmed"]
    accountant, reviewer = seated(house, "accountant"), seated(house, "reviewer")
    reviewer.approve(accountant.propose("wechat-day-entries", "退费", day=NEXT_DAY))
    assert [line[1:] for line in booked(house)] == [("10109", "41102", 60)]


@pytest.mark.parametrize("status", ["SUCCESS", "PROCESSING"])
def test_a_refund_accepted_before_midnight_may_succeed_after_it(house: House, status: str) -> None:
    refund = a_refund(house)
    sent(house, refund, f"{DAY}T23:59:50")
    ended(house, refund, "succeeded", f"{NEXT_DAY}T00:00:10")
    billed(house, refund, f"{DAY}T23:59:51", status=status)

    assert reconcile(house, AFTERWARDS) == {"read": 2, "reconciled": 2}
    assert all_cases(house) == ["suspended", "unconfirmed"]


def test_a_refund_whose_end_only_the_bill_knows_is_asked_after_and_not_posted(house: House) -> None:
    refund = a_refund(house)
    sent(house, refund, f"{NEXT_DAY}T11:00:00")
    billed(house, refund, f"{NEXT_DAY}T11:00:00")

    counts = reconcile(house, AFTERWARDS)
    [(state, next_at)] = house.rows(select(PayoutLeg.state, PayoutLeg.next_at))
    posted = booked(house, "suspense-returned")
    ended(house, refund, "succeeded", f"{NEXT_DAY}T11:00:05")
    after = reconcile(house, "2026-03-04T10:40:00")

    assert counts == {"read": 2, "reconciled": 1, "waiting": 1}
    assert (state, posted) == ("processing", [])
    assert at(AFTERWARDS) <= next_at < at("2026-03-04T10:31:00")
    assert after == {"reconciled": 1}
    assert all_cases(house) == ["suspended", "unconfirmed"]


def test_a_refund_still_under_way_on_both_sides_agrees(house: House) -> None:
    refund = a_refund(house)
    sent(house, refund, f"{NEXT_DAY}T11:00:00")
    billed(house, refund, f"{NEXT_DAY}T11:00:00", status="PROCESSING")

    assert reconcile(house, AFTERWARDS) == {"read": 2, "reconciled": 2}


def test_a_refund_that_ended_otherwise_at_wechat_is_a_case(house: House) -> None:
    refund = a_refund(house)
    sent(house, refund, f"{NEXT_DAY}T11:00:00")
    ended(house, refund, "succeeded", f"{NEXT_DAY}T11:00:05")
    billed(house, refund, f"{NEXT_DAY}T11:00:00", status="CLOSED")

    reconcile(house, AFTERWARDS)

    assert cases(house, NEXT_DAY) == [("bill-differs", REFUND_ID, None)]
    assert bill_day(house, NEXT_DAY)["cases"][0]["differences"] == [
        {"field": "status", "expected": "succeeded", "found": "CLOSED"}
    ]


def test_a_refund_somebody_made_by_hand_is_a_case(house: House) -> None:
    refund = a_refund(house)
    by_hand = Refund("2026030300000001", refund.out_trade_no)
    billed(house, by_hand, f"{NEXT_DAY}T11:00:00")

    reconcile(house, AFTERWARDS)

    assert cases(house, NEXT_DAY) == [("only-in-bill", REFUND_ID, None)]
    assert bill_day(house, NEXT_DAY)["cases"][0]["differences"] == [
        {"field": "trade", "expected": "", "found": str(-FEN)},
        {"field": "BASIC", "expected": "", "found": str(-FEN)},
    ]


def test_a_refund_in_no_bill_is_a_case_once_every_day_it_may_stand_in_was_read(
    house: House,
) -> None:
    refund = a_refund(house)
    sent(house, refund, f"{DAY}T23:00:00")
    ended(house, refund, "succeeded", f"{NEXT_DAY}T01:00:00")
    fill(house, billed_move=moves(*paid_in(house)))

    first = reconcile(house, "2026-03-03T10:30:00")
    second = reconcile(house, AFTERWARDS)

    assert first == {"read": 1, "reconciled": 1}
    assert second == {"read": 1, "differs": 1}
    assert cases(house, NEXT_DAY) == [("not-in-bill", REFUND_ID, None)]


def test_a_refund_heard_of_after_its_day_was_reconciled_is_matched_again(house: House) -> None:
    refund = a_refund(house)
    sent(house, refund, f"{NEXT_DAY}T11:00:00")
    fill(house, billed_move=moves(*paid_in(house)))
    before = reconcile(house, AFTERWARDS)

    with writing(house):
        leg = payouts.locked_leg(refund.number)
        assert leg is not None
        told = Word("succeeded", REFUND_ID, success_at=at(f"{NEXT_DAY}T11:00:05"))
        payouts.record(leg, told, at=at("2026-03-04T12:00:00"))
    after = reconcile(house, "2026-03-04T12:10:00")

    assert before == {"read": 2, "reconciled": 2}
    assert after == {"differs": 1}
    assert cases(house, NEXT_DAY) == [("not-in-bill", REFUND_ID, None)]


@pytest.mark.parametrize("where", ["trade", "BASIC"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("bill_line_missing", "not-in-bill"),
        ("bill_line_doubled", "twice-in-bill"),
        ("bill_fen_off", "bill-differs"),
        ("bill_line_extra", "only-in-bill"),
    ],
)
def test_each_seeded_difference_of_a_refund_is_one_case(
    house: House, fault: str, kind: str, where: str
) -> None:
    refund = a_refund(house)
    known = numbers(house)
    sent(house, refund, f"{NEXT_DAY}T11:00:00")
    ended(house, refund, "succeeded", f"{NEXT_DAY}T11:00:05")
    billed(house, refund, f"{NEXT_DAY}T11:00:00")
    house.at(AFTERWARDS)
    first = reconcile(house, "2026-03-03T10:30:00")
    house.faults(**{fault: 1, "bill_faults_in_fundflow": where == "BASIC"})

    second = reconcile(house, AFTERWARDS)
    house.faults()
    third = reconcile(house, "2026-03-04T12:30:00")

    assert (first, second) == ({"read": 1, "reconciled": 1}, {"read": 1, "differs": 1})
    [(found, number, resolution)] = cases(house, NEXT_DAY)
    assert (found, resolution) == (kind, "agrees")
    assert number not in known
    assert (number == REFUND_ID) is (kind != "only-in-bill")
    assert third == {"read": 1, "reconciled": 1}
    assert cases(house) == []
