"""api.mch.weixin.qq.com: orders, queries and closing, signed both ways."""

import json
import secrets

from flask import Blueprint, Response, request

from sandbox.authorization import require_merchant
from sandbox.orders import (
    Order,
    close_order,
    facts_of,
    order_by_no,
    order_by_transaction,
    place_order,
)
from sandbox.pay_problem import PayProblem, wrong_parameter
from sandbox.people import user_by_openid
from sandbox.prepay_form import close_request, prepay_request
from sandbox.world import this_world

pay = Blueprint("pay", __name__, url_prefix="/v3/pay/transactions")


@pay.before_request
def merchant_only() -> None:
    """Only a request that our merchant signed goes on."""
    world = this_world()
    require_merchant(request, identity=world.identity, at_s=world.clock.now_s())


@pay.errorhandler(PayProblem)
def refusal(problem: PayProblem) -> Response:
    """WeChat Pay's error body is the answer."""
    return _json(problem.body, status=problem.status)


@pay.after_request
def sign_answer(response: Response) -> Response:
    """Every 2xx answer, also an empty one, carries WeChat Pay's signature over its bytes."""
    response.headers["Request-ID"] = secrets.token_hex(16).upper()
    if 200 <= response.status_code < 300:
        world = this_world()
        headers = world.identity.signature_headers(response.data, at_s=world.clock.now_s())
        response.headers.update(headers)
    return response


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
    return _json({"prepay_id": prepay_id})


@pay.get("/out-trade-no/<out_trade_no>")
def query_by_order(out_trade_no: str) -> Response:
    """What WeChat Pay knows of the merchant's number is answered."""
    with this_world().books.open() as db:
        return _answer_query(order_by_no(db, out_trade_no))


@pay.get("/id/<transaction_id>")
def query_by_transaction(transaction_id: str) -> Response:
    """What WeChat Pay knows of its own transaction is answered."""
    with this_world().books.open() as db:
        return _answer_query(order_by_transaction(db, transaction_id))


@pay.post("/out-trade-no/<out_trade_no>/close")
def close(out_trade_no: str) -> Response:
    """The number cannot be paid any more; 204 also for a number never placed, as at WeChat."""
    world = this_world()
    _require_our_mchid(close_request(request.get_data())["mchid"])
    with world.books.open() as db:
        close_order(db, out_trade_no)
    return Response(status=204)


def _answer_query(order: Order | None) -> Response:
    world = this_world()
    _require_our_mchid(request.args.get("mchid"))
    if world.faults.take("fail_query"):
        raise PayProblem(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
    if order is None or order.state == "NEVER_PLACED":
        raise PayProblem(404, "ORDER_NOT_EXIST", "订单不存在")
    return _json(facts_of(order, world.identity))


def _require_our_mchid(mchid: object) -> None:
    if mchid != this_world().identity.mchid:
        raise PayProblem(400, "PARAM_ERROR", "mchid与商户签名不一致")


def _json(body: dict[str, object], *, status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # Named charset: a client that guesses would verify the signature over other characters.
    return Response(text, status=status, content_type="application/json; charset=utf-8")
