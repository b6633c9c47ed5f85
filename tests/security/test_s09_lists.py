"""S9: no list is read further or elsewhere than it is offered: limits, names and cursors."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from werkzeug.test import TestResponse

from sandbox.desk import Desk
from tests.api.asking import Route, ask, but_for_the_record, problem_of, routes
from tests.api.callers import LISTS, STAFF_QUERIES, Callers
from tests.api.office_day import office_day
from tests.house import House
from tests.office import seated
from tests.security.cast import HERE, THERE, things_in

ODD_LIMITS = ("-1", "0", "101", str(10**30), "1.5", "1e2", "abc", "０", "１", "", " 1", "+1", "1;2")
# The lists of the staff's by their paths, each with a filter of its own where it has one.
FILTERED = {
    "/accounts": {},
    "/approvals": {"action": "staff-account"},
    "/work-items": {"kind": "approval"},
    "/manual-journals": {},
    "/audit": {"login": "nobody.here"},
}
GARBAGE = (
    "x",
    "0",
    "null",
    "=" * 8,
    "AAAA",
    base64.urlsafe_b64encode(b"0" * 16).decode(),
    base64.urlsafe_b64encode(b"\0" * 32).decode(),
    base64.urlsafe_b64encode(b"\xff" * 32).decode(),
    base64.urlsafe_b64encode(b'{"id": 1}').decode(),
    "%00",
    "\0",
    "游标",
    "' or 1=1 --",
    "x" * 10_000,
)


def test_a_limit_is_a_number_from_one_to_a_hundred_and_said_once(house: House) -> None:
    callers = Callers(house)

    wrong = {}
    for route in lists_of(house):
        queries = [f"limit={each}" for each in ODD_LIMITS] + ["limit=1&limit=2", "limit=1&limit=1"]
        for query in queries:
            answer = listed(house, route, callers.of(route), query.replace("+", "%2B"))
            if not names(answer, "limit"):
                wrong[str(route), query] = answer.data

    assert wrong == {}


def test_every_parameter_is_said_once_and_no_other_is_taken(house: House) -> None:
    callers = Callers(house)

    wrong = {}
    for route in lists_of(house):
        for each in STAFF_QUERIES[route.endpoint].split("&"):
            name = each.partition("=")[0]
            if not names(listed(house, route, callers.of(route), f"{each}&{each}"), name):
                wrong[str(route), name] = "twice"
        for name in ("offset", "page", "limit[]", "order_by", "district", "role", "Limit"):
            if not names(listed(house, route, callers.of(route), f"{name}=1"), name):
                wrong[str(route), name] = "unknown"

    assert wrong == {}


def test_a_cursor_that_is_not_exactly_ours_is_refused_by_its_name(house: House) -> None:
    """Each bit of it flipped, cut off anywhere, lengthened, made up, or as long as a book."""
    auditor = office_day(house).desks["auditor"]
    before = but_for_the_record(house)

    wrong, tried = {}, 0
    for path in FILTERED:
        cursor = auditor.get(path, limit=1)["next_cursor"]
        for tampered in (*tampered_with(cursor), *GARBAGE):
            tried += 1
            answer = asked(house, auditor, path, cursor=tampered)
            if not names(answer, "cursor"):
                wrong[path, tampered[:60]] = (answer.status_code, answer.data)

    assert wrong == {}
    assert tried > 5 * 90
    assert but_for_the_record(house) == before


def test_a_cursor_opens_its_own_list_filter_and_reader_and_no_other(house: House) -> None:
    auditor = office_day(house).desks["auditor"]
    other = seated(house, "auditor")
    cursors = {path: auditor.get(path, limit=1)["next_cursor"] for path in FILTERED}

    wrong: dict[tuple[str, str], bytes] = {}
    for path, cursor in cursors.items():
        tries: dict[str, TestResponse] = {
            f"at {elsewhere}": asked(house, auditor, elsewhere, cursor=cursor)
            for elsewhere in FILTERED.keys() - {path}
        }
        tries["another reader"] = asked(house, other, path, cursor=cursor)
        if FILTERED[path]:
            tries["another filter"] = asked(house, auditor, path, cursor=cursor, **FILTERED[path])
        wrong |= {
            (path, name): each.data for name, each in tries.items() if not names(each, "cursor")
        }
    sorts = [
        asked(house, auditor, "/work-items", cursor=cursors["/work-items"], **other_way)
        for other_way in ({"sort": "newest"}, {"state": "closed"}, {"state": "mine"})
    ]

    assert wrong == {}
    assert all(names(each, "cursor") for each in sorts)
    assert all(asked(house, auditor, p, cursor=c).status_code == 200 for p, c in cursors.items())


def test_pages_give_each_row_once_whatever_their_size(house: House) -> None:
    """The oracle is the whole list in one piece, in its order."""
    auditor = office_day(house).desks["auditor"]

    for path in ("/accounts", "/approvals", "/work-items?state=closed", "/manual-journals"):
        whole = auditor.get(path, limit=100)["items"]
        assert len(whole) > 1
        for size in (1, 2, 7):
            assert list(pages(auditor, path, size)) == whole
    newest = things_sorted(auditor)
    assert newest == sorted(newest, reverse=True)


def test_no_page_shows_another_districts_rows(house: House) -> None:
    """Also where a cursor of the centre's is brought along."""
    here, there = things_in(house, HERE), things_in(house, THERE)
    centre = seated(house, "auditor")
    cursor = centre.get("/approvals", limit=1)["next_cursor"]

    for own, others, district in ((here, there, HERE), (there, here, THERE)):
        desk = seated(house, "auditor", district)
        rows = {
            path: list(pages(desk, path, 2)) for path in ("/approvals", "/work-items", "/accounts")
        }
        everything = repr(rows)
        assert {each["district"] for found in rows.values() for each in found} == {district}
        assert own.approvals["deposit-limit-override"][0] in everything
        assert others.approvals["deposit-limit-override"][0] not in everything
        assert own.account_id in everything
        assert others.account_id not in everything
        assert names(asked(house, desk, "/approvals", cursor=cursor), "cursor")


