"""Applying to join, by oneself, with every reason of a refusal."""

from typing import Any

from marshmallow import Schema, fields

from app import clock
from app.api.auth import member, member_only
from app.api.documentation import views
from app.api.fields import Body, Flag, Text, one_of
from app.services import enrolment
from app.services.enrolment import Declaration

blueprint = views("enrolment", prefix="/v1/me/enrolment", description="参加资格")


class DeclarationBody(Body):
    """What the worker declares; codes are those of the policy in force."""

    work_kind = Text(longest=40, required=True)
    district = Text(longest=40, required=True)
    works_in_city = Flag(required=True)
    draws_pension = Flag(required=True)
    own_labour_income = Flag(load_default=None, allow_none=True)
    retirement_category = Text(
        longest=3, load_default=None, allow_none=True, validate=[one_of("M", "F55", "F50")]
    )


class AdmissionSchema(Schema):
    """The admission."""

    enrolment_id = fields.String()
    work_kind = fields.String()
    district = fields.String()
    decided_on = fields.Date()
    policy_code = fields.String()


@blueprint.route("", methods=["POST"])
@blueprint.arguments(DeclarationBody)
@blueprint.response(201, AdmissionSchema)
@blueprint.may_conflict
@member_only
def apply_to_join(body: dict[str, Any]) -> Any:
    """Admitted, or refused with every reason and its clause."""
    return enrolment.apply_to_join(member=member(), declaration=Declaration(**body), at=clock.now())
