"""api.mch.weixin.qq.com: refunds, asked for and asked about."""

from flask import Blueprint, Response, request

from sandbox.catching_up import catch_up
from sandbox.pay_door import json_answer, keep_door
from sandbox.pay_problem import PayProblem
from sandbox.refund_facts import refund_facts
from sandbox.refund_form import TO_USER, abnormal_request, refund_request
from sandbox.refunds import Refund, accept_refund, refund_by_id, refund_by_no, send_to_card
from sandbox.world import World, this_world

pay_refunds = Blueprint("pay_refunds", __name__, url_prefix="/v3/refund/domestic/refunds")
keep_door(pay_refunds)

_CARDS = {True: "用户银行卡", False: "商户银行卡"}


@pay_refunds.post("")
def ask() -> Response:
    """The refund is accepted, not yet finished, and its money has left the purse."""
    world = this_world()
    asked = refund_request(request.get_data())
    if world.faults.take("fail_refund"):
        raise _broken()
    if world.faults.take("timeout_refund_before_effect"):
        _linger(world)
        raise _broken()
    with world.books.open() as db:
        catch_up(db, world)
        refund = accept_refund(db, asked, at_s=world.clock.now_s())
        facts = refund_facts(db, refund)
    if world.faults.take("refund_error_after_effect"):
        raise _broken()
    if world.faults.take("timeout_refund_after_effect"):
        _linger(world)
    return json_answer(facts)


@pay_refunds.get("/<out_refund_no>")
def query(out_refund_no: str) -> Response:
    """What has become of the refund is answered."""
    world = this_world()
    if world.faults.take("fail_refund_query"):
        raise _broken()
    with world.books.open() as db:
        catch_up(db, world)
        return json_answer(refund_facts(db, _known(refund_by_no(db, out_refund_no))))


@pay_refunds.post("/<refund_id>/apply-abnormal-refund")
def apply_abnormal(refund_id: str) -> Response:
    """An abnormal refund is on its way again, to the payer's other card or to the merchant's."""
    world = this_world()
    asked = abnormal_request(request.get_data())
    with world.books.open() as db:
        catch_up(db, world)
        refund = _known(refund_by_id(db, refund_id))
        if refund.out_refund_no != asked["out_refund_no"]:
            raise _known_not()
        if refund.status != "ABNORMAL":
            raise PayProblem(400, "INVALID_REQUEST", "退款单状态不是退款异常，不能发起异常退款")
        card = _CARDS[asked["type"] == TO_USER]
        send_to_card(db, refund, card=card, at_s=world.clock.now_s())
        return json_answer(refund_facts(db, _known(refund_by_id(db, refund_id))))


def _known(refund: Refund | None) -> Refund:
    if refund is None:
        raise _known_not()
    return refund


def _known_not() -> PayProblem:
    return PayProblem(404, "RESOURCE_NOT_EXISTS", "退款单不存在")


def _broken() -> PayProblem:
    return PayProblem(500, "SYSTEM_ERROR", "系统异常，请使用相同参数稍后重新调用")


def _linger(world: World) -> None:
    world.stopping.wait(int(world.faults.values()["timeout_s"]))
