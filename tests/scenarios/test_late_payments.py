"""Seed §6: money heard of late is never lost, and counts from the day it was paid."""

import pytest

from tests.house import House
from tests.scenarios.building import (
    MONTH_MAX_FEN,
    balance_of,
    come_back,
    id_of,
    pay,
    refused,
)

DAYS = ("2026-03-02", "2026-03-03", "2026-03-08", "2026-03-13")


def test_a_payment_wechat_took_after_the_order_was_closed_here_is_credited(house: House) -> None:
    worker = house.worker()
    house.faults(fail_prepay=3)
    key = "never-arrived"
    unavailable = refused(worker.order, 100_000, key=key)
    (lost,) = worker.get("/v1/me/deposits")
    house.faults()
    worker.settle(lost["deposit_id"])
    house.at("2026-03-02T10:00:00")
    house.run_job("follow-up-payments")
    closed = worker.get("/v1/me/deposits")[0]["state"]

    house.play(
        "stray-payments",
        {
            "openid": worker.wechat.openid,
            "amount": 100_000,
            "out_trade_no": house.last_asked_no(),
            "notify": False,
        },
    )
    settled = worker.settle(lost["deposit_id"])

    assert unavailable.status == 503
    assert closed == "closed"
    assert settled["state"] == "credited"
    assert balance_of(worker) == 100_000


@pytest.mark.clause("6.3")
def test_a_payment_of_the_last_second_keeps_its_day_though_heard_of_after_midnight(
    house: House,
) -> None:
    worker = house.worker()
    house.at("2026-03-31T23:55:00")
    worker.log_in()
    pay(worker, worker.order(MONTH_MAX_FEN), success_time="2026-03-31T23:59:59+08:00")

    house.at("2026-04-01T00:05:00")
    house.run_job("day-close")
    house.run_job("follow-up-payments")
    days = worker.get("/v1/me/account/daily-balances", **{"from": "2026-03-30", "to": "2026-04-01"})
    house.deposit(worker, MONTH_MAX_FEN)

    assert [each["closing_fen"] for each in days] == [0, MONTH_MAX_FEN, MONTH_MAX_FEN]
    newest, oldest = worker.get("/v1/me/account/postings")
    assert (oldest["value_on"], oldest["booked_on"]) == ("2026-03-31", "2026-04-01")
    assert (newest["value_on"], newest["booked_on"]) == ("2026-04-01", "2026-04-01")
    deposits = worker.get("/v1/me/deposits")
    assert deposits[1]["paid_at"] == "2026-03-31T15:59:59+00:00"


def test_a_payment_nobody_told_of_is_found_by_asking_and_its_late_notice_changes_nothing(
    house: House,
) -> None:
    worker = house.worker()
    house.faults(no_notice=True)
    ordered = worker.order(100_000)
    worker.wechat.pay(ordered["payment_parameters"])

    too_early = house.run_job("follow-up-payments")
    house.at("2026-03-02T09:02:00")
    found = house.run_job("follow-up-payments")
    again = house.run_job("follow-up-payments")
    late_notice = house.play(f"orders/{house.out_trade_no()}/resend", {"copies": 2})
    nothing_left_to_ask = house.run_job("follow-up-payments")

    assert too_early == {}
    assert found == {"credited": 1}
    assert again == {}
    assert late_notice["statuses"] == [204, 204]
    assert nothing_left_to_ask == {}
    assert balance_of(worker) == 100_000
    assert len(worker.get("/v1/me/account/postings")) == 1


@pytest.mark.clause("6.3")
def test_money_found_ten_days_late_counts_from_the_day_it_was_paid(house: House) -> None:
    worker = house.depositor(100_000)
    house.faults(no_notice=True, fail_query=1000)
    come_back(house, worker, "2026-03-03")
    late = worker.order(200_000)
    worker.wechat.pay(late["payment_parameters"])
    come_back(house, worker, "2026-03-13")
    house.run_job("follow-up-payments")
    house.run_job("day-close")
    before = {day: worker.get("/v1/me/quota", on=day)["average"] for day in DAYS}

    house.faults()
    house.at("2026-03-13T10:00:00")
    house.run_job("follow-up-payments")
    after = {day: worker.get("/v1/me/quota", on=day)["average"] for day in DAYS}

    gained = {day: after[day]["product_fen_days"] - before[day]["product_fen_days"] for day in DAYS}
    assert gained == {
        "2026-03-02": 0,
        "2026-03-03": 200_000,
        "2026-03-08": 6 * 200_000,
        "2026-03-13": 11 * 200_000,
    }
    newest = worker.get("/v1/me/account/postings")[0]
    assert (newest["value_on"], newest["booked_on"]) == ("2026-03-03", "2026-03-13")


@pytest.mark.clause("2.3", "6.3")
def test_when_the_second_payment_is_heard_of_first_the_account_begins_with_the_first(
    house: House,
) -> None:
    worker = house.worker()
    first = worker.order(100_000)
    pay(worker, first)

    come_back(house, worker, "2026-03-05")
    house.deposit(worker, 200_000)
    heard_of_second = worker.get("/v1/me/account")
    worker.settle(id_of(first))
    heard_of_both = worker.get("/v1/me/account")
    quota = worker.get("/v1/me/quota")

    assert heard_of_second["first_credit_on"] == "2026-03-05"
    assert heard_of_both["first_credit_on"] == "2026-03-02"
    assert heard_of_both["account_no"] == heard_of_second["account_no"]
    assert quota["first_credit_on"] == "2026-03-02"
    assert quota["average"]["product_fen_days"] == 4 * 100_000 + 200_000
    assert quota["next_step"]["from_on"] == "2026-09-02"
    assert heard_of_both["opened_on"] == "2026-03-02"
