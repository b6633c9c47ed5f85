"""S11: what staff see of people is masked; who wants more says why, is counted, is on record."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from app.rules import duties
from app.services.people import UNMASKABLE
from sandbox.desk import Desk
from tests.api.asking import (
    ask,
    but_for_the_record,
    everything_stored,
    on_sqlite_alone,
    problem_of,
)
from tests.api.callers import STAFF_BODIES
from tests.api.canaries import found_in
from tests.api.office_day import REASON, office_day
from tests.api.test_exposure import bytes_at_rest, decoded, said_to
from tests.house import STARTS_AT, House
from tests.office import back, refusal, seated
from tests.security.cast import HERE, THERE, things_in

# Handed to its owner once, by the route that makes it; and to the bank, whom it is to pay.
HANDED_OUT = {
    r"/v1/staff/sessions\Z": {"staff token"},
    r"/v1/staff/activations\Z": {"TOTP secret"},
    r"activation-code\Z": {"activation code"},
    r"/bank-batches/bat_\w+\.csv\Z": {"depositor's name", "card"},
}
NAME = re.compile(r"\*+[^*]\Z")
ID_NUMBER = re.compile(r"[0-9]\*{16}[0-9X]\Z")
PHONE = re.compile(r"[0-9]{3}\*{4}[0-9]{4}\Z")


def test_no_answer_to_staff_holds_a_persons_name_number_or_openid(house: House) -> None:
    """Depositors and staff alike; every route is called on that day, and refuses in each way."""
    day = office_day(house)

    leaks = {}
    for answer in day.witness.answers:
        everything = answer.content + repr(answer.headers).encode() + decoded(answer.content)
        path = str(answer.request.path_url)
        allowed = next((names for end, names in HANDED_OUT.items() if re.search(end, path)), set())
        found = found_in(everything, day.secrets) - allowed
        if found and not is_unmasked(answer):
            leaks[answer.request.method, path] = found

    assert leaks == {}
    assert len(day.witness.answers) > 90
    assert len(day.secrets) > 20
    kinds = {str(each.headers.get("Content-Type", "")).partition(";")[0] for each in answers(day)}
    assert {"application/json", "application/problem+json", "text/csv"} <= kinds


@on_sqlite_alone
def test_the_search_above_finds_what_is_there(house: House) -> None:
    """The one answer that may hold a datum holds all three, and no other person's."""
    day = office_day(house)

    unmasked = [each for each in answers(day) if is_unmasked(each)]

    assert len(unmasked) == 1
    everything = unmasked[0].content + decoded(unmasked[0].content)
    assert found_in(everything, day.secrets) == {
        "depositor's name",
        "depositor's ID number",
        "depositor's phone",
    }


def test_every_masked_text_has_its_published_shape(house: House) -> None:
    day = office_day(house)

    names, numbers, phones = set(), set(), set()
    for answer in answers(day):
        if is_unmasked(answer) or answer.headers.get("Content-Type") != "application/json":
            continue
        for key, value in texts(answer.json()):
            names |= {value} if key == "name" else set()
            numbers |= {value} if key == "id_number" else set()
            phones |= {value} if key == "phone" else set()

    owner = day.depositor.owner
    assert names >= {"***溪", "***舒", "***水"}
    assert {each for each in names if NAME.fullmatch(each) is None} == set()
    assert f"{owner.id_number[0]}{'*' * 16}{owner.id_number[-1]}" in numbers
    assert {each for each in numbers if ID_NUMBER.fullmatch(each) is None} == set()
    assert phones == {f"{owner.phone[:3]}****{owner.phone[-4:]}"}
    assert PHONE.fullmatch(phones.pop())


def test_unmasking_gives_the_fields_asked_for_and_no_other(house: House) -> None:
    things, clerk = things_in(house, HERE), seated(house, "counter-clerk", HERE)
    owner = things.owner
    full = {"name": owner.name, "id_number": owner.id_number, "phone": owner.phone}
    choices = [each for n in (1, 2, 3) for each in itertools.combinations(UNMASKABLE, n)]

    given = {each: unmasked(clerk, things.person_id, *each) for each in choices}

    assert len(choices) == 7
    assert given == {
        each: {name: full[name] if name in each else None for name in full} for each in choices
    }


