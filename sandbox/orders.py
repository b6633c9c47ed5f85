"""Orders, and the payments that settle them: what WeChat Pay holds true."""

import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from sandbox.clock import parsed_rfc3339, rfc3339
from sandbox.identity import Identity
from sandbox.pay_problem import PayProblem, wrong_parameter

PREPAY_LIFE_S = 7200
ORDER_LIFE_S = 7 * 86400
EXPIRE_MIN_S = 60

_SELECT = "SELECT * FROM pay_order LEFT JOIN payment USING (out_trade_no)"


@dataclass(frozen=True)
class Order:
    """One merchant number and what became of it.

    `state` is NOTPAY, SUCCESS or CLOSED; an order past `until_s` stays NOTPAY until somebody
    closes it, as at WeChat, and only refuses to be paid. NEVER_PLACED is a number that was closed
    before any order used it: WeChat answers 204 and the number is spent.
    """

    out_trade_no: str
    request: str
    openid: str
    total_fen: int
    attach: str
    notify_url: str
    until_s: int
    is_stray: int
    state: str
    transaction_id: str | None
    success_s: int | None


def order_by_no(db: sqlite3.Connection, out_trade_no: str) -> Order | None:
    """The order is returned, or None."""
    row = db.execute(f"{_SELECT} WHERE out_trade_no = ?", (out_trade_no,)).fetchone()
    return Order(**row) if row else None


def order_by_transaction(db: sqlite3.Connection, transaction_id: str) -> Order | None:
    """The order that this payment settled is returned, or None."""
    row = db.execute(f"{_SELECT} WHERE transaction_id = ?", (transaction_id,)).fetchone()
    return Order(**row) if row else None


def order_by_prepay(db: sqlite3.Connection, prepay_id: str) -> tuple[Order, int] | None:
    """The order is returned with the second at which this prepay_id ends, or None."""
    row = db.execute("SELECT * FROM prepay WHERE prepay_id = ?", (prepay_id,)).fetchone()
    order = order_by_no(db, row["out_trade_no"]) if row else None
    return (order, row["until_s"]) if order else None


def all_orders(db: sqlite3.Connection) -> list[Order]:
    """Every order is returned, oldest first."""
    return [Order(**row) for row in db.execute(f"{_SELECT} ORDER BY pay_order.rowid")]


def place_order(db: sqlite3.Connection, request: dict[str, Any], *, at_s: int) -> str:
    """The order stands in the books as NOTPAY and a fresh prepay_id for it is returned.

    The same request again gives another prepay_id of the same order. Raises PayProblem when the
    number is spent: paid, closed, expired, or first used with other parameters.
    """
    # Sorted, so that the order of the JSON fields is not a difference.
    canonical = json.dumps(request, sort_keys=True, ensure_ascii=False)
    order = order_by_no(db, request["out_trade_no"])
    if order is None:
        until_s = _insert_order(db, request, canonical=canonical, at_s=at_s)
    else:
        _require_same(order, canonical, at_s=at_s)
        until_s = order.until_s
    prepay_id = "wx" + rfc3339(at_s)[:19].translate({ord(c): None for c in "-T:"})
    prepay_id += secrets.token_hex(10)
    db.execute(
        "INSERT INTO prepay VALUES (?, ?, ?)",
        (prepay_id, min(until_s, at_s + PREPAY_LIFE_S), request["out_trade_no"]),
    )
    return prepay_id


def _require_same(order: Order, canonical: str, *, at_s: int) -> None:
    if order.state == "SUCCESS":
        raise PayProblem(400, "ORDERPAID", "该订单已支付")
    if order.state == "CLOSED":
        raise PayProblem(400, "ORDER_CLOSED", "该订单已关闭")
    if order.request != canonical:
        raise PayProblem(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
    if order.until_s <= at_s:
        raise PayProblem(400, "INVALID_REQUEST", "订单已过期，请使用新的商户订单号")


def _insert_order(
    db: sqlite3.Connection, request: dict[str, Any], *, canonical: str, at_s: int
) -> int:
    until_s = at_s + ORDER_LIFE_S
    if "time_expire" in request:
        until_s = int(parsed_rfc3339(request["time_expire"]).timestamp())
        if until_s - at_s < EXPIRE_MIN_S:
            raise wrong_parameter("/time_expire", "距下单时间不得少于 1 分钟")
    db.execute(
        "INSERT INTO pay_order VALUES (?, ?, ?, ?, ?, ?, ?, 0, 'NOTPAY')",
        (request["out_trade_no"], canonical, request["payer"]["openid"],
         request["amount"]["total"], request.get("attach", ""), request["notify_url"], until_s),
    )  # fmt: skip
    return until_s


def close_order(db: sqlite3.Connection, out_trade_no: str) -> None:
    """Nobody can pay this number any more. Raises PayProblem when somebody already has."""
    order = order_by_no(db, out_trade_no)
    if order is None:
        db.execute(
            "INSERT INTO pay_order VALUES (?, '', '', 0, '', '', 0, 0, 'NEVER_PLACED')",
            (out_trade_no,),
        )
    elif order.state == "SUCCESS":
        raise PayProblem(400, "ORDERPAID", "该订单已支付")
    elif order.state == "NOTPAY":
        _set_state(db, out_trade_no, "CLOSED")


def settle_order(db: sqlite3.Connection, out_trade_no: str, *, success_s: int) -> Order:
    """The order is paid and returned with its transaction id; the caller has checked it may be."""
    digits = rfc3339(success_s)[:10].replace("-", "")
    transaction_id = f"4200{secrets.randbelow(10**6):06d}{digits}{secrets.randbelow(10**10):010d}"
    db.execute("INSERT INTO payment VALUES (?, ?, ?)", (transaction_id, success_s, out_trade_no))
    _set_state(db, out_trade_no, "SUCCESS")
    order = order_by_no(db, out_trade_no)
    if order is None:
        raise LookupError(out_trade_no)
    return order


def settle_stray(
    db: sqlite3.Connection, *, out_trade_no: str, openid: str, total_fen: int, url: str,
    success_s: int,
) -> Order:  # fmt: skip
    """A payment that no order of the merchant asked for is in the books and returned."""
    db.execute(
        "INSERT INTO pay_order VALUES (?, '', ?, ?, '', ?, ?, 1, 'NOTPAY')",
        (out_trade_no, openid, total_fen, url, success_s),
    )
    return settle_order(db, out_trade_no, success_s=success_s)


def _set_state(db: sqlite3.Connection, out_trade_no: str, state: str) -> None:
    db.execute("UPDATE pay_order SET state = ? WHERE out_trade_no = ?", (state, out_trade_no))


def facts_of(order: Order, identity: Identity) -> dict[str, Any]:
    """What a query answers about the order, and what a notice tells, is returned."""
    facts: dict[str, Any] = {
        "appid": identity.appid,
        "mchid": identity.mchid,
        "out_trade_no": order.out_trade_no,
        "promotion_detail": [],
    }
    if order.transaction_id is None or order.success_s is None:
        state, words = order.state, "订单未支付" if order.state == "NOTPAY" else "订单已关闭"
        amount: dict[str, Any] = {"total": order.total_fen, "currency": "CNY"}
        return facts | {"trade_state": state, "trade_state_desc": words, "amount": amount}
    return facts | {
        "transaction_id": order.transaction_id,
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": order.attach,
        "success_time": rfc3339(order.success_s),
        "payer": {"openid": order.openid},
        "amount": {
            "total": order.total_fen,
            "payer_total": order.total_fen,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }
