"""Payouts, the files for the bank, and where the money lies."""

from typing import Any

from flask import Response, stream_with_context
from marshmallow import Schema, fields

from app import clock
from app.api.auth import staff, staff_only
from app.api.documentation import views
from app.api.fields import Text, one_of
from app.api.staff.lists import ListQuery, asked, page_of
from app.services import bank_batches, payout_follow_up, payout_views, wechat_funds

blueprint = views("payouts", prefix="/v1/staff", description="支付")


class PayoutsQuery(ListQuery):
    """Filter by state."""

    state = Text(longest=8, load_default=None, validate=[one_of("open", "done", "failed")])


class LegSchema(Schema):
    """One instruction to one provider."""

    channel = fields.String()
    amount_fen = fields.Integer()
    state = fields.String()
    provider_no = fields.String()
    success_at = fields.AwareDateTime(allow_none=True)
    fail_code = fields.String(allow_none=True)


class PayoutSchema(Schema):
    """Money sent to a person, and by which ways."""

    payout_id = fields.String()
    purpose = fields.String()
    amount_fen = fields.Integer()
    paid_fen = fields.Integer()
    state = fields.String()
    opened_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    legs = fields.List(fields.Nested(LegSchema))


class BatchSchema(Schema):
    """A file of instructions for the bank."""

    batch_id = fields.String()
    made_on = fields.Date()
    made_at = fields.AwareDateTime()
    count = fields.Integer()
    amount_fen = fields.Integer()
    open_count = fields.Integer()


class FundsSchema(Schema):
    """Where the merchant's money lies, and what is missing for what is to be paid out."""

    asked_at = fields.AwareDateTime()
    available_fen = fields.Integer()
    unsettled_fen = fields.Integer()
    operating_available_fen = fields.Integer()
    in_transit_fen = fields.Integer()
    operating_fen = fields.Integer()
    refunds_due_fen = fields.Integer()
    transfers_due_fen = fields.Integer()
    bank_due_fen = fields.Integer()
    forecast_fen = fields.Integer()
    top_up_basic_fen = fields.Integer()
    top_up_operating_fen = fields.Integer()


@blueprint.route("/payouts")
@blueprint.arguments(PayoutsQuery, location="query")
@blueprint.response(200, page_of(PayoutSchema))
@staff_only
def list_payouts(query: dict[str, Any]) -> Any:
    """A page of payouts, newest first."""
    page = asked(query)
    return payout_views.payouts(staff=staff(), state=query["state"], asked=page)


@blueprint.route("/payouts/<payout_id>")
@blueprint.response(200, PayoutSchema)
@staff_only
def payout(payout_id: str) -> Any:
    """A payout and how each of its legs stands."""
    return payout_views.payout(staff=staff(), payout_id=payout_id)


@blueprint.route("/payouts/<payout_id>/cancellation", methods=["POST"])
@blueprint.response(200, PayoutSchema)
@staff_only
def cancel(payout_id: str) -> Any:
    """What the payee has not confirmed is called back."""
    return payout_follow_up.cancel(staff=staff(), payout_id=payout_id, at=clock.now())


@blueprint.route("/bank-batches", methods=["POST"])
@blueprint.response(201, BatchSchema)
@staff_only
def make_batch() -> Any:
    """Everything that waits for the bank is in a new file."""
    return bank_batches.make_batch(staff=staff(), at=clock.now())


@blueprint.route("/bank-batches")
@blueprint.arguments(ListQuery, location="query")
@blueprint.response(200, page_of(BatchSchema))
@staff_only
def list_batches(query: dict[str, Any]) -> Any:
    """A page of the files, newest first."""
    return bank_batches.batches(staff=staff(), asked=asked(query))


@blueprint.route("/bank-batches/<batch_id>.csv")
@blueprint.csv
@staff_only
def batch_file(batch_id: str) -> Response:
    """The file that the bank takes."""
    headers = {"Content-Disposition": f"attachment; filename={batch_id}.csv"}
    lines = bank_batches.batch_lines(staff=staff(), batch_id=batch_id)
    return Response(stream_with_context(lines), mimetype="text/csv", headers=headers)


@blueprint.route("/wechat-funds")
@blueprint.response(200, FundsSchema)
@staff_only
def funds() -> Any:
    """Balances at WeChat, what is due out of them, and the top-up that is missing."""
    return wechat_funds.funds(at=clock.now())
