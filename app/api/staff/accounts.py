"""Staff accounts, for security administrators: who there is, activation codes, disabling."""

from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from app import clock
from app.api.auth import staff, staff_only
from app.api.documentation import views
from app.api.fields import Body, Text
from app.api.staff.lists import ListQuery, asked, page_of
from app.api.staff.sessions import StaffSchema
from app.services import staff_accounts, staff_activation

blueprint = views("staff-accounts", prefix="/v1/staff/accounts", description="工作人员账号")


class ReasonBody(Body):
    """Why."""

    reason = Text(required=True)


class ActivationCodeSchema(Schema):
    """Shown once: hand it over in person."""

    code = fields.String()
    expires_at = fields.AwareDateTime()


@blueprint.route("")
@blueprint.arguments(ListQuery, location="query")
@blueprint.response(200, page_of(StaffSchema))
@staff_only
def accounts(query: dict[str, Any]) -> Any:
    """A page of the accounts, newest first."""
    return staff_accounts.staff_accounts(staff=staff(), asked=asked(query))


@blueprint.route("/<account_id>/activation-code", methods=["POST"])
@blueprint.response(201, ActivationCodeSchema)
@staff_only
def activation_code(account_id: str) -> Any:
    """A new activation code for an invited account; earlier ones are void."""
    return staff_activation.issue_activation_code(
        staff=staff(), account_id=account_id, at=clock.now()
    )


@blueprint.route("/<account_id>/disablement", methods=["POST"])
@blueprint.arguments(ReasonBody)
@blueprint.empty
@staff_only
def disable(body: dict[str, Any], account_id: str) -> ResponseReturnValue:
    """The account is disabled and its sessions end at once."""
    staff_accounts.disable(
        staff=staff(), account_id=account_id, reason=body["reason"], at=clock.now()
    )
    return "", 204
