"""The bytes of a bill of WeChat Pay, read strictly: whatever does not hold together is refused.

A bill is UTF-8 with a byte order mark, lines end in CRLF, a line of names, the rows (each field
after a backtick), the names of the sums, and the sums. Amounts are yuan in text and become fen by
whole numbers alone. A column that WeChat adds is not in our way; one that is missing is.
Source: WeChat Pay, 下载账单-产品介绍 (交易账单, 资金账单).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app import clock
from app.money import MAX_FEN, Fen

_BOM = b"\xef\xbb\xbf"
_LONGEST_FIELD = 512
_YUAN = re.compile(r"(-?)([0-9]{1,12})\.([0-9]{2,5})")
_COUNT = re.compile(r"[0-9]{1,9}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")

_TRADE_NAMES = (
    *("交易时间", "公众账号ID", "商户号", "微信订单号", "商户订单号", "用户标识", "交易状态"),
    *("货币种类", "应结订单金额", "微信退款单号", "商户退款单号", "退款金额", "充值券退款金额"),
    *("退款状态", "手续费", "订单金额", "申请退款金额"),
)
_FLOW_NAMES = (
    *("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型"),
    *("收支金额(元)", "账户结余(元)", "业务凭证号"),
)
_COUNT_OF_TRADES = "总交易单数"
# The name of a sum -> the column that it sums up.
_TRADE_SUMS = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}
_FLOW_SUMS = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")
_SIGNS = {"收入": 1, "支出": -1}
_STATES = ("SUCCESS", "REFUND")


class BillUnfit(Exception):
    """The bill does not hold together; `why` is a short name for the log and the case."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class TradeLine:
    """A payment (SUCCESS) or a refund (REFUND) of the day, under WeChat's names; fen.

    Payments stand on the day they succeeded, refunds on the day they were accepted, with what had
    become of them when the bill was made. A refund's fee is what is given back, below zero.
    """

    moment: datetime
    appid: str
    mchid: str
    transaction_id: str
    out_trade_no: str
    payer_openid: str
    trade_state: str
    amount_fen: Fen
    refund_id: str
    out_refund_no: str
    refund_fen: Fen
    refund_status: str
    fee_fen: Fen


@dataclass(frozen=True)
class FlowLine:
    """A move of the merchant's money: `fen` above zero came in, below zero went out.

    `business_no` is WeChat's number of the business, `voucher_no` ours where there is one.
    """

    moment: datetime
    business_no: str
    flow_no: str
    name: str
    kind: str
    fen: Fen
    balance_fen: Fen
    voucher_no: str


def read_trade_bill(content: bytes) -> tuple[TradeLine, ...]:
    """The lines of a trade bill of all kinds; raises `BillUnfit`."""
    rows, sums = _taken_apart(content, _TRADE_NAMES, (_COUNT_OF_TRADES, *_TRADE_SUMS))
    lines = tuple(_trade_line(row) for row in rows)
    if _count(sums[_COUNT_OF_TRADES]) != len(lines):
        raise BillUnfit("summary")
    for name, column in _TRADE_SUMS.items():
        if _fen(sums[name]) != sum(_fen(row[column]) for row in rows):
            raise BillUnfit("summary")
    return lines


def read_flow_bill(content: bytes) -> tuple[FlowLine, ...]:
    """The lines of a fund flow bill; raises `BillUnfit`."""
    rows, sums = _taken_apart(content, _FLOW_NAMES, _FLOW_SUMS)
    lines = tuple(_flow_line(row) for row in rows)
    came = [line.fen for line, row in zip(lines, rows, strict=True) if _sign(row) > 0]
    went = [line.fen for line, row in zip(lines, rows, strict=True) if _sign(row) < 0]
    counted = tuple(_count(sums[name]) for name in ("资金流水总笔数", "收入笔数", "支出笔数"))
    summed = (_fen(sums["收入金额"]), -_fen(sums["支出金额"]))
    if counted != (len(lines), len(came), len(went)) or summed != (sum(came), sum(went)):
        raise BillUnfit("summary")
    return lines


