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


class CaseBody(ProposalBody):
    """Which payment case it is about."""

    case_id = Text(longest=64, required=True)


class WithdrawalBody(ProposalBody):
    """How much goes to a depositor, and his own card for what WeChat cannot carry."""

    person_id = Text(longest=64, required=True)
    amount_fen = AmountFen(required=True)
    card = Text(longest=19, load_default=None)
    bank = Text(longest=60, load_default=None)


class BatchResultBody(ProposalBody):
    """The bank's result file, whole."""

    batch_id = Text(longest=64, required=True)
    result = Text(longest=_LONGEST_DOCUMENT, required=True)


class WechatDayBody(ProposalBody):
    """Which day of WeChat's bills is booked."""

    day = Day(required=True)


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


# action, body, what the document says of it
_PROPOSALS: tuple[tuple[str, type[ProposalBody], str], ...] = (
    (
        "policy-version",
        PolicyVersionBody,
        "A new policy version waits for the committee's decision; the file is checked first.",
    ),
    (
        "agreement-template",
        AgreementTemplateBody,
        "A newer agreement text waits for the committee's decision.",
    ),
    ("manual-journal", ManualJournalBody, "A manual journal waits for a reviewer."),
    (
        "manual-journal-reversal",
        ReversalBody,
        "The reversal of a manual journal waits for a reviewer.",
    ),
    (
        "suspense-return",
        CaseBody,
        "The return of a suspended payment to its payer waits for a reviewer.",
    ),
    (
        "payment-case-explanation",
        CaseBody,
        "A payment case that needs no entry is explained, and waits for a reviewer.",
    ),
    (
        "counter-withdrawal",
        WithdrawalBody,
        "A withdrawal at the counter waits for a reviewer.",
    ),
    (
        "bank-batch-result",
        BatchResultBody,
        "What the bank did with a file of payouts waits for a reviewer.",
    ),
    (
        "wechat-day-entries",
        WechatDayBody,
        "Fees, settlement and top-ups of a reconciled day wait for a reviewer.",
    ),
    (
        "deposit-limit-override",
        LimitBody,
        "A depositor's own limit for a month waits for a reviewer.",
    ),
    ("staff-account", StaffAccountBody, "An account for a colleague waits for an administrator."),
    ("staff-assignment", AssignmentBody, "Another role or district waits for an administrator."),
    ("staff-reset", ResetBody, "New credentials for an account wait for an administrator."),
)


def _add_route(action: str, schema: type[ProposalBody], doc: str) -> None:
    @staff_only
    def propose(body: dict[str, Any]) -> Any:
        reason, resubmits = body.pop("reason"), body.pop("resubmits")
        submission = Submission(action, _plain(body), reason, resubmits)
        return approvals.submit(staff=staff(), submission=submission, at=clock.now())

    propose.__name__, propose.__doc__ = f"propose_{action.replace('-', '_')}", doc
    answered = blueprint.response(201, ApprovalSchema)(propose)
    blueprint.route(f"/{action}", methods=["POST"])(blueprint.arguments(schema)(answered))


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """The body as JSON holds it: days are text again."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in body.items()
    }


for proposal in _PROPOSALS:
    _add_route(*proposal)
