"""What every answer carries (S31), and what no header of a request can do (S18, S24, S25)."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
import requests
from werkzeug.test import TestResponse

from tests.api.asking import (
    ask,
    everything_stored,
    on_sqlite_alone,
    problem_of,
    routes,
    without_id,
)
from tests.api.callers import Callers
from tests.house import House

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'"
PAGE, ASSETS = "api-docs.openapi_swagger_ui", "swagger_dist.static"


@on_sqlite_alone
def test_every_answer_of_every_route_is_neither_cached_nor_sniffed_nor_framed(
    house: House,
) -> None:
    callers = Callers(house, house.depositor())

    missing = {
        (method, str(route), by is None): missing_headers(
            ask(house, method, route.path(), by=by), route.endpoint
        )
        for route in routes(house)
        for method in (route.method, "OPTIONS", "PROPFIND")
        for by in (callers.of(route), None)
    }

    assert {asked: headers for asked, headers in missing.items() if headers} == {}
    assert len(missing) > 350


@on_sqlite_alone
def test_refusals_of_every_kind_carry_the_same_headers(house: House) -> None:
    refusals = {
        401: ask(house, "GET", "/v1/me"),
        404: ask(house, "GET", "/nowhere"),
        405: ask(house, "PATCH", "/v1/me"),
        413: ask(house, "POST", "/v1/sessions", data=b"x" * 300_000),
        422: ask(house, "POST", "/v1/sessions", data=b"{"),
    }

    assert {code: each.status_code for code, each in refusals.items()} == {c: c for c in refusals}
    assert {code: missing_headers(each, "") for code, each in refusals.items() if code} == {
        code: {} for code in refusals
    }


@on_sqlite_alone
def test_every_request_has_an_id_of_ours(house: House) -> None:
    brought = {"X-Request-Id": "chosen-by-a-stranger"}

    ids = [ask(house, "GET", "/healthz", headers=brought).headers["X-Request-Id"] for _ in "123"]

    assert len(set(ids)) == 3
    assert all(len(each) == 32 and each.isalnum() for each in ids)


@on_sqlite_alone
def test_another_method_is_refused_and_the_right_ones_are_named(house: House) -> None:
    wrong = {}
    for route in routes(house):
        answer = ask(house, "PATCH", route.path())
        allowed = {each.strip() for each in answer.headers.get("Allow", "").split(",")}
        if answer.status_code != 405 or not (route.rule.methods or set()) <= allowed:
            wrong[str(route)] = (answer.status_code, allowed)
        problem_of(answer)

    assert wrong == {}


@on_sqlite_alone
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/me/",
        "/V1/me",
        "/v1/me/deposits/",
        "/v2/me",
        "/.env",
        "/admin",
        "/v1/me/..%2f..%2fapp.env",
        "/docs/dist/..%2f..%2f..%2fapp%2fsettings.py",
        "/docs/dist/%2e%2e/%2e%2e/settings.py",
        "/static/x",
        "/%00",
        "/%ff",
        "/" + "a" * 4_000,
    ],
)
def test_an_unknown_path_is_a_problem_and_no_page(house: House, path: str) -> None:
    answer = ask(house, "GET", path)

    assert answer.status_code == 404
    assert problem_of(answer)["type"] == "/problems/not-found"


@on_sqlite_alone
def test_a_doubled_slash_leads_nowhere_and_least_of_all_to_another_host(house: House) -> None:
    """A redirect would be built from the Host header, which anybody may send."""
    for target in ("//v1//me", "//v1/me", "/v1//me", "//evil.example/v1/me", "/v1/me//deposits"):
        status, head, _ = raw(house, target, {"Host": "evil.example"})
        assert status in (401, 404), target
        assert "location" not in head


@on_sqlite_alone
def test_options_and_head_tell_no_more_than_get(house: House) -> None:
    phone = house.depositor()

    head = ask(house, "HEAD", "/v1/me/account", by=phone)
    stranger = ask(house, "HEAD", "/v1/me/account")
    options = ask(house, "OPTIONS", "/v1/me/account")

    assert (head.status_code, head.data) == (200, b"")
    assert (stranger.status_code, stranger.data) == (401, b"")
    assert options.status_code in (200, 401)
    assert b"fen" not in options.data


def test_no_header_turns_one_request_into_another(house: House) -> None:
    """Method override (S25), a proxy's word without a proxy (S24), another path or Host."""
    phone = house.depositor()
    plain = ask(house, "GET", "/v1/me/account", by=phone)
    before = everything_stored(house)

    spoofed = {
        name: ask(house, "GET", "/v1/me/account", by=phone, headers={name: value})
        for name, value in {
            "X-HTTP-Method-Override": "DELETE",
            "X-HTTP-Method": "DELETE",
            "X-Method-Override": "DELETE",
            "X-Original-URL": "/v1/sessions/current",
            "X-Rewrite-URL": "/v1/sessions/current",
            "X-Forwarded-For": "127.0.0.1",
            "X-Real-IP": "127.0.0.1",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Prefix": "/v1/public",
            "X-Forwarded-User": "1",
            "X-User-ID": "1",
            "X-Person-Id": "1",
            "Forwarded": "for=127.0.0.1;host=evil.example",
            "Host": "evil.example",
            "Range": "bytes=0-1",
            "Accept": "text/html",
            "Origin": "https://evil.example",
        }.items()
    }

    assert {name for name, each in spoofed.items() if each.data != plain.data} == set()
    assert {each.status_code for each in spoofed.values()} == {200}
    assert all("Access-Control-Allow-Origin" not in each.headers for each in spoofed.values())
    assert everything_stored(house) == before


