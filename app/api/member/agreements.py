"""The deposit agreement: read, signed by its hash, kept as a sealed PDF."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from app import clock
from app.api.auth import member, member_only
from app.api.documentation import views
from app.api.fields import Body, sha256_field
from app.services import agreements

blueprint = views("agreements", prefix="/v1/me", description="缴存使用协议")


class DraftSchema(Schema):
    """The text to read, with the hash to sign."""

    template_code = fields.String()
    title = fields.String()
    text = fields.String()
    text_sha256 = fields.String()
    policy_code = fields.String()
    policy_note = fields.String()


class SignBody(Body):
    """The hash of the text the member has read."""

    text_sha256 = sha256_field()


class AgreementSchema(Schema):
    """A signed agreement; the PDF's SHA-256 identifies the sealed file for ever."""

    agreement_id = fields.String()
    template_code = fields.String()
    title = fields.String()
    text_sha256 = fields.String()
    pdf_sha256 = fields.String()
    signed_at = fields.AwareDateTime()


@blueprint.route("/agreement-draft")
@blueprint.response(200, DraftSchema)
@blueprint.may_conflict
@member_only
def agreement_draft() -> Any:
    """The exact text the member would sign now."""
    return agreements.draft_for(member=member(), at=clock.now())


@blueprint.route("/agreements", methods=["POST"])
@blueprint.arguments(SignBody)
@blueprint.response(201, AgreementSchema)
@blueprint.may_conflict
@member_only
def sign_agreement(body: dict[str, Any]) -> Any:
    """The member has signed exactly this text."""
    return agreements.sign(member=member(), at=clock.now(), **body)


@blueprint.route("/agreements", methods=["GET"])
@blueprint.response(200, AgreementSchema(many=True))
@member_only
def my_agreements() -> Any:
    """Every agreement the member signed."""
    return list(agreements.agreements_of(member=member()))


@blueprint.route("/agreements/<string:agreement_id>/pdf")
@blueprint.pdf
@member_only
def agreement_pdf(agreement_id: str) -> Response:
    """The sealed PDF."""
    pdf = agreements.pdf_of(member=member(), agreement_id=agreement_id)
    return Response(pdf, content_type="application/pdf")
