"""Bills of WeChat Pay: what is read is what was written, and nothing else is read at all."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock
from app.wechat import bill as gateway
from app.wechat import wire
from app.wechat.bill import Bill, BillNotReady, BillUnfit
from app.wechat.bill_text import FlowLine, TradeLine, read_flow_bill, read_trade_bill
from app.wechat.faults import WechatUnavailable
from app.wechat.pay import WechatPay
from tests.sandbox.bill_reader import ALL, FUNDFLOW, FUNDFLOW_SUMMARY, TRADE_SUMMARY
from tests.wechat.answering import Answering, Reply, signed
from tests.wechat.conftest import Sandboxed

DAY = date(2026, 3, 2)
TRADE, FLOW, FILE = "/v3/bill/tradebill", "/v3/bill/fundflowbill", "/v3/billdownload/file"
BOM = b"\xef\xbb\xbf"
Read = Callable[[bytes], Sequence[Any]]

# --- bills written here, from the protocol ---

_words = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="`"), max_size=20
)
_names = st.text(st.sampled_from("0123456789ABCXYZ_-|*"), min_size=1, max_size=32)
_fen = st.integers(0, 10**12)
_moments = st.integers(1_600_000_000, 2_200_000_000).map(
    lambda second: datetime.fromtimestamp(second, clock.SHANGHAI)
)
_trades = st.builds(
    TradeLine,
    moment=_moments,
    appid=_names,
    mchid=_names,
    transaction_id=_names,
    out_trade_no=_names,
    payer_openid=_names,
    trade_state=st.sampled_from(["SUCCESS", "REFUND"]),
    amount_fen=_fen,
    refund_id=_names,
    out_refund_no=_names,
    refund_fen=_fen,
    refund_status=st.sampled_from(["", "SUCCESS", "PROCESSING"]),
    fee_fen=st.integers(-(10**9), 10**9),
)
_flows = st.builds(
    FlowLine,
    moment=_moments,
    business_no=_names,
    flow_no=_names,
    name=_words,
    kind=_words.filter(bool),
    fen=st.integers(-(10**12), 10**12).filter(bool),
    balance_fen=st.integers(-(10**12), 10**12),
    voucher_no=_words,
)


def yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def row(values: Sequence[str]) -> str:
    return ",".join(f"`{each}" for each in values)


def bill(columns: str, rows: Sequence[str], summary: str, sums: Sequence[str]) -> bytes:
    lines = [columns, *rows, summary, row(sums)]
    return BOM + "".join(f"{each}\r\n" for each in lines).encode()


def trade_row(line: TradeLine, goods: str = "") -> str:
    told = {
        "交易时间": line.moment.strftime("%Y-%m-%d %H:%M:%S"),
        "公众账号ID": line.appid,
        "商户号": line.mchid,
        "微信订单号": line.transaction_id,
        "商户订单号": line.out_trade_no,
        "用户标识": line.payer_openid,
        "交易状态": line.trade_state,
        "货币种类": "CNY",
        "应结订单金额": yuan(line.amount_fen),
        "订单金额": yuan(line.amount_fen),
        "代金券金额": "0.00",
        "微信退款单号": line.refund_id,
        "商户退款单号": line.out_refund_no,
        "退款金额": yuan(line.refund_fen),
        "申请退款金额": yuan(line.refund_fen),
        "充值券退款金额": "0.00",
        "退款状态": line.refund_status,
        "手续费": f"{yuan(line.fee_fen)}000",
        "商品名称": goods,
    }
    return row([told.get(name, "") for name in ALL.split(",")])


def trade_bill(lines: Sequence[TradeLine], goods: str = "", **changed: str) -> bytes:
    paid, back = (sum(getattr(each, f) for each in lines) for f in ("amount_fen", "refund_fen"))
    sums = {
        "总交易单数": str(len(lines)),
        "应结订单总金额": yuan(paid),
        "退款总金额": yuan(back),
        "充值券退款总金额": "0.00",
        "手续费总金额": f"{yuan(sum(each.fee_fen for each in lines))}000",
        "订单总金额": yuan(paid),
        "申请退款总金额": yuan(back),
        **changed,
    }
    rows = [trade_row(each, goods) for each in lines]
    return bill(ALL, rows, TRADE_SUMMARY, [sums[name] for name in TRADE_SUMMARY.split(",")])


def flow_row(line: FlowLine, **changed: str) -> str:
    told = {
        "记账时间": line.moment.strftime("%Y-%m-%d %H:%M:%S"),
        "微信支付业务单号": line.business_no,
        "资金流水单号": line.flow_no,
        "业务名称": line.name,
        "业务类型": line.kind,
        "收支类型": "收入" if line.fen > 0 else "支出",
        "收支金额(元)": yuan(abs(line.fen)),
        "账户结余(元)": yuan(line.balance_fen),
        "业务凭证号": line.voucher_no,
        **changed,
    }
    return row([told.get(name, "") for name in FUNDFLOW.split(",")])


def flow_bill(lines: Sequence[FlowLine], **changed: str) -> bytes:
    came = [each.fen for each in lines if each.fen > 0]
    went = [-each.fen for each in lines if each.fen < 0]
    sums = {
        "资金流水总笔数": str(len(lines)),
        "收入笔数": str(len(came)),
        "收入金额": yuan(sum(came)),
        "支出笔数": str(len(went)),
        "支出金额": yuan(sum(went)),
    }
    rows = [flow_row(each, **changed) for each in lines]
    return bill(FUNDFLOW, rows, FUNDFLOW_SUMMARY, list(sums.values()))


A_TRADE = TradeLine(
    moment=datetime(2026, 3, 2, 9, 30, tzinfo=clock.SHANGHAI),
    appid="wx1",
    mchid="1900",
    transaction_id="4200",
    out_trade_no="LC1",
    payer_openid="o1",
    trade_state="SUCCESS",
    amount_fen=500_005,
    refund_id="0",
    out_refund_no="0",
    refund_fen=0,
    refund_status="",
    fee_fen=3_000,
)
A_FLOW = FlowLine(
    moment=datetime(2026, 3, 2, 9, 30, tzinfo=clock.SHANGHAI),
    business_no="4200",
    flow_no="F1",
    name="交易",
    kind="交易",
    fen=500_005,
    balance_fen=500_005,
    voucher_no="LC1",
)
GOOD = trade_bill([A_TRADE])


# --- the reader ---


@given(st.lists(_trades, max_size=5).filter(lambda x: sum(e.amount_fen for e in x) <= 10**13))
def test_a_trade_bill_is_read_as_it_was_written(lines: list[TradeLine]) -> None:
    assert read_trade_bill(trade_bill(lines)) == tuple(lines)


@given(st.lists(_flows, max_size=5))
def test_a_fund_flow_bill_is_read_as_it_was_written(lines: list[FlowLine]) -> None:
    if all(",`" not in each.name + each.kind + each.voucher_no for each in lines):
        assert read_flow_bill(flow_bill(lines)) == tuple(lines)


def test_goods_may_have_commas_and_a_bill_more_columns_than_we_know() -> None:
    assert read_trade_bill(trade_bill([A_TRADE], '鞋,袜,"帽"')) == (A_TRADE,)
    wider = GOOD.replace("费率备注\r\n".encode(), "费率备注,新栏\r\n".encode())
    wider = wider.replace(b",`\r\n" + "总交易".encode(), b",`,`1\r\n" + "总交易".encode())
    assert wider != GOOD
    assert read_trade_bill(wider) == (A_TRADE,)


def _changed(old: str, new: str) -> bytes:
    assert old.encode() in GOOD
    return GOOD.replace(old.encode(), new.encode(), 1)


@pytest.mark.parametrize(
    ("why", "content"),
    [
        ("no-bom", GOOD.removeprefix(BOM)),
        ("no-bom", b""),
        ("not-utf-8", BOM + b"\xff" + GOOD.removeprefix(BOM)),
        ("cut-off", GOOD[:-1]),
        ("cut-off", GOOD[:-2]),
        ("cut-off", BOM + b"\r\n"),
        ("cut-off", GOOD[: GOOD.rindex("总交易单数".encode())]),
        ("columns", _changed("微信订单号", "订单号")),
        ("columns", _changed("设备号", "商户号")),
        ("columns", _changed("总交易单数", "单数")),
        ("row", _changed("`wx1", "wx1")),
        ("row", _changed(",`1900", "")),
        ("row", _changed("`2026-03-02", "2026-03-02")),
        ("row", _changed("\r\n`2026", "\r\n\r\n`2026")),
        ("field", _changed("`LC1", "`LC1\x00")),
        ("field", _changed("`LC1", "`LC\n1")),
        ("field", _changed("`LC1", "`" + "L" * 513)),
        ("field-empty", _changed("`4200", "`")),
        ("moment", _changed("2026-03-02 09:30:00", "2026-02-30 09:30:00")),
        ("moment", _changed("2026-03-02 09:30:00", "2026-03-02T09:30:00")),
        ("trade-state", _changed("`SUCCESS", "`REVOKED")),
        ("currency", _changed("`CNY", "`USD")),
        ("amount", _changed("`5000.05", "`5000.5")),
        ("amount", _changed("`5000.05", "`5,000.05")),
        ("amount", _changed("`5000.05", "`+5000.05")),
        ("amount", _changed("`5000.05", "`５000.05")),
        ("amount", _changed("`5000.05", "`5e3")),
        ("amount", _changed("`5000.05", "`999999999999.99")),
        ("amount", _changed("`30.00000", "`30.00100")),
        ("field-empty", trade_bill([TradeLine(**{**vars(A_TRADE), "trade_state": "REFUND",
                                                 "refund_id": ""})])),
        ("summary", trade_bill([A_TRADE], 总交易单数="2")),
        ("summary", trade_bill([A_TRADE], 总交易单数="1.0")),
        ("summary", trade_bill([A_TRADE], 订单总金额="5000.06")),
        ("summary", trade_bill([A_TRADE], 手续费总金额="30.01000")),
        ("summary", trade_bill([A_TRADE, A_TRADE], 退款总金额="0.01")),
    ],
)  # fmt: skip
def test_a_trade_bill_that_does_not_hold_together_is_refused(why: str, content: bytes) -> None:
    assert reason(read_trade_bill, content) == why


@pytest.mark.parametrize(
    ("why", "content"),
    [
        ("direction", flow_bill([A_FLOW], 收支类型="不明")),
        ("amount", flow_bill([A_FLOW], **{"收支金额(元)": "-5000.05"})),
        ("amount", flow_bill([A_FLOW], **{"账户结余(元)": "x"})),
        ("summary", flow_bill([A_FLOW], **{"收支金额(元)": "5000.06"})),
        ("summary", flow_bill([A_FLOW], 收支类型="支出")),
        ("field-empty", flow_bill([A_FLOW], 资金流水单号="")),
        ("field-empty", flow_bill([A_FLOW], 业务类型="")),
        ("columns", GOOD),
        ("no-bom", flow_bill([A_FLOW])[1:]),
    ],
)
def test_a_fund_flow_bill_that_does_not_hold_together_is_refused(why: str, content: bytes) -> None:
    assert reason(read_flow_bill, content) == why


@given(st.integers(0, len(GOOD) - 1))
def test_a_bill_cut_off_anywhere_is_never_read(length: int) -> None:
    assert reason(read_trade_bill, GOOD[:length]) != ""


def reason(read: Read, content: bytes) -> str:
    """Why the bill is unfit."""
    with pytest.raises(BillUnfit) as unfit:
        read(content)
    return unfit.value.why


# --- the way to the bytes ---


def told(wechat: Answering, content: bytes, **changed: Any) -> Reply:
    """WeChat's answer about where a bill of these bytes lies."""
    facts = {
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(content).hexdigest(),  # noqa: S324 - WeChat's
        "download_url": f"{wechat.base}{FILE}?token=abc",
    }
    return signed(facts | changed)


