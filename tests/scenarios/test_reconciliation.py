"""P6, F17: our rows, WeChat's bill and the books agree, or a case says where they do not."""

from __future__ import annotations

import pytest
import requests
from sqlalchemy import select

from app.models import WechatBillLine, WechatPayment
from tests.house import House
from tests.office import back, refusal, seated
from tests.scenarios.bill_days import (
    DAY,
    MORNING,
    NEXT_DAY,
    all_cases,
    bill_day,
    booked,
    cases,
    fill,
    hours_later,
    moves,
    numbers,
    paid_in,
    reconcile,
)
from tests.scenarios.building import balance_of, pay, refused
from tests.short_cuts import a_phone

LATER = hours_later(MORNING, 2)


def two_payments(house: House) -> list[str]:
    """A day on which two workers deposited; WeChat's numbers of the payments."""
    for amount_fen in (30_000_00, 5_000_00):
        phone, _ = a_phone(house)
        house.deposit(phone, min(amount_fen, 500_000))
    return numbers(house)


# --- days on which everything agrees ---


def test_a_day_on_which_all_three_agree_is_reconciled(house: House) -> None:
    two_payments(house)

    early = reconcile(house, "2026-03-03T09:59:00")
    counts = reconcile(house)
    again = reconcile(house, LATER)

    assert (early, counts, again) == ({}, {"read": 1, "reconciled": 1}, {})
    day = bill_day(house)
    assert (day["state"], day["open_cases"], day["is_booked"]) == ("reconciled", 0, False)
    assert (day["payments_count"], day["payments_fen"]) == (2, 1_000_000)
    assert (day["refunds_count"], day["refunds_fen"], day["fees_fen"]) == (0, 0, 0)
    assert day["cases"] == []
    assert all_cases(house) == []


def test_days_without_a_bill_are_reconciled_too_and_listed_newest_first(house: House) -> None:
    two_payments(house)

    counts = reconcile(house, "2026-03-05T12:00:00")

    assert counts == {"read": 3, "reconciled": 3}
    auditor = seated(house, "auditor")
    first = auditor.get("/bill-days", limit=2)
    second = auditor.get("/bill-days", limit=2, cursor=first["next_cursor"])
    found = [(each["day"], each["payments_count"]) for each in first["items"] + second["items"]]
    assert found == [("2026-03-04", 0), (NEXT_DAY, 0), (DAY, 2)]
    for unknown in ("2026-03-05", "2026-3-4", "20260304", "x"):
        assert refusal(lambda no=unknown: auditor.get(f"/bill-days/{no}")) == (404, "absent")


def test_before_the_first_order_there_is_nothing_to_reconcile(house: House) -> None:
    assert reconcile(house) == {}


# --- bills that are late, or that nobody can read ---


def test_a_bill_that_is_still_being_made_is_asked_for_again(house: House) -> None:
    two_payments(house)
    house.faults(bill_creating=1)

    late = reconcile(house)
    meanwhile = bill_day(house)
    made = reconcile(house, "2026-03-03T10:40:00")

    assert (late, meanwhile["state"]) == ({"not-ready": 1}, "waiting")
    assert made == {"read": 1, "reconciled": 1}
    assert all_cases(house) == []


def test_a_bill_that_drips_is_read_to_its_end(house: House) -> None:
    two_payments(house)
    house.faults(bill_slow=1, timeout_s=1)

    assert reconcile(house) == {"read": 1, "reconciled": 1}


def test_no_wechat_no_bill_and_no_case(house: House) -> None:
    two_payments(house)
    house.at("2026-03-06")
    house._wechat.before = _unreachable

    away = house.run_job("reconcile")
    house._wechat.before = None
    there = reconcile(house, "2026-03-06T12:00:00")

    assert away == {"wechat-unavailable": 1}
    assert there == {"read": 4, "reconciled": 4} or there == {"read": 3, "reconciled": 3}
    assert all_cases(house) == []


@pytest.mark.parametrize("where", ["trade", "flow"])
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("bill_wrong_summary", "summary"),
        ("bill_wrong_hash", "hash"),
        ("bill_no_bom", "no-bom"),
        ("bill_truncated", "cut-off"),
    ],
)
def test_a_bill_that_does_not_hold_together_is_one_case_until_a_good_one_comes(
    house: House, fault: str, why: str, where: str
) -> None:
    two_payments(house)
    house.faults(**{fault: 2, "bill_faults_in_fundflow": where == "flow"})

    first, second = reconcile(house), reconcile(house, "2026-03-03T10:50:00")
    broken = bill_day(house)
    house.faults()
    good = reconcile(house, LATER)

    assert first == second == {"unfit": 1}
    assert (broken["state"], broken["open_cases"], broken["payments_count"]) == ("unfit", 1, 0)
    [case] = broken["cases"]
    assert (case["kind"], case["transaction_id"]) == ("bill-unfit", f"bill:{DAY}")
    assert case["differences"] == [{"field": "bill", "expected": "sound", "found": why}]
    assert good == {"read": 1, "reconciled": 1}
    assert cases(house) == [("bill-unfit", f"bill:{DAY}", "read")]


