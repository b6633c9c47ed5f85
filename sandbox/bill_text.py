"""The exact bytes of a bill, made of its rows."""

import hashlib
from collections.abc import Iterable, Sequence

# A column's text, or fen where the column is money.
Row = dict[str, str | int]

BOM = b"\xef\xbb\xbf"

_WHO = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识"
_TRADE = f"{_WHO},交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额"
_REFUND = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
_WHAT = "商品名称,商户数据包,手续费,费率,订单金额"
_FUNDFLOW = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元)"

FUNDFLOW = "fundflow"
# The kind of a bill -> its columns.
TRADE_COLUMNS = {
    "ALL": f"{_TRADE},{_REFUND},{_WHAT},申请退款金额,费率备注",
    "SUCCESS": f"{_TRADE},{_WHAT},费率备注",
    "REFUND": f"{_TRADE},退款申请时间,退款成功时间,{_REFUND},{_WHAT},申请退款金额,费率备注",
}
FUNDFLOW_COLUMNS = f"{_FUNDFLOW},账户结余(元),资金变更提交申请人,备注,业务凭证号"

AMOUNT, DIRECTION, INCOME, EXPENSE = "收支金额(元)", "收支类型", "收入", "支出"
FEE = "手续费"

_TRADE_SUMS = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": FEE,
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}


def yuan(fen: int) -> str:
    """Fen as a bill writes yuan: `-0.05`."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def bill_bytes(kind: str, rows: Sequence[Row], *, count_off: int = 0, bom: bool = True) -> bytes:
    """The bill of those rows is returned; `kind` is ALL, SUCCESS, REFUND or FUNDFLOW.

    `count_off` is by how much the summary counts wrong.
    """
    columns = FUNDFLOW_COLUMNS if kind == FUNDFLOW else TRADE_COLUMNS[kind]
    header, sums = _fundflow_summary(rows) if kind == FUNDFLOW else _trade_summary(rows)
    sums = [str(len(rows) + count_off), *sums]
    lines = [columns]
    lines += [_line(_shown(row, name) for name in columns.split(",")) for row in rows]
    lines += [header, _line(sums)]
    return (BOM if bom else b"") + "".join(f"{line}\r\n" for line in lines).encode()


def bill_hash(content: bytes) -> str:
    """The SHA-1 of a bill's uncompressed bytes is returned, 40 hex digits."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _line(fields: Iterable[str]) -> str:
    return ",".join(f"`{field}" for field in fields)


def _shown(row: Row, name: str) -> str:
    value = row[name]
    if isinstance(value, str):
        return value.replace("\r", " ").replace("\n", " ")
    return _fee(value) if name == FEE else yuan(value)


def _fee(fen: int) -> str:
    # A bill writes fees, and only fees, with five decimals.
    return f"{yuan(fen)}000"


def _trade_summary(rows: Sequence[Row]) -> tuple[str, list[str]]:
    header = ",".join(("总交易单数", *_TRADE_SUMS))
    totals = {name: _sum(rows, name) for name in _TRADE_SUMS.values()}
    return header, [_fee(fen) if name == FEE else yuan(fen) for name, fen in totals.items()]


def _fundflow_summary(rows: Sequence[Row]) -> tuple[str, list[str]]:
    header = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
    sums = []
    for direction in (INCOME, EXPENSE):
        found = [row for row in rows if row[DIRECTION] == direction]
        sums += [str(len(found)), yuan(_sum(found, AMOUNT))]
    return header, sums


def _sum(rows: Sequence[Row], name: str) -> int:
    return sum(value for row in rows if isinstance(value := row[name], int))
