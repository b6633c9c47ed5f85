"""The real-name check: start it with name and number, finish it with WeChat's own answer."""

from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from app import clock
from app.api.auth import member, member_only
from app.api.documentation import views
from app.api.fields import Body, Text
from app.services import identity

blueprint = views("identity", prefix="/v1/me/identity-checks", description="实名核验")


class CheckBody(Body):
    """Name and ID number as on the card, and the code of the phone-number button."""

    name = Text(longest=120, required=True)
    id_number = Text(longest=64, required=True)
    phone_code = Text(longest=128, required=True)


class StartedCheckSchema(Schema):
    """Give `verify_id` to `wx.requestFacialVerify`."""

    check_id = fields.String()
    verify_id = fields.String()
    expires_in_s = fields.Integer()


@blueprint.route("", methods=["POST"])
@blueprint.arguments(CheckBody)
@blueprint.response(201, StartedCheckSchema)
@blueprint.may_conflict
@member_only
def start_check(body: dict[str, Any]) -> Any:
    """A face check is under way for this name and number."""
    return identity.start_check(member=member(), at=clock.now(), **body)


@blueprint.route("/<string:check_id>/finish", methods=["POST"])
@blueprint.empty
@blueprint.may_conflict
@member_only
def finish_check(check_id: str) -> ResponseReturnValue:
    """The member is proved to be the person he says, if WeChat's server says so."""
    identity.finish_check(member=member(), check_id=check_id, at=clock.now())
    return "", 204
