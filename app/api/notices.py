"""Notices from WeChat's servers: proved by their signature, answered only after the commit."""

from flask import request
from flask.typing import ResponseReturnValue

from app import clock
from app.api.auth import wechat_signed
from app.api.documentation import views
from app.api.fields import read_body
from app.services import payments

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
