"""Payments on given days and a reader of bills, written from the protocol, not from `sandbox/`."""

import gzip
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import requests

from tests.sandbox.merchant import Merchant, Phone

BEIJING = timezone(timedelta(hours=8))
DAY = "2026-03-01"

ALL = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
SUCCESS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注"
)
REFUND = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,"
    "充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
FUNDFLOW = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
TRADE_SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
FUNDFLOW_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


@dataclass
class Bill:
    """A bill taken apart; every field without its backtick."""

    header: str
    rows: list[dict[str, str]]
    summary_header: str
    summary: dict[str, str]


def read_bill(content: bytes) -> Bill:
    """Every byte is accounted for."""
    assert content.startswith(b"\xef\xbb\xbf")
    text = content[3:].decode()
    assert text.endswith("\r\n")
    header, *rows, summary_header, summary = text.split("\r\n")[:-1]
    return Bill(
        header,
        [_fields(header, row) for row in rows],
        summary_header,
        _fields(summary_header, summary),
    )


def _fields(header: str, line: str) -> dict[str, str]:
    assert line.startswith("`")
    values = line[1:].split(",`")
    names = header.split(",")
    assert len(values) == len(names), line
    return dict(zip(names, values, strict=True))


def asked(merchant: Merchant, path: str, *, at_s: int) -> requests.Response:
    """A bill is asked for; `path` is what stands after /v3/bill/."""
    return merchant.call("GET", f"/v3/bill/{path}", at_s=at_s)


def fetched(merchant: Merchant, told: requests.Response, *, at_s: int) -> bytes:
    """The bytes behind the answer's address, which nobody signed."""
    assert told.status_code == 200, told.text
    assert told.json()["download_url"].startswith(f"{merchant.base}/v3/billdownload/file?token=")
    path = told.json()["download_url"].removeprefix(merchant.base)
    answer = merchant.call("GET", path, at_s=at_s)
    assert answer.status_code == 200, answer.text
    assert "Wechatpay-Signature" not in answer.headers
    return answer.content


def bill_of(merchant: Merchant, path: str, *, at_s: int) -> Bill:
    """The whole way: asked for, fetched, hashed, taken apart."""
    told = asked(merchant, path, at_s=at_s)
    assert merchant.believes(told.headers, told.content)
    content = fetched(merchant, told, at_s=at_s)
    if "GZIP" in path:
        content = gzip.decompress(content)
    assert told.json()["hash_type"] == "SHA1"
    assert hashlib.sha1(content).hexdigest() == told.json()["hash_value"]  # noqa: S324 - WeChat's
    return read_bill(content)


def instant(text: str) -> int:
    """A time of Beijing in Unix seconds."""
    return int(datetime.fromisoformat(f"{text}+08:00").timestamp())


MORNING_AFTER = instant("2026-03-02T11:00:00")


def set_clock(phone: Phone, text: str) -> int:
    """Everybody lives at that time of Beijing; it is returned in Unix seconds."""
    phone.control("PUT", "/clock", {"now": f"{text}+08:00"})
    return instant(text)


def paid_on(phone: Phone, fen: int, success: str, **changes: Any) -> tuple[str, str]:
    """A payment dated as asked for, made by a phone whose clock is right."""
    order = phone.merchant.order(phone.openid, amount={"total": fen, "currency": "CNY"}, **changes)
    at_s = datetime.fromisoformat(phone.control("GET", "/clock").json()["now"]).timestamp()
    placed = phone.merchant.call("POST", "/v3/pay/transactions/jsapi", order, at_s=int(at_s))
    dialog = phone.merchant.dialog(placed.json()["prepay_id"])
    answer = phone.does("pay", **dialog, notify=False, success_time=f"{success}+08:00")
    assert answer.status_code == 200, answer.text
    return order["out_trade_no"], answer.json()["transaction_id"]
