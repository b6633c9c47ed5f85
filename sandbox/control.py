"""/sandbox: for whoever plays the phone's owner or looks after the sandbox itself."""

import re
import sqlite3

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sandbox import people
from sandbox.asked import Refused, asked_body
from sandbox.call_log import call_counts, forget_calls, last_calls
from sandbox.catching_up import catch_up
from sandbox.clock import parsed_rfc3339, rfc3339
from sandbox.faults import UnknownFault
from sandbox.messages import is_closed, messages_of
from sandbox.notices import PAYMENT, notice_statuses
from sandbox.orders import Order, all_orders
from sandbox.people import User
from sandbox.push_queue import all_events
from sandbox.refund_facts import refund_lines
from sandbox.world import this_world

control = Blueprint("control", __name__, url_prefix="/sandbox")

_PHONE_FORM = r"1\d{10}"


@control.app_errorhandler(Refused)
def refusal(problem: Refused) -> ResponseReturnValue:
    """The answer names the error and says what to do."""
    return {"error": problem.error, "message": problem.message}, problem.status


@control.get("/health")
def health() -> ResponseReturnValue:
    """The sandbox is up, and says whose it is."""
    identity = this_world().identity
    return {"status": "ok", "appid": identity.appid, "mchid": identity.mchid}


@control.post("/users")
def add_user() -> ResponseReturnValue:
    """A new WeChat user exists; the person of that name and number holds the phone."""
    asked = asked_body(required={"name": str, "id_number": str, "phone": str}, optional={})
    _require_phone(asked["phone"])
    with this_world().books.open() as db:
        user = people.add_user(db, **asked)
    return {"user_id": user.user_id, "openid": user.openid}, 201


@control.patch("/users/<user_id>")
def change_user(user_id: str) -> ResponseReturnValue:
    """The user has the name, number or phone that was sent."""
    asked = asked_body(required={}, optional={"name": str, "id_number": str, "phone": str})
    with this_world().books.open() as db:
        user = known_user(db, user_id)
        new = {"name": user.name, "id_number": user.id_number, "phone": user.phone} | asked
        _require_phone(new["phone"])
        people.change_user(db, user_id=user_id, **new)
    return {"user_id": user_id, "openid": user.openid, **new}


@control.post("/users/<user_id>/login-code")
def login_code(user_id: str) -> ResponseReturnValue:
    """The user's phone has a fresh `wx.login` code."""
    return _issued_code(user_id, "login")


@control.post("/users/<user_id>/phone-code")
def phone_code(user_id: str) -> ResponseReturnValue:
    """The user pressed the phone-number button; the phone has its code."""
    return _issued_code(user_id, "phone")


@control.post("/users/<user_id>/face")
def face(user_id: str) -> ResponseReturnValue:
    """The face check is done, once. Nobody passes as another person, whatever was asked for."""
    asked = asked_body(required={"verify_id": str}, optional={"verify_ret": int})
    world = this_world()
    with world.books.open() as db:
        user = known_user(db, user_id)
        session = people.face_session(db, asked["verify_id"])
        if session is None:
            raise Refused(404, "verify-id-unknown", "use the verify_id that getverifyid answered")
        if session.openid != user.openid:
            raise Refused(403, "verify-id-of-another", "it was opened for another openid")
        if session.verify_ret is not None:
            raise Refused(409, "face-already-done", "open a new session with getverifyid")
        if session.until_s <= world.clock.now_s():
            raise Refused(409, "verify-id-expired", "open a new session with getverifyid")
        wanted_ret = asked.get("verify_ret", people.FACE_PASSED)
        verify_ret = people.finish_face_session(
            db, session=session, user=user, wanted_ret=wanted_ret
        )
    return {"verify_id": session.verify_id, "verify_ret": verify_ret}


