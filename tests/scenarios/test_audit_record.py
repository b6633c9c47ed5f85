"""W8: who did and read what, from where, with what answer: on record, and the record stays."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.models import AuditAnswer, AuditEntry
from sandbox.desk import Desk
from sandbox.phone import Problem
from tests.house import House
from tests.office import account_id_of, back, refusal, seated
from tests.proposals import a_limit, a_saver_here, answer, suspend
from tests.short_cuts import writing

Entry = dict[str, Any]

NOBODY = "per_" + "0" * 26


def entries(desk: Desk, **wanted: Any) -> list[Entry]:
    """One page of the record, newest first."""
    return list(desk.get("/audit", **wanted)["items"])


def test_every_call_of_the_staff_is_on_record_with_its_verdict_and_answer(house: House) -> None:
    phone, person_id, _ = a_saver_here(house)
    suspend(house, phone, 777)
    clerk, auditor = seated(house, "counter-clerk", "wuxing"), seated(house, "auditor")
    calls: tuple[tuple[str, str, Any, int, str, str], ...] = (
        ("GET", "/me", None, 200, "/me", ""),
        ("GET", "/work-items?limit=1", None, 200, "/work-items", ""),
        ("GET", f"/people/{person_id}", None, 200, "/people/<person_id>", person_id),
        ("GET", f"/people/{NOBODY}", None, 404, "/people/<person_id>", NOBODY),
        ("GET", "/people/330502199001011236", None, 404, "/people/<person_id>", "(no id)"),
        ("GET", "/audit", None, 403, "/audit", ""),
        ("POST", "/people/search", {}, 422, "/people/search", ""),
        ("GET", "/approvals?limit=x", None, 422, "/approvals", ""),
        (
            "POST",
            "/approvals/deposit-limit-override",
            {"reason": "奖金", **a_limit(person_id)},
            201,
            "/approvals/deposit-limit-override",
            "",
        ),
        ("DELETE", "/sessions/current", None, 204, "/sessions/current", ""),
    )

    for method, path, body, status, _, _ in calls:
        assert answer(house, clerk, method, path, body).status_code == status

    told = [each for each in entries(auditor, login=clerk.login, limit=100) if each["request_id"]]
    found = [each for each in told if not each["act"].endswith(" found")]
    assert len(found) == len(calls)
    assert [each["subject"] for each in told if each not in found] == [person_id]
    for entry, (method, _, _, status, rule, subject) in zip(reversed(found), calls, strict=True):
        assert entry["act"] == f"{method} /v1/staff{rule}"
        assert (entry["subject"], entry["status"]) == (subject, status)
        assert entry["verdict"] == ("role-refused" if status == 403 else "allowed")
        assert (entry["login"], entry["role"], entry["district"]) == (
            clerk.login,
            "counter-clerk",
            "wuxing",
        )
        assert entry["peer"] == "127.0.0.1"
        assert entry["at"].startswith("2026-03-02T01:0")
    assert len({each["request_id"] for each in found}) == len(calls)
    assert phone.owner.id_number not in str(found)


def test_who_has_not_proved_himself_again_is_on_record_as_refused(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, auditor = seated(house, "counter-clerk"), seated(house, "auditor")
    house.at("2026-03-02T09:06:00")
    body = {"fields": ["name"], "reason": "核对身份"}

    met = refusal(lambda: clerk.post(f"/people/{person_id}/unmask", body))

    assert met == (409, "reauthentication-needed")
    newest = entries(auditor, login=clerk.login)[0]
    assert (newest["verdict"], newest["status"]) == ("reauthentication-needed", 409)
    assert newest["subject"] == person_id


def test_a_call_of_nobody_leaves_nothing_about_anybody(house: House) -> None:
    auditor = seated(house, "auditor")
    stranger = Desk(house.api, house.sandbox, "stranger")
    stranger.hold("x" * 43)
    before = house.rows(select(func.count()).select_from(AuditEntry))

    with pytest.raises(Problem):
        stranger.get("/me")

    assert house.rows(select(func.count()).select_from(AuditEntry)) == before
    assert auditor.get("/audit")["items"]


def test_a_search_records_whom_it_found_and_never_what_was_typed(house: House) -> None:
    phone, person_id, _ = a_saver_here(house)
    clerk, auditor = seated(house, "counter-clerk"), seated(house, "auditor")

    clerk.post("/people/search", {"id_number": phone.owner.id_number})
    clerk.post("/people/search", {"id_number": "330502199001010000"})

    found = entries(auditor, login=clerk.login)
    act = "POST /v1/staff/people/search"
    assert [(each["act"], each["subject"]) for each in found][:3] == [
        (act, ""),
        (f"{act} found", person_id),
        (act, ""),
    ]
    assert found[1]["request_id"] == found[2]["request_id"] != found[0]["request_id"]
    about_him = entries(auditor, subject=person_id)
    assert [each["act"] for each in about_him] == [f"{act} found"]
    stored = str(house.rows(text("SELECT act, subject, request_id FROM audit_entry")))
    assert phone.owner.id_number not in stored
    assert "330502199001010000" not in stored


def test_the_record_is_leafed_through_and_filtered(house: House) -> None:
    clerk, auditor = seated(house, "counter-clerk"), seated(house, "auditor")
    for _ in range(7):
        clerk.get("/me")
    house.at("2026-03-03")
    back(house, clerk).get("/me")
    back(house, auditor)

    pages: list[list[int]] = []
    cursor: dict[str, str] = {}
    while True:
        page = auditor.get("/audit", login=clerk.login, limit=3, **cursor)
        pages.append([each["entry_id"] for each in page["items"]])
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    flat = [each for page in pages for each in page]
    assert [len(page) for page in pages] == [3, 3, 3, 1]  # with two sign-ins
    assert flat == sorted(set(flat), reverse=True)
    later = entries(auditor, login=clerk.login, **{"from": "2026-03-03"})
    earlier = entries(auditor, login=clerk.login, to="2026-03-02")
    assert [each["entry_id"] for each in (*later, *earlier)] == flat
    assert len(later) == 2
    one = entries(auditor, request_id=earlier[0]["request_id"])
    assert [each["entry_id"] for each in one] == [earlier[0]["entry_id"]]
    met = refusal(lambda: auditor.get("/audit", limit=3, **cursor))
    assert met == (422, "cursor-unfit")
    for wrong in ({"from": "today"}, {"limit": 101}, {"verdict": "allowed"}):
        assert refusal(lambda: auditor.get("/audit", **wrong)) == (422, "unacceptable")  # noqa: B023


@pytest.mark.clause("O.1")
def test_an_auditor_of_a_district_reads_of_his_district_alone(house: House) -> None:
    here, there = (seated(house, "counter-clerk", each) for each in ("wuxing", "anji"))
    for desk in (here, there):
        desk.get("/me")
    auditor, of_all = seated(house, "auditor", "wuxing"), seated(house, "auditor")

    assert {each["district"] for each in entries(auditor, limit=100)} == {"wuxing"}
    assert entries(auditor, login=there.login) == []
    assert entries(of_all, login=there.login) != []
    assert {"wuxing", "anji"} <= {each["district"] for each in entries(of_all, limit=100)}


def test_nobody_but_an_auditor_reads_the_record(house: House) -> None:
    for role in ("counter-clerk", "reviewer", "accountant", "security-administrator"):
        desk = seated(house, role)
        for path in ("/audit", "/audit.csv?from=2026-03-01&to=2026-03-02"):
            assert refusal(lambda: desk.get(path)) == (403, "role-not-allowed")  # noqa: B023


# --- the record stays ---


def test_the_database_refuses_to_change_or_remove_what_is_on_record(house: House) -> None:
    desk = seated(house, "auditor")
    assert account_id_of(desk)
    before = house.rows(text("SELECT * FROM audit_entry ORDER BY id"))
    answers = house.rows(text("SELECT * FROM audit_answer ORDER BY entry_id"))

    for statement in (
        "UPDATE audit_entry SET verdict = 'allowed'",
        "UPDATE audit_entry SET account_id = NULL",
        "UPDATE audit_entry SET at = at WHERE id = 1",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE id = 1",
        "UPDATE audit_answer SET status = 200",
        "DELETE FROM audit_answer",
    ):
        with pytest.raises(DBAPIError, match=r"append-only|denied"), writing(house) as session:
            session.execute(text(statement))

    assert house.rows(text("SELECT * FROM audit_entry ORDER BY id")) == before
    assert house.rows(text("SELECT * FROM audit_answer ORDER BY entry_id")) == answers
    assert house.rows(select(func.count()).select_from(AuditAnswer))[0][0] >= 1
