"""The published document is OpenAPI 3.1, says everything about every route, and is true."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import schemathesis
from werkzeug.test import TestResponse

from app.api import auth
from app.money import MAX_FEN
from tests.api.asking import Route, ask, document, problem_of, routes
from tests.api.callers import Callers, staff_routes
from tests.api.canaries import Witness, life
from tests.api.office_day import office_day
from tests.api.test_every_body import HONEST, own_json_routes
from tests.house import House

pytestmark = pytest.mark.parametrize("standing_house", ["sqlite"], indirect=True)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PROBLEM = "application/problem+json"
SCHEME = {
    "member": "session",
    "staff": "staff-session",
    "wechat-signature": "wechat-signature",
    "wechat-push-signature": "wechat-push-signature",
}
# Open, and refused to whoever cannot prove to be who he says.
PROVING = {"staff-sessions.sign_in", "staff-sessions.activate"}
# What serves the document itself is not part of the service it describes.
LIBRARY = auth._LIBRARY_ENDPOINTS


def test_the_document_is_openapi_3_1(house: House) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", house.app)

    schema.validate()

    assert schema.raw_schema["openapi"].startswith("3.1.")
    assert schema.raw_schema["info"]["description"]


def test_every_route_is_in_the_document_and_nothing_else_is(house: House) -> None:
    published = {name: path for path, _, name, _ in operations(house)}

    assert published == {
        each.endpoint: re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(each.rule.rule))
        for each in own_routes(house)
    }


def test_every_operation_says_what_it_is_and_who_may_call_it(house: House) -> None:
    guards = {each.endpoint: each.guard for each in own_routes(house)}
    schemes = document(house)["components"]["securitySchemes"]

    for path, method, name, operation in operations(house):
        scheme = SCHEME.get(guards[name])
        assert operation["summary"].strip().endswith((".", "'s.")), path
        assert operation["security"] == ([{scheme: []}] if scheme else []), (method, path)
        assert operation["tags"], path

    assert schemes["session"]["scheme"] == "bearer"
    assert schemes["wechat-signature"]["name"] == "Wechatpay-Signature"
    assert schemes["wechat-push-signature"]["name"] == "msg_signature"


def test_every_operation_says_how_it_succeeds_and_how_it_refuses(house: House) -> None:
    guards = {each.endpoint: each for each in own_routes(house)}

    for path, method, name, operation in operations(house):
        told = set(operation["responses"])
        assert told & {"200", "201", "204"}, (method, path)
        assert "default" in told
        asks_who = guards[name].guard != "public" or name in PROVING
        assert ("401" in told) == asks_who, (method, path)
        assert guards[name].guard != "staff" or told >= {"403", "409", "429"}, (method, path)
        assert not guards[name].rule.arguments or "404" in told, (method, path)
        assert "requestBody" not in operation or told & {"422", "401"}, (method, path)


def test_every_refusal_is_published_as_a_problem(house: House) -> None:
    published = document(house)["components"]

    contents = {name: list(each["content"]) for name, each in published["responses"].items()}

    assert contents == {name: [PROBLEM] for name in contents}
    assert {"UNAUTHORIZED", "NOT_FOUND", "CONFLICT", "DEFAULT_ERROR"} <= set(contents)
    fields = set(published["schemas"]["Problem"]["properties"])
    assert {"type", "title", "status", "detail", "request_id", "step", "errors"} <= fields
    assert fields >= {"reasons", "code", "message"}


def test_money_and_keys_are_published_with_their_bounds(house: House) -> None:
    found = document(house)
    amount = found["components"]["schemas"]["DepositBody"]["properties"]["amount_fen"]
    order = found["paths"]["/v1/me/deposits"]["post"]
    key = next(each for each in order["parameters"] if each["name"] == "Idempotency-Key")

    assert amount == {"type": "integer", "minimum": 1, "maximum": MAX_FEN}
    assert key["required"] is True
    assert key["schema"]["pattern"] == "^[A-Za-z0-9_-]{8,64}$"
    assert "\\\\Z" not in str(found), "JSON Schema has no \\Z"


def test_bodies_take_no_other_field_and_answers_have_all_of_theirs(house: House) -> None:
    schemas = document(house)["components"]["schemas"]

    for name, schema in schemas.items():
        assert schema["additionalProperties"] is False, name
        if not name.endswith("Body") and name != "Problem":
            assert set(schema["required"]) == set(schema["properties"]), name


def test_no_published_text_holds_an_english_default_of_a_library(house: House) -> None:
    """What marshmallow says by itself would reach the worker's phone."""
    member = house.phone()
    member.log_in()
    callers = Callers(house, member)
    wrong: tuple[object, ...] = (
        None,
        1,
        "",
        "x",
        [],
        [None],
        [[]],
        [{}],
        {},
        True,
        "2026-02-30",
        -1,
        "x" * 70_000,
    )

    sentences = [
        sentence
        for route in own_json_routes(house)
        for name in HONEST[route.endpoint]
        for value in wrong
        for said in errors_of(
            ask(
                house,
                route.method,
                route.path(),
                by=callers.of(route),
                json={**HONEST[route.endpoint], "more": 1, name: value},
            )
        )
        for sentence in said
    ]

    assert len(sentences) > 800
    assert {s for s in sentences if not CHINESE.search(s)} == set()


def test_the_page_of_the_documents_asks_nobody_else_for_anything(house: House) -> None:
    page = ask(house, "GET", "/docs")
    links = Links()
    links.feed(page.get_data(as_text=True))

    assert links.found == {
        "/docs/dist/swagger-ui.css",
        "/docs/dist/swagger-ui-standalone-preset.js",
        "/docs/dist/swagger-ui-bundle.js",
    }
    assert not re.search(rb"(?:https?:)?//[a-z]", page.data)
    assert all(ask(house, "GET", link).status_code == 200 for link in links.found)
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.headers["Content-Security-Policy"]


def test_every_answer_of_a_whole_way_in_is_as_published(house: House) -> None:
    """Each status, content type and body is held against the document."""
    _, witness, _ = life(house)

    assert len(as_published(house, witness)) > 18


def test_every_answer_of_a_day_at_the_office_is_as_published(house: House) -> None:
    """And there is no route of the staff's that the day does without."""
    day = office_day(house)

    seen = as_published(house, day.witness)

    assert {each.endpoint for each in staff_routes(house)} <= seen


def as_published(house: House, witness: Witness) -> set[str]:
    """The routes whose answers were held against the document: each was found as it says."""
    published = schemathesis.openapi.from_url(f"{house.api}/openapi.json")
    known = {each.endpoint: each for each in own_routes(house)}
    seen = set()
    for answer in witness.answers:
        route, _ = house.app.url_map.bind("").match(
            answer.request.path_url.partition("?")[0], answer.request.method
        )
        if route in known:
            rule = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(known[route].rule.rule))
            published[rule][str(answer.request.method)].validate_response(answer)
            seen.add(str(route))
    return seen


def errors_of(answer: TestResponse) -> Iterable[list[str]]:
    """What a refusal says of each field."""
    return dict(problem_of(answer)["errors"]).values()


class Links(HTMLParser):
    """Whatever a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attrs if name in ("src", "href") and value}


def own_routes(house: House) -> list[Route]:
    """Every route of the service itself."""
    return [each for each in routes(house) if each.endpoint not in LIBRARY]


def operations(house: House) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """(path, method, id, operation) of everything in the document."""
    for path, methods in document(house)["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield path, method, operation["operationId"], operation
