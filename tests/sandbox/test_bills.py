"""Bills of a day: to the byte, and at the hour they are ready."""

import gzip
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from tests.sandbox import bill_reader
from tests.sandbox.bill_reader import (
    BEIJING,
    DAY,
    MORNING_AFTER,
    asked,
    bill_of,
    paid_on,
    read_bill,
    set_clock,
)
from tests.sandbox.merchant import Merchant, Phone


def test_a_trade_bill_holds_the_payments_of_its_day_and_no_other(
    merchant: Merchant, phone: Phone, two_payments: list[tuple[str, str]]
) -> None:
    bill = bill_of(merchant, f"tradebill?bill_date={DAY}&bill_type=ALL", at_s=MORNING_AFTER)

    assert bill.header == bill_reader.ALL
    found = [(row["商户订单号"], row["微信订单号"]) for row in bill.rows]
    assert found == two_payments
    assert bill.rows[1] == {
        "交易时间": "2026-03-01 23:59:59",
        "公众账号ID": merchant.env["WECHAT_APPID"],
        "商户号": "1900000001",
        "特约商户号": "0",
        "设备号": "",
        "微信订单号": two_payments[1][1],
        "商户订单号": two_payments[1][0],
        "用户标识": phone.openid,
        "交易类型": "JSAPI",
        "交易状态": "SUCCESS",
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "应结订单金额": "0.05",
        "代金券金额": "0.00",
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "充值券退款金额": "0.00",
        "退款类型": "",
        "退款状态": "",
        "商品名称": "缴存,三月",
        "商户数据包": "a=1,b=2",
        "手续费": bill.rows[1]["手续费"],
        "费率": bill.rows[1]["费率"],
        "订单金额": "0.05",
        "申请退款金额": "0.00",
        "费率备注": "",
    }
    assert bill.summary_header == bill_reader.TRADE_SUMMARY
    assert bill.summary["总交易单数"] == "2"
    assert bill.summary["应结订单总金额"] == bill.summary["订单总金额"] == "300.05"
    assert bill.summary["退款总金额"] == "0.00"


@pytest.mark.usefixtures("two_payments")
def test_success_has_fewer_columns_and_a_day_without_refunds_has_no_refund_bill(
    merchant: Merchant,
) -> None:
    paid = bill_of(merchant, f"tradebill?bill_date={DAY}&bill_type=SUCCESS", at_s=MORNING_AFTER)
    refunds = asked(merchant, f"tradebill?bill_date={DAY}&bill_type=REFUND", at_s=MORNING_AFTER)

    assert paid.header == bill_reader.SUCCESS
    assert [row["订单金额"] for row in paid.rows] == ["300.00", "0.05"]
    assert (refunds.status_code, refunds.json()["code"]) == (400, "NO_STATEMENT_EXIST")


@pytest.mark.usefixtures("two_payments")
def test_a_gzip_bill_is_the_same_bill_and_hashed_unpacked(merchant: Merchant) -> None:
    plain = bill_of(merchant, f"tradebill?bill_date={DAY}", at_s=MORNING_AFTER)

    packed = bill_of(merchant, f"tradebill?bill_date={DAY}&tar_type=GZIP", at_s=MORNING_AFTER)

    assert packed == plain


def test_the_fund_flow_tells_what_came_and_what_then_lay_there(
    merchant: Merchant, two_payments: list[tuple[str, str]]
) -> None:
    bill = bill_of(merchant, f"fundflowbill?bill_date={DAY}", at_s=MORNING_AFTER)
    fees = asked(merchant, f"fundflowbill?bill_date={DAY}&account_type=FEES", at_s=MORNING_AFTER)

    income = [row for row in bill.rows if row["业务类型"] == "交易"]
    assert bill.header == bill_reader.FUNDFLOW
    assert bill.summary_header == bill_reader.FUNDFLOW_SUMMARY
    assert [row["微信支付业务单号"] for row in income] == [each[1] for each in two_payments]
    assert [row["收支金额(元)"] for row in income] == ["300.00", "0.05"]
    assert {row["收支类型"] for row in income} == {"收入"}
    assert bill.summary["资金流水总笔数"] == str(len(bill.rows))
    assert (bill.summary["收入笔数"], bill.summary["收入金额"]) == ("2", "300.05")
    assert (fees.status_code, fees.json()["code"]) == (400, "NO_STATEMENT_EXIST")


