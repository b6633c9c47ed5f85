"""The days of WeChat's bills: how they agree with the books."""

from typing import Any

from marshmallow import Schema, fields

from app.api.auth import staff, staff_only
from app.api.documentation import views
from app.api.staff.lists import ListQuery, asked, page_of
from app.api.staff.work_items import DifferenceSchema
from app.services import bill_days

blueprint = views("bill-days", prefix="/v1/staff/bill-days", description="微信账单核对")


class BillDaySchema(Schema):
    """A day of WeChat's bills: counts and sums of the bill, and what is open."""

    day = fields.Date()
    state = fields.String()
    payments_count = fields.Integer()
    payments_fen = fields.Integer()
    refunds_count = fields.Integer()
    refunds_fen = fields.Integer()
    fees_fen = fields.Integer()
    settled_fen = fields.Integer()
    topped_up_fen = fields.Integer()
    open_cases = fields.Integer()
    is_booked = fields.Boolean()
    read_at = fields.AwareDateTime(allow_none=True)
    matched_at = fields.AwareDateTime(allow_none=True)


class BillCaseSchema(Schema):
    """A difference of a day, and how it ended."""

    case_id = fields.String()
    kind = fields.String()
    transaction_id = fields.String()
    out_trade_no = fields.String()
    differences = fields.List(fields.Nested(DifferenceSchema))
    opened_at = fields.AwareDateTime()
    resolved_at = fields.AwareDateTime(allow_none=True)
    resolution = fields.String(allow_none=True)


class BillDayWholeSchema(BillDaySchema):
    """A day with all its differences."""

    cases = fields.List(fields.Nested(BillCaseSchema))


@blueprint.route("")
@blueprint.arguments(ListQuery, location="query")
@blueprint.response(200, page_of(BillDaySchema))
@staff_only
def list_days(query: dict[str, Any]) -> Any:
    """A page of the days, newest first."""
    return bill_days.bill_days(staff=staff(), asked=asked(query))


@blueprint.route("/<day>")
@blueprint.response(200, BillDayWholeSchema)
@staff_only
def bill_day(day: str) -> Any:
    """A day with each of its differences."""
    return bill_days.bill_day(day=day)
