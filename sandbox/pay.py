"""api.mch.weixin.qq.com: orders, queries and closing, signed both ways."""

import sqlite3

from flask import Blueprint, Response, request

from sandbox.orders import (
    Order,
    close_order,
    facts_of,
    order_by_no,
    order_by_transaction,
    place_order,
)
from sandbox.pay_door import json_answer, keep_door
from sandbox.pay_problem import PayProblem, wrong_parameter
from sandbox.people import user_by_openid
from sandbox.prepay_form import close_request, prepay_request
from sandbox.refunds import refunds_of
from sandbox.world import this_world

pay = Blueprint("pay", __name__, url_prefix="/v3/pay/transactions")
keep_door(pay)


@pay.post("/jsapi")
def place() -> Response:
    """The order can be paid with the prepay_id that is answered."""
    world = this_world()
    asked = prepay_request(request.get_data())
    if asked["appid"] != world.identity.appid or asked["mchid"] != world.identity.mchid:
        raise PayProblem(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    if world.faults.take("fail_prepay"):
        raise PayProblem(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
    with world.books.open() as db:
        if user_by_openid(db, asked["payer"]["openid"]) is None:
            raise wrong_parameter("/payer/openid", "无效的openid")
        prepay_id = place_order(db, asked, at_s=world.clock.now_s())
    if world.faults.take("timeout_prepay_after_effect"):
        world.stopping.wait(int(world.faults.values()["timeout_s"]))
    return json_answer({"prepay_id": prepay_id})


@pay.get("/out-trade-no/<out_trade_no>")
def query_by_order(out_trade_no: str) -> Response:
    """What WeChat Pay knows of the merchant's number is answered."""
    with this_world().books.open() as db:
        return _answer_query(db, order_by_no(db, out_trade_no))


@pay.get("/id/<transaction_id>")
def query_by_transaction(transaction_id: str) -> Response:
    """What WeChat Pay knows of its own transaction is answered."""
    with this_world().books.open() as db:
        return _answer_query(db, order_by_transaction(db, transaction_id))


@pay.post("/out-trade-no/<out_trade_no>/close")
def close(out_trade_no: str) -> Response:
    """The number cannot be paid any more; 204 also for a number never placed, as at WeChat."""
    world = this_world()
    _require_our_mchid(close_request(request.get_data())["mchid"])
    with world.books.open() as db:
        close_order(db, out_trade_no)
    return Response(status=204)


def _answer_query(db: sqlite3.Connection, order: Order | None) -> Response:
    world = this_world()
    _require_our_mchid(request.args.get("mchid"))
    if world.faults.take("fail_query"):
        raise PayProblem(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
    if order is None or order.state == "NEVER_PLACED":
        raise PayProblem(404, "ORDER_NOT_EXIST", "订单不存在")
    facts = facts_of(order, world.identity)
    if refunds_of(db, order.out_trade_no):
        facts |= {"trade_state": "REFUND", "trade_state_desc": "转入退款"}
    return json_answer(facts)


def _require_our_mchid(mchid: object) -> None:
    if mchid != this_world().identity.mchid:
        raise PayProblem(400, "PARAM_ERROR", "mchid与商户签名不一致")
