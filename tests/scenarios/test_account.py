"""Seed §9: the personal ledger."""

import pytest

from tests.house import House
from tests.scenarios.building import (
    balance_of,
    come_back,
)


@pytest.mark.clause("9.2", "6.4")
def test_the_personal_ledger_explains_every_fen_of_the_balance(house: House) -> None:
    amounts = [100_000, 44_820, 200_001]
    worker = house.depositor(*amounts[:2])
    stranger = house.depositor(77_777)
    come_back(house, worker, "2026-03-09")
    house.deposit(worker, amounts[2])

    ledger = worker.get("/v1/me/account/postings")
    older_page = worker.get("/v1/me/account/postings", before_seq=3, limit=1)
    days = worker.get("/v1/me/account/daily-balances", **{"from": "2026-03-01", "to": "2026-03-09"})

    assert [each["seq"] for each in ledger] == [3, 2, 1]
    assert [each["delta_fen"] for each in ledger] == amounts[::-1]
    assert {each["kind"] for each in ledger} == {"deposit-received"}
    assert older_page == ledger[1:2]
    assert sum(each["delta_fen"] for each in ledger) == balance_of(worker)
    assert [each["closing_fen"] for each in days] == [0] + [144_820] * 7 + [344_821]
    assert [each["day"] for each in days if each["moved"]] == ["2026-03-02", "2026-03-09"]
    assert [each["amount_fen"] for each in worker.get("/v1/me/deposits")] == amounts[::-1]
    assert [each["delta_fen"] for each in stranger.get("/v1/me/account/postings")] == [77_777]
