"""The rules, open to everybody: every figure with its unit, clause and provenance (O.2)."""

from typing import Any

from marshmallow import Schema, fields

from app import clock
from app.api.auth import public
from app.api.documentation import views
from app.services import policies

blueprint = views("public-policy", prefix="/v1/public/policy", description="现行政策")


class FigureSchema(Schema):
    """One figure of the rules."""

    path = fields.String()
    value = fields.Raw()
    unit = fields.String()
    clause = fields.String()
    provenance = fields.String()
    source = fields.String()


class PolicySchema(Schema):
    """The policy in force today."""

    code = fields.String(attribute="policy.code")
    title = fields.String(attribute="policy.title")
    effective_on = fields.Date(attribute="policy.effective_on")
    sha256 = fields.String()
    note = fields.String(attribute="policy.note")
    figures = fields.List(fields.Nested(FigureSchema), attribute="policy.figures")


@blueprint.route("")
@blueprint.response(200, PolicySchema)
@public
def policy_in_force() -> Any:
    """The policy in force today, figure by figure."""
    return policies.published_policy(on=clock.today())
