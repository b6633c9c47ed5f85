"""/sandbox: the page on which a user confirms a transfer, and how transfers go."""

import sqlite3
from dataclasses import replace

from flask import Blueprint
from flask.typing import ResponseReturnValue

from sandbox.asked import Refused, asked_body
from sandbox.books_transfers import (
    ACCEPTED,
    ENDED,
    FAIL,
    PROCESSING,
    SUCCESS,
    TRANSFERRING,
    WAITING,
    Transfer,
    Ways,
    all_transfers,
    read_ways,
    transfer_by_no,
    write_ways,
)
from sandbox.clock import rfc3339
from sandbox.control import known_user
from sandbox.pay_transfers import new_look
from sandbox.transfers import confirm_transfer, finish_transfer, may_confirm
from sandbox.world import this_world

control_transfers = Blueprint("control_transfers", __name__, url_prefix="/sandbox")

CANCEL_MAX_S = 86400

# A plan goes forward in this order; a cancel is the merchant's to begin and cannot be planned.
_ORDER = {ACCEPTED: 0, PROCESSING: 1, WAITING: 2, TRANSFERRING: 3, SUCCESS: 4, FAIL: 4}


@control_transfers.get("/transfers")
def transfers() -> ResponseReturnValue:
    """The truth about every transfer is answered, the oldest first, and no plan moves on."""
    new_look()
    with this_world().books.open() as db:
        return {"transfers": [_line(each) for each in all_transfers(db)]}


@control_transfers.put("/transfers/plan")
def set_plan() -> ResponseReturnValue:
    """Coming transfers go through these states; without a path they wait for the user at once.

    The merchant finds a transfer one state further with each query or repeated request. The user
    takes it on from WAIT_USER_CONFIRM. Where the path ends early it stays until it is finished.
    """
    path = asked_body(required={}, optional={"path": list}).get("path", list(Ways().path))
    if not _is_path(path):
        what = f"'path' must be some of {list(_ORDER)}, in this order and one end at most"
        raise Refused(400, "field-wrong", what)
    with this_world().books.open() as db:
        write_ways(db, replace(read_ways(db), path=tuple(path)))
    return {"path": path}


@control_transfers.put("/transfers/settings")
def set_settings() -> ResponseReturnValue:
    """These are the merchant's scenes, and a cancel takes so long; not sent means as at first."""
    asked = asked_body(required={}, optional={"scenes": list, "cancel_s": int})
    scenes = asked.get("scenes", list(Ways().scenes))
    cancel_s = asked.get("cancel_s", Ways().cancel_s)
    if not all(isinstance(each, str) for each in scenes):
        raise Refused(400, "field-wrong", "'scenes' must be texts like '1002'")
    if not 0 <= cancel_s <= CANCEL_MAX_S:
        raise Refused(400, "field-wrong", f"'cancel_s' must be 0 to {CANCEL_MAX_S}")
    with this_world().books.open() as db:
        write_ways(db, replace(read_ways(db), scenes=tuple(scenes), cancel_s=cancel_s))
    return {"scenes": scenes, "cancel_s": cancel_s}


@control_transfers.post("/users/<user_id>/transfers/<out_bill_no>/confirm")
def confirm(user_id: str, out_bill_no: str) -> ResponseReturnValue:
    """The user pressed the button on the page that wx.requestMerchantTransfer opened."""
    package_info = asked_body(required={"package_info": str}, optional={})["package_info"]
    look = new_look()
    with this_world().books.open() as db:
        user = known_user(db, user_id)
        transfer = _known_transfer(db, out_bill_no)
        if transfer.asked["openid"] != user.openid:
            raise Refused(403, "not-the-payee", "the transfer names another openid")
        if transfer.package_info != package_info:
            raise Refused(400, "package-info-wrong", "use the package_info the merchant was told")
        if not may_confirm(transfer):
            raise Refused(409, "transfer-not-waiting", f"it is {transfer.state}")
        transfer = confirm_transfer(db, transfer, look)
    this_world().courier.wake()
    return {"errMsg": "requestMerchantTransfer:ok", "state": transfer.state}


@control_transfers.post("/transfers/<out_bill_no>/finish")
def finish(out_bill_no: str) -> ResponseReturnValue:
    """The transfer has ended as sent, whatever was planned for it."""
    asked = asked_body(required={"state": str}, optional={"fail_reason": str})
    state, fail_reason = asked["state"], asked.get("fail_reason", "")
    if state not in ENDED:
        raise Refused(400, "field-wrong", f"'state' must be one of {list(ENDED)}")
    if fail_reason and state != FAIL:
        raise Refused(400, "field-wrong", "only FAIL has a 'fail_reason'")
    look = new_look()
    with this_world().books.open() as db:
        transfer = _known_transfer(db, out_bill_no)
        if transfer.state in ENDED:
            raise Refused(409, "transfer-ended", f"it is {transfer.state} for good")
        transfer = finish_transfer(db, transfer, state, look, fail_reason=fail_reason)
    this_world().courier.wake()
    return _line(transfer)


def _is_path(path: list[object]) -> bool:
    places = [_ORDER.get(each, -1) if isinstance(each, str) else -1 for each in path]
    return bool(path) and -1 not in places and places == sorted(set(places))


def _known_transfer(db: sqlite3.Connection, out_bill_no: str) -> Transfer:
    transfer = transfer_by_no(db, out_bill_no)
    if transfer is None:
        raise Refused(404, "transfer-unknown", "the merchant never used this number")
    return transfer


def _line(transfer: Transfer) -> dict[str, object]:
    return transfer.asked | {
        "transfer_bill_no": transfer.transfer_bill_no,
        "state": transfer.state,
        "fail_reason": transfer.fail_reason,
        "still_to_come": transfer.path,
        "package_info": transfer.package_info,
        "create_time": rfc3339(transfer.created_s),
        "update_time": rfc3339(transfer.updated_s),
    }
