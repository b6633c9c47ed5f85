"""Who may call what: deny by default, every view declares its guard.

`@public` needs nobody, `@member_only` a worker's live session, `@staff_only` one of the centre's
own people in a role that `rules/duties.toml` lets call the route; `@wechat_signed` and
`@wechat_pushed` are proved by WeChat's signature over the body. A view without a guard, a staff
route that is not in the file, and a line of the file without its route stop the start of the app.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from app import clock, log
from app.errors import Absent, Unauthenticated, Unavailable
from app.services import audit, duties, sessions, staff_sessions
from app.services.members import Member
from app.services.staff import Call, Staff

F = TypeVar("F", bound=Callable[..., Any])

_LONGEST_PEER = 64
_PUBLIC_ID = re.compile(r"[a-z]{2,4}_[0-9a-z]{26}")
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


def staff_only(view: F) -> F:
    """Only staff whose role the duties name may call the view; `staff()` says who. Audited."""
    return _guarded(view, "staff")


def wechat_signed(view: F) -> F:
    """The view verifies WeChat's signature over the raw body before anything else."""
    return _guarded(view, "wechat-signature")


def wechat_pushed(view: F) -> F:
    """The view verifies the message push's signature over the sealed body before anything else."""
    return _guarded(view, "wechat-push-signature")


def member() -> Member:
    """Who is calling; only in views marked `member_only`."""
    found: Member = g.member
    return found


def staff() -> Staff:
    """Who of the centre is calling; only in views marked `staff_only`."""
    found: Staff = g.staff
    return found


def this_call() -> Call:
    """The request as the record of staff's acts knows it: ids of the path, never body or query."""
    # Somebody may have put an ID number where an id belongs: the record would keep it for ever.
    given = [str(value) for value in (request.view_args or {}).values()]
    subject = " ".join(each if _PUBLIC_ID.fullmatch(each) else "(no id)" for each in given)
    return Call(
        act=f"{'GET' if request.method == 'HEAD' else request.method} {request.url_rule}",
        subject=subject,
        peer=(request.remote_addr or "unknown")[:_LONGEST_PEER],
        request_id=g.request_id,
    )


def guard_of(app: Flask, endpoint: str) -> str | None:
    """The guard an endpoint declares; None when it declares none."""
    if endpoint in _LIBRARY_ENDPOINTS:
        return "public"
    return getattr(app.view_functions[endpoint], "lingcun_guard", None)


def refuse_unguarded_routes(app: Flask) -> None:
    """Returns only when every route declares a guard, and the duties name every staff route."""
    rules = list(app.url_map.iter_rules())
    open_ones = sorted({x.endpoint for x in rules if guard_of(app, x.endpoint) is None})
    if open_ones:
        raise RuntimeError(f"routes without a declared guard: {', '.join(open_ones)}")
    there = {
        f"{method} {rule}"
        for rule in rules
        if guard_of(app, rule.endpoint) == "staff"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    astray = sorted(there ^ duties.routes())
    if astray:
        raise RuntimeError(f"staff routes and duties.toml disagree about: {', '.join(astray)}")


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
        if guard == "staff":
            g.staff = staff_sessions.staff_calling(
                token=_bearer(), call=this_call(), at=clock.now()
            )
            staff_sessions.refuse_unless_allowed(g.staff)
            if any("\0" in str(each) for each in (request.view_args or {}).values()):
                raise Absent()  # PostgreSQL holds no such text

    app.after_request(_put_the_answer_on_record)


def _put_the_answer_on_record(response: Response) -> Response:
    if "staff" in g:
        try:
            audit.answered(entry_id=staff().audit_id, status=response.status_code, at=clock.now())
        except (Unavailable, SQLAlchemyError) as error:
            # The call itself is on record; what was done is not undone for want of this.
            log.get().error("audit-answer-lost", exc_info=error)
    return response


def _guarded(view: F, guard: str) -> F:
    view.lingcun_guard = guard  # type: ignore[attr-defined]
    return view


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 20 <= len(token) <= 100 or not token.isascii():
        raise Unauthenticated()
    return token
