"""Is the process alive, and can it serve?"""

from http import HTTPStatus

from marshmallow import Schema, fields

from app import settings
from app.api.auth import public
from app.api.documentation import views
from app.errors import Unavailable
from app.services import installation

blueprint = views("health", prefix="", description="存活与就绪")


class NotReady(Unavailable):
    """The database is missing, not installed, or of another environment."""

    sentence = "服务尚未就绪。"


class HealthSchema(Schema):
    """One word."""

    status = fields.String()


@blueprint.route("/healthz")
@blueprint.response(200, HealthSchema)
@public
def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@blueprint.route("/readyz")
@blueprint.response(200, HealthSchema)
@blueprint.alt_response(503, HTTPStatus.SERVICE_UNAVAILABLE.name)
@public
def ready() -> dict[str, str]:
    """The database is reachable, migrated and installed for this environment."""
    if installation.reasons_not_to_serve(settings.current().environment):
        raise NotReady()
    return {"status": "ready"}
