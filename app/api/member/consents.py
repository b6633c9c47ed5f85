"""Separate consents, one per purpose, each to one exact text."""

from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from app import clock
from app.api.auth import member, member_only
from app.api.documentation import views
from app.api.fields import Body, sha256_field
from app.services import consents

blueprint = views("consents", prefix="/v1/me/consents", description="单独同意")


class ConsentBody(Body):
    """The SHA-256 of the text the member has read."""

    text_sha256 = sha256_field()


class ConsentSchema(Schema):
    """A purpose, what is asked, and since when it is consented to."""

    purpose = fields.String(attribute="asked.purpose")
    title = fields.String(attribute="asked.title")
    text = fields.String(attribute="asked.text")
    text_sha256 = fields.String(attribute="asked.sha256")
    given_at = fields.AwareDateTime(allow_none=True)


@blueprint.route("")
@blueprint.response(200, ConsentSchema(many=True))
@member_only
def consents_asked() -> Any:
    """Every purpose with its text, and whether the member has consented."""
    return list(consents.states_for(member=member()))


@blueprint.route("/<string:purpose>", methods=["PUT"])
@blueprint.arguments(ConsentBody)
@blueprint.empty
@blueprint.may_conflict
@member_only
def give_consent(body: dict[str, Any], purpose: str) -> ResponseReturnValue:
    """The consent to exactly this text is in force."""
    consents.give(member=member(), purpose=purpose, at=clock.now(), **body)
    return "", 204


@blueprint.route("/<string:purpose>", methods=["DELETE"])
@blueprint.empty
@member_only
def withdraw_consent(purpose: str) -> ResponseReturnValue:
    """The consent is no longer in force."""
    consents.withdraw(member=member(), purpose=purpose, at=clock.now())
    return "", 204
