"""What WeChat cannot carry goes to the bank in a file, and its result comes back by two people."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Journal, PayoutLeg, Posting
from tests.house import House
from tests.office import refusal
from tests.scenarios.building import refused
from tests.scenarios.paying_out import BANK, CARD, Till

HEAD = "指令号,结果,金额（元）,支付日期,失败原因"


class Bank:
    """One withdrawal, of which 200 yuan wait for the bank: a year has passed since the deposit."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.till = Till(house, 50_000)
        house.at("2027-03-02")
        self.till.sit_down()
        self.payout_id = self.till.withdraw(20_000, card=CARD, bank=BANK)
        self.batch = self.till.accountant.post("/bank-batches")
        [self.number] = self.till.numbers()

    def file(self) -> list[list[str]]:
        """The file's lines, its head first."""
        answer = self.till.accountant._http.get(
            f"{self.house.api}/v1/staff/bank-batches/{self.batch['batch_id']}.csv", timeout=30
        )
        assert answer.status_code == 200
        return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))

    def told(self, *lines: str) -> dict[str, Any]:
        """The bank's result with these lines."""
        return {"batch_id": self.batch["batch_id"], "result": "\r\n".join([HEAD, *lines])}

    def approve(self, *lines: str) -> None:
        """Two people entered the result."""
        said = self.told(*lines)
        proposal = self.till.accountant.propose("bank-batch-result", "银行回单", **said)
        self.till.reviewer.approve(proposal)


@pytest.fixture
def bank(house: House) -> Bank:
    """A file that is with the bank."""
    return Bank(house)


def test_the_file_says_whom_to_pay_and_its_result_ends_the_payout(bank: Bank) -> None:
    head, line = bank.file()
    bank.approve(f"{bank.number},成功,200.00,2027-03-02,")

    assert head == ["指令号", "收款人", "卡号", "开户银行", "金额（元）", "用途"]
    assert line[0] == bank.number
    assert line[1:] == [bank.till.phone.owner.name, CARD, BANK, "200.00", "住房公积金提取"]
    assert bank.till.stands(bank.payout_id)[:2] == ("done", 20_000)
    journals = bank.house.rows(
        select(Journal.value_on, Posting.debit_code, Posting.credit_code, Posting.amount_fen)
        .join(Posting, Posting.journal_id == Journal.id)
        .where(Journal.kind == "withdrawal-paid")
    )
    assert journals == [(date(2027, 3, 2), "20102", "10101", 20_000)]
    [batch] = bank.till.accountant.get("/bank-batches")["items"]
    assert (batch["count"], batch["amount_fen"], batch["open_count"]) == (1, 20_000, 0)


def test_what_the_bank_did_not_pay_is_the_depositors_again(bank: Bank) -> None:
    bank.approve(f"{bank.number},失败,200.00,,户名不符")

    seen = bank.till.payout(bank.payout_id)
    assert (seen["state"], seen["paid_fen"]) == ("failed", 0)
    assert seen["legs"][0]["fail_code"] == "户名不符"
    bank.till.phone.log_in()
    assert bank.till.balance() == 50_000
    assert bank.till.withdraw(50_000, card=CARD, bank=BANK) != bank.payout_id


def test_an_instruction_is_in_one_file_for_ever(bank: Bank) -> None:
    assert refusal(lambda: bank.till.accountant.post("/bank-batches")) == (
        409,
        "nothing-for-the-bank",
    )
    bank.approve(f"{bank.number},成功,200.00,2027-03-02,")
    again = bank.told(f"{bank.number},失败,200.00,,退汇")
    problem = refused(bank.till.accountant.propose, "bank-batch-result", "再录", **again)
    assert problem.details["errors"] == {"result": ["第2行：该指令已有结果"]}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{no},成功,200.01,2027-03-02,", "第2行：金额应为 200.00"),
        ("{no},成功,200.00,2027-03-03,", "第2行：支付日期应在出批之日至今天之间"),
        ("{no},成功,200.00,2027-03-01,", "第2行：支付日期应在出批之日至今天之间"),
        ("{no},成功,200.00,昨天,", "第2行：支付日期应为 2026-03-02 这样的日期"),
        ("{no},失败,200.00,,", "第2行：失败须写明原因（不超过64字）"),
        ("{no},好的,200.00,2027-03-02,", "第2行：应有5列，结果为“成功”或“失败”"),
        ("BKNOBODY,成功,200.00,2027-03-02,", "第2行：指令号不属于本批次"),
        ("", "没有结果行"),
        ("\x1f\r", "第2行：应有5列，结果为“成功”或“失败”"),
    ],
)
def test_a_result_that_does_not_fit_is_refused_line_by_line(
    bank: Bank, line: str, why: str
) -> None:
    said = bank.told(*([line.format(no=bank.number)] if line else []))

    problem = refused(bank.till.accountant.propose, "bank-batch-result", "银行回单", **said)

    assert problem.details["errors"] == {"result": [why]}
    assert bank.house.rows(select(PayoutLeg.state)) == [("processing",)]
