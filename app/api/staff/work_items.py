"""The work list, who takes what, and a payment case seen whole."""

from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from app import clock
from app.api.auth import staff, staff_only
from app.api.documentation import views
from app.api.fields import Text, one_of
from app.api.staff.lists import ListQuery, asked, page_of
from app.services import payment_cases, work_items
from app.services.work_items import Wanted

blueprint = views("work-items", prefix="/v1/staff", description="待办事项")


class WorkItemsQuery(ListQuery):
    """Filters and order; the nearest deadline first unless asked otherwise."""

    state = Text(longest=8, load_default="open", validate=[one_of("open", "closed", "mine")])
    kind = Text(longest=16, load_default=None, validate=[one_of("approval", "payment-case")])
    sort = Text(longest=8, load_default="deadline", validate=[one_of("deadline", "newest")])


class WorkItemSchema(Schema):
    """Something that waits; `target_id` is the approval's or the payment case's id."""

    item_id = fields.String()
    acceptance_no = fields.String()
    kind = fields.String()
    what = fields.String()
    target_id = fields.String()
    district = fields.String()
    opened_at = fields.AwareDateTime()
    due_on = fields.Date(allow_none=True)
    is_overdue = fields.Boolean()
    owner_login = fields.String(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)


class DifferenceSchema(Schema):
    """A field in which WeChat's word and our order disagree."""

    field = fields.String()
    expected = fields.String()
    found = fields.String()


class PaymentCaseSchema(Schema):
    """A payment that needs people."""

    case_id = fields.String()
    kind = fields.String()
    transaction_id = fields.String()
    out_trade_no = fields.String()
    amount_fen = fields.Integer(allow_none=True)
    differences = fields.List(fields.Nested(DifferenceSchema))
    opened_at = fields.AwareDateTime()
    resolved_at = fields.AwareDateTime(allow_none=True)
    resolution = fields.String(allow_none=True)
    items = fields.List(fields.Nested(WorkItemSchema))


@blueprint.route("/work-items")
@blueprint.arguments(WorkItemsQuery, location="query")
@blueprint.response(200, page_of(WorkItemSchema))
@staff_only
def list_items(query: dict[str, Any]) -> Any:
    """A page of what waits for one's role, in one's district."""
    page, wanted = asked(query), Wanted(**query)
    return work_items.work_items(staff=staff(), wanted=wanted, asked=page, at=clock.now())


@blueprint.route("/work-items/<item_id>/owner", methods=["PUT"])
@blueprint.response(200, WorkItemSchema)
@staff_only
def take(item_id: str) -> Any:
    """The item is mine."""
    return work_items.take(staff=staff(), item_id=item_id, at=clock.now())


@blueprint.route("/work-items/<item_id>/owner", methods=["DELETE"])
@blueprint.empty
@staff_only
def let_go(item_id: str) -> ResponseReturnValue:
    """The item is nobody's again."""
    work_items.let_go(staff=staff(), item_id=item_id)
    return "", 204


@blueprint.route("/payment-cases/<case_id>")
@blueprint.response(200, PaymentCaseSchema)
@staff_only
def payment_case(case_id: str) -> Any:
    """A payment case: what differs, and where its money stands."""
    return payment_cases.payment_case(staff=staff(), case_id=case_id, at=clock.now())
