"""The door of api.mch.weixin.qq.com: who may come in, and how every answer goes out."""

import json
import secrets
from collections.abc import Iterator

from flask import Blueprint, Response, request

from sandbox.authorization import require_merchant
from sandbox.pay_problem import PayProblem
from sandbox.world import this_world

_DRIPS = 10


def keep_door(blueprint: Blueprint, *, signed: bool = True) -> None:
    """Only requests that our merchant signed get in; every 2xx answer goes out signed.

    A problem becomes WeChat Pay's error body, which is never signed.
    """
    blueprint.before_request(_merchant_only)
    blueprint.register_error_handler(PayProblem, _refusal)
    blueprint.after_request(_signed_answer if signed else _numbered_answer)


def json_answer(body: dict[str, object], *, status: int = 200) -> Response:
    """The body is the answer, in the bytes that will be signed."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # Named charset: a client that guesses would verify the signature over other characters.
    return Response(text, status=status, content_type="application/json; charset=utf-8")


def _merchant_only() -> None:
    world = this_world()
    require_merchant(request, identity=world.identity, at_s=world.clock.now_s())
    if world.faults.take("system_errors"):
        raise PayProblem(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
    if world.faults.take("too_many_requests"):
        raise PayProblem(429, "FREQUENCY_LIMITED", "频率超限")


def _refusal(problem: PayProblem) -> Response:
    return json_answer(problem.body, status=problem.status)


def _numbered_answer(response: Response) -> Response:
    response.headers["Request-ID"] = secrets.token_hex(16).upper()
    return response


def _signed_answer(response: Response) -> Response:
    world = this_world()
    faults = world.faults
    if not 200 <= response.status_code < 300:
        return _numbered_answer(response)
    if faults.take("errors_after_effect"):
        return _numbered_answer(_refusal(PayProblem(500, "SYSTEM_ERROR", "系统异常，请稍后重试")))
    if faults.take("unsigned_answers"):
        return _numbered_answer(response)
    # Also an empty answer is signed.
    body = b"{}" if faults.take("wrongly_signed_answers") else response.data
    asked = request.headers.get("Wechatpay-Serial", "")
    response.headers.update(
        world.identity.answer_headers(body, asked=asked, at_s=world.clock.now_s())
    )
    if faults.take("slow_drips"):
        response.response = dripping(response.data)
    return _numbered_answer(response)


def dripping(content: bytes) -> Iterator[bytes]:
    """The content in drops, so that all of it takes `timeout_s`."""
    world = this_world()
    pause_s, size = int(world.faults.values()["timeout_s"]) / _DRIPS, len(content) // _DRIPS + 1

    def drops() -> Iterator[bytes]:
        for start in range(0, len(content), size):
            world.stopping.wait(pause_s)
            yield content[start : start + size]

    return drops()
