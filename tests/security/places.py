"""Everywhere a text can be put into a request: paths, queries, headers, bodies of every route."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tests.api.asking import KEY, Route, routes
from tests.api.callers import LISTS
from tests.api.test_every_body import HONEST, QUERIES
from tests.house import House
from tests.proposals import FLEXIBLE, SUSPENSE, a_journal, a_limit, a_line
from tests.security.cast import Things

# Headers that a route reads, beside the token.
HEADERS = {
    "deposits.order_deposit": ("Idempotency-Key",),
    "notices.payment_notice": tuple(
        f"Wechatpay-{each}" for each in ("Serial", "Signature", "Timestamp", "Nonce")
    ),
}
# What proves a push, and the text that is echoed.
PUSH_QUERY = ("signature", "msg_signature", "timestamp", "nonce", "encrypt_type", "echostr")
# What nobody asked for: several texts go in at once, each text under another name at each route.
UNKNOWN = ("sort_by", "order", "filter", "order_by")
UNREAD = (
    "Content-Type",
    "X-Request-Id",
    "User-Agent",
    "Cookie",
    "Accept-Language",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "Referer",
    "If-None-Match",
)
Sent = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Somewhere in a route's requests: what is sent with these texts under its names."""

    route: Route
    kind: str
    names: tuple[str, ...]
    sent: Callable[[Mapping[str, str]], Sent]

    def requests(self, texts: tuple[str, ...], turn: int) -> Iterator[tuple[str, Sent]]:
        """What is sent so that each text is sent once; under several names, as many at once."""
        at_once = len(self.names)
        start = turn % len(texts) if at_once > 1 else 0
        turned = texts[start:] + texts[:start]
        for first in range(0, len(turned), at_once):
            several = turned[first : first + at_once]
            yield " | ".join(several), self.sent(dict(zip(self.names, several, strict=False)))


def places(house: House, things: Things) -> Iterator[Place]:
    """Everywhere a text can be put, route by route."""
    for route in routes(house):
        yield from _in_paths(route)
        yield from _in_queries(route)
        yield from _in_headers(route)
        for body in bodies_of(route, things):
            yield from _in_bodies(route, body)


def bodies_of(route: Route, things: Things) -> list[dict[str, Any]]:
    """Bodies that get as far as they can before the text in them stops them."""
    honest = HONEST.get(route.endpoint)
    proposed = {"reason": "x", "resubmits": "x"}
    journal = a_journal(a_line(SUSPENSE, FLEXIBLE, 1, account_no="1"), case_id="x")
    also: dict[str, list[dict[str, Any]]] = {
        "people.search": [
            {"account_no": "1"},
            {"masked_id_number": f"3{'*' * 16}X", "masked_phone": "138****1234"},
        ],
        "proposals.propose_deposit_limit_override": [
            {**proposed, **a_limit(things.person_id, 910_000)}
        ],
        "proposals.propose_manual_journal": [{**proposed, **journal}],
        "proposals.propose_staff_reset": [{**proposed, "account_id": things.account_id}],
    }
    return [*([dict(honest)] if honest else []), *also.get(route.endpoint, [])]


def _path_of(route: Route) -> str:
    """The route's path, to what nobody has."""
    return route.path(purpose="nothing")


def _in_paths(route: Route) -> Iterator[Place]:
    body = HONEST.get(route.endpoint)

    def sent(texts: Mapping[str, str]) -> Sent:
        values = {name: quote(text, safe="") for name, text in texts.items()}
        return {"path": route.path(**values), "json": body}

    for name in route.rule.arguments:
        yield Place(route, "path", (name,), sent)


def _in_queries(route: Route) -> Iterator[Place]:
    pairs = (each.partition("=") for each in QUERIES.get(route.endpoint, "").split("&") if each)
    honest = {name: value for name, _, value in pairs}
    extra = ("cursor",) if route.endpoint in (*LISTS, "notifications.my_notifications") else ()
    extra += PUSH_QUERY if route.guard == "wechat-push-signature" else ()

    def sent(texts: Mapping[str, str]) -> Sent:
        return {"path": _path_of(route), "query_string": urlencode({**honest, **texts})}

    for name in (*honest, *extra):
        yield Place(route, "query", (name,), sent)
    yield Place(route, "query", UNKNOWN, sent)


def _in_headers(route: Route) -> Iterator[Place]:
    def sent(texts: Mapping[str, str]) -> Sent:
        headers = {"Idempotency-Key": KEY} | {name: _raw(text) for name, text in texts.items()}
        if "Authorization" in texts:  # long enough for a token to be looked up by it
            headers["Authorization"] = f"Bearer {_raw(texts['Authorization']):x<20}"
        return {"path": _path_of(route), "headers": headers}

    def with_body(texts: Mapping[str, str]) -> Sent:
        return {**sent(texts), "json": HONEST.get(route.endpoint, {})}

    if route.guard in ("member", "staff"):
        yield Place(route, "header", ("Authorization",), sent)
    for name in HEADERS.get(route.endpoint, ()):
        yield Place(route, "header", (name,), with_body)
    yield Place(route, "header", UNREAD, sent)


def _in_bodies(route: Route, body: dict[str, Any]) -> Iterator[Place]:
    for steps in _texts_in(body):

        def sent(texts: Mapping[str, str], steps: tuple[Any, ...] = steps) -> Sent:
            inner: Any = (whole := copy.deepcopy(body))
            for step in steps[:-1]:
                inner = inner[step]
            (inner[steps[-1]],) = texts.values()
            return {"path": _path_of(route), "json": whole}

        yield Place(route, "body", (".".join(map(str, steps)),), sent)


def _texts_in(value: Any, *steps: Any) -> Iterator[tuple[Any, ...]]:
    """The way to each text in a body, at whatever depth."""
    if isinstance(value, str):
        yield steps
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts_in(inner, *steps, name)
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts_in(inner, *steps, number)


def _raw(text: str) -> str:
    """The text as a header can carry it: bytes, and no end of a line."""
    return text.translate({0: "", 10: " "}).encode().decode("latin-1")
