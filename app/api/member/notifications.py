"""The member's inbox: what he was told, in words, and what he has read of it."""

from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from app import clock
from app.api.auth import member, member_only
from app.api.documentation import views
from app.api.fields import Body, QueryNumber, Text
from app.services import notifications
from app.services.pages import Asked

blueprint = views("notifications", prefix="/v1/me/notifications", description="通知")


class InboxQuery(Body):
    """A page, newest first; `cursor` is the `next_cursor` of the page before."""

    cursor = Text(longest=100, load_default=None)
    limit = QueryNumber(1, 100, load_default=20)


class NotificationSchema(Schema):
    """One notification; `read_at` once the member has read it."""

    notification_id = fields.String()
    kind = fields.String()
    title = fields.String()
    sentence = fields.String()
    created_at = fields.AwareDateTime()
    read_at = fields.AwareDateTime(allow_none=True)


class InboxSchema(Schema):
    """A page of the inbox."""

    items = fields.List(fields.Nested(NotificationSchema))
    next_cursor = fields.String(allow_none=True)


@blueprint.route("")
@blueprint.arguments(InboxQuery, location="query")
@blueprint.response(200, InboxSchema)
@blueprint.may_conflict
@member_only
def my_notifications(query: dict[str, Any]) -> Any:
    """A page of the member's inbox."""
    return notifications.notifications_of(member=member(), asked=Asked(**query))


@blueprint.route("/<string:notification_id>/read", methods=["POST"])
@blueprint.empty
@member_only
def read(notification_id: str) -> ResponseReturnValue:
    """The member has read it; reading it again changes nothing."""
    notifications.mark_read(member=member(), notification_id=notification_id, at=clock.now())
    return "", 204
