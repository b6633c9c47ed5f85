"""What is told of a refund: to whoever asks, in notices, and to whoever reads the books."""

import sqlite3
from typing import Any

from sandbox.clock import rfc3339
from sandbox.identity import Identity
from sandbox.notices import REFUND, Told, notice_statuses, write_notice
from sandbox.orders import Order, order_by_no
from sandbox.refunds import Refund, finish, refund_by_no

_SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}


def finish_due(db: sqlite3.Connection, *, identity: Identity, at_s: int, send: bool) -> None:
    """Every refund that has been on its way long enough is finished, and a notice tells of it."""
    rows = db.execute(
        "SELECT * FROM refund WHERE status = 'PROCESSING' AND due_s <= ? ORDER BY due_s, rowid",
        (at_s,),
    ).fetchall()
    for row in rows:
        refund = Refund(**row)
        finish(db, refund, outcome=refund.outcome, at_s=refund.due_s)
        tell(db, refund.out_refund_no, identity=identity, at_s=at_s, send=send)


def tell(
    db: sqlite3.Connection, out_refund_no: str, *, identity: Identity, at_s: int, send: bool
) -> None:
    """A notice of what the refund has become is in the books, if the request named an address."""
    refund = refund_by_no(db, out_refund_no)
    if refund is None or not refund.notify_url:
        return
    told = Told(
        about_kind=REFUND,
        about_no=out_refund_no,
        event_type=f"REFUND.{refund.status}",
        original_type="refund",
        summary=_SUMMARIES[refund.status],
        facts=_facts_told(db, refund, identity),
        url=refund.notify_url,
    )
    write_notice(db, told, identity=identity, at_s=at_s, send=send)


def refund_facts(db: sqlite3.Connection, refund: Refund) -> dict[str, Any]:
    """What a query answers about the refund is returned."""
    order = _order_of(db, refund)
    return _numbers(order, refund) | {
        "channel": "ORIGINAL",
        "user_received_account": refund.received_by,
        "create_time": rfc3339(refund.accepted_s),
        "status": refund.status,
        "funds_account": refund.funds_account,
        "amount": _amount(order, refund) | {
            "from": [],
            "settlement_total": order.total_fen,
            "settlement_refund": refund.fen,
            "discount_refund": 0,
            "currency": "CNY",
            "refund_fee": refund.fee_fen,
        },
        "promotion_detail": [],
    }  # fmt: skip


def _facts_told(db: sqlite3.Connection, refund: Refund, identity: Identity) -> dict[str, Any]:
    order = _order_of(db, refund)
    # As at WeChat: no appid, and a name of its own for the status.
    return {"mchid": identity.mchid} | _numbers(order, refund) | {
        "refund_status": refund.status,
        "user_received_account": refund.received_by,
        "amount": _amount(order, refund),
    }  # fmt: skip


def _numbers(order: Order, refund: Refund) -> dict[str, Any]:
    numbers = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": order.transaction_id,
        "out_trade_no": order.out_trade_no,
    }
    if refund.success_s is not None:
        numbers["success_time"] = rfc3339(refund.success_s)
    return numbers


def _amount(order: Order, refund: Refund) -> dict[str, Any]:
    total, fen = order.total_fen, refund.fen
    return {"total": total, "refund": fen, "payer_total": total, "payer_refund": fen}


def refund_lines(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every refund, and every attempt to tell of it, is returned, the oldest first."""
    statuses = notice_statuses(db, REFUND)
    return [
        {
            "out_refund_no": row["out_refund_no"],
            "refund_id": row["refund_id"],
            "out_trade_no": row["out_trade_no"],
            "transaction_id": row["transaction_id"],
            "amount": row["fen"],
            "status": row["status"],
            "success_time": None if row["success_s"] is None else rfc3339(row["success_s"]),
            "notice_statuses": statuses.get(row["out_refund_no"], []),
        }
        for row in db.execute(
            "SELECT refund.*, transaction_id FROM refund JOIN payment USING (out_trade_no)"
            " ORDER BY refund.rowid"
        )
    ]


def _order_of(db: sqlite3.Connection, refund: Refund) -> Order:
    order = order_by_no(db, refund.out_trade_no)
    if order is None:
        raise LookupError(refund.out_trade_no)
    return order
