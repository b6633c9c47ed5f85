"""Is the process alive, and can it serve?"""

from flask.typing import ResponseReturnValue

from app import settings
from app.api.auth import public
from app.api.documentation import views
from app.errors import Unavailable
from app.services import installation

blueprint = views("health", prefix="", description="存活与就绪")


class NotReady(Unavailable):
    """The database is missing, not installed, or of another environment."""

    sentence = "服务尚未就绪。"


@blueprint.route("/healthz")
@public
def alive() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@blueprint.route("/readyz")
@public
def ready() -> ResponseReturnValue:
    """The database is reachable, migrated and installed for this environment."""
    if installation.reasons_not_to_serve(settings.current().environment):
        raise NotReady()
    return {"status": "ready"}
