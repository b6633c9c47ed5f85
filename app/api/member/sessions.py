"""Logging in with WeChat, and out."""

from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from app import clock
from app.api.auth import member, member_only, public
from app.api.documentation import views
from app.api.fields import Body, Text
from app.services import sessions

blueprint = views("sessions", prefix="/v1/sessions", description="登录")


class LoginBody(Body):
    """What `wx.login` gave."""

    code = Text(longest=128, required=True)


class SessionSchema(Schema):
    """Send `token` as `Authorization: Bearer ...`."""

    token = fields.String()
    expires_at = fields.AwareDateTime()


@blueprint.route("", methods=["POST"])
@blueprint.arguments(LoginBody)
@blueprint.response(201, SessionSchema)
@public
def log_in(body: dict[str, Any]) -> Any:
    """A session for the WeChat account behind the code; a code works once."""
    return sessions.log_in(code=body["code"], at=clock.now())


@blueprint.route("/current", methods=["DELETE"])
@blueprint.empty
@member_only
def log_out() -> ResponseReturnValue:
    """The session is over."""
    sessions.log_out(member=member(), at=clock.now())
    return "", 204