# --- seeded differences: exactly the case, and nothing else ---


@pytest.mark.parametrize("where", ["trade", "BASIC"])
@pytest.mark.parametrize(
    ("fault", "kind", "which", "expected", "found"),
    [
        ("bill_line_missing", "not-in-bill", 1, "500000", ""),
        ("bill_line_doubled", "twice-in-bill", 0, "1", "2"),
        ("bill_fen_off", "bill-differs", 0, "500000", "500001"),
        ("bill_line_extra", "only-in-bill", None, "", "100"),
    ],
)
def test_each_seeded_difference_is_one_case_and_ends_when_the_bill_is_mended(
    house: House, fault: str, kind: str, which: int | None, expected: str, found: str, where: str
) -> None:
    known = two_payments(house)
    house.faults(**{fault: 1, "bill_faults_in_fundflow": where == "BASIC"})

    counts = reconcile(house)
    differing = bill_day(house)
    mended = reconcile(house, LATER)

    assert counts == {"read": 1, "differs": 1}
    assert (differing["state"], differing["open_cases"]) == ("differs", 1)
    [case] = differing["cases"]
    assert case["kind"] == kind
    if which is None:
        assert case["transaction_id"].startswith("4200009999")
    else:
        assert case["transaction_id"] == known[which]
    [difference] = case["differences"]
    field = "amount" if (fault, where) == ("bill_fen_off", "trade") else where
    assert difference == {"field": field, "expected": expected, "found": found}
    assert mended == {"read": 1, "reconciled": 1}
    assert cases(house) == [(kind, case["transaction_id"], "agrees")]
    assert all_cases(house) == [kind]
    readings = {number for (number,) in house.rows(select(WechatBillLine.reading))}
    assert readings == {1, 2}


def test_a_case_of_a_bill_waits_at_the_centre_and_two_people_may_explain_it(house: House) -> None:
    known = two_payments(house)
    house.faults(bill_line_missing=20)
    reconcile(house)
    reviewer, accountant = seated(house, "reviewer"), seated(house, "accountant")
    abroad = seated(house, "accountant", "wuxing")

    [item] = accountant.get("/work-items")["items"]
    proposal = accountant.propose(
        "payment-case-explanation", "微信已书面确认漏列", case_id=item["target_id"]
    )
    elsewhere = abroad.get("/work-items")["items"]
    reviewer.approve(proposal)
    counts = reconcile(house, LATER)

    assert (item["what"], item["district"]) == ("not-in-bill", "centre")
    assert item["due_on"] is not None
    assert elsewhere == []
    assert counts == {"read": 1, "reconciled": 1}
    assert cases(house) == [("not-in-bill", known[1], "explained")]


def test_what_was_explained_is_explained_as_it_was_and_not_otherwise(house: House) -> None:
    known = two_payments(house)
    house.faults(bill_fen_off=1, bill_line_extra=1)
    reconcile(house)
    accountant, reviewer = seated(house, "accountant"), seated(house, "reviewer")
    one_fen = next(each for each in bill_day(house)["cases"] if each["kind"] == "bill-differs")
    explained = accountant.propose(
        "payment-case-explanation", "微信更正", case_id=one_fen["case_id"]
    )
    reviewer.approve(explained)

    fill(house, billed_fee=[(house.books()["orders"][0]["out_trade_no"], 7, "0.60%")])
    requests.delete(f"{house.sandbox}/sandbox/bills", timeout=30).raise_for_status()
    house.faults(bill_fen_off=1)
    counts = reconcile(house, LATER)

    assert counts == {"read": 1, "differs": 1}
    found = [each for each in cases(house) if each[0] == "bill-differs"]
    assert found == [
        ("bill-differs", known[0], "explained"),
        ("bill-differs", f"{known[0]}#2", None),
    ]


