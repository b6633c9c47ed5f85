"""Every route that takes a body reads it strictly (F27) and takes no field it did not ask for (S2).

The routes come from the published document: a new one without an honest body below fails here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from app.db import db
from tests.api.asking import (
    Route,
    ask,
    but_for_the_record,
    document,
    json_routes,
    on_sqlite_alone,
    problem_of,
    routes,
)
from tests.api.bodies import STRANGE_VALUES, UNREADABLE, WRONG_TYPES, with_value
from tests.api.callers import STAFF_BODIES, STAFF_QUERIES, Callers
from tests.house import House

HONEST: dict[str, dict[str, object]] = {
    "sessions.log_in": {"code": "c" * 32},
    "consents.give_consent": {"text_sha256": "a" * 64},
    "identity.start_check": {
        "name": "张小满",
        "id_number": "330502199001010011",
        "phone_code": "p" * 32,
    },
    "enrolment.apply_to_join": {
        "work_kind": "new-form",
        "district": "wuxing",
        "works_in_city": True,
        "draws_pension": False,
        "own_labour_income": True,
        "retirement_category": "M",
    },
    "agreements.sign_agreement": {"text_sha256": "a" * 64},
    "deposits.order_deposit": {"amount_fen": 100_000},
    "quota.what_if": {
        "kind": "lump-sum",
        "amount_fen": 100_000,
        "on": "2026-04-01",
        "from_on": "2026-04-01",
        "home": "first",
    },
    **{endpoint: body for endpoint, body in STAFF_BODIES.items() if body is not None},
}
# WeChat signs its notices: no byte of them is read before that, whatever it is.
SIGNED = {"notices.payment_notice", "notices.message_push"}

# What other services were tricked with, beside every column of our own tables.
CLASSICS = (
    "role",
    "is_admin",
    "owner_id",
    "approved_by",
    "approved_at",
    "quota",
    "quota_fen",
    "balance",
    "openid",
    "session_key",
    "__proto__",
    "constructor",
    "self",
    "member",
    "at",
    "key",
)


@on_sqlite_alone
def test_every_json_route_has_an_honest_body_here(house: House) -> None:
    asked = {each.endpoint for each in json_routes(house)}
    fields = fields_of_bodies(house)

    assert asked == {*HONEST, *SIGNED}
    lacking = {name: fields[name] - set(body) for name, body in HONEST.items()}
    assert {name: more for name, more in lacking.items() if more} == {
        "people.search": {"account_no", "masked_id_number", "masked_phone"}  # one way at a time
    }


@on_sqlite_alone
def test_every_route_that_writes_takes_json_or_nothing(house: House) -> None:
    """What is neither documented with a body nor listed here would escape the tests below."""
    reading_json = {each.endpoint for each in json_routes(house)}
    without = {
        each.endpoint
        for each in routes(house)
        if each.method in ("POST", "PUT", "PATCH") and each.endpoint not in reading_json
    }

    assert without == {
        "identity.finish_check",
        "deposits.settle_deposit",
        "deposits.cancel_deposit",
        "notifications.read",
        "staff-accounts.activation_code",
        "work-items.take",
        "payouts.cancel",
        "payouts.make_batch",
        "public-agreements.verify",  # a PDF
    }


def test_no_route_reads_what_is_not_a_json_object(house: House) -> None:
    callers = Callers(house, house.depositor())
    house.forget_calls()
    before = but_for_the_record(house)

    wrong = {}
    for route in own_json_routes(house):
        for name, raw in UNREADABLE.items():
            answer = ask(house, route.method, route.path(), by=callers.of(route), data=raw)
            problem = problem_of(answer)
            if answer.status_code != 422 or list(problem["errors"]) != ["body"]:
                wrong[str(route), name] = problem

    assert wrong == {}
    assert but_for_the_record(house) == before
    assert house.calls() == {}


@on_sqlite_alone
def test_no_route_reads_another_content_type(house: House) -> None:
    callers = Callers(house, house.depositor())
    before = but_for_the_record(house)

    wrong = {}
    for route in own_json_routes(house):
        for kind in WRONG_TYPES:
            sent: dict[str, Any] = {
                "data": b"code=1&amount_fen=100000",
                "headers": {"Content-Type": kind},
            }
            answer = ask(house, route.method, route.path(), by=callers.of(route), **sent)
            problem = problem_of(answer)
            if answer.status_code != 422 or list(problem["errors"]) != ["body"]:
                wrong[str(route), kind] = problem

    assert wrong == {}
    assert but_for_the_record(house) == before


def test_every_field_refuses_what_is_strange_to_it_by_its_name(house: House) -> None:
    callers = Callers(house, house.depositor())
    house.forget_calls()
    before = but_for_the_record(house)

    wrong = {}
    for route, field, raw in strange_bodies(house):
        answer = ask(house, route.method, route.path(), by=callers.of(route), data=raw)
        problem = problem_of(answer)
        named = {name.partition("[")[0] for name in problem["errors"]}
        if answer.status_code != 422 or field not in named:
            wrong[str(route), raw[:60]] = problem

    assert wrong == {}
    assert but_for_the_record(house) == before
    assert house.calls() == {}


def test_no_body_takes_a_column_of_our_tables(house: House) -> None:
    callers = Callers(house, house.depositor())
    house.forget_calls()
    fields = fields_of_bodies(house)
    columns = {column.name for table in db.metadata.tables.values() for column in table.columns}
    before = but_for_the_record(house)

    wrong = {}
    for route in own_json_routes(house):
        honest = HONEST[route.endpoint]
        more = (columns | set(CLASSICS)) - fields[route.endpoint]
        for value in ("1", None):
            body = {**dict.fromkeys(more, value), **honest}
            answer = ask(house, route.method, route.path(), by=callers.of(route), json=body)
            errors = problem_of(answer)["errors"]
            unnamed = [name for name in more if errors.get(name) != ["不认识的字段。"]]
            if answer.status_code != 422 or unnamed:
                wrong[str(route)] = unnamed

    assert len(columns) > 100
    assert wrong == {}
    assert but_for_the_record(house) == before
    assert house.calls() == {}


@on_sqlite_alone
def test_no_query_takes_a_name_it_did_not_ask_for_or_one_twice(house: House) -> None:
    callers = Callers(house, house.depositor())
    with_query = [each for each in routes(house) if each.endpoint in QUERIES]

    wrong = {}
    for route in with_query:
        honest = QUERIES[route.endpoint]
        first = honest.partition("&")[0]
        for query, name in ((f"{honest}&columns=1", "columns"), (f"{honest}&{first}", first)):
            answer = ask(house, "GET", f"{route.path()}?{query}", by=callers.of(route))
            problem = problem_of(answer)
            named = name.partition("=")[0]
            if answer.status_code != 422 or list(problem["errors"]) != [named]:
                wrong[str(route), query] = problem

    assert {each.endpoint for each in with_query} == set(QUERIES)
    assert wrong == {}


QUERIES = {
    "deposits.my_deposits": "limit=1",
    "account.my_postings": "limit=1",
    "notifications.my_notifications": "limit=1",
    "account.my_daily_balances": "from=2026-03-01&to=2026-03-02",
    "quota.my_quota": "home=first",
    **STAFF_QUERIES,
}


def fields_of_bodies(house: House) -> dict[str, set[str]]:
    """Every field that each route's body may have, by the published document."""
    published = document(house)
    schemas = published["components"]["schemas"]
    found: dict[str, set[str]] = {}
    for methods in published["paths"].values():
        for operation in (each for each in methods.values() if "requestBody" in each):
            content = operation["requestBody"]["content"].get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            found[operation["operationId"]] = set(schemas.get(name, {}).get("properties", ()))
    return found


def strange_bodies(house: House) -> Iterator[tuple[Route, str, bytes]]:
    """A route, one of its fields, and its honest body with something strange in that field."""
    for route in own_json_routes(house):
        honest = HONEST[route.endpoint]
        for field, value in itertools.product(honest, STRANGE_VALUES):
            yield route, field, with_value(honest, field, value)


def own_json_routes(house: House) -> list[Route]:
    """Every route that reads a JSON body of ours."""
    return [each for each in json_routes(house) if each.endpoint not in SIGNED]
