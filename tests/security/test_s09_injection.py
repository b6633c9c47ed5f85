"""S9: a text stays a text, wherever in whatever request it is put, and whoever sends it.

Every path argument, every parameter of a query (and ones that do not exist), every header we read
and every text of every body, at every route: nothing is run, nothing waits, nothing changes.
"""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import inspect
from werkzeug.test import TestResponse

from app.db import db
from sandbox.desk import Desk
from sandbox.phone import Phone, Problem
from tests.api.asking import Route, ask, but_for_the_record, on_sqlite_alone
from tests.api.callers import SIGN_OUT, Callers
from tests.code_reading import name_of, python_files, tree
from tests.house import House
from tests.office import seated
from tests.proposals import FLEXIBLE, IN_TRANSIT, a_journal, a_limit, a_line
from tests.security.cast import HERE, things_in
from tests.security.payloads import PAYLOADS, SLOW_S
from tests.security.places import Place, Sent, places
from tests.short_cuts import a_phone

# Whoever calls them with a live token is gone: they are asked with one that opens nothing.
LEAVING = {SIGN_OUT, "sessions.log_out"}
# Found by a text that is given: none of ours is that text, so nothing is found.
FILTERS = {"login", "subject", "request_id"}


# Each place gets some of the texts and each text comes to many places; `make fuzz` sends all.
SOME, IS_FULL = 9, os.environ.get("FUZZ") == "full"
# How many places of each kind there are at least: one more route brings more, none less.
PLACES = {"path": 17, "query": 80, "header": 110, "body": 80}
# Kept on purpose whatever it says: a login code that was tried, an application that was refused.
KEPT = {"used_login_code", "enrolment"}


@pytest.mark.parametrize("kind", PLACES)
def test_whatever_is_put_into_a_request_is_not_run(house: House, kind: str) -> None:
    things, callers = things_in(house, HERE), Callers(house, a_phone(house)[0])
    newcomer = house.phone()
    newcomer.log_in()
    newcomer.consent()
    found = [each for each in places(house, things) if each.kind == kind]
    before = but_for_the_record(house)

    wrong = {}
    for turn, place in enumerate(found):
        by = caller(callers, newcomer, place.route)
        for texts, sent in place.requests(texts_for(turn), turn):
            answer, took_s = timed(house, place.route, sent, by)
            if answer.status_code >= 500 or took_s > SLOW_S or is_too_much(place, answer):
                wrong[str(place.route), place.names, texts] = (answer.status_code, took_s)

    after = but_for_the_record(house)
    assert wrong == {}
    assert len(found) >= PLACES[kind]
    assert len(PAYLOADS) >= 40
    assert {name for name in before if after[name] != before[name]} <= KEPT
    assert all(set(before[name]) <= set(after[name]) for name in KEPT)
    assert set(db.metadata.tables) <= tables_there(house)


def test_what_people_may_write_freely_comes_back_letter_by_letter(house: House) -> None:
    """Reasons: stored as they are, and so shown and put on record. A paper's number is strict."""
    things = things_in(house, HERE)
    clerk, reviewer = (seated(house, role, HERE) for role in ("counter-clerk", "reviewer"))
    auditor, accountant = seated(house, "auditor"), seated(house, "accountant")
    written = [each for each in PAYLOADS if "\0" not in each]
    readers = [seated(house, "counter-clerk", HERE) for _ in range(3)]  # twenty an hour for each
    line = a_line(IN_TRANSIT, FLEXIBLE, 100, account_no=things.account_no)

    for number, payload in enumerate(written, 1):
        limit = a_limit(things.person_id, 900_000 + number)
        proposal = clerk.propose("deposit-limit-override", payload, **limit)
        done = reviewer.decide(proposal, "reject", payload)
        assert (done["reason"], done["decision_reason"]) == (payload, payload)
        no_paper = a_journal(line, document_no=payload)
        with pytest.raises(Problem) as refused:
            accountant.propose("manual-journal", payload, **no_paper)
        assert (refused.value.status, set(refused.value.details["errors"])) == (
            422, {"document_no"},
        )  # fmt: skip
        body = {"fields": ["name"], "reason": f"核对记录{payload}"}
        readers[number % 3].post(f"/people/{things.person_id}/unmask", body)

    told = {
        entry["reason"]
        for entry in pages_of(auditor, "/audit", subject=things.person_id)
        if entry["act"] == "unmask name"
    }
    assert told == {f"核对记录{each}" for each in written}
    assert set(db.metadata.tables) <= tables_there(house)