def prepared(wechat: Answering, **changed: Any) -> None:
    """A trade bill of one line, and no moves."""
    wechat.to(TRADE, told(wechat, GOOD, **changed))
    wechat.to(FLOW, Reply.of({"code": "NO_STATEMENT_EXIST", "message": "x"}, status=400))
    wechat.to(FILE, Reply(gzip.compress(GOOD)))


def test_a_day_is_asked_for_fetched_compared_and_read(wechat: Answering, pay: WechatPay) -> None:
    prepared(wechat)

    bills = pay.bills.of_day(DAY)

    assert bills.trade == Bill(hashlib.sha1(GOOD).hexdigest(), (A_TRADE,))  # noqa: S324
    assert bills.basic == bills.operation == Bill("", ())
    assert [each.target for each in wechat.asked] == [
        f"{TRADE}?bill_date=2026-03-02&bill_type=ALL&tar_type=GZIP",
        f"{FILE}?token=abc",
        f"{FLOW}?bill_date=2026-03-02&account_type=BASIC&tar_type=GZIP",
        f"{FLOW}?bill_date=2026-03-02&account_type=OPERATION&tar_type=GZIP",
    ]
    assert wechat.asked[1].headers["Authorization"].startswith("WECHATPAY2-SHA256-RSA2048 ")


