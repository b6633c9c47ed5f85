"""/sandbox: the payment dialog on the phone, and notices in any state of repair."""

import secrets
import sqlite3
from dataclasses import replace
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sandbox.asked import Refused, asked_body
from sandbox.clock import parsed_rfc3339, rfc3339
from sandbox.control import known_user
from sandbox.forgery import KINDS, forged_notice
from sandbox.notices import (
    PAYMENT,
    new_notice_id,
    notice_headers,
    notice_of,
    payment_told,
    post_notice,
    sealed_notice,
    write_notice,
)
from sandbox.orders import (
    Order,
    order_by_no,
    order_by_prepay,
    settle_order,
    settle_stray,
)
from sandbox.people import User, user_by_openid
from sandbox.prepay_form import TOTAL_MAX_FEN
from sandbox.purse import collect
from sandbox.world import this_world

control_payments = Blueprint("control_payments", __name__, url_prefix="/sandbox")

COPIES_MAX = 1000

_DIALOG = {"timeStamp": str, "nonceStr": str, "package": str, "signType": str, "paySign": str}
# override -> where it stands in the decrypted notice
_OVERRIDES: dict[str, tuple[str, ...]] = {
    "amount_total": ("amount", "total"),
    "currency": ("amount", "currency"),
    "payer_openid": ("payer", "openid"),
    "mchid": ("mchid",),
    "appid": ("appid",),
    "out_trade_no": ("out_trade_no",),
    "trade_state": ("trade_state",),
    "transaction_id": ("transaction_id",),
    "success_time": ("success_time",),
}


@control_payments.post("/users/<user_id>/pay")
def pay(user_id: str) -> ResponseReturnValue:
    """The user has paid in the dialog, and WeChat tells the merchant unless asked not to."""
    asked = asked_body(required=dict(_DIALOG), optional={"success_time": str, "notify": bool})
    world = this_world()
    at_s = world.clock.now_s()
    success_s = _asked_time_s(asked, otherwise=at_s)
    send = asked.get("notify", True) and not world.faults.is_on("no_notice")
    with world.books.open() as db:
        user = known_user(db, user_id)
        out_trade_no = _payable(db, asked, user=user, at_s=at_s)
        order = settle_order(db, out_trade_no, success_s=success_s)
        collect(db, order, at_s=success_s)
        write_notice(
            db, payment_told(order, world.identity), identity=world.identity, at_s=at_s, send=send
        )
    world.courier.wake()
    return {"errMsg": "requestPayment:ok", **_paid(order)}


@control_payments.post("/users/<user_id>/cancel")
def cancel(user_id: str) -> ResponseReturnValue:
    """The user dismissed the payment dialog: nothing has changed."""
    with this_world().books.open() as db:
        known_user(db, user_id)
    return {"errMsg": "requestPayment:fail cancel"}


@control_payments.post("/orders/<out_trade_no>/resend")
def resend(out_trade_no: str) -> ResponseReturnValue:
    """The payment's notice has been sent `copies` times, one after another, freshly signed."""
    copies = asked_body(required={}, optional={"copies": int}).get("copies", 1)
    if not 1 <= copies <= COPIES_MAX:
        raise Refused(400, "field-wrong", f"'copies' must be 1 to {COPIES_MAX}")
    world = this_world()
    with world.books.open() as db:
        notice = notice_of(db, PAYMENT, _paid_order(db, out_trade_no).transaction_id)
    if notice is None:
        raise Refused(409, "no-notice", "this payment never had a notice")
    return {"statuses": [world.courier.send(notice["id"]) for _ in range(copies)]}


@control_payments.post("/orders/<out_trade_no>/notice")
def ready_notice(out_trade_no: str) -> ResponseReturnValue:
    """A rightly signed notice is answered and not sent; `overrides` change what it tells."""
    asked = asked_body(required={}, optional={"overrides": dict, "same_id": bool})
    world = this_world()
    with world.books.open() as db:
        order = _paid_order(db, out_trade_no)
        notice = notice_of(db, PAYMENT, order.transaction_id)
    told = payment_told(order, world.identity)
    told = replace(told, facts=_overridden(told.facts, asked.get("overrides", {})))
    notice_id = notice["id"] if notice and asked.get("same_id", True) else new_notice_id()
    at_s = world.clock.now_s()
    body = sealed_notice(world.identity, told, notice_id=notice_id, at_s=at_s)
    headers = notice_headers(world.identity, body, at_s=at_s)
    return {"headers": headers, "body": body.decode()}


@control_payments.post("/orders/<out_trade_no>/forge")
def forge(out_trade_no: str) -> ResponseReturnValue:
    """A notice that must be refused has been sent (or is answered, with `?send=false`).

    It tells of a payment also where none was made, as a forger would.
    """
    kind = asked_body(required={"kind": str}, optional={})["kind"]
    if kind not in KINDS:
        raise Refused(400, "kind-unknown", f"'kind' must be one of {sorted(KINDS)}")
    world = this_world()
    at_s = world.clock.now_s()
    with world.books.open() as db:
        order = _known_order(db, out_trade_no)
    told = payment_told(_as_if_paid(order, at_s=at_s), world.identity)
    headers, body = forged_notice(world.identity, told, kind=kind, at_s=at_s)
    if request.args.get("send", "true") == "false":
        return {"headers": headers, "body": body.decode()}
    status, text = post_notice(order.notify_url, headers=headers, body=body)
    return {"status": status, "body": text}


