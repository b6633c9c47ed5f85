"""Seed §2, §4, §6: from nothing to an account with a live quota."""

import pytest

from sandbox.phone import Problem
from tests.house import House


@pytest.mark.clause("2.3", "1.5", "4.1")
def test_the_account_opens_with_the_first_deposit(house: House) -> None:
    worker = house.worker()
    with pytest.raises(Problem) as before:
        worker.get("/v1/me/account")

    house.deposit(worker, 500_000)

    assert before.value.details["step"] == "first-deposit"
    account = worker.get("/v1/me/account")
    assert account["flexible_fen"] == 500_000
    assert account["opened_on"] == "2026-03-02"
    assert account["status"] == "01"