def test_a_payment_recorded_after_its_day_was_reconciled_is_matched_again(house: House) -> None:
    phone, _ = a_phone(house)
    house.deposit(phone, 100_000)
    reconcile(house)
    before = bill_day(house)["state"]

    stray = {
        "openid": phone.wechat.openid,
        "amount": 77_700,
        "success_time": f"{DAY}T23:00:00+08:00",
    }
    number = house.play("stray-payments", {**stray, "notify": False})
    house.send_notice(house.play(f"orders/{number['out_trade_no']}/notice", {}))
    house.run_job("follow-up-payments")
    counts = reconcile(house, LATER)

    assert before == "reconciled"
    assert counts == {"differs": 1}
    assert cases(house) == [("not-in-bill", number["transaction_id"], None)]
    assert bill_day(house)["cases"][0]["differences"] == [
        {"field": "trade", "expected": "77700", "found": ""},
        {"field": "BASIC", "expected": "77700", "found": ""},
    ]


# --- the third net ---


def test_a_payment_nobody_told_of_is_found_by_the_bill_alone(house: House) -> None:
    phone, _ = a_phone(house)
    house.deposit(phone, 100_000)
    pay(phone, phone.order(200_000))
    before = balance_of(phone)

    counts = reconcile(house)

    assert (before, balance_of(phone)) == (100_000, 300_000)
    assert counts == {"read": 1, "reconciled": 1}
    assert cases(house) == [("only-in-bill", numbers(house)[-1], "agrees")]
    found = house.rows(select(WechatPayment.found_by, WechatPayment.outcome))
    assert found[-1] == ("query", "credited")


def test_a_payment_without_any_order_is_found_by_the_bill_and_suspended(house: House) -> None:
    phone, _ = a_phone(house)
    house.deposit(phone, 100_000)
    stray = {"openid": phone.wechat.openid, "amount": 777, "notify": False}
    house.play("stray-payments", stray)

    counts = reconcile(house)

    assert counts == {"read": 1, "reconciled": 1}
    assert cases(house) == [("only-in-bill", numbers(house)[-1], "agrees")]
    assert all_cases(house) == ["only-in-bill", "suspended"]


# --- fees, settlement, top-up ---


def settled_day(house: House) -> None:
    """A day with fees, and the night in which WeChat settled it; both reconciled."""
    known = two_payments(house)
    orders = [each["out_trade_no"] for each in house.books()["orders"]]
    assert len(known) == len(orders)
    fill(
        house,
        billed_fee=[(each, 3_000, "0.60%") for each in orders],
        billed_move=moves(
            *paid_in(house, fee_fen=3_000),
            ("BASIC", "2026-03-03T03:00:00", "提现", -994_000, "7001", "20260302"),
            ("BASIC", "2026-03-03T09:00:00", "充值", 50_000, "8001", "8001"),
            ("OPERATION", "2026-03-03T09:05:00", "充值", 70_000, "8002", "8002"),
        ),
    )
    reconcile(house, "2026-03-04T10:30:00")


def test_fees_settlement_and_top_ups_are_booked_by_two(house: House) -> None:
    settled_day(house)
    accountant, reviewer = seated(house, "accountant"), seated(house, "reviewer")

    proposals = [accountant.propose("wechat-day-entries", "月结", day=d) for d in (DAY, NEXT_DAY)]
    for proposal in proposals:
        reviewer.approve(proposal)

    assert proposals[0]["in_words"] == [
        f"按 {DAY} 的微信支付资金账单入账：",
        "基本账户交易手续费 60.00元"
        "（借 41102 业务支出-归集手续费，贷 10109 住房公积金存款-微信支付在途）。",
    ]
    assert len(proposals[1]["in_words"]) == 4
    day, after = (each for each in dict.fromkeys(line[0] for line in booked(house)))
    assert (day.isoformat(), after.isoformat()) == (DAY, NEXT_DAY)
    assert sorted(booked(house)) == [
        (day, "41102", "10109", 6_000),
        (after, "10101", "10109", 994_000),
        (after, "10108", "10101", 70_000),
        (after, "10109", "10101", 50_000),
    ]
    first, second = bill_day(house), bill_day(house, NEXT_DAY)
    assert (first["fees_fen"], first["is_booked"]) == (6_000, True)
    assert (second["settled_fen"], second["topped_up_fen"]) == (994_000, 120_000)
    again = refused(accountant.propose, "wechat-day-entries", "再来", day=DAY)
    assert again.details["errors"] == {"day": ["这一天的手续费、结算和充值已经入账。"]}


