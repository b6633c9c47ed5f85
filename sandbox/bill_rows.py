"""What a bill tells of a day, read from the books: payments, refunds, moves of a balance.

Refunds, moves and fees are read from tables or views of these names and columns.

    billed_refund  the fields of Refund
    billed_move    account (BASIC, OPERATION, FEES), seq (the order of moves of one second) and
                   the fields of Move
    billed_fee     out_trade_no, fee_fen, rate (as a bill writes it: 0.60%)
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sandbox.bill_text import AMOUNT, DIRECTION, EXPENSE, FEE, INCOME, Row
from sandbox.clock import BEIJING
from sandbox.identity import Identity
from sandbox.orders import Order, order_by_no


@dataclass(frozen=True)
class Span:
    """The seconds of one day of Beijing, the last one excluded."""

    from_s: int
    until_s: int


@dataclass(frozen=True)
class Refund:
    """A refund that was accepted that day, and what had become of it when it was looked at."""

    out_trade_no: str
    refund_id: str
    out_refund_no: str
    fen: int
    fee_fen: int
    status: str
    accepted_s: int
    success_s: int | None


@dataclass(frozen=True)
class Move:
    """Money that came into an account (`fen` above zero) or left it."""

    at_s: int
    business_no: str
    flow_no: str
    name: str
    kind: str
    fen: int
    balance_fen: int
    note: str
    voucher_no: str


def trade_rows(db: sqlite3.Connection, identity: Identity, *, span: Span, kind: str) -> list[Row]:
    """The lines of a trade bill, ALL, SUCCESS or REFUND, are returned in the order of time."""
    found: list[tuple[int, Row]] = []
    if kind != "REFUND":
        for order, success_s in _payments(db, span):
            found.append((success_s, _payment_row(db, order, identity, success_s)))
    if kind != "SUCCESS":
        for refund in _refunds(db, span):
            order = _order(db, refund.out_trade_no)
            row = _refund_row(db, order, identity, refund)
            if kind == "REFUND":
                # Here, and only here, the line's first time is the payment's.
                row["交易时间"] = _moment(order.success_s or 0)
            found.append((refund.accepted_s, row))
    return [row for _, row in sorted(found, key=lambda each: each[0])]


def fundflow_rows(
    db: sqlite3.Connection, identity: Identity, *, span: Span, account: str
) -> list[Row]:
    """The lines of a fund flow bill of that account are returned in the order of the moves."""
    return [
        {
            "记账时间": _moment(move.at_s),
            "微信支付业务单号": move.business_no,
            "资金流水单号": move.flow_no,
            "业务名称": move.name,
            "业务类型": move.kind,
            DIRECTION: INCOME if move.fen > 0 else EXPENSE,
            AMOUNT: abs(move.fen),
            "账户结余(元)": move.balance_fen,
            "资金变更提交申请人": f"{identity.mchid}API",
            "备注": move.note,
            "业务凭证号": move.voucher_no,
        }
        for move in _moves(db, account, span)
    ]


def _payment_row(db: sqlite3.Connection, order: Order, identity: Identity, success_s: int) -> Row:
    fee_fen, rate = _fee(db, order.out_trade_no)
    return _order_row(order, identity) | {
        "交易时间": _moment(success_s),
        "交易状态": "SUCCESS",
        "应结订单金额": order.total_fen,
        "订单金额": order.total_fen,
        FEE: fee_fen,
        "费率": rate,
    }


def _refund_row(db: sqlite3.Connection, order: Order, identity: Identity, refund: Refund) -> Row:
    return _order_row(order, identity) | {
        "交易时间": _moment(refund.accepted_s),
        "交易状态": "REFUND",
        "退款申请时间": _moment(refund.accepted_s),
        "退款成功时间": "" if refund.success_s is None else _moment(refund.success_s),
        "微信退款单号": refund.refund_id,
        "商户退款单号": refund.out_refund_no,
        "退款金额": refund.fen,
        "申请退款金额": refund.fen,
        "退款类型": "ORIGINAL",
        "退款状态": refund.status,
        FEE: -refund.fee_fen,
        "费率": _fee(db, order.out_trade_no)[1],
    }


def _order_row(order: Order, identity: Identity) -> Row:
    asked = json.loads(order.request) if order.request else {}
    return {
        "公众账号ID": identity.appid,
        "商户号": identity.mchid,
        "特约商户号": "0",
        "设备号": "",
        "微信订单号": order.transaction_id or "",
        "商户订单号": order.out_trade_no,
        "用户标识": order.openid,
        "交易类型": "JSAPI",
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "应结订单金额": 0,
        "代金券金额": 0,
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": 0,
        "充值券退款金额": 0,
        "退款类型": "",
        "退款状态": "",
        "商品名称": asked.get("description", ""),
        "商户数据包": order.attach,
        "订单金额": 0,
        "申请退款金额": 0,
        "费率备注": "",
    }


def _payments(db: sqlite3.Connection, span: Span) -> Iterator[tuple[Order, int]]:
    found = db.execute(
        "SELECT out_trade_no, success_s FROM payment WHERE success_s >= ? AND success_s < ?"
        " ORDER BY success_s, rowid",
        (span.from_s, span.until_s),
    ).fetchall()
    for row in found:
        yield _order(db, row["out_trade_no"]), row["success_s"]


def _refunds(db: sqlite3.Connection, span: Span) -> list[Refund]:
    found = db.execute(
        "SELECT out_trade_no, refund_id, out_refund_no, fen, fee_fen, status, accepted_s, success_s"
        " FROM billed_refund WHERE accepted_s >= ? AND accepted_s < ?"
        " ORDER BY accepted_s, refund_id",
        (span.from_s, span.until_s),
    )
    return [Refund(**row) for row in found]


def _moves(db: sqlite3.Connection, account: str, span: Span) -> list[Move]:
    found = db.execute(
        "SELECT at_s, business_no, flow_no, name, kind, fen, balance_fen, note, voucher_no"
        " FROM billed_move WHERE account = ? AND at_s >= ? AND at_s < ?"
        " ORDER BY at_s, seq",
        (account, span.from_s, span.until_s),
    )
    return [Move(**row) for row in found]


def _fee(db: sqlite3.Connection, out_trade_no: str) -> tuple[int, str]:
    row = db.execute(
        "SELECT fee_fen, rate FROM billed_fee WHERE out_trade_no = ?", (out_trade_no,)
    ).fetchone()
    return (row["fee_fen"], row["rate"]) if row else (0, "0.00%")


def _order(db: sqlite3.Connection, out_trade_no: str) -> Order:
    order = order_by_no(db, out_trade_no)
    if order is None:
        raise LookupError(out_trade_no)
    return order


def _moment(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
