"""Seed §6: what was kept, and for how long, decides what may be borrowed; shown live, explained."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from sandbox.phone import Phone
from tests.house import House
from tests.scenarios.building import (
    MONTH_MAX_FEN,
    NOTE_OF_PLACEHOLDERS,
    a_proved,
    a_saver,
    come_back,
    published,
    refused,
)

HISTORY = (
    ("2025-03-10", 500_000),
    ("2025-05-31", 44_820),
    ("2025-11-05", MONTH_MAX_FEN),
    ("2026-01-15", 300_001),
)


def day_product(deposits: tuple[tuple[str, int], ...], on: str, days: int) -> int:
    """The sum of the closing balances of the days up to `on`, written out day by day."""
    last_on, total = date.fromisoformat(on), 0
    for back in range(days):
        day = (last_on - timedelta(days=back)).isoformat()
        total += sum(amount_fen for paid_on, amount_fen in deposits if paid_on <= day)
    return total


def months_between(first: str, on: str) -> int:
    """Full months from one day to another, neither of them after the 28th."""
    start, end = date.fromisoformat(first), date.fromisoformat(on)
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)


def quota_by_the_rules(rules: dict[str, Any], product: int, months: int, home: str) -> int:
    """The quota from the published figures: exact until it is capped and rounded down."""
    reached = [each for each in rules["quota.coefficients"] if each["months"] <= months]
    if months < rules["quota.months_min"] or not reached:
        return 0
    exact = Fraction(product, rules["quota.window_days"])
    exact *= rules[f"quota.multiplier_{home}_home"] * Fraction(reached[-1]["coefficient"])
    unit = int(rules["quota.rounding_unit_fen"])
    return int(min(exact, Fraction(rules["quota.cap_fen"])) // unit) * unit


def quota_on(phone: Phone, day: str, home: str = "first") -> dict[str, Any]:
    """The live quota of a day."""
    return dict(phone.get("/v1/me/quota", on=day, home=home))


@pytest.mark.clause("6.2", "6.3", "6.4", "0.4")
def test_the_quota_follows_from_the_daily_balances_and_says_how(house: House) -> None:
    worker = a_saver(house, *HISTORY)
    come_back(house, worker, "2026-03-02")
    rules, product = published(worker), day_product(HISTORY, "2026-03-02", 365)

    days = worker.get("/v1/me/account/daily-balances", **{"from": "2025-03-03", "to": "2026-03-02"})
    first, second = quota_on(worker, "2026-03-02"), quota_on(worker, "2026-03-02", "second")

    assert len(days) == 365
    assert sum(each["closing_fen"] for each in days) == product
    assert days[-1]["product_fen_days"] == product
    for answer in (first, second):
        assert answer["average"]["product_fen_days"] == product
        assert answer["average"]["days"] == 365
        assert (answer["months"], answer["coefficient"]) == (11, "0.70")
        assert answer["quota_fen"] == quota_by_the_rules(rules, product, 11, answer["home"])
        assert answer["home_declared_by_worker"] is True
        assert (answer["missing"], answer["caps"]) == ([], [])
        assert answer["balance_fen"] == sum(amount_fen for _, amount_fen in HISTORY)
        assert answer["account_seq"] == worker.get("/v1/me/account/postings")[0]["seq"] == 4
        assert NOTE_OF_PLACEHOLDERS in answer["policy_note"]
        assert answer["policy_sha256"] == worker.get("/v1/public/policy")["sha256"]
    average, multiplier, coefficient, result, cap, rounded = first["steps"]
    yuan_days = f"{product / 100:,.2f} 元·天 ÷ 365"
    assert f"2025-03-03至2026-03-02）每日余额之和 {yuan_days}" in average["sentence"]
    assert "18 倍" in multiplier["sentence"]
    assert "2025-03-10起已满 11 个月，存贷系数 0.70" in coefficient["sentence"]
    assert f"{yuan_days} × 18 × 0.70 = " in result["sentence"]
    assert "700,000.00 元" in cap["sentence"]
    assert f"可贷额度为 {first['quota_fen'] / 100:,.2f} 元" in rounded["sentence"]
    assert [each["clause"] for each in first["steps"]] == ["6.3"] + ["6.2"] * 5
    assert first["next_step"]["from_on"] == "2026-03-10"
    assert first["quota_fen"] > second["quota_fen"] > 0


@pytest.mark.clause("6.2", "4.4")
def test_the_quota_begins_on_the_day_six_months_are_full(house: House) -> None:
    worker = a_saver(house, ("2025-08-31", 631_359))
    come_back(house, worker, "2026-02-27")

    eve = worker.get("/v1/me/quota")
    come_back(house, worker, "2026-02-28")
    day = worker.get("/v1/me/quota")

    assert (eve["quota_fen"], eve["months"], eve["coefficient"]) == (0, 5, None)
    (missing,) = eve["missing"]
    assert (missing["code"], missing["from_on"]) == ("quota-needs-months", "2026-02-28")
    assert "自2026-02-28起" in missing["sentence"]
    coming = eve["next_step"]
    assert (coming["from_on"], coming["months"], coming["coefficient"]) == ("2026-02-28", 6, "0.60")
    assert (day["months"], day["coefficient"], day["missing"]) == (6, "0.60", [])
    product = 631_359 * (181 + 1)
    assert day["quota_fen"] == quota_by_the_rules(published(worker), product, 6, "first")
    assert day["quota_fen"] == 3_300_000  # of 33,999.98 yuan; a rounded average gives 34,000.02


@pytest.mark.clause("6.2", "6.5", "4.4")
def test_each_rise_of_the_coefficient_comes_on_its_day(house: House) -> None:
    deposits = (("2025-01-10", MONTH_MAX_FEN),)
    worker = a_saver(house, *deposits)
    come_back(house, worker, "2027-02-01")
    rules = published(worker)
    rises = {
        "2025-07-10": (None, "0.60"),
        "2025-10-10": ("0.60", "0.70"),
        "2026-01-10": ("0.70", "0.80"),
        "2026-07-10": ("0.80", "0.90"),
        "2027-01-10": ("0.90", "1.00"),
    }

    seen = []
    for rise, (before, after) in rises.items():
        eve = (date.fromisoformat(rise) - timedelta(days=1)).isoformat()
        on_eve, on_day = quota_on(worker, eve), quota_on(worker, rise)
        seen += [on_eve, on_day]
        assert (on_eve["coefficient"], on_day["coefficient"]) == (before, after)
        assert on_eve["next_step"]["from_on"] == rise

    for answer in seen:
        product = day_product(deposits, answer["on"], 365)
        months = months_between("2025-01-10", answer["on"])
        assert answer["quota_fen"] == quota_by_the_rules(rules, product, months, "first")
    quotas = [answer["quota_fen"] for answer in seen]
    assert quotas == sorted(quotas)
    assert quotas[-1] == 13_000_000
    assert seen[-1]["next_step"] is None


@pytest.mark.clause("6.2")
def test_a_quota_is_capped_for_the_first_home_and_rounded_down_for_the_second(
    house: House,
) -> None:
    months = [f"2024-{month:02d}-05" for month in range(1, 9)]
    worker = a_saver(house, *((day, MONTH_MAX_FEN) for day in months))
    come_back(house, worker, "2026-01-05")

    first, second = quota_on(worker, "2026-01-05"), quota_on(worker, "2026-01-05", "second")

    assert first["average"]["rounded_fen"] == 8 * MONTH_MAX_FEN  # 57,957.12 yuan, kept a year
    assert (first["quota_fen"], first["caps"]) == (70_000_000, ["quota.cap_fen"])
    assert "1,043,228.16 元超过最高可贷额度" in first["steps"][4]["sentence"]
    assert (second["quota_fen"], second["caps"]) == (69_500_000, [])  # of 695,485.44 yuan
    assert "向下取整到 1,000.00 元的整数倍" in second["steps"][5]["sentence"]
    assert (first["coefficient"], first["next_step"]) == ("1.00", None)


@pytest.mark.clause("6.5", "0.4")
def test_who_keeps_more_or_longer_may_borrow_more(house: House) -> None:
    plain = a_saver(house, ("2025-06-02", 500_000))
    more = a_saver(house, ("2025-06-02", 700_000))
    shorter = a_saver(house, ("2025-08-02", 500_000))
    longer = a_saver(house, ("2025-03-02", 500_000))

    days = ("2025-12-02", "2026-02-02", "2026-03-02", "2026-06-02", "2026-12-02")
    come_back(house, plain, "2026-12-02")
    for phone in (more, shorter, longer):
        phone.log_in()
    found = {
        day: [quota_on(phone, day)["quota_fen"] for phone in (shorter, plain, longer, more)]
        for day in days
    }

    for by_shorter, by_plain, by_longer, by_more in found.values():
        assert by_shorter <= by_plain <= by_longer
        assert by_plain < by_more
    assert found["2026-02-02"][0] < found["2026-02-02"][1] < found["2026-02-02"][2]
    for row in zip(*found.values(), strict=True):
        assert list(row) == sorted(row)


@pytest.mark.clause("6.4")
def test_a_past_day_is_answered_as_it_was_and_a_future_day_refused(house: House) -> None:
    worker = a_saver(house, ("2025-07-01", 500_000))
    come_back(house, worker, "2026-02-10")
    then = worker.get("/v1/me/quota", home="second")
    come_back(house, worker, "2026-03-02")
    house.deposit(worker, MONTH_MAX_FEN)

    asked_later = quota_on(worker, "2026-02-10", "second")
    before_it_all = quota_on(worker, "2025-06-30")
    tomorrow = refused(quota_on, worker, "2026-03-03")
    before_the_rules = refused(quota_on, worker, "2023-12-31")

    now = {"balance_fen", "account_seq"}
    assert {k: v for k, v in asked_later.items() if k not in now} == {
        k: v for k, v in then.items() if k not in now
    }
    assert then["quota_fen"] > 0
    assert before_it_all["quota_fen"] == 0
    assert before_it_all["missing"][0]["code"] == "quota-needs-first-deposit"
    assert (tomorrow.status, list(tomorrow.details["errors"])) == (422, ["on"])
    assert (before_the_rules.status, before_the_rules.kind) == (409, "no-policy-in-force")


@pytest.mark.clause("6.4")
def test_the_quota_is_live_from_the_first_look_on(house: House) -> None:
    worker = a_proved(house)

    nothing_yet = worker.get("/v1/me/quota")
    worker.enrol()
    worker.sign_agreement()
    house.deposit(worker, 100_000)
    one_day = worker.get("/v1/me/quota")
    house.deposit(worker, 50_000)
    one_more = worker.get("/v1/me/quota")

    assert (nothing_yet["quota_fen"], nothing_yet["balance_fen"]) == (0, 0)
    assert nothing_yet["average"] == {"product_fen_days": 0, "days": 365, "rounded_fen": 0}
    assert [each["code"] for each in nothing_yet["missing"]] == ["quota-needs-first-deposit"]
    assert (nothing_yet["next_step"], nothing_yet["account_seq"]) == (None, 0)
    assert one_day["average"]["product_fen_days"] == 100_000
    assert (one_more["average"]["product_fen_days"], one_more["account_seq"]) == (150_000, 2)
    assert one_more["average"]["rounded_fen"] == 411  # 1500.00 / 365 = 4.1095...
