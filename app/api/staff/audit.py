"""The record of who did and read what, for auditors: pages, and a file."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Response, stream_with_context
from marshmallow import Schema, ValidationError, fields, validates_schema

from app import clock
from app.api.auth import staff, staff_only
from app.api.documentation import views
from app.api.fields import Body, Day, Text
from app.api.staff.lists import ListQuery, asked, page_of
from app.services import audit
from app.services.audit import Wanted

blueprint = views("audit", prefix="/v1/staff", description="审计记录")

_EXPORTED_DAYS_MAX = 92


class AuditQuery(ListQuery):
    """Filters; both days are shown, in Shanghai. Newest first."""

    from_on = Day(data_key="from", load_default=None)
    to_on = Day(data_key="to", load_default=None)
    login = Text(longest=32, load_default=None)
    subject = Text(longest=120, load_default=None)
    request_id = Text(longest=32, load_default=None)


class ExportQuery(Body):
    """Both days are in the file; at most 92."""

    from_on = Day(data_key="from", required=True)
    to_on = Day(data_key="to", required=True)

    @validates_schema
    def _a_period(self, data: dict[str, Any], **_: Any) -> None:
        days = (data["to_on"] - data["from_on"]).days + 1
        if not 1 <= days <= _EXPORTED_DAYS_MAX:
            hint = f"起始日不晚于截止日，且不超过{_EXPORTED_DAYS_MAX}天。"
            raise ValidationError({"from": [hint], "to": [hint]})


class AuditEntrySchema(Schema):
    """One line of the record."""

    entry_id = fields.Integer()
    at = fields.AwareDateTime()
    account_id = fields.String()
    login = fields.String()
    role = fields.String()
    district = fields.String()
    act = fields.String()
    subject = fields.String()
    verdict = fields.String()
    reason = fields.String()
    peer = fields.String()
    request_id = fields.String()
    status = fields.Integer(allow_none=True)


@blueprint.route("/audit")
@blueprint.arguments(AuditQuery, location="query")
@blueprint.response(200, page_of(AuditEntrySchema))
@staff_only
def entries(query: dict[str, Any]) -> Any:
    """A page of the record."""
    page, wanted = asked(query), _wanted(query)
    return audit.entries(staff=staff(), wanted=wanted, asked=page)


@blueprint.route("/audit.csv")
@blueprint.arguments(ExportQuery, location="query")
@blueprint.csv
@staff_only
def export(query: dict[str, Any]) -> Response:
    """The record of a period as a file that a spreadsheet opens."""
    headers = {"Content-Disposition": f"attachment; filename=audit-{query['from_on']}.csv"}
    lines = audit.csv_lines(staff=staff(), wanted=_wanted(query))
    return Response(stream_with_context(lines), mimetype="text/csv", headers=headers)


def _wanted(query: dict[str, Any]) -> Wanted:
    from_on, to_on = query.pop("from_on"), query.pop("to_on")
    return Wanted(
        from_at=None if from_on is None else _midnight(from_on),
        until_at=None if to_on is None else _midnight(to_on + timedelta(days=1)),
        **query,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.SHANGHAI).astimezone(UTC)
