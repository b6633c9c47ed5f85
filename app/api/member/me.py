"""How far the member has come on the way in."""

from typing import Any

from marshmallow import Schema, fields

from app import clock
from app.api.auth import member, member_only
from app.api.documentation import views
from app.services import way_in

blueprint = views("me", prefix="/v1/me", description="我的")


class StepSchema(Schema):
    """One step of the way in."""

    step = fields.String()
    name = fields.String()
    done = fields.Boolean()


class WayInSchema(Schema):
    """The member, masked, and his steps."""

    name_masked = fields.String(allow_none=True)
    id_number_masked = fields.String(allow_none=True)
    phone_masked = fields.String(allow_none=True)
    steps = fields.List(fields.Nested(StepSchema))
    next_step = fields.String(allow_none=True)


@blueprint.route("")
@blueprint.response(200, WayInSchema)
@member_only
def me() -> Any:
    """Which steps are done, and which comes next."""
    return way_in.way_in_of(member=member(), at=clock.now())