@control_payments.post("/stray-payments")
def stray_payment() -> ResponseReturnValue:
    """Somebody has paid the merchant without any order of the merchant's; a notice says so."""
    asked = asked_body(
        required={"openid": str, "amount": int},
        optional={"out_trade_no": str, "success_time": str, "notify": bool},
    )
    if not 1 <= asked["amount"] <= TOTAL_MAX_FEN:
        raise Refused(400, "field-wrong", f"'amount' must be 1 to {TOTAL_MAX_FEN} fen")
    world = this_world()
    at_s = world.clock.now_s()
    success_s = _asked_time_s(asked, otherwise=at_s)
    out_trade_no = asked.get("out_trade_no", "STRAY" + secrets.token_hex(10))
    send = asked.get("notify", True) and not world.faults.is_on("no_notice")
    with world.books.open() as db:
        if user_by_openid(db, asked["openid"]) is None:
            raise Refused(404, "openid-unknown", "make a user with POST /sandbox/users")
        if order_by_no(db, out_trade_no) is not None:
            raise Refused(409, "order-exists", "leave out_trade_no out or choose another")
        order = settle_stray(
            db, out_trade_no=out_trade_no, openid=asked["openid"], total_fen=asked["amount"],
            url=world.notify_default, success_s=success_s,
        )  # fmt: skip
        collect(db, order, at_s=success_s)
        write_notice(
            db, payment_told(order, world.identity), identity=world.identity, at_s=at_s, send=send
        )
    world.courier.wake()
    return _paid(order), 201


def _come_in(db: sqlite3.Connection, order: Order, *, at_s: int, send: bool) -> None:
    # The money is the merchant's from the second of the payment, whenever it is told of.
    collect(db, order, at_s=order.success_s or at_s)
    identity = this_world().identity
    write_notice(db, payment_told(order, identity), identity=identity, at_s=at_s, send=send)


def _payable(db: sqlite3.Connection, asked: dict[str, Any], *, user: User, at_s: int) -> str:
    identity = this_world().identity
    lines = (identity.appid, asked["timeStamp"], asked["nonceStr"], asked["package"])
    message = "".join(f"{line}\n" for line in lines).encode()
    if asked["signType"] != "RSA" or not identity.is_merchants(asked["paySign"], message=message):
        what = "sign appid, timeStamp, nonceStr and package, a line each, with signType RSA"
        raise Refused(400, "pay-sign-wrong", what)
    found = order_by_prepay(db, asked["package"].removeprefix("prepay_id="))
    if found is None or not asked["package"].startswith("prepay_id="):
        raise Refused(404, "prepay-unknown", "'package' must be prepay_id=<what jsapi answered>")
    order, until_s = found
    if order.openid != user.openid:
        raise Refused(403, "not-the-payer", "the order names another openid as payer")
    if order.state != "NOTPAY":
        word = {"SUCCESS": "paid"}.get(order.state, "closed")
        raise Refused(409, f"order-{word}", "ask the merchant for a new order")
    if order.until_s <= at_s:
        raise Refused(409, "order-expired", "its time_expire has passed; ask for a new order")
    if until_s <= at_s:
        raise Refused(409, "prepay-expired", "a prepay_id lives two hours; ask for another")
    return order.out_trade_no


def _known_order(db: sqlite3.Connection, out_trade_no: str) -> Order:
    order = order_by_no(db, out_trade_no)
    if order is None or order.state == "NEVER_PLACED":
        raise Refused(404, "order-unknown", "the merchant never placed this number")
    return order


def _paid_order(db: sqlite3.Connection, out_trade_no: str) -> Order:
    order = _known_order(db, out_trade_no)
    if order.transaction_id is None:
        raise Refused(409, "order-not-paid", "pay it with POST /sandbox/users/<user_id>/pay")
    return order


def _as_if_paid(order: Order, *, at_s: int) -> Order:
    if order.transaction_id is not None:
        return order
    invented = f"4200{secrets.randbelow(10**24):024d}"
    return Order(**{**vars(order), "transaction_id": invented, "success_s": at_s})


def _overridden(facts: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    for name, value in overrides.items():
        if name not in _OVERRIDES:
            raise Refused(400, "override-unknown", f"{name!r} is not in {sorted(_OVERRIDES)}")
        *above, last = _OVERRIDES[name]
        place = facts[above[0]] if above else facts
        place[last] = value
    return facts


def _asked_time_s(asked: dict[str, Any], *, otherwise: int) -> int:
    if "success_time" not in asked:
        return otherwise
    try:
        at = parsed_rfc3339(asked["success_time"])
    except ValueError:
        example = "2026-06-30T23:59:59+08:00"
        raise Refused(400, "field-wrong", f"'success_time' must look like {example}") from None
    return int(at.timestamp())


def _paid(order: Order) -> dict[str, object]:
    return {
        "transaction_id": order.transaction_id,
        "out_trade_no": order.out_trade_no,
        "success_time": rfc3339(order.success_s or 0),
    }