@on_sqlite_alone
def test_a_statement_is_written_out_where_it_is_run(house: House) -> None:
    """Beside what `tests/test_house_rules.py` holds: no statement comes by a name, either."""
    wrong = [
        f"{path}:{each.lineno} {ast.unparse(each)[:80]}"
        for path in python_files("app")
        for each in ast.walk(tree(path))
        if isinstance(each, ast.Call) and is_statement(each) and not is_written_out(each)
    ]
    by_text = [
        f"{path}:{each.lineno} {ast.unparse(each)[:80]}"
        for path in python_files("app")
        for each in ast.walk(tree(path))
        if isinstance(each, ast.Call)
        and name_of(each.func) in ("order_by", "group_by", "having")
        and any(isinstance(part, ast.Constant | ast.JoinedStr) for part in each.args)
    ]

    assert {each.partition(":")[0] for each in wrong} == {
        "app/ledger/verify_append_only.py",  # our own triggers, tried out on our own tables
        "app/models/append_only.py",  # the same triggers, made
        "app/db.py",  # how a transaction begins: one of two words
    }
    assert by_text == []


def texts_for(turn: int) -> tuple[str, ...]:
    """What is tried at the place of this number."""
    start = turn * SOME % len(PAYLOADS)
    turned = PAYLOADS[start:] + PAYLOADS[:start]
    return turned if IS_FULL else turned[:SOME]


def caller(callers: Callers, newcomer: Phone, route: Route) -> Phone | Desk | str | None:
    """Who sends it: somebody for whom the route goes as far as it can."""
    if route.endpoint in LEAVING:
        return "x" * 43
    return newcomer if route.endpoint == "identity.start_check" else callers.of(route)


def timed(house: House, route: Route, sent: Sent, by: Any) -> tuple[TestResponse, float]:
    """The answer, and how long it took; the shorter of two where the first was slow."""
    took: list[float] = []
    who = None if "Authorization" in sent.get("headers", {}) else by
    while True:
        begun = time.perf_counter()
        answer = ask(house, route.method, by=who, **sent)
        took.append(time.perf_counter() - begun)
        if took[-1] <= SLOW_S or len(took) == 2:
            return answer, min(took)


def is_too_much(place: Place, answer: TestResponse) -> bool:
    """Whether a text that is nobody's key found somebody."""
    if answer.status_code != 200:
        return False
    if place.kind == "path" or (place.kind == "header" and len(place.names) == 1):
        return True
    if place.route.endpoint == "people.search":
        return bool(answer.get_json())
    return place.names[0] in FILTERS and answer.get_json()["items"] != []


def pages_of(desk: Desk, path: str, **query: Any) -> Iterator[dict[str, Any]]:
    """Every row of a list, page after page."""
    cursor: dict[str, str] = {}
    while True:
        page = desk.get(path, limit=50, **query, **cursor)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def tables_there(house: House) -> set[str]:
    """The tables that the database has."""
    with house.app.app_context():
        return set(inspect(db.engine).get_table_names())


def is_statement(call: ast.Call) -> bool:
    """Whether a call takes SQL as a text."""
    if isinstance(call.func, ast.Name):
        return call.func.id in ("text", "literal_column", "DDL")
    return name_of(call.func) in ("exec_driver_sql", "executescript", "literal_column")


def is_written_out(call: ast.Call) -> bool:
    """Whether its SQL stands there, word for word."""
    return bool(call.args) and isinstance(call.args[0], ast.Constant)
