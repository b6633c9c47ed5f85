"""Notices from WeChat's servers: proved by their signature, answered only after the commit."""

from flask import Response, request
from flask.typing import ResponseReturnValue

from app import clock
from app.api.auth import wechat_pushed, wechat_signed
from app.api.documentation import views
from app.api.fields import read_body
from app.services import message_pushes, payments

blueprint = views("notices", prefix="/v1/notices", description="微信通知")

# What WeChat sends; it is read only after its signature, and never through a schema.
_SEALED = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "event_type": {"type": "string"},
                    "resource": {"type": "object"},
                },
                "required": ["id", "event_type", "resource"],
            }
        }
    },
}


@blueprint.route("/wechat-pay", methods=["POST"])
@blueprint.doc(requestBody=_SEALED)
@blueprint.empty
@wechat_signed
def payment_notice() -> ResponseReturnValue:
    """204 once the notice has had its effect, also for repeats; 401 for anything not WeChat's."""
    raw = read_body(request)  # the signature covers the raw bytes
    payments.receive_notice(headers=dict(request.headers), body=raw, at=clock.now())
    return "", 204


# Mini-programs choose between the two; both are opened only after their signature.
_PUSHED = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"Encrypt": {"type": "string"}},
                "required": ["Encrypt"],
            }
        },
        "text/xml": {"schema": {"type": "string"}},
    },
}


@blueprint.route("/wechat-messages", methods=["GET"])
@blueprint.text
@wechat_pushed
def message_push_echo() -> ResponseReturnValue:
    """What WeChat hears back when it asks whether this address is ours; else 401."""
    return _plain(message_pushes.echo(query=request.args.to_dict(), at=clock.now()))


@blueprint.route("/wechat-messages", methods=["POST"])
@blueprint.doc(requestBody=_PUSHED)
@blueprint.text
@wechat_pushed
def message_push() -> ResponseReturnValue:
    """`success` once the event has had its effect, also for repeats; 401 for all not WeChat's."""
    raw = read_body(request)  # the signature covers what is sealed in it
    message_pushes.receive(query=request.args.to_dict(), body=raw, at=clock.now())
    return _plain("success")


def _plain(text: str) -> Response:
    return Response(text, content_type="text/plain; charset=utf-8")
