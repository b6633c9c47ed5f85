"""A payment that no order explains, or not this one: who sees to it, and what he sees."""

from __future__ import annotations

import pytest

from tests.house import House
from tests.office import refusal, seated
from tests.proposals import answer, kind_of, suspend
from tests.scenarios.test_work_lists import items
from tests.short_cuts import a_phone


@pytest.mark.clause("O.1")
def test_a_case_about_an_order_waits_in_the_district_of_its_owner(house: House) -> None:
    phone, _ = a_phone(house)
    phone.deposit(100_000, notify=False)
    differs = {"overrides": {"amount_total": 1}}
    house.send_notice(house.play(f"orders/{house.out_trade_no()}/notice", differs))
    at_home, abroad = (seated(house, "counter-clerk", each) for each in ("wuxing", "anji"))

    [case] = items(at_home)

    assert (case["what"], case["district"]) == ("unconfirmed", "wuxing")
    assert at_home.get(f"/payment-cases/{case['target_id']}")["amount_fen"] is None
    assert items(abroad) == []
    path = f"/work-items/{case['item_id']}/owner"
    assert kind_of(answer(house, abroad, "PUT", path)) == (404, "absent")
    house.at("2026-03-02T09:02:00")
    house.run_job("follow-up-payments")
    assert items(at_home) == []


def test_a_payment_case_is_seen_whole(house: House) -> None:
    phone, _ = a_phone(house)
    case_id = suspend(house, phone, 777)
    accountant = seated(house, "accountant")

    case = accountant.get(f"/payment-cases/{case_id}")

    assert (case["case_id"], case["kind"], case["amount_fen"]) == (case_id, "suspended", 777)
    assert [each["field"] for each in case["differences"]] == ["out_trade_no"]
    assert case["out_trade_no"] == house.out_trade_no()
    assert (case["resolved_at"], case["resolution"]) == (None, None)
    assert [each["item_id"] for each in case["items"]] == [items(accountant)[0]["item_id"]]
    assert phone.wechat.openid not in str(case)
    in_a_district = seated(house, "accountant", "anji")
    assert refusal(lambda: in_a_district.get(f"/payment-cases/{case_id}")) == (404, "absent")
    assert refusal(lambda: accountant.get("/payment-cases/cas_0")) == (404, "absent")
    officer = seated(house, "policy-officer")
    assert refusal(lambda: officer.get(f"/payment-cases/{case_id}")) == (403, "role-not-allowed")