@pytest.mark.parametrize(
    ("now", "code"),
    [
        ("2026-03-01T23:00:00", "STATEMENT_CREATING"),
        ("2026-03-02T09:59:50", "STATEMENT_CREATING"),
        ("2026-03-02T10:00:00", ""),
        ("2026-06-01T10:00:00", ""),
        ("2026-06-02T10:00:00", "INVALID_REQUEST"),
        ("2026-02-28T10:00:00", "INVALID_REQUEST"),
    ],
)
def test_a_bill_is_ready_at_ten_and_kept_three_months(
    merchant: Merchant, phone: Phone, now: str, code: str
) -> None:
    at_s = set_clock(phone, "2026-03-01T12:00:00")
    paid_on(phone, 100, f"{DAY}T12:00:00")
    at_s = set_clock(phone, now)

    for path in ("tradebill", "fundflowbill"):
        answer = asked(merchant, f"{path}?bill_date={DAY}", at_s=at_s)
        assert answer.status_code == (400 if code else 200)
        assert answer.json().get("code", "") == code


@pytest.mark.parametrize(
    "query",
    [
        "tradebill",
        "tradebill?bill_date=20260301",
        "tradebill?bill_date=2026-02-30",
        "tradebill?bill_date=2026-3-1",
        f"tradebill?bill_date={DAY}&bill_type=NONE",
        f"tradebill?bill_date={DAY}&tar_type=ZIP",
        f"fundflowbill?bill_date={DAY}&account_type=Basic",
    ],
)
@pytest.mark.usefixtures("two_payments")
def test_a_query_out_of_form_is_refused(merchant: Merchant, query: str) -> None:
    answer = asked(merchant, query, at_s=MORNING_AFTER)

    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert answer.json()["detail"]["location"] == "query"


@pytest.mark.usefixtures("two_payments")
def test_a_link_needs_the_merchant_and_lives_five_minutes(merchant: Merchant, phone: Phone) -> None:
    told = asked(merchant, f"tradebill?bill_date={DAY}", at_s=MORNING_AFTER)
    url = told.json()["download_url"]
    path = url.removeprefix(merchant.base)

    stranger = requests.get(url, headers={"Accept": "*/*"}, timeout=10)
    at_s = set_clock(phone, "2026-03-02T11:04:50")
    in_time = merchant.call("GET", path, at_s=at_s)
    at_s = set_clock(phone, "2026-03-02T11:05:10")
    late = merchant.call("GET", path, at_s=at_s)
    invented = merchant.call("GET", "/v3/billdownload/file?token=none", at_s=at_s)

    assert stranger.status_code == 401
    assert in_time.status_code == 200
    assert (late.status_code, late.json()["code"]) == (400, "INVALID_REQUEST")
    assert invented.status_code == 400


@pytest.mark.usefixtures("two_payments")
def test_a_bill_once_made_stays_as_it_is_until_it_is_forgotten(
    merchant: Merchant, phone: Phone
) -> None:
    path = f"tradebill?bill_date={DAY}"
    first = asked(merchant, path, at_s=MORNING_AFTER).json()["hash_value"]
    paid_on(phone, 7, f"{DAY}T12:00:00")

    again = asked(merchant, path, at_s=MORNING_AFTER).json()["hash_value"]
    phone.control("DELETE", "/bills")
    anew = bill_of(merchant, path, at_s=MORNING_AFTER)

    assert first == again
    assert anew.summary["总交易单数"] == "3"


def test_an_independent_client_fetches_yesterdays_bill(
    merchant: Merchant, phone: Phone, wechatpayv3_client: Any
) -> None:
    now = datetime.now(BEIJING)
    yesterday = (now - timedelta(days=1)).date().isoformat()
    if now.hour < 10:
        yesterday = (now - timedelta(days=2)).date().isoformat()
    number, _ = paid_on(phone, 12345, f"{yesterday}T12:00:00")

    status, told = wechatpayv3_client.trade_bill(yesterday)
    address = json.loads(told)
    fetched_status, content = wechatpayv3_client.download_bill(address["download_url"])

    unpacked = gzip.decompress(content)
    assert (status, fetched_status) == (200, 200)
    assert hashlib.sha1(unpacked).hexdigest() == address["hash_value"]  # noqa: S324 - WeChat's
    assert [row["商户订单号"] for row in read_bill(unpacked).rows] == [number]
