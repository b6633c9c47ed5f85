"""A day's bills and the merchant's purse tell of the same money."""

from tests.sandbox.bill_reader import Bill, bill_of, paid_on, set_clock
from tests.sandbox.merchant import Merchant, Phone
from tests.sandbox.refunding import call, forward, plan, refund, refund_body, top_up

DAY = "2026-03-01"


def _fen(yuan: str) -> int:
    # A bill writes fees with five decimals, of which the last three are noughts.
    whole, _, parts = yuan.partition(".")
    assert parts[2:] in {"", "000"}
    return (-1 if yuan.startswith("-") else 1) * (abs(int(whole)) * 100 + int(parts[:2]))


def _moves(bill: Bill) -> list[tuple[str, int, int]]:
    return [
        (
            row["业务类型"],
            (1 if row["收支类型"] == "收入" else -1) * _fen(row["收支金额(元)"]),
            _fen(row["账户结余(元)"]),
        )
        for row in bill.rows
    ]


def _lay(phone: Phone, day: str) -> int:
    told = call(phone, "GET", f"/v3/merchant/fund/dayendbalance/BASIC?date={day}").json()
    return int(told["available_amount"]) + int(told["pending_amount"])


def _a_day_of_everything(phone: Phone) -> str:
    """The number of a payment partly refunded that day, after a night that settled the last."""
    phone.control("PUT", "/merchant", {"fee_rate_bp": 60})
    set_clock(phone, "2026-02-28T12:00:00")
    paid_on(phone, 1000, "2026-02-28T12:00:00")
    set_clock(phone, f"{DAY}T09:00:00")
    number, _ = paid_on(phone, 30000, f"{DAY}T09:00:00")
    paid_on(phone, 20000, f"{DAY}T09:00:01")
    set_clock(phone, f"{DAY}T10:00:00")
    top_up(phone, "BASIC", 5000)
    forward(phone, 60)
    plan(phone, "SUCCESS", 2)
    answer = refund(phone, refund_body(number, 10000, out_refund_no="R1"))
    assert answer.status_code == 200, answer.text
    return number


def test_the_bills_of_a_day_agree_with_the_purse(merchant: Merchant, phone: Phone) -> None:
    number = _a_day_of_everything(phone)
    at_s = set_clock(phone, "2026-03-02T11:00:00")

    trade = bill_of(merchant, f"tradebill?bill_date={DAY}", at_s=at_s)
    moves = _moves(bill_of(merchant, f"fundflowbill?bill_date={DAY}", at_s=at_s))

    assert [(kind, fen) for kind, fen, _ in moves] == [
        ("提现", -994),
        ("交易", 30000),
        ("扣除交易手续费", -180),
        ("交易", 20000),
        ("扣除交易手续费", -120),
        ("充值", 5000),
        ("退还交易手续费", 60),
        ("退款", -10000),
    ]
    lay = _lay(phone, "2026-02-28")
    assert lay == 994
    for _, fen, balance in moves:
        lay += fen
        assert balance == lay
    assert lay == _lay(phone, DAY) == 44760
    summary = {name: _fen(trade.summary[name]) for name in list(trade.summary)[1:]}
    assert (summary["订单总金额"], summary["退款总金额"]) == (50000, 10000)
    assert summary["手续费总金额"] == 240
    traded = sum(fen for kind, fen, _ in moves if kind not in {"提现", "充值"})
    assert traded == 50000 - 10000 - 240
    (row,) = [row for row in trade.rows if row["交易状态"] == "REFUND"]
    assert (row["商户订单号"], row["商户退款单号"]) == (number, "R1")
    assert (row["退款状态"], row["手续费"], row["费率"]) == ("SUCCESS", "-0.60000", "0.60%")


def test_what_the_night_settled_stands_in_the_next_days_bill(
    merchant: Merchant, phone: Phone
) -> None:
    _a_day_of_everything(phone)
    at_s = set_clock(phone, "2026-03-03T11:00:00")

    told = phone.control("GET", "/settlements").json()["settlements"]
    bill = bill_of(merchant, "fundflowbill?bill_date=2026-03-02", at_s=at_s)

    # The refund took what had been collected, so that all that was topped up still lies there.
    assert [(each["day"], each["fen"]) for each in told] == [
        ("2026-02-28", 994),
        (DAY, 39760),
        ("2026-03-02", 0),
    ]
    assert _moves(bill) == [("提现", -39760, 5000)]
    assert bill.rows[0]["资金流水单号"] == told[1]["flow_no"]
    assert bill.rows[0]["记账时间"] == "2026-03-02 03:00:00"


def test_each_account_has_a_balance_of_its_own(merchant: Merchant, phone: Phone) -> None:
    set_clock(phone, f"{DAY}T12:00:00")
    top_up(phone, "BASIC", 700)
    top_up(phone, "OPERATION", 30)
    top_up(phone, "OPERATION", 4)
    at_s = set_clock(phone, "2026-03-02T11:00:00")

    found = {
        account: _moves(
            bill_of(merchant, f"fundflowbill?bill_date={DAY}&account_type={account}", at_s=at_s)
        )
        for account in ("BASIC", "OPERATION")
    }

    assert found == {
        "BASIC": [("充值", 700, 700)],
        "OPERATION": [("充值", 30, 30), ("充值", 4, 34)],
    }
