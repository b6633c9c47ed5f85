"""Refunds, moves and fees join a bill as soon as the books have pages for them."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask

from sandbox.server import create_sandbox, serve_in_thread
from sandbox.world import world_of
from tests.sandbox import bill_reader
from tests.sandbox.bill_reader import bill_of
from tests.sandbox.merchant import Merchant, Phone

BEIJING = timezone(timedelta(hours=8))

# What whoever keeps refunds and balances offers a bill, here in tables that a test fills.
PAGES = """
DROP VIEW IF EXISTS billed_refund; DROP VIEW IF EXISTS billed_move; DROP VIEW IF EXISTS billed_fee;
CREATE TABLE billed_refund (out_trade_no, refund_id, out_refund_no, fen, fee_fen, status,
    accepted_s, success_s);
CREATE TABLE billed_move (account, seq, at_s, business_no, flow_no, name, kind, fen, balance_fen,
    note, voucher_no);
CREATE TABLE billed_fee (out_trade_no, fee_fen, rate);
"""


@pytest.fixture
def app(folder: Path) -> Flask:
    return create_sandbox(folder, database=":memory:")


@pytest.fixture
def phone(app: Flask, folder: Path) -> Iterator[Phone]:
    with serve_in_thread(app) as base:
        yield Phone(Merchant(folder, base))


def _fill(app: Flask, rows: dict[str, list[tuple[object, ...]]]) -> None:
    with world_of(app).books.open() as db:
        for statement in PAGES.split(";"):
            db.execute(statement)
        for table, lines in rows.items():
            marks = ", ".join("?" * len(lines[0]))
            db.executemany(f"INSERT INTO {table} VALUES ({marks})", lines)  # noqa: S608


def _today_and_next_noon(phone: Phone) -> tuple[str, int, int]:
    """Today, its midnight, and noon of tomorrow, to which the clock is set."""
    today = datetime.now(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    noon = today + timedelta(days=1, hours=12)
    phone.control("PUT", "/clock", {"now": noon.isoformat()})
    return today.date().isoformat(), int(today.timestamp()), int(noon.timestamp())


def test_refunds_and_fees_stand_in_the_trade_bill(app: Flask, phone: Phone) -> None:
    number, transaction_id = phone.paid()
    day, midnight, at_s = _today_and_next_noon(phone)
    accepted = midnight + 86399
    _fill(
        app,
        {
            "billed_refund": [
                (number, "5030", "R1", 10000, 60, "SUCCESS", accepted, accepted + 5),
                (number, "5031", "R2", 1, 0, "PROCESSING", accepted + 1, None),
            ],
            "billed_fee": [(number, 180, "0.60%")],
        },
    )

    bills = {
        kind: bill_of(phone.merchant, f"tradebill?bill_date={day}&bill_type={kind}", at_s=at_s)
        for kind in ("ALL", "SUCCESS", "REFUND")
    }

    paid, refund = bills["ALL"].rows
    assert (paid["手续费"], paid["费率"]) == ("1.80000", "0.60%")
    assert (refund["交易状态"], refund["交易时间"]) == ("REFUND", f"{day} 23:59:59")
    assert (refund["微信订单号"], refund["商户订单号"]) == (transaction_id, number)
    assert (refund["微信退款单号"], refund["商户退款单号"]) == ("5030", "R1")
    assert (refund["退款金额"], refund["申请退款金额"]) == ("100.00", "100.00")
    assert (refund["应结订单金额"], refund["订单金额"]) == ("0.00", "0.00")
    assert (refund["退款类型"], refund["退款状态"]) == ("ORIGINAL", "SUCCESS")
    assert refund["手续费"] == "-0.60000"
    assert bills["ALL"].summary == {
        "总交易单数": "2",
        "应结订单总金额": "300.00",
        "退款总金额": "100.00",
        "充值券退款总金额": "0.00",
        "手续费总金额": "1.20000",
        "订单总金额": "300.00",
        "申请退款总金额": "100.00",
    }
    assert [row["交易状态"] for row in bills["SUCCESS"].rows] == ["SUCCESS"]
    (only,) = bills["REFUND"].rows
    assert bills["REFUND"].header == bill_reader.REFUND
    assert only["交易时间"] == paid["交易时间"]
    assert only["退款申请时间"] == f"{day} 23:59:59"
    assert only["退款成功时间"] > only["退款申请时间"]


@pytest.mark.parametrize(
    ("account", "amounts"), [("BASIC", ["300.00", "1.80", "100.00"]), ("OPERATION", ["5.00"])]
)
def test_the_fund_flow_holds_the_moves_of_its_account(
    app: Flask, phone: Phone, account: str, amounts: list[str]
) -> None:
    day, at_s, noon = _today_and_next_noon(phone)
    _fill(
        app,
        {
            "billed_move": [
                ("BASIC", 2, at_s, "4200", "F2", "交易", "扣除交易手续费", -180, 29820, "", "D1"),
                ("BASIC", 1, at_s, "4200", "F1", "交易", "交易", 30000, 30000, "", "D1"),
                ("BASIC", 3, at_s + 86399, "5030", "F3", "退款", "退款", -10000, 19820, "", "R1"),
                ("BASIC", 4, at_s + 86400, "5031", "F4", "退款", "退款", -1, 19819, "", "R2"),
                ("OPERATION", 5, at_s, "131", "F5", "转账", "转账", -500, 0, "", "T1"),
            ]
        },
    )

    path = f"fundflowbill?bill_date={day}&account_type={account}"
    bill = bill_of(phone.merchant, path, at_s=noon)

    assert [row["收支金额(元)"] for row in bill.rows] == amounts
    if account == "BASIC":
        assert [row["收支类型"] for row in bill.rows] == ["收入", "支出", "支出"]
        assert [row["账户结余(元)"] for row in bill.rows] == ["300.00", "298.20", "198.20"]
        assert bill.summary == {
            "资金流水总笔数": "3",
            "收入笔数": "1",
            "收入金额": "300.00",
            "支出笔数": "2",
            "支出金额": "101.80",
        }


def test_a_trade_bill_can_lose_its_only_refund(app: Flask, phone: Phone) -> None:
    number, _ = phone.paid()
    day, midnight, at_s = _today_and_next_noon(phone)
    _fill(app, {"billed_refund": [(number, "5030", "R1", 500, 0, "SUCCESS", midnight, None)]})
    path = f"tradebill?bill_date={day}&bill_type=REFUND"

    found = {}
    for fault in ("bill_line_missing", "bill_fen_off", "bill_line_extra"):
        phone.control("PUT", "/faults", {fault: 1})
        bill = bill_of(phone.merchant, path, at_s=at_s)
        found[fault] = [row["退款金额"] for row in bill.rows]

    assert found == {
        "bill_line_missing": [],
        "bill_fen_off": ["5.01"],
        "bill_line_extra": ["5.00", "1.00"],
    }
