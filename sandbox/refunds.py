"""Refunds: asked for, paid out of the merchant's purse, and finished a little later."""

import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from sandbox.books_platform import read_setting
from sandbox.clock import rfc3339
from sandbox.orders import Order, order_by_no, order_by_transaction
from sandbox.pay_problem import PayProblem
from sandbox.purse import (
    BASIC,
    FEE_RETURNED,
    FEE_TAKEN,
    NotEnough,
    Reason,
    fee_of,
    half_up,
    put,
    take,
)

TAKES_S, OUTCOME = "refund_takes_s", "refund_outcome"
TAKES_S_DEFAULT = 2

REFUNDABLE_S = 365 * 86400
REFUNDS_MAX = 50
APART_S = 60

WALLET = "支付用户零钱"
OUTCOMES = ("SUCCESS", "ABNORMAL", "CLOSED")

_REFUNDED = "退款"


@dataclass(frozen=True)
class Refund:
    """One refund number and what became of it.

    While `status` is PROCESSING, `outcome` is what it becomes at `due_s`.
    """

    refund_id: str
    out_refund_no: str
    request: str
    out_trade_no: str
    fen: int
    fee_fen: int
    notify_url: str
    funds_account: str
    received_by: str
    accepted_s: int
    status: str
    outcome: str
    due_s: int
    success_s: int | None


def refund_by_no(db: sqlite3.Connection, out_refund_no: str) -> Refund | None:
    """The refund is returned, or None."""
    row = db.execute("SELECT * FROM refund WHERE out_refund_no = ?", (out_refund_no,)).fetchone()
    return Refund(**row) if row else None


def refund_by_id(db: sqlite3.Connection, refund_id: str) -> Refund | None:
    """The refund is returned, or None."""
    row = db.execute("SELECT * FROM refund WHERE refund_id = ?", (refund_id,)).fetchone()
    return Refund(**row) if row else None


def refunds_of(db: sqlite3.Connection, out_trade_no: str) -> list[Refund]:
    """Every refund of that order is returned, the oldest first."""
    rows = db.execute("SELECT * FROM refund WHERE out_trade_no = ? ORDER BY rowid", (out_trade_no,))
    return [Refund(**row) for row in rows]


def planned_takes_s(db: sqlite3.Connection) -> int:
    """How many seconds a refund is on its way is returned."""
    takes_s = read_setting(db, TAKES_S)
    return TAKES_S_DEFAULT if takes_s is None else int(takes_s)


def planned_outcome(db: sqlite3.Connection) -> str:
    """What becomes of coming refunds is returned."""
    return read_setting(db, OUTCOME) or "SUCCESS"


