"""Policy versions: which there are, and a file checked and told in words before it is proposed."""

from typing import Any

from marshmallow import Schema, fields

from app import clock
from app.api.auth import staff_only
from app.api.documentation import views
from app.api.fields import Body, Text
from app.services import policies

blueprint = views("staff-policies", prefix="/v1/staff/policies", description="政策版本")


class PolicyLineSchema(Schema):
    """A stored version."""

    code = fields.String()
    title = fields.String()
    effective_on = fields.Date()
    until_on = fields.Date(allow_none=True)
    sha256 = fields.String()
    placeholders = fields.Integer()
    installed_by = fields.String()


class DocumentBody(Body):
    """A whole policy in TOML."""

    document = Text(longest=60_000, required=True)


class CheckedSchema(Schema):
    """What the file would change."""

    in_words = fields.List(fields.String())


@blueprint.route("")
@blueprint.response(200, PolicyLineSchema(many=True))
@staff_only
def versions() -> Any:
    """Every version, newest first."""
    return list(policies.policy_versions())


@blueprint.route("/check", methods=["POST"])
@blueprint.arguments(DocumentBody)
@blueprint.response(200, CheckedSchema)
@staff_only
def check(body: dict[str, Any]) -> Any:
    """Every problem of the file at once; or what it would change, in words. Nothing is stored."""
    return {"in_words": policies.check_proposal(document=body["document"], at=clock.now())}
