"""Proposing what needs two people: a route per action, so that each body is read strictly."""

from typing import Any

from marshmallow import fields, validate

from app import clock
from app.api.auth import staff, staff_only
from app.api.documentation import views
from app.api.fields import AmountFen, Body, Day, Text
from app.api.staff.approvals import ApprovalSchema
from app.services import approvals
from app.services.approvals import Submission

blueprint = views("proposals", prefix="/v1/staff/approvals", description="提交双人审批")

_LONGEST_DOCUMENT = 60_000  # characters: three bytes each stay within the largest body


class ProposalBody(Body):
    """Why it is proposed; `resubmits` names the rejected proposal it takes the place of."""

    reason = Text(required=True)
    resubmits = Text(longest=64, load_default=None)


class PolicyVersionBody(ProposalBody):
    """A whole policy in TOML."""

    document = Text(longest=_LONGEST_DOCUMENT, required=True)


class AgreementTemplateBody(ProposalBody):
    """A whole agreement template with its head."""

    text = Text(longest=_LONGEST_DOCUMENT, required=True)


class LineBody(Body):
    """Dr one account, Cr another; `account_no` exactly where personal money is touched."""

    debit_code = Text(longest=16, required=True)
    credit_code = Text(longest=16, required=True)
    amount_fen = AmountFen(required=True)
    account_no = Text(longest=20, load_default=None)


class ManualJournalBody(ProposalBody):
    """`document_no` is the paper it rests on; `case_id` a suspended payment it puts in place."""

    document_no = Text(longest=64, required=True)
    value_on = Day(required=True)
    lines = fields.List(
        fields.Nested(LineBody),
        required=True,
        validate=[validate.Length(1, 50, error="应为1至50行。")],
    )
    case_id = Text(longest=64, load_default=None)


class ReversalBody(ProposalBody):
    """Which manual journal is reversed, and the reversal's own paper."""

    manual_journal_id = Text(longest=64, required=True)
    document_no = Text(longest=64, required=True)


class LimitBody(ProposalBody):
    """How much a depositor may deposit in one month; `month_on` is its first day."""

    person_id = Text(longest=64, required=True)
    month_on = Day(required=True)
    limit_fen = AmountFen(required=True)


class PlaceBody(ProposalBody):
    """A role, and the district it is held in (`centre` for all)."""

    role = Text(longest=32, required=True)
    district = Text(longest=32, required=True)


class StaffAccountBody(PlaceBody):
    """Who is to work here, and what he will sign in with."""

    login = Text(longest=32, required=True)
    name = Text(longest=64, required=True)
    id_number = Text(longest=18, required=True)


class AssignmentBody(PlaceBody):
    """Which account is to hold another role or district."""

    account_id = Text(longest=64, required=True)


class ResetBody(ProposalBody):
    """Whose password and TOTP are to be chosen anew."""

    account_id = Text(longest=64, required=True)


def _submitted(action: str, body: dict[str, Any]) -> Any:
    reason, resubmits = body.pop("reason"), body.pop("resubmits")
    submission = Submission(action, _plain(body), reason, resubmits)
    return approvals.submit(staff=staff(), submission=submission, at=clock.now())


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """The body as JSON holds it: days are text again."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in body.items()
    }


@blueprint.route("/policy-version", methods=["POST"])
@blueprint.arguments(PolicyVersionBody)
@blueprint.response(201, ApprovalSchema)
@staff_only
def propose_policy_version(body: dict[str, Any]) -> Any:
    """A new policy version waits for the committee's decision; the file is checked first."""
    return _submitted("policy-version", body)


@blueprint.route("/agreement-template", methods=["POST"])
@blueprint.arguments(AgreementTemplateBody)
@blueprint.response(201, ApprovalSchema)
@staff_only
def propose_agreement_template(body: dict[str, Any]) -> Any:
    """A newer agreement text waits for the committee's decision."""
    return _submitted("agreement-template", body)


@blueprint.route("/manual-journal", methods=["POST"])
@blueprint.arguments(ManualJournalBody)
@blueprint.response(201, ApprovalSchema)
@staff_only
def propose_manual_journal(body: dict[str, Any]) -> Any:
    """A manual journal waits for a reviewer."""
    return _submitted("manual-journal", body)


@blueprint.route("/manual-journal-reversal", methods=["POST"])
@blueprint.arguments(ReversalBody)
@blueprint.response(201, ApprovalSchema)
@staff_only
def propose_reversal(body: dict[str, Any]) -> Any:
    """The reversal of a manual journal waits for a reviewer."""
    return _submitted("manual-journal-reversal", body)


@blueprint.route("/deposit-limit-override", methods=["POST"])
@blueprint.arguments(LimitBody)
@blueprint.response(201, ApprovalSchema)
@staff_only
def propose_limit(body: dict[str, Any]) -> Any:
    """A depositor's own limit for a month waits for a reviewer."""
    return _submitted("deposit-limit-override", body)


@blueprint.route("/staff-account", methods=["POST"])
@blueprint.arguments(StaffAccountBody)
@blueprint.response(201, ApprovalSchema)
@staff_only
def propose_account(body: dict[str, Any]) -> Any:
    """An account for a member of staff waits for another administrator."""
    return _submitted("staff-account", body)


@blueprint.route("/staff-assignment", methods=["POST"])
@blueprint.arguments(AssignmentBody)
@blueprint.response(201, ApprovalSchema)
@staff_only
def propose_assignment(body: dict[str, Any]) -> Any:
    """Another role or district waits for another administrator."""
    return _submitted("staff-assignment", body)


@blueprint.route("/staff-reset", methods=["POST"])
@blueprint.arguments(ResetBody)
@blueprint.response(201, ApprovalSchema)
@staff_only
def propose_reset(body: dict[str, Any]) -> Any:
    """New credentials for an account wait for another administrator."""
    return _submitted("staff-reset", body)