def test_the_sandbox_and_the_gateway_mean_the_same(sandboxed: Sandboxed) -> None:
    paid_at = (clock.now() - timedelta(days=2)).astimezone(clock.SHANGHAI).replace(microsecond=0)
    openid = sandboxed.user()["openid"]
    stray = {"openid": openid, "amount": 7, "success_time": paid_at.isoformat(), "notify": False}
    paid = sandboxed.control("POST", "stray-payments", **stray)

    bills = sandboxed.pay.bills.of_day(paid_at.date())

    (trade,), (move,) = bills.trade.lines, bills.basic.lines
    assert (trade.transaction_id, trade.out_trade_no) == (
        paid["transaction_id"],
        paid["out_trade_no"],
    )
    assert (trade.moment, trade.payer_openid, trade.amount_fen) == (paid_at, openid, 7)
    assert (trade.appid, trade.mchid) == (sandboxed.pay.appid, sandboxed.pay.mchid)
    assert (move.business_no, move.fen, move.balance_fen) == (paid["transaction_id"], 7, 7)
    assert bills.operation == Bill("", ())
    assert sandboxed.pay.bills.of_day(paid_at.date() - timedelta(days=1)).trade == Bill("", ())


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"hash_value": "0" * 40}, "hash"),
        ({"hash_type": "MD5"}, "answer"),
        ({"hash_value": None}, "answer"),
        ({"download_url": None}, "answer"),
        ({"download_url": "https://example.com/v3/billdownload/file"}, "download-host"),
        ({"download_url": "http://api.mch.weixin.qq.com/x"}, "download-host"),
        ({"download_url": "https://api.mch.weixin.qq.com:8443/x"}, "download-host"),
        ({"download_url": "https://api.mch.weixin.qq.com@example.com/x"}, "download-host"),
        ({"download_url": "https://api.mch.weixin.qq.com.example.com/x"}, "download-host"),
        ({"download_url": "https://u:p@api.mch.weixin.qq.com/x"}, "download-host"),
        ({"download_url": "file:///etc/passwd"}, "download-host"),
        ({"download_url": "http://[::1"}, "download-host"),
    ],
)
def test_an_answer_that_leads_astray_is_not_followed(
    wechat: Answering, pay: WechatPay, changed: dict[str, Any], why: str
) -> None:
    prepared(wechat, **changed)

    with pytest.raises(BillUnfit) as unfit:
        pay.bills.of_day(DAY)

    assert unfit.value.why == why
    assert wechat.count(FILE) == (1 if why == "hash" else 0)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(gzip.compress(GOOD)[:-9]), "cut-off"),
        (Reply(gzip.compress(GOOD) + b"more"), "gzip"),
        (Reply(GOOD), "gzip"),
        (Reply(b""), "cut-off"),
        (Reply(status=403), "download-refused"),
        (Reply(status=404), "download-refused"),
    ],
)
def test_bytes_that_are_not_the_bill_are_unfit(
    wechat: Answering, pay: WechatPay, reply: Reply, why: str
) -> None:
    prepared(wechat)
    wechat.to(FILE, reply)

    with pytest.raises(BillUnfit) as unfit:
        pay.bills.of_day(DAY)

    assert unfit.value.why == why


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(status=429),
        Reply(status=302, headers={"Location": "https://api.mch.weixin.qq.com/x"}),
        Reply(gzip.compress(GOOD), length=10_000),
    ],
)
def test_bytes_that_do_not_come_are_asked_for_later(
    wechat: Answering, pay: WechatPay, reply: Reply
) -> None:
    prepared(wechat)
    wechat.to(FILE, reply)

    with pytest.raises(WechatUnavailable):
        pay.bills.of_day(DAY)

    assert wechat.count(FILE) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [("STATEMENT_CREATING", BillNotReady), ("NO_AUTH", BillUnfit), ("PARAM_ERROR", BillUnfit)],
)
def test_what_wechat_says_instead_of_a_bill(
    wechat: Answering, pay: WechatPay, code: str, error: type[Exception]
) -> None:
    prepared(wechat)
    wechat.to(FLOW, Reply.of({"code": code, "message": "x"}, status=400))

    with pytest.raises(error):
        pay.bills.of_day(DAY)


def test_a_bill_is_bounded_packed_and_unpacked(
    wechat: Answering, pay: WechatPay, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(wechat)
    monkeypatch.setattr(gateway, "LARGEST_BILL", len(GOOD) - 1)
    with pytest.raises(BillUnfit) as unfit:
        pay.bills.of_day(DAY)
    assert unfit.value.why == "too-large"

    monkeypatch.setattr(gateway, "LARGEST_BILL", len(GOOD))
    assert pay.bills.of_day(DAY).trade.lines == (A_TRADE,)


def test_more_than_can_be_kept_is_not_taken_in(
    wechat: Answering, pay: WechatPay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_LARGEST_DOWNLOAD", 10)
    prepared(wechat)

    with pytest.raises(WechatUnavailable):
        pay.bills.of_day(DAY)
