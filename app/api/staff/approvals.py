"""Approvals: what waits, one proposal in words, and deciding it."""

from typing import Any

from marshmallow import Schema, fields

from app import clock
from app.api.auth import staff, staff_only
from app.api.documentation import views
from app.api.fields import Body, Text, one_of, sha256_field
from app.api.staff.lists import ListQuery, asked, page_of
from app.services import approval_views, approvals, duties

blueprint = views("approvals", prefix="/v1/staff/approvals", description="双人审批")


class ApprovalsQuery(ListQuery):
    """Filters; newest first."""

    state = Text(
        longest=16,
        load_default=None,
        validate=[one_of("submitted", "approved", "rejected", "expired")],
    )
    action = Text(longest=32, load_default=None, validate=[one_of(*duties.ACTIONS)])


class ApprovalLineSchema(Schema):
    """An approval in a list."""

    approval_id = fields.String()
    acceptance_no = fields.String()
    action = fields.String()
    action_name = fields.String()
    district = fields.String()
    state = fields.String()
    maker_login = fields.String()
    submitted_at = fields.AwareDateTime()
    decided_at = fields.AwareDateTime(allow_none=True)


class ApprovalSchema(ApprovalLineSchema):
    """One approval. Decide it with its `payload_sha256`: that is what will be executed."""

    reason = fields.String()
    payload = fields.Dict()
    payload_sha256 = fields.String()
    in_words = fields.List(fields.String())
    expires_at = fields.AwareDateTime()
    resubmits = fields.String(allow_none=True)
    checker_login = fields.String(allow_none=True)
    decision_reason = fields.String(allow_none=True)
    result = fields.Dict(allow_none=True)


class DecisionBody(Body):
    """The hash of what was looked at, and why it is decided so."""

    payload_sha256 = sha256_field()
    reason = Text(required=True)


@blueprint.route("")
@blueprint.arguments(ApprovalsQuery, location="query")
@blueprint.response(200, page_of(ApprovalLineSchema))
@staff_only
def list_approvals(query: dict[str, Any]) -> Any:
    """A page of the approvals one's role takes part in, in one's district."""
    return approval_views.approvals(staff=staff(), asked=asked(query), **query)


@blueprint.route("/<approval_id>")
@blueprint.response(200, ApprovalSchema)
@staff_only
def one_approval(approval_id: str) -> Any:
    """What is proposed, and what it would change, in words."""
    return approval_views.approval(staff=staff(), approval_id=approval_id)


@blueprint.route("/<approval_id>/approve", methods=["POST"])
@blueprint.arguments(DecisionBody)
@blueprint.response(200, ApprovalSchema)
@staff_only
def approve(body: dict[str, Any], approval_id: str) -> Any:
    """Approved and carried out, once, by another person than who proposed it."""
    return approvals.approve(staff=staff(), approval_id=approval_id, at=clock.now(), **body)


@blueprint.route("/<approval_id>/reject", methods=["POST"])
@blueprint.arguments(DecisionBody)
@blueprint.response(200, ApprovalSchema)
@staff_only
def reject(body: dict[str, Any], approval_id: str) -> Any:
    """Rejected; another wording is another proposal."""
    return approvals.reject(staff=staff(), approval_id=approval_id, at=clock.now(), **body)
