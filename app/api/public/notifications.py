"""The message templates, for the mini-program to ask its user's permission by them."""

from typing import Any

from marshmallow import Schema, fields

from app.api.auth import public
from app.api.documentation import views
from app.services import notifications

blueprint = views(
    "public-notifications", prefix="/v1/public/notification-templates", description="通知模板"
)


class TemplateSchema(Schema):
    """A template of the mini-program: what `wx.requestSubscribeMessage` takes."""

    kind = fields.String()
    title = fields.String()
    template_id = fields.String()


@blueprint.route("")
@blueprint.response(200, TemplateSchema(many=True))
@public
def templates() -> Any:
    """The templates of this deployment; kinds without one are told in the inbox alone."""
    return list(notifications.templates())