def lists_of(house: House) -> list[Route]:
    """The staff's lists with a cursor."""
    return [each for each in routes(house) if each.endpoint in LISTS]


def listed(house: House, route: Route, by: Any, query: str) -> TestResponse:
    """What a list answers to a query, letter by letter."""
    return ask(house, "GET", route.path(), by=by, query_string=query)


def asked(house: House, desk: Desk, path: str, **query: str) -> TestResponse:
    """What a list answers the desk."""
    return ask(house, "GET", f"/v1/staff{path}", by=desk, query_string=query)


def names(answer: TestResponse, field: str) -> bool:
    """Whether this is the refusal of one field, by its name."""
    return answer.status_code == 422 and list(problem_of(answer)["errors"]) == [field]


def tampered_with(cursor: str) -> Iterator[str]:
    """The cursor with each of its bits another, and of every other length."""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for place, byte in enumerate(raw):
        for bit in (0x01, 0x80):
            other = raw[:place] + bytes([byte ^ bit]) + raw[place + 1 :]
            yield base64.urlsafe_b64encode(other).decode().rstrip("=")
    yield from (cursor[:length] for length in range(1, len(cursor)))
    yield from (cursor + "A", cursor + cursor, f" {cursor}", f"{cursor}\n", cursor.swapcase())


def pages(desk: Desk, path: str, size: int) -> Iterator[dict[str, Any]]:
    """Every row, in pages of this size."""
    page = desk.get(path, limit=size)
    yield from page["items"]
    while page["next_cursor"] is not None:
        page = desk.get(path, limit=size, cursor=page["next_cursor"])
        yield from page["items"]


def things_sorted(desk: Desk) -> list[str]:
    """When the closed items were opened, as the newest-first order gives them."""
    rows = desk.get("/work-items", state="closed", sort="newest", limit=100)["items"]
    return [str(each["acceptance_no"]) for each in rows]
