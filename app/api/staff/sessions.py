"""Staff sign in with password and TOTP; who they are; and how a new account is activated."""

from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate

from app import clock
from app.api.auth import public, staff, staff_only, this_call
from app.api.documentation import views
from app.api.fields import Body, Text
from app.services import staff_accounts, staff_activation, staff_sessions
from app.services.staff_credentials import Credentials

blueprint = views("staff-sessions", prefix="/v1/staff", description="工作人员登录")

_LOGIN = validate.Regexp(r"^[a-z][a-z0-9.-]{2,31}\Z", error="账号格式有误。")
_SIX_DIGITS = validate.Regexp(r"^[0-9]{6}\Z", error="动态码为6位数字。")


class ProofBody(Body):
    """Both factors; a TOTP code works once."""

    password = Text(longest=256, required=True)
    totp = Text(longest=6, required=True, validate=[_SIX_DIGITS])


class SignInBody(ProofBody):
    """Login and both factors."""

    login = Text(longest=32, required=True, validate=[_LOGIN])


class ActivationBody(Body):
    """The code an administrator handed over, and the password its owner chooses."""

    login = Text(longest=32, required=True, validate=[_LOGIN])
    activation_code = Text(longest=64, required=True)
    password = Text(longest=256, required=True)


class StaffSessionSchema(Schema):
    """Send `token` as `Authorization: Bearer ...`."""

    token = fields.String()
    expires_at = fields.AwareDateTime()


class TotpSchema(Schema):
    """What an authenticator app reads; shown once."""

    totp_uri = fields.String()


class StaffSchema(Schema):
    """A member of staff as colleagues see him."""

    account_id = fields.String()
    login = fields.String()
    name = fields.String()
    state = fields.String()
    role = fields.String()
    district = fields.String()


class MeSchema(Schema):
    """Who is signed in, and which actions he proposes and decides."""

    account = fields.Nested(StaffSchema)
    actions_proposed = fields.List(fields.String())
    actions_decided = fields.List(fields.String())


@blueprint.route("/activations", methods=["POST"])
@blueprint.arguments(ActivationBody)
@blueprint.response(201, TotpSchema)
@blueprint.proves_identity
@public
def activate(body: dict[str, Any]) -> Any:
    """A password is chosen and a TOTP secret handed out; the first sign-in completes it."""
    return {
        "totp_uri": staff_activation.activate(
            login=body["login"],
            code=body["activation_code"],
            password=body["password"],
            call=this_call(),
            at=clock.now(),
        )
    }


@blueprint.route("/sessions", methods=["POST"])
@blueprint.arguments(SignInBody)
@blueprint.response(201, StaffSessionSchema)
@blueprint.proves_identity
@public
def sign_in(body: dict[str, Any]) -> Any:
    """A session of at most twelve hours, over after thirty idle minutes; earlier ones end."""
    return staff_sessions.sign_in(credentials=Credentials(**body), call=this_call(), at=clock.now())


@blueprint.route("/sessions/current/reauthentication", methods=["POST"])
@blueprint.arguments(ProofBody)
@blueprint.empty
@staff_only
def reauthenticate(body: dict[str, Any]) -> ResponseReturnValue:
    """Sensitive acts are free for the next five minutes."""
    staff_sessions.reauthenticate(staff=staff(), at=clock.now(), **body)
    return "", 204


@blueprint.route("/sessions/current", methods=["DELETE"])
@blueprint.empty
@staff_only
def sign_out() -> ResponseReturnValue:
    """The session is over."""
    staff_sessions.sign_out(staff=staff(), at=clock.now())
    return "", 204


@blueprint.route("/me")
@blueprint.response(200, MeSchema)
@staff_only
def me() -> Any:
    """Who is signed in."""
    return staff_accounts.myself(staff=staff())
