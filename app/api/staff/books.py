"""The manual journals."""

from typing import Any

from marshmallow import Schema, fields

from app.api.auth import staff, staff_only
from app.api.documentation import views
from app.api.staff.lists import ListQuery, asked, page_of
from app.services import manual_journal_list

blueprint = views("manual-journals", prefix="/v1/staff/manual-journals", description="手工凭证")


class ManualJournalSchema(Schema):
    """A manual journal, and what it reverses or is reversed by."""

    journal_id = fields.String()
    document_no = fields.String()
    approval_id = fields.String()
    reason = fields.String()
    value_on = fields.Date()
    booked_on = fields.Date()
    posted_at = fields.AwareDateTime()
    amount_fen = fields.Integer()
    reverses = fields.String(allow_none=True)
    reversed_by = fields.String(allow_none=True)


@blueprint.route("")
@blueprint.arguments(ListQuery, location="query")
@blueprint.response(200, page_of(ManualJournalSchema))
@staff_only
def journals(query: dict[str, Any]) -> Any:
    """A page of them, newest first."""
    return manual_journal_list.manual_journals(staff=staff(), asked=asked(query))