@control.get("/books")
def books() -> ResponseReturnValue:
    """The truth is answered: payments, refunds, orders, attempts to tell, messages, events."""
    world = this_world()
    with world.books.open() as db:
        catch_up(db, world)
        orders = all_orders(db)
        told = {"messages": messages_of(db), "push_events": all_events(db)}
        told["refunds"] = refund_lines(db)
        statuses = notice_statuses(db, PAYMENT)
    payments = [
        _payment_line(order, statuses.get(order.transaction_id or "", []))
        for order in orders
        if order.transaction_id
    ]
    return {"transactions": payments, "orders": [_order_line(order) for order in orders]} | told


@control.get("/calls")
def calls() -> ResponseReturnValue:
    """How many WeChat calls arrived is answered per endpoint, and the last 200 of them."""
    with this_world().books.open() as db:
        return {"counts": call_counts(db), "last": last_calls(db)}


@control.delete("/calls")
def clear_calls() -> ResponseReturnValue:
    """The call log is empty."""
    with this_world().books.open() as db:
        forget_calls(db)
    return "", 204


@control.get("/clock")
def read_clock() -> ResponseReturnValue:
    """The sandbox's time and its offset from real time are answered."""
    clock = this_world().clock
    return {"now": rfc3339(clock.now_s()), "offset_s": clock.offset_s()}


@control.put("/clock")
def set_clock() -> ResponseReturnValue:
    """Everybody who reads the offset file lives at that time from now on."""
    asked = asked_body(required={}, optional={"offset_s": int, "now": str})
    if len(asked) != 1:
        raise Refused(400, "clock", "send either offset_s (seconds) or now (RFC 3339)")
    world = this_world()
    try:
        if "offset_s" in asked:
            world.clock.set_offset_s(asked["offset_s"])
        else:
            world.clock.set_now(parsed_rfc3339(asked["now"]))
    except (ValueError, OverflowError):
        example = "2026-07-01T00:00:00+08:00"
        raise Refused(400, "clock", f"send a time with its UTC offset, like {example}") from None
    world.courier.wake()
    world.pusher.wake()
    return read_clock()


@control.get("/faults")
def read_faults() -> ResponseReturnValue:
    """The faults in force are answered."""
    return dict(this_world().faults.values())


@control.put("/faults")
def set_faults() -> ResponseReturnValue:
    """Exactly the faults that were sent are in force; an empty object mends everything."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refused(400, "not-json", "send a JSON object")
    try:
        this_world().faults.replace(body)
    except UnknownFault as problem:
        raise Refused(400, "fault-unknown", str(problem)) from None
    return read_faults()


def known_user(db: sqlite3.Connection, user_id: str) -> User:
    """The user is returned. Raises Refused: 404 for an unknown id, 409 for a cancelled account."""
    user = people.user_by_id(db, user_id)
    if user is None:
        raise Refused(404, "user-unknown", "make one with POST /sandbox/users")
    if is_closed(db, user_id):
        raise Refused(409, "account-cancelled", "nobody is behind this user any more")
    return user


def _issued_code(user_id: str, kind: str) -> ResponseReturnValue:
    world = this_world()
    with world.books.open() as db:
        user = known_user(db, user_id)
        code = people.issue_code(db, kind=kind, openid=user.openid, at_s=world.clock.now_s())
    return {"code": code}


def _require_phone(phone: str) -> None:
    if not re.fullmatch(_PHONE_FORM, phone):
        raise Refused(400, "field-wrong", "'phone' must be 11 digits that begin with 1")


def _payment_line(order: Order, statuses: list[int | None]) -> dict[str, object]:
    return {
        "transaction_id": order.transaction_id,
        "out_trade_no": order.out_trade_no,
        "openid": order.openid,
        "amount_total": order.total_fen,
        "success_time": rfc3339(order.success_s or 0),
        "is_stray": bool(order.is_stray),
        "notice_statuses": statuses,
    }


def _order_line(order: Order) -> dict[str, object]:
    return {
        "out_trade_no": order.out_trade_no,
        "trade_state": order.state,
        "amount_total": order.total_fen,
        "openid": order.openid,
    }