def accept_refund(db: sqlite3.Connection, request: dict[str, Any], *, at_s: int) -> Refund:
    """The refund is accepted and its money has left the purse; the refund is returned.

    The same request again gives the same refund. Raises PayProblem when it cannot be: then the
    number is not spent.
    """
    # Sorted, so that the order of the JSON fields is not a difference.
    canonical = json.dumps(request, sort_keys=True, ensure_ascii=False)
    known = refund_by_no(db, request["out_refund_no"])
    if known is not None:
        if known.request != canonical:
            raise PayProblem(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
        return known
    order = _order_asked(db, request)
    earlier = refunds_of(db, order.out_trade_no)
    _require_refundable(order, earlier, amount=request["amount"], at_s=at_s)
    refund = Refund(
        refund_id=_new_refund_id(at_s),
        out_refund_no=request["out_refund_no"],
        request=canonical,
        out_trade_no=order.out_trade_no,
        fen=request["amount"]["refund"],
        fee_fen=_fee_back(order, earlier, fen=request["amount"]["refund"],
                          fee_fen=fee_of(db, order.out_trade_no)),
        notify_url=request.get("notify_url", ""),
        funds_account=request.get("funds_account", "UNSETTLED"),
        received_by=WALLET,
        accepted_s=at_s,
        status="PROCESSING",
        outcome=planned_outcome(db),
        due_s=at_s + planned_takes_s(db),
        success_s=None,
    )  # fmt: skip
    _pay_out(db, refund)
    marks = ", ".join("?" * len(vars(refund)))
    # The fields of a Refund stand in the order of the table's columns.
    db.execute(f"INSERT INTO refund VALUES ({marks})", tuple(vars(refund).values()))  # noqa: S608
    return refund


def _order_asked(db: sqlite3.Connection, request: dict[str, Any]) -> Order:
    if "transaction_id" in request:
        order = order_by_transaction(db, request["transaction_id"])
    else:
        order = order_by_no(db, request["out_trade_no"])
    if order is None or order.state == "NEVER_PLACED":
        raise PayProblem(404, "ORDER_NOT_EXIST", "订单不存在")
    return order


def _require_refundable(
    order: Order, earlier: list[Refund], *, amount: dict[str, Any], at_s: int
) -> None:
    if order.success_s is None:
        raise PayProblem(400, "INVALID_REQUEST", "订单未支付，不能退款")
    if amount["total"] != order.total_fen:
        raise PayProblem(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致")
    if at_s - order.success_s > REFUNDABLE_S:
        raise PayProblem(403, "TRADE_OVERDUE", "订单已经超过退款期限")
    if amount["refund"] > order.total_fen - sum(each.fen for each in _standing(earlier)):
        raise PayProblem(400, "INVALID_REQUEST", "申请退款金额超过订单可退金额")
    if len(earlier) >= REFUNDS_MAX:
        raise PayProblem(400, "INVALID_REQUEST", f"一笔订单最多退款 {REFUNDS_MAX} 次")
    if earlier and 0 <= at_s - earlier[-1].accepted_s < APART_S:
        raise PayProblem(429, "FREQUENCY_LIMITED", "同一笔订单多次退款需间隔 1 分钟以上")


def _standing(refunds: list[Refund]) -> list[Refund]:
    return [refund for refund in refunds if refund.status != "CLOSED"]


def _fee_back(order: Order, earlier: list[Refund], *, fen: int, fee_fen: int) -> int:
    # Counted over all refunds together, so that rounding never gives back more than the fee.
    standing = _standing(earlier)
    refunded_fen = fen + sum(refund.fen for refund in standing)
    due_fen = half_up(fee_fen * refunded_fen, order.total_fen)
    return max(0, due_fen - sum(refund.fee_fen for refund in standing))


def _pay_out(db: sqlite3.Connection, refund: Refund) -> None:
    try:
        # The fee comes back first: a payment's own money must be enough to refund it all.
        _move_fee(db, refund, back=True, at_s=refund.accepted_s)
        take(
            db, BASIC, fen=refund.fen, at_s=refund.accepted_s, reason=_reason(refund, _REFUNDED),
            only_settled=refund.funds_account == "AVAILABLE",
        )  # fmt: skip
    except NotEnough:
        raise PayProblem(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起") from None


def _move_fee(db: sqlite3.Connection, refund: Refund, *, back: bool, at_s: int) -> None:
    if refund.fee_fen:
        move, kind = (put, FEE_RETURNED) if back else (take, FEE_TAKEN)
        move(db, BASIC, fen=refund.fee_fen, at_s=at_s, reason=_reason(refund, kind))


def _reason(refund: Refund, kind: str, note: str = "") -> Reason:
    return Reason(refund.refund_id, _REFUNDED, kind, refund.out_refund_no, note)


def finish(db: sqlite3.Connection, refund: Refund, *, outcome: str, at_s: int) -> None:
    """The refund is SUCCESS, ABNORMAL or CLOSED; only the money of a closed one is back."""
    if outcome == "CLOSED":
        reason = _reason(refund, _REFUNDED, "退款关闭，资金退回")
        put(db, BASIC, fen=refund.fen, at_s=at_s, reason=reason)
        _move_fee(db, refund, back=False, at_s=at_s)
    db.execute(
        "UPDATE refund SET status = ?, outcome = ?, success_s = ? WHERE refund_id = ?",
        (outcome, outcome, at_s if outcome == "SUCCESS" else None, refund.refund_id),
    )


def send_to_card(db: sqlite3.Connection, refund: Refund, *, card: str, at_s: int) -> None:
    """An abnormal refund is on its way again, to a card this time, and will arrive."""
    db.execute(
        "UPDATE refund SET status = 'PROCESSING', outcome = 'SUCCESS', due_s = ?, received_by = ?"
        " WHERE refund_id = ?",
        (at_s + planned_takes_s(db), card, refund.refund_id),
    )


def _new_refund_id(at_s: int) -> str:
    digits = rfc3339(at_s)[:10].replace("-", "")
    return f"5030{secrets.randbelow(10**6):06d}{digits}{secrets.randbelow(10**11):011d}"
