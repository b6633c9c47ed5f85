"""Money sent to people: refunds of their own deposits first, each leg once, and always booked."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from app.models import Journal, PaymentCase, PayoutLeg
from tests.house import STARTS_AT, House
from tests.office import refusal
from tests.proposals import FLEXIBLE, IN_TRANSIT, a_journal, a_line
from tests.scenarios.paying_out import BANK, CARD, Till


@pytest.mark.clause("4.3")
def test_a_withdrawal_travels_back_over_the_newest_deposits(house: House) -> None:
    till = Till(house, 60_000, 50_000)
    house.faults(no_notice=True)

    payout_id = till.withdraw(80_000)
    before = till.stands(payout_id), till.balance()
    sent = till.run()
    house.at(STARTS_AT + timedelta(minutes=2))
    till.sit_down()
    ended = till.run()

    def legs(state: str) -> list[tuple[str, int, str]]:
        return [("refund", 50_000, state), ("refund", 30_000, state)]

    assert before == (("open", 0, legs("ready")), 110_000)
    assert (sent, ended) == ({"processing": 2}, {"succeeded": 2})
    assert till.stands(payout_id) == ("done", 80_000, legs("succeeded"))
    assert till.balance() == 30_000
    assert till.refunds() == [(50_000, "SUCCESS"), (30_000, "SUCCESS")]
    journals = house.rows(
        select(Journal.kind, Journal.value_on).where(Journal.kind != "deposit-received")
    )
    assert journals == [("withdrawal-paid", date(2026, 3, 2))] * 2
    own = till.phone.get("/v1/me/payouts")
    assert [(each["state"], each["paid_fen"]) for each in own] == [("done", 80_000)]
    newest = till.phone.get("/v1/me/account/postings")[0]
    assert (newest["kind"], newest["delta_fen"]) == ("withdrawal-paid", -30_000)


def test_a_notice_ends_a_leg_without_the_job(house: House) -> None:
    till = Till(house)
    payout_id = till.withdraw(40_000)
    house.arrange("refunds/plan", takes_s=0)

    till.carry_out()

    assert till.stands(payout_id)[0] == "done"
    assert till.balance() == 60_000


def test_what_is_on_its_way_is_nobodys_to_spend(house: House) -> None:
    till = Till(house, 100_000)
    till.withdraw(70_000)

    assert till.errors(30_001) == ["amount_fen"]
    taken = a_journal(a_line(FLEXIBLE, IN_TRANSIT, 30_001, account_no=till.account_no))
    proposal = till.accountant.propose("manual-journal", "误入", **taken)
    assert refusal(lambda: till.reviewer.approve(proposal)) == (422, "insufficient-balance")
    second = till.withdraw(30_000)
    assert till.errors(1) == ["amount_fen"]
    assert till.stands(second)[0] == "open"


def test_a_refund_that_wechat_closes_takes_another_way(house: House) -> None:
    """The card that cannot take it, and no other deposit: the bank does."""
    till = Till(house, 50_000)
    house.arrange("refunds/plan", outcome="CLOSED", takes_s=0)
    payout_id = till.withdraw(20_000, card=CARD, bank=BANK)

    till.carry_out()

    assert till.stands(payout_id) == (
        "open",
        0,
        [("refund", 20_000, "failed"), ("bank", 20_000, "ready")],
    )
    assert till.balance() == 50_000


def test_where_no_way_is_left_the_money_is_the_depositors_again(house: House) -> None:
    """A transfer the payee does not confirm within a day is closed by WeChat."""
    till = Till(house, 50_000)
    house.arrange("refunds/plan", outcome="CLOSED", takes_s=0)
    house.play("balances/top-up", {"account": "OPERATION", "amount": 100_000})
    payout_id = till.withdraw(20_000)
    till.carry_out(2)
    waiting = till.stands(payout_id)

    house.at(STARTS_AT + timedelta(hours=25))
    till.sit_down()
    till.run()

    assert waiting[2] == [("refund", 20_000, "failed"), ("transfer", 20_000, "waiting-for-payee")]
    assert till.stands(payout_id)[:2] == ("failed", 0)
    till.phone.log_in()
    assert till.balance() == 50_000
    assert till.withdraw(50_000) != payout_id


def test_the_payee_confirms_a_transfer_on_his_phone(house: House) -> None:
    till = Till(house, 50_000)
    house.arrange("refunds/plan", outcome="CLOSED", takes_s=0)
    house.play("balances/top-up", {"account": "OPERATION", "amount": 100_000})
    payout_id = till.withdraw(20_000)
    till.carry_out(2)

    [own] = till.phone.get("/v1/me/payouts")
    [_, leg] = own["legs"]
    number = till.numbers()[-1]
    user = till.phone.wechat.user_id
    house.play(
        f"users/{user}/transfers/{number}/confirm",
        {"package_info": leg["confirmation"]["package"]},
    )
    house.at(STARTS_AT + timedelta(minutes=2))
    till.sit_down()
    till.run()

    assert till.stands(payout_id)[:2] == ("done", 20_000)
    assert till.balance() == 30_000
    assert house.balances()["operation"]["available_fen"] == 80_000


def test_what_the_payee_has_not_confirmed_can_be_called_back(house: House) -> None:
    till = Till(house, 50_000)
    house.arrange("refunds/plan", outcome="CLOSED", takes_s=0)
    house.play("balances/top-up", {"account": "OPERATION", "amount": 100_000})
    payout_id = till.withdraw(20_000)
    till.carry_out(2)

    till.clerk.post(f"/payouts/{payout_id}/cancellation")
    house.at(STARTS_AT + timedelta(minutes=2))
    house.quiet()

    seen = till.payout(payout_id)
    assert (seen["state"], seen["legs"][1]["fail_code"]) == ("failed", "CANCELLED")
    assert house.balances()["operation"]["available_fen"] == 100_000
    again = partial(till.clerk.post, f"/payouts/{payout_id}/cancellation")
    assert refusal(again) == (409, "nothing-to-cancel")


def test_too_little_at_wechat_waits_with_the_same_number(house: House) -> None:
    """The day's money was settled to the bank: a top-up brings the refund."""
    till = Till(house, 50_000)
    house.at("2026-03-03")
    till.sit_down()
    payout_id = till.withdraw(20_000)
    till.run()
    poor = till.stands(payout_id)
    number = till.numbers()
    funds = till.accountant.get("/wechat-funds")

    house.play("balances/top-up", {"account": "BASIC", "amount": 20_000})
    house.at("2026-03-03T09:20:00")
    till.run()
    house.at("2026-03-03T09:40:00")
    till.sit_down()
    till.run()

    assert poor[2] == [("refund", 20_000, "waiting-for-money")]
    assert (funds["refunds_due_fen"], funds["top_up_basic_fen"]) == (20_000, 20_000)
    assert (funds["available_fen"], funds["unsettled_fen"]) == (0, 0)
    assert till.stands(payout_id)[:2] == ("done", 20_000)
    assert till.numbers() == number


