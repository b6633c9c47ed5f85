"""S7: every route of the staff's x every role x every place, as `rules/duties.toml` has it.

Nothing here repeats the file: expectations are read from it, and a route without a body in the
table of `tests/api/callers.py`, or without its thing in the cast, fails.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app import create_app
from app.api import health
from app.api.auth import staff_only
from app.api.documentation import views
from app.rules import duties
from sandbox.desk import Desk
from tests.api.asking import (
    MADE_UP,
    Route,
    ask,
    but_for_the_record,
    on_sqlite_alone,
    problem_of,
    without_id,
)
from tests.api.callers import SIGN_OUT, STAFF_BODIES, STAFF_QUERIES, staff_routes
from tests.house import STARTS_AT, House
from tests.office import account_id_of, refusal, seated
from tests.proposals import FLEXIBLE, SUSPENSE, a_journal, a_limit, a_line
from tests.security.cast import HERE, PLACES, THERE, Things, all_seats, things_in
from tests.short_cuts import a_phone

NOT_ALLOWED, SAME_PERSON = (403, "role-not-allowed"), (403, "same-person")
NOBODY = {"unauthenticated", "session-ended"}
# What a reader or anybody about himself sends with POST or DELETE.
CHANGES_NOTHING = {
    "people.search",
    "staff-sessions.reauthenticate",
    "staff-sessions.sign_out",
}


@on_sqlite_alone
def test_every_route_has_its_body_in_the_table_and_its_thing_in_the_cast(house: House) -> None:
    known = staff_routes(house)
    things = things_in(house, HERE)

    assert {str(each) for each in known} == set(duties.ROUTES)
    assert {each.endpoint for each in known} <= set(STAFF_BODIES)
    named = {name for each in known for name in each.rule.arguments}
    assert all(named <= set(things.ids_for(role)) for role in duties.ROLES)


def test_whoever_has_no_role_for_a_route_is_refused_and_changes_nothing(house: House) -> None:
    things, seats = things_in(house, HERE), all_seats(house)
    member, _ = a_phone(house)
    before = but_for_the_record(house)

    wrong, cells = {}, 0
    for route in staff_routes(house):
        for (role, place), desk in seats.items():
            if duties.may_call(role, str(route)):
                continue
            cells += 1
            found = kind_of(asked(house, route, role, things, by=desk))
            if found != NOT_ALLOWED:
                wrong[str(route), role, place] = found
        for who, token in (("nobody", None), ("a depositor", member)):
            cells += 1
            status, kind = kind_of(asked(house, route, "reviewer", things, by=token))
            if status != 401 or kind not in NOBODY:
                wrong[str(route), who, ""] = (status, kind)

    allowed = sum(len(each.roles) for each in duties.ROUTES.values()) * len(PLACES)
    assert wrong == {}
    assert cells == len(duties.ROUTES) * (len(duties.ROLES) * len(PLACES) + 2) - allowed
    assert but_for_the_record(house) == before


def test_whoever_has_a_role_passes_and_another_districts_things_do_not_exist(
    house_to_break: House,
) -> None:
    house = house_to_break  # the cast's proposals of the centre's kinds lie in districts
    things, seats = things_in(house, HERE), all_seats(house)
    known = staff_routes(house)

    wrong, cells = {}, 0
    before = but_for_the_record(house)
    for place in (THERE, HERE, duties.CENTRE):  # strangers first: nothing has happened yet
        for route, role in allowed_cells(known):
            if place == THERE and not of_a_district(route):
                continue  # what names nothing of a district is no different from there
            cells += 1
            is_leaving = route.endpoint == SIGN_OUT
            desk = seated(house, role, place) if is_leaving else seats[role, place]
            answer = asked(house, route, role, things, by=desk)
            expected = as_absent(house, route, role, things, desk) if place == THERE else None
            if is_wrong(answer, expected, is_object=bool(route.rule.arguments)):
                wrong[str(route), role, place] = (answer.status_code, answer.data)
        assert place != THERE or but_for_the_record(house) == before

    with_object = sum(len(duties.ROUTES[str(each)].roles) for each in known if of_a_district(each))
    all_roles = sum(len(each.roles) for each in duties.ROUTES.values())
    assert wrong == {}
    assert cells == 2 * all_roles + with_object


def test_what_a_body_names_in_another_district_does_not_exist_either(house: House) -> None:
    things = things_in(house, HERE)
    stranger, own = seated(house, "counter-clerk", THERE), seated(house, "counter-clerk", HERE)
    keys = {"id_number": things.owner.id_number}, {"account_no": things.account_no}
    before = but_for_the_record(house)

    path = "/v1/staff/approvals/deposit-limit-override"

    answers = [
        ask(house, "POST", path, by=stranger, json={"reason": "奖金", **a_limit(person_id, fen)})
        for person_id in (things.person_id, MADE_UP["person_id"])
        for fen in (800_000, 1)  # fit, and too little: what is wrong would tell that he is there
    ]

    assert [stranger.post("/people/search", each) for each in keys] == [[], []]
    assert [len(own.post("/people/search", each)) for each in keys] == [1, 1]
    assert [each.status_code for each in answers] == [404] * 4
    assert all(without_id(each) == without_id(answers[0]) for each in answers)
    assert but_for_the_record(house) == before


def test_in_a_district_nobody_learns_by_proposing_what_the_centre_has(house: House) -> None:
    things = things_in(house, HERE)
    accountant = seated(house, "accountant", THERE)
    administrator = seated(house, "security-administrator", THERE)
    line = a_line(SUSPENSE, FLEXIBLE, 100)

    answers = [
        refusal(
            lambda n=n: accountant.propose(
                "manual-journal", "入账", **a_journal({**line, "account_no": n})
            )
        )
        for n in (things.account_no, "0" * 10)
    ] + [
        refusal(lambda i=i: administrator.propose("staff-reset", "忘记", account_id=i))
        for i in (things.account_id, MADE_UP["account_id"])
    ]

    assert answers == [(404, "absent")] * 4


def test_a_sensitive_act_wants_password_and_code_of_the_last_five_minutes(house: House) -> None:
    things = things_in(house, HERE)
    earlier = STARTS_AT + timedelta(minutes=1)
    before = but_for_the_record(house)
    seats = {role: seated(house, role, at=earlier) for role in duties.ROLES}
    house.at(earlier + timedelta(minutes=5, seconds=1))

    answers = {
        (str(route), role): kind_of(asked(house, route, role, things, by=seats[role]))
        for route in staff_routes(house)
        for role in sorted(duties.ROUTES[str(route)].roles)
        if duties.ROUTES[str(route)].fresh
    }

    assert len(answers) >= 14
    assert set(answers.values()) == {(409, "reauthentication-needed")}
    changed = {name for name, rows in but_for_the_record(house).items() if rows != before[name]}
    assert changed <= {"staff_person", "staff_account", "staff_assignment", "staff_session"} | {
        "approval"  # the desks themselves were given out
    }
    seats["reviewer"].reauthenticate()
    again = ask(
        house,
        "POST",
        f"/v1/staff/people/{things.person_id}/unmask",
        by=seats["reviewer"],
        json=STAFF_BODIES["people.unmask"],
    )
    assert again.status_code == 200


def test_an_auditor_can_change_nothing(house: House) -> None:
    things, auditor = things_in(house, HERE), seated(house, "auditor")
    changing = [
        each
        for each in staff_routes(house)
        if each.method != "GET" and each.endpoint not in CHANGES_NOTHING
    ]
    before = but_for_the_record(house)

    answers = {
        str(each): kind_of(asked(house, each, "auditor", things, by=auditor)) for each in changing
    }
    found = auditor.post("/people/search", {"id_number": things.owner.id_number})

    assert answers == dict.fromkeys(answers, NOT_ALLOWED)
    assert len(answers) > 15
    assert len(found) == 1
    assert but_for_the_record(house) == before


def test_only_a_security_administrator_gives_roles_and_nobody_gives_himself_one(
    house: House,
) -> None:
    first = seated(house, "security-administrator")
    mine = account_id_of(first)
    place: dict[str, Any] = {"role": "reviewer", "district": HERE}
    granting = [
        each for each in duties.ROUTES if "/accounts/<" in each or "/approvals/staff-" in each
    ]

    attempts = {
        "assignment": lambda: first.propose("staff-assignment", "转岗", account_id=mine, **place),
        "reset": lambda: first.propose("staff-reset", "忘记密码", account_id=mine),
        "code": lambda: first.post(f"/accounts/{mine}/activation-code"),
        "disablement": lambda: first.post(f"/accounts/{mine}/disablement", {"reason": "离岗"}),
    }

    assert len(granting) == 5
    assert all(duties.ROUTES[each].roles == {"security-administrator"} for each in granting)
    granted = [each for name, each in duties.ACTIONS.items() if name.startswith("staff-")]
    assert all(each.checkers == {"security-administrator"} for each in granted)
    assert {name: refusal(act) for name, act in attempts.items()} == dict.fromkeys(
        attempts, SAME_PERSON
    )


@on_sqlite_alone
def test_a_staff_route_without_its_line_in_the_duties_stops_the_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = views("health", prefix="/v1/staff", description="")
    added.add_url_rule("/shadow", "shadow", staff_only(lambda: "whoever has a token reads this"))
    monkeypatch.setattr(health, "blueprint", added)

    with pytest.raises(RuntimeError, match=r"disagree about: GET /v1/staff/shadow$"):
        create_app(house.app.extensions["lingcun-settings"])


@on_sqlite_alone
def test_a_line_in_the_duties_without_its_route_stops_the_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = duties.Route(frozenset({"reviewer"}), fresh=False)
    monkeypatch.setitem(vars(duties)["ROUTES"], "POST /v1/staff/loans", line)

    with pytest.raises(RuntimeError, match=r"disagree about: POST /v1/staff/loans$"):
        create_app(house.app.extensions["lingcun-settings"])


def allowed_cells(known: list[Route]) -> list[tuple[Route, str]]:
    """Each route with each role that the duties let call it."""
    return [(each, role) for each in known for role in sorted(duties.ROUTES[str(each)].roles)]


def asked(
    house: House, route: Route, role: str, things: Things, *, by: Any, absent: bool = False
) -> TestResponse:
    """The route's answer about the things a role deals with; or about what is not there."""
    path = route.path(**({} if absent else things.ids_for(role)))
    query = STAFF_QUERIES.get(route.endpoint, "")
    body = things.body_for(role, STAFF_BODIES[route.endpoint])
    return ask(house, route.method, path, by=by, query_string=query, json=body)


def of_a_district(route: Route) -> bool:
    """Whether the path names something that lies in a district; a day does not."""
    return bool(set(route.rule.arguments) - {"day"})


def as_absent(
    house: House, route: Route, role: str, things: Things, desk: Desk
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """What the route answers about an id that was never given out."""
    return without_id(asked(house, route, role, things, by=desk, absent=True))


def is_wrong(answer: TestResponse, expected: Any, *, is_object: bool) -> bool:
    """Whether the door held somebody out whom the duties name, or showed him another's thing."""
    status, kind = kind_of(answer)
    if expected is not None:
        return status != 404 or without_id(answer) != expected
    held_out = kind in NOBODY or kind == "role-not-allowed" or (is_object and status == 404)
    return held_out or status >= 500


def kind_of(answer: TestResponse) -> tuple[int, str]:
    """Status and kind of a refusal; the kind of anything else is nothing."""
    if answer.status_code < 400:
        return answer.status_code, ""
    return answer.status_code, str(problem_of(answer)["type"]).rpartition("/")[2]