def _trade_line(row: Mapping[str, str]) -> TradeLine:
    if row["交易状态"] not in _STATES:
        raise BillUnfit("trade-state")
    if row["货币种类"] != "CNY":
        raise BillUnfit("currency")
    if _fen(row["订单金额"]) < 0 or _fen(row["退款金额"]) < 0:
        raise BillUnfit("amount")
    if row["交易状态"] == "REFUND" and not (row["微信退款单号"] and row["商户退款单号"]):
        raise BillUnfit("field-empty")
    return TradeLine(
        moment=_moment(row["交易时间"]),
        appid=row["公众账号ID"],
        mchid=row["商户号"],
        transaction_id=_needed(row["微信订单号"]),
        out_trade_no=row["商户订单号"],
        payer_openid=row["用户标识"],
        trade_state=row["交易状态"],
        amount_fen=_fen(row["订单金额"]),
        refund_id=row["微信退款单号"],
        out_refund_no=row["商户退款单号"],
        refund_fen=_fen(row["退款金额"]),
        refund_status=row["退款状态"],
        fee_fen=_fen(row["手续费"]),
    )


def _flow_line(row: Mapping[str, str]) -> FlowLine:
    if _fen(row["收支金额(元)"]) < 0:
        raise BillUnfit("amount")
    return FlowLine(
        moment=_moment(row["记账时间"]),
        business_no=_needed(row["微信支付业务单号"]),
        flow_no=_needed(row["资金流水单号"]),
        name=row["业务名称"],
        kind=_needed(row["业务类型"]),
        fen=_sign(row) * _fen(row["收支金额(元)"]),
        balance_fen=_fen(row["账户结余(元)"]),
        voucher_no=row["业务凭证号"],
    )


def _sign(row: Mapping[str, str]) -> int:
    if row["收支类型"] not in _SIGNS:
        raise BillUnfit("direction")
    return _SIGNS[row["收支类型"]]


def _taken_apart(
    content: bytes, names: Sequence[str], sums: Sequence[str]
) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The rows and the sums of a bill, each by the names of its columns."""
    if not content.startswith(_BOM):
        raise BillUnfit("no-bom")
    try:
        text = content.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError:
        raise BillUnfit("not-utf-8") from None
    if not text.endswith("\r\n"):
        raise BillUnfit("cut-off")
    lines = text.removesuffix("\r\n").split("\r\n")
    if len(lines) < 3 or lines[-2].startswith("`"):
        raise BillUnfit("cut-off")
    header, *rows, summary_header, summary = lines
    columns = _names(header, names)
    return [_fields(row, columns) for row in rows], _fields(summary, _names(summary_header, sums))


def _names(line: str, needed: Sequence[str]) -> list[str]:
    found = line.split(",")
    if len(set(found)) != len(found) or not set(needed) <= set(found):
        raise BillUnfit("columns")
    return found


def _fields(line: str, columns: Sequence[str]) -> dict[str, str]:
    """A name of goods may hold commas: fields end where the next one begins with a backtick."""
    values = line[1:].split(",`")
    if not line.startswith("`") or len(values) != len(columns):
        raise BillUnfit("row")
    if any(len(value) > _LONGEST_FIELD or not _is_plain(value) for value in values):
        raise BillUnfit("field")
    return dict(zip(columns, values, strict=True))


def _is_plain(value: str) -> bool:
    """Whether no control character stands in it: databases take no NUL, and people no others."""
    return not any(letter < " " or letter == "\x7f" for letter in value)


def _needed(value: str) -> str:
    if not value:
        raise BillUnfit("field-empty")
    return value


def _fen(text: str) -> Fen:
    """Yuan in text as fen; fees are told with five places, of which the last three are zero."""
    found = _YUAN.fullmatch(text)
    if found is None or found[3][2:].strip("0"):
        raise BillUnfit("amount")
    fen = int(found[2]) * 100 + int(found[3][:2])
    if fen > MAX_FEN:
        raise BillUnfit("amount")
    return -fen if found[1] else fen


def _count(text: str) -> int:
    if _COUNT.fullmatch(text) is None:
        raise BillUnfit("summary")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        if _MOMENT.fullmatch(text) is None:
            raise BillUnfit("moment")
        return datetime.fromisoformat(text).replace(tzinfo=clock.SHANGHAI)
    except ValueError:
        raise BillUnfit("moment") from None
