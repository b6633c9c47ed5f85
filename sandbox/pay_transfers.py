"""api.mch.weixin.qq.com: money to users, asked for, looked at and called back."""

import sqlite3
from typing import Any

from flask import Blueprint, Response, request

from sandbox.books_transfers import (
    WAITING,
    Transfer,
    read_ways,
    transfer_by_bill,
    transfer_by_no,
)
from sandbox.clock import rfc3339
from sandbox.pay_door import json_answer, keep_door
from sandbox.pay_problem import PayProblem, wrong_parameter
from sandbox.people import user_by_openid
from sandbox.sealed_field import Undecipherable, opened
from sandbox.transfer_form import require_scene, transfer_request
from sandbox.transfers import (
    Look,
    cancel_transfer,
    end_due,
    facts_of,
    place_transfer,
    stepped,
)
from sandbox.world import this_world

pay_transfers = Blueprint(
    "pay_transfers", __name__, url_prefix="/v3/fund-app/mch-transfer/transfer-bills"
)
keep_door(pay_transfers, signed=True)

QUERIED_FOR_S = 30 * 86400


def new_look() -> Look:
    """The look of the request being served is returned; what was due has ended before it."""
    world = this_world()
    send = not world.faults.is_on("no_notice")
    look = Look(world.identity, world.clock.now_s(), send)
    # In a block of its own, so that a refusal of what follows does not undo it.
    with world.books.open() as db:
        has_ended = end_due(db, look)
    if has_ended:
        world.courier.wake()
    return look


@pay_transfers.post("")
def place() -> Response:
    """The transfer is accepted, its money locked."""
    world = this_world()
    asked = _opened(transfer_request(request.get_data()))
    if asked["appid"] != world.identity.appid:
        raise PayProblem(400, "INVALID_REQUEST", "APPID不存在")
    if world.faults.take("fail_transfer"):
        raise _system_error()
    look = new_look()
    with world.books.open() as db:
        require_scene(asked, scenes=list(read_ways(db).scenes))
        if user_by_openid(db, asked["openid"]) is None:
            raise wrong_parameter("/openid", "无效的openid")
        transfer = place_transfer(db, asked, look)
    world.courier.wake()
    if world.faults.take("timeout_transfer_after_effect"):
        world.stopping.wait(int(world.faults.values()["timeout_s"]))
    if world.faults.take("transfer_error_after_effect"):
        raise _system_error()
    return json_answer(_receipt(transfer))


@pay_transfers.get("/out-bill-no/<out_bill_no>")
def query_by_no(out_bill_no: str) -> Response:
    """What WeChat Pay knows of the merchant's number is answered."""
    look = _query_look()
    with this_world().books.open() as db:
        return _answer_query(db, transfer_by_no(db, out_bill_no), look)


@pay_transfers.get("/transfer-bill-no/<transfer_bill_no>")
def query_by_bill(transfer_bill_no: str) -> Response:
    """What WeChat Pay knows of its own number is answered."""
    look = _query_look()
    with this_world().books.open() as db:
        return _answer_query(db, transfer_by_bill(db, transfer_bill_no), look)


@pay_transfers.post("/out-bill-no/<out_bill_no>/cancel")
def cancel(out_bill_no: str) -> Response:
    """The cancel is accepted; whether it came in time, a notice or a query will tell."""
    if request.get_data().strip() not in (b"", b"{}"):
        raise wrong_parameter("/", "该接口没有请求体")
    look = new_look()
    with this_world().books.open() as db:
        transfer = cancel_transfer(db, _known(transfer_by_no(db, out_bill_no)), look)
    return json_answer(
        {
            "out_bill_no": transfer.out_bill_no,
            "transfer_bill_no": transfer.transfer_bill_no,
            "state": transfer.state,
            "update_time": rfc3339(transfer.updated_s),
        }
    )


def _opened(asked: dict[str, Any]) -> dict[str, Any]:
    if "user_name" not in asked:
        return asked
    world = this_world()
    serial = request.headers.get("Wechatpay-Serial", "")
    try:
        name = opened(world.identity, asked["user_name"], serial=serial, at_s=world.clock.now_s())
    except Undecipherable:
        raise wrong_parameter("/user_name", "敏感信息解密失败，请检查Wechatpay-Serial") from None
    return asked | {"user_name": name}


def _query_look() -> Look:
    if this_world().faults.take("fail_transfer_query"):
        raise _system_error()
    return new_look()


def _answer_query(db: sqlite3.Connection, found: Transfer | None, look: Look) -> Response:
    transfer = _known(found)
    if transfer.created_s <= look.at_s - QUERIED_FOR_S:
        raise _not_found()
    seen = stepped(db, transfer, look)
    this_world().courier.wake()
    return json_answer(facts_of(seen, look.identity))


def _known(found: Transfer | None) -> Transfer:
    if found is None:
        raise _not_found()
    return found


def _receipt(transfer: Transfer) -> dict[str, object]:
    told: dict[str, object] = {
        "out_bill_no": transfer.out_bill_no,
        "transfer_bill_no": transfer.transfer_bill_no,
        "create_time": rfc3339(transfer.created_s),
        "state": transfer.state,
    }
    if transfer.fail_reason:
        told["fail_reason"] = transfer.fail_reason
    if transfer.state == WAITING:
        told["package_info"] = transfer.package_info
    return told


def _not_found() -> PayProblem:
    return PayProblem(404, "NOT_FOUND", "记录不存在")


def _system_error() -> PayProblem:
    return PayProblem(500, "SYSTEM_ERROR", "系统异常，请使用相同参数稍后重新调用")