def test_unmasking_wants_a_reason_a_field_a_role_and_a_fresh_proof(house: House) -> None:
    things = things_in(house, HERE)
    path = f"/v1/staff/people/{things.person_id}/unmask"
    clerk, stale = (
        seated(house, "counter-clerk", HERE),
        seated(house, "counter-clerk", HERE, at=STARTS_AT - timedelta(minutes=6)),
    )
    fit = {"fields": ["phone"], "reason": REASON}
    unfit: dict[str, Any] = {
        "no reason": {"fields": ["phone"]},
        "an empty one": {**fit, "reason": ""},
        "none to speak of": {**fit, "reason": "查"},
        "no field": {**fit, "fields": []},
        "an unknown field": {**fit, "fields": ["openid"]},
        "more than there are": {**fit, "fields": ["phone"] * 4},
        "a text": {**fit, "fields": "phone"},
    }
    may_not = sorted(duties.ROLES.keys() - {"counter-clerk", "reviewer", "risk-officer"})
    holders = {role: seated(house, role) for role in may_not}
    before = everything_stored(house)["usage_window"], but_for_the_record(house)

    refused = {name: ask(house, "POST", path, by=clerk, json=body) for name, body in unfit.items()}
    by_role = {role: ask(house, "POST", path, by=desk, json=fit) for role, desk in holders.items()}
    too_old = ask(house, "POST", path, by=stale, json=fit)
    neighbour = ask(house, "POST", path, by=seated_there(house), json=fit)

    assert {name: each.status_code for name, each in refused.items()} == dict.fromkeys(unfit, 422)
    assert {
        set(problem_of(each)["errors"]) <= {"reason", "fields", "fields[0]"}
        for each in refused.values()
    } == {True}
    assert {role: each.status_code for role, each in by_role.items()} == dict.fromkeys(may_not, 403)
    assert problem_of(too_old)["type"] == "/problems/reauthentication-needed"
    assert neighbour.status_code == 404
    everything = [*refused.values(), *by_role.values(), too_old, neighbour]
    assert all(things.owner.phone.encode() not in each.data for each in everything)
    assert everything_stored(house)["usage_window"] == before[0]
    assert ask(house, "POST", path, by=clerk, json=fit).status_code == 200


def test_twenty_unmaskings_an_hour_and_no_more_for_each(house: House) -> None:
    things, clerk = things_in(house, HERE), seated(house, "counter-clerk", HERE)
    colleague = seated(house, "counter-clerk", HERE)

    for _ in range(20):
        assert unmasked(clerk, things.person_id, "phone")["phone"] == things.owner.phone
    after = ask(
        house,
        "POST",
        f"/v1/staff/people/{things.person_id}/unmask",
        by=clerk,
        json=STAFF_BODIES["people.unmask"],
    )

    assert after.status_code == 429
    assert 0 < int(after.headers["Retry-After"]) <= 3601
    assert things.owner.name.encode() not in after.data
    assert unmasked(colleague, things.person_id, "phone")["phone"] == things.owner.phone
    house.at(STARTS_AT + timedelta(minutes=59))
    back(house, clerk)
    assert refusal(lambda: unmasked(clerk, things.person_id, "phone")) == (429, "too-many")
    house.at(STARTS_AT + timedelta(minutes=62))
    back(house, clerk)
    assert unmasked(clerk, things.person_id, "phone")["phone"] == things.owner.phone


def test_an_auditor_reads_who_unmasked_whom_and_why(house: House) -> None:
    things, clerk = things_in(house, HERE), seated(house, "counter-clerk", HERE)
    auditor, elsewhere = seated(house, "auditor", HERE), seated(house, "auditor", THERE)

    unmasked(clerk, things.person_id, "phone", "name")
    clerk.post("/people/search", {"id_number": things.owner.id_number})

    found = auditor.get("/audit", subject=things.person_id)["items"]
    route = "POST /v1/staff/people"
    told = [
        (each["act"], each["reason"], each["login"], each["verdict"])
        for each in found
        if "approvals" not in each["act"]  # what the cast proposed about him
    ]
    assert told == [
        (f"{route}/search found", "", clerk.login, "allowed"),
        ("unmask name phone", REASON, clerk.login, "allowed"),
        (f"{route}/<person_id>/unmask", "", clerk.login, "allowed"),
    ]
    assert found[1]["request_id"] == found[2]["request_id"]
    assert found[2]["status"] == 200
    assert elsewhere.get("/audit", subject=things.person_id)["items"] == []


def test_at_rest_nothing_staff_wrote_or_proposed_can_be_read(house: House) -> None:
    """Reasons, payloads, names and secrets: encrypted in the file and in every table."""
    day = office_day(house)
    written = {
        "reason of an unmasking": REASON,
        "reason of a proposal": "新到岗",
        "reason of a decision": "已当面核实",
        "payload": '"limit_fen":900000',
    }

    raw = bytes_at_rest(house)

    assert found_in(raw, {**day.secrets, **written}) == set()
    assert b"deposit-limit-override" in raw, "this is not the database"


@on_sqlite_alone
def test_no_log_line_of_such_a_day_names_anybody(house: House, tmp_path: Path) -> None:
    with said_to(tmp_path) as log_file:
        day = office_day(house)

    said = log_file.read_text("utf-8")
    lines = [json.loads(line) for line in said.splitlines()]
    assert found_in(said, {**day.secrets, "reason": REASON}) == set()
    assert len([line for line in lines if line["event"] == "request"]) >= len(answers(day))
    assert {line["route"] for line in lines if "route" in line} >= {
        "/v1/staff/people/<person_id>/unmask"
    }


def answers(day: Any) -> list[requests.Response]:
    """Every answer of the day."""
    return list(day.witness.answers)


def is_unmasked(answer: requests.Response) -> bool:
    """Whether this is the one answer that may name somebody."""
    return str(answer.request.path_url).endswith("/unmask") and answer.status_code == 200


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, at whatever depth, with the name it stands under."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, key)
    elif isinstance(value, str):
        yield key, value


def unmasked(desk: Desk, person_id: str, *fields: str) -> dict[str, Any]:
    """What the desk is shown of the person in full."""
    body = {"fields": list(fields), "reason": REASON}
    return dict(desk.post(f"/people/{person_id}/unmask", body))


def seated_there(house: House) -> Desk:
    """A clerk of the other district."""
    return seated(house, "counter-clerk", THERE)
