"""Seed §6: what a plan would bring, before a fen is paid."""

from typing import Any

import pytest

from sandbox.phone import Phone
from tests.house import House
from tests.scenarios.building import (
    MIN_FEN,
    MONTH_MAX_FEN,
    NOTE_OF_PLACEHOLDERS,
    a_saver,
    come_back,
    reasons_of,
    refused,
)


def what_if(phone: Phone, kind: str, amount_fen: int, day: str) -> dict[str, Any]:
    """The answer to a plan."""
    field = "on" if kind == "lump-sum" else "from_on"
    body = {"kind": kind, "amount_fen": amount_fen, field: day}
    return dict(phone.post("/v1/me/quota/what-if", body))


def quotas_in(answer: dict[str, Any]) -> dict[str, int]:
    """Day to quota in the series of a what-if."""
    return {each["on"]: each["quota_fen"] for each in answer["series"]}


@pytest.mark.clause("6.4", "4.4")
def test_what_a_monthly_plan_promises_is_what_carrying_it_out_brings(house: House) -> None:
    worker = a_saver(house, ("2025-09-02", 500_000))
    come_back(house, worker, "2026-03-02")
    today = worker.get("/v1/me/quota")

    answer = what_if(worker, "monthly", 300_000, "2026-03-20")
    untouched = worker.get("/v1/me/quota")
    for day in ("2026-03-20", "2026-04-20", "2026-05-20"):
        come_back(house, worker, day)
        house.deposit(worker, 300_000)
    come_back(house, worker, "2026-06-02")
    carried_out = worker.get("/v1/me/quota")

    series = {each["on"]: each for each in answer["series"]}
    assert series["2026-03-02"]["quota_fen"] == today["quota_fen"]
    assert untouched == today
    promised = series["2026-06-02"]
    assert promised["quota_fen"] == carried_out["quota_fen"] > today["quota_fen"]
    assert promised["average_fen"] == carried_out["average"]["rounded_fen"]
    assert (promised["months"], promised["coefficient"]) == (9, "0.70")
    assert promised["balance_fen"] == carried_out["balance_fen"] == 1_400_000
    quotas = [each["quota_fen"] for each in answer["series"]]
    assert quotas == sorted(quotas)
    assert max(series) == "2029-03-02"
    assert "未计入利息" in answer["note"]
    assert "不是贷款承诺" in answer["note"]
    assert NOTE_OF_PLACEHOLDERS in answer["policy_note"]


@pytest.mark.clause("6.4", "6.5", "4.4")
def test_a_larger_or_earlier_lump_sum_promises_more_also_before_any_deposit(
    house: House,
) -> None:
    newcomer = house.worker()

    small = quotas_in(what_if(newcomer, "lump-sum", 300_000, "2026-03-10"))
    large = quotas_in(what_if(newcomer, "lump-sum", 600_000, "2026-03-10"))
    later = quotas_in(what_if(newcomer, "lump-sum", 600_000, "2026-06-10"))

    assert min(day for day, quota_fen in large.items() if quota_fen) == "2026-09-10"
    assert all(small[day] <= large[day] for day in small.keys() & large.keys())
    assert all(later[day] <= large[day] for day in later.keys() & large.keys())
    assert small["2027-03-02"] < large["2027-03-02"] > later["2027-03-02"] > 0
    assert large["2029-03-02"] == 10_800_000
    assert refused(newcomer.get, "/v1/me/account").details["step"] == "first-deposit"


@pytest.mark.clause("4.4", "1.6")
def test_a_plan_obeys_the_limits_of_real_deposits_and_every_reason_is_named(
    house: House,
) -> None:
    worker = house.depositor(700_000)

    room_left = refused(what_if, worker, "monthly", MIN_FEN, "2026-03-20")
    too_little_too_early = refused(what_if, worker, "lump-sum", MIN_FEN - 1, "2026-03-01")
    too_much_too_late = refused(what_if, worker, "monthly", MONTH_MAX_FEN + 1, "2029-03-03")
    both_days = refused(
        worker.post,
        "/v1/me/quota/what-if",
        {"kind": "monthly", "amount_fen": MIN_FEN, "from_on": "2026-04-01", "on": "2026-04-01"},
    )

    assert reasons_of(room_left) == [("4.1", "deposit-month-full")]
    assert reasons_of(too_little_too_early) == [
        ("6.4", "plan-in-the-past"),
        ("4.1", "deposit-below-minimum"),
        ("4.1", "deposit-month-full"),
    ]
    assert reasons_of(too_much_too_late) == [
        ("6.4", "plan-beyond-horizon"),
        ("4.1", "deposit-above-month-maximum"),
    ]
    assert set(both_days.details["errors"]) == {"on"}


def test_a_payment_wechat_dates_into_tomorrow_breaks_no_what_if(house: House) -> None:
    """WeChat's clock may be seconds ahead of ours at midnight."""
    house.at("2026-03-02T23:59:50")
    worker = house.worker()
    ordered = worker.deposit(50_000, success_time="2026-03-03T00:00:02+08:00", notify=False)
    worker.settle(ordered["deposit_id"])

    plan = {"kind": "lump-sum", "amount_fen": 50_000, "on": "2026-03-05"}
    answer = worker.post("/v1/me/quota/what-if", plan)

    assert answer["series"][0]["balance_fen"] == 0
    assert worker.get("/v1/me/quota")["balance_fen"] == 0  # the balance of the day it answers
    assert worker.get("/v1/me/account")["flexible_fen"] == 50_000