def test_a_form_cannot_order_or_end_anything(house: House) -> None:
    phone = house.worker()
    override = {"Content-Type": "application/x-www-form-urlencoded"}

    form = ask(house, "POST", "/v1/me/deposits", by=phone, data=b"_method=PUT", headers=override)
    query = ask(house, "POST", "/v1/sessions/current?_method=DELETE", by=phone)

    assert form.status_code == 422
    assert query.status_code == 405
    assert phone.get("/v1/me/deposits") == []


@on_sqlite_alone
def test_a_session_that_ended_is_refused_with_the_challenge(house: House) -> None:
    answer = ask(house, "GET", "/v1/me", by="x" * 43)

    assert without_id(answer)[2]["WWW-Authenticate"] == "Bearer"


@on_sqlite_alone
def test_bytes_that_are_no_http_of_ours_break_nothing(house: House) -> None:
    """Odd hosts and odd targets over a real socket; afterwards the service still answers."""
    for head in ({"Host": "a b<>"}, {"Host": ""}, {"Host": "x" * 3_000}, {"Host": "[::1"}):
        status, _, _ = raw(house, "/v1/me", head)
        assert 400 <= status < 500, head
    for target in ("http://evil.example/v1/me", "/v1/me?%ff=%ff", "/v1/me?a=%00", "/v1/me#x"):
        status, _, _ = raw(house, target, {"Host": "localhost"})
        assert 400 <= status < 500, target

    assert requests.get(f"{house.api}/healthz", timeout=5).json() == {"status": "ok"}


def missing_headers(answer: TestResponse, endpoint: str) -> dict[str, str | None]:
    """The headers this answer should carry and does not."""
    policy = answer.headers.get("Content-Security-Policy", "")
    expected = {**EVERYWHERE, "Cache-Control": "no-store"}
    if endpoint == ASSETS and answer.status_code in (200, 304):
        del expected["Cache-Control"]  # the page's own scripts, the same for everybody
    wrong = {k: answer.headers.get(k) for k, v in expected.items() if answer.headers.get(k) != v}
    if policy != NOTHING and not (endpoint == PAGE and "default-src 'self'" in policy):
        wrong["Content-Security-Policy"] = policy
    if len(answer.headers.get("X-Request-Id", "")) != 32:
        wrong["X-Request-Id"] = answer.headers.get("X-Request-Id")
    return wrong


def raw(house: House, target: str, head: dict[str, str]) -> tuple[int, str, bytes]:
    """The answer to a request line that no client library would send."""
    address = urlsplit(house.api)
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    request = f"GET {target} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"
    with socket.create_connection((address.hostname, address.port or 80), timeout=10) as wire:
        wire.sendall(request.encode("latin-1"))
        answer = b""
        while more := wire.recv(65_536):
            answer += more
    head_text, _, body = answer.partition(b"\r\n\r\n")
    return int(head_text.split(b" ")[1]), head_text.decode("latin-1").lower(), body