def test_partial_refunds_of_one_deposit_go_one_after_another(house: House) -> None:
    till = Till(house, 100_000)
    first, second = till.withdraw(10_000), till.withdraw(20_000)

    till.run()
    together = till.stands(first)[2][0][2], till.stands(second)[2][0][2]
    for minutes in (2, 4, 6):
        house.at(STARTS_AT + timedelta(minutes=minutes))
        till.run()
    till.sit_down()

    assert together == ("processing", "ready")
    assert (till.stands(first)[0], till.stands(second)[0]) == ("done", "done")
    assert till.refunds() == [(10_000, "SUCCESS"), (20_000, "SUCCESS")]
    assert till.balance() == 70_000


def test_suspended_money_goes_back_to_its_payer_and_its_case_ends(house: House) -> None:
    till = Till(house)
    case_id, payout_id = till.give_back(30_000)
    again = till.accountant.propose  # while it is on its way nothing else is decided about it
    assert refusal(lambda: again("suspense-return", "再退", case_id=case_id)) == (
        422,
        "unacceptable",
    )

    house.arrange("refunds/plan", takes_s=0)
    till.carry_out()

    case = till.reviewer.get(f"/payment-cases/{case_id}")
    assert till.stands(payout_id)[:2] == ("done", 30_000)
    assert (case["resolution"], till.balance()) == ("returned-to-payer", 100_000)


def test_an_abnormal_refund_is_shown_to_people_and_ends_with_its_word(house: House) -> None:
    till = Till(house)
    house.arrange("refunds/plan", outcome="ABNORMAL", takes_s=0)
    payout_id = till.withdraw(10_000)
    till.carry_out()
    till.run()
    kinds = [each["what"] for each in till.accountant.get("/work-items")["items"]]

    till.sit_down()
    house.play(f"refunds/{till.numbers()[0]}/finish", {"outcome": "SUCCESS"})
    house.quiet()

    assert kinds == ["payout-unsettled"]
    assert till.stands(payout_id)[0] == "done"
    assert house.rows(select(PaymentCase.resolution)) == [("succeeded",)]


def test_money_somebody_gave_back_by_hand_is_a_case_that_two_people_explain(house: House) -> None:
    """A refund at the merchant's own console: WeChat tells of a number nobody here gave."""
    till = Till(house)
    till.withdraw(10_000)
    house.faults(no_notice=True)
    house.arrange("refunds/plan", takes_s=0)
    till.run()
    number = till.numbers()[0]
    notice = house.play(f"notices/refund/{number}", {"overrides": {"out_refund_no": "BYHAND1"}})
    assert house.send_notice(notice).status_code == 204

    [case] = till.accountant.get("/work-items")["items"]
    proposal = till.accountant.propose(
        "payment-case-explanation", "商户平台手工退款，已补登", case_id=case["target_id"]
    )
    till.reviewer.approve(proposal)

    assert case["what"] == "payout-unexplained"
    assert till.accountant.get("/work-items")["items"] == []
    assert house.rows(select(PaymentCase.resolution)) == [("explained",)]


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"amount_fen": 100_001}, ["amount_fen"]),
        ({"amount_fen": 0}, ["amount_fen"]),
        ({"amount_fen": 5, "card": "6222020200112233441", "bank": BANK}, ["card"]),
        ({"amount_fen": 5, "card": "12", "bank": BANK}, ["card"]),
        ({"amount_fen": 5, "card": CARD}, ["bank"]),
        ({"amount_fen": 5, "bank": BANK}, ["bank"]),
    ],
)
def test_a_withdrawal_that_cannot_be_is_refused_by_its_field(
    house: House, said: dict[str, object], fields: list[str]
) -> None:
    till = Till(house, 100_000)

    assert till.errors(**said) == fields  # type: ignore[arg-type]
    assert house.rows(select(PayoutLeg.id)) == []