def test_what_is_not_reconciled_or_empty_is_not_booked(house: House) -> None:
    two_payments(house)
    house.faults(bill_line_extra=1)
    reconcile(house)
    accountant = seated(house, "accountant")

    def why(day: str) -> list[str]:
        problem = refused(accountant.propose, "wechat-day-entries", "入账", day=day)
        return list(problem.details["errors"]["day"])

    assert why(DAY) == ["这一天尚未对平，请先办结差错事项。"]
    assert why(NEXT_DAY) == ["没有读到这一天的微信账单。"]
    reconcile(house, LATER)
    accountant = back(house, accountant)
    assert why(DAY) == ["这一天没有需要入账的手续费、结算或充值。"]


def test_nobody_books_a_day_that_has_come_to_differ_since_it_was_proposed(house: House) -> None:
    settled_day(house)
    accountant, reviewer = seated(house, "accountant"), seated(house, "reviewer")
    proposal = accountant.propose("wechat-day-entries", "月结", day=DAY)
    phone, _ = a_phone(house)
    late = {"openid": phone.wechat.openid, "amount": 5, "success_time": f"{DAY}T22:00:00+08:00"}
    number = house.play("stray-payments", {**late, "notify": False})["out_trade_no"]
    house.send_notice(house.play(f"orders/{number}/notice", {}))
    house.run_job("follow-up-payments")
    house.run_job("reconcile")

    problem = refused(reviewer.approve, proposal)

    assert problem.details["errors"] == {"day": ["这一天尚未对平，请先办结差错事项。"]}
    assert booked(house) == []


def test_a_booked_day_rests_on_the_reading_it_was_booked_from(house: House) -> None:
    settled_day(house)
    accountant, reviewer = seated(house, "accountant"), seated(house, "reviewer")
    reviewer.approve(accountant.propose("wechat-day-entries", "月结", day=DAY))
    phone, _ = a_phone(house)
    late = {"openid": phone.wechat.openid, "amount": 5, "success_time": f"{DAY}T22:00:00+08:00"}
    number = house.play("stray-payments", {**late, "notify": False})
    house.send_notice(house.play(f"orders/{number['out_trade_no']}/notice", {}))
    house.run_job("follow-up-payments")

    first = reconcile(house, "2026-03-04T10:50:00")
    second = reconcile(house, "2026-03-04T16:00:00")

    assert (first, second) == ({"differs": 1}, {"differs": 1})
    assert cases(house) == [("not-in-bill", number["transaction_id"], None)]


@pytest.mark.parametrize("spoilt", ["amount", "missing", "doubled"])
def test_a_settlement_that_is_not_what_the_balances_say_is_a_case(
    house: House, spoilt: str
) -> None:
    two_payments(house)
    good = moves(
        *paid_in(house),
        ("BASIC", "2026-03-02T20:00:00", "提现", -400_000, "7001", "20260302"),
        ("BASIC", "2026-03-02T21:00:00", "充值", 50_000, "8001", "8001"),
    )
    settlement = good[2]
    wrong = {
        "amount": [*good[:2], (*settlement[:7], -399_999, *settlement[8:]), good[3]],
        "missing": [*good[:2], good[3]],
        "doubled": [*good[:3], good[2], good[3]],
    }[spoilt]
    fill(house, billed_move=wrong)

    assert reconcile(house) == {"read": 1, "differs": 1}

    [(kind, number, _)] = cases(house)
    doubled = ("twice-in-bill", "7001")
    assert (kind, number) == (doubled if spoilt == "doubled" else ("bill-differs", f"BASIC:{DAY}"))


def test_a_move_of_a_kind_we_know_nothing_of_is_a_case(house: House) -> None:
    two_payments(house)
    strange = ("BASIC", "2026-03-02T20:00:00", "保证金扣除", -100, "9001", "")
    fill(house, billed_move=moves(*paid_in(house), strange))

    reconcile(house)

    assert cases(house) == [("only-in-bill", "9001", None)]


def test_a_fee_that_the_two_bills_tell_differently_is_a_case(house: House) -> None:
    known = two_payments(house)
    orders = [each["out_trade_no"] for each in house.books()["orders"]]
    fill(
        house,
        billed_fee=[(each, 3_000, "0.60%") for each in orders],
        billed_move=moves(*paid_in(house, fee_fen=3_000)[:3], *paid_in(house, fee_fen=2_999)[3:]),
    )

    reconcile(house)

    assert cases(house) == [("bill-differs", known[1], None)]
    assert bill_day(house)["cases"][0]["differences"] == [
        {"field": "fee", "expected": "3000", "found": "2999"}
    ]


def _unreachable(path: str) -> None:
    raise ConnectionError(path)
