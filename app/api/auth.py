"""Who may call what: deny by default, every view declares its guard.

`@public` needs nobody, `@member_only` a live session, `@wechat_signed` is proved by the signature
over the body. A view without a guard stops the start of the app, and is refused if it ever runs.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, g, request

from app import clock
from app.errors import Absent, Unauthenticated
from app.services import sessions
from app.services.members import Member

F = TypeVar("F", bound=Callable[..., Any])

# Views that libraries bring: the OpenAPI document and its page, without any data of people.
_LIBRARY_ENDPOINTS = frozenset(
    {"api-docs.openapi_json", "api-docs.openapi_swagger_ui", "swagger_dist.static"}
)


def public(view: F) -> F:
    """Anybody may call the view."""
    return _guarded(view, "public")


def member_only(view: F) -> F:
    """Only a logged-in worker may call the view; `member()` says who."""
    return _guarded(view, "member")


def wechat_signed(view: F) -> F:
    """The view verifies WeChat's signature over the raw body before anything else."""
    return _guarded(view, "wechat-signature")


def member() -> Member:
    """Who is calling; only in views marked `member_only`."""
    found: Member = g.member
    return found


def guard_of(app: Flask, endpoint: str) -> str | None:
    """The guard an endpoint declares; None when it declares none."""
    if endpoint in _LIBRARY_ENDPOINTS:
        return "public"
    return getattr(app.view_functions[endpoint], "lingcun_guard", None)


def refuse_unguarded_routes(app: Flask) -> None:
    """Returns only when every route declares a guard."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    open_ones = sorted(each for each in endpoints if guard_of(app, each) is None)
    if open_ones:
        raise RuntimeError(f"routes without a declared guard: {', '.join(open_ones)}")


def install(app: Flask) -> None:
    """Every request passes its view's guard first."""

    @app.before_request
    def check() -> None:
        if request.endpoint is None:
            return  # no such route: the router answers
        guard = guard_of(app, request.endpoint)
        if guard is None:
            raise Absent()
        if guard == "member":
            g.member = sessions.member_of(token=_bearer(), at=clock.now())


def _guarded(view: F, guard: str) -> F:
    view.lingcun_guard = guard  # type: ignore[attr-defined]
    return view


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 20 <= len(token) <= 100 or not token.isascii():
        raise Unauthenticated()
    return token
