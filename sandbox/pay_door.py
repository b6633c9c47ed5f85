"""The door of api.mch.weixin.qq.com: who may come in, and how every answer goes out."""

import json
import secrets

from flask import Blueprint, Response, request

from sandbox.authorization import require_merchant
from sandbox.pay_problem import PayProblem
from sandbox.world import this_world


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


def _refusal(problem: PayProblem) -> Response:
    return json_answer(problem.body, status=problem.status)


def _numbered_answer(response: Response) -> Response:
    response.headers["Request-ID"] = secrets.token_hex(16).upper()
    return response


def _signed_answer(response: Response) -> Response:
    # Also an empty answer is signed.
    if 200 <= response.status_code < 300:
        world = this_world()
        asked = request.headers.get("Wechatpay-Serial", "")
        response.headers.update(
            world.identity.answer_headers(response.data, asked=asked, at_s=world.clock.now_s())
        )
    return _numbered_answer(response)
