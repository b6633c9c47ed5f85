"""What every answer carries, and the one log line of a request: no body, no header, no query."""

import time
import uuid

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from app import log

_LARGEST_BODY = 256 * 1024
_NOTHING = "default-src 'none'; frame-ancestors 'none'"
# The page of the documents holds a script of three lines and shows no data of people.
_DOCUMENTS_PAGE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'"
)


def install(app: Flask) -> None:
    """Requests have an id, a size limit and a log line; answers are not cached or sniffed."""
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(lambda _: clear_contextvars())


def _begin() -> None:
    g.request_id = uuid.uuid4().hex
    g.begun = time.perf_counter()
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers.setdefault("Cache-Control", "no-store")
    is_page = request.endpoint == "api-docs.openapi_swagger_ui"
    response.headers["Content-Security-Policy"] = _DOCUMENTS_PAGE if is_page else _NOTHING
    log.get().info(
        "request",
        method=request.method,
        route=str(request.url_rule or "-"),
        status=response.status_code,
        took_ms=round((time.perf_counter() - g.get("begun", time.perf_counter())) * 1000, 1),
    )
    return response
