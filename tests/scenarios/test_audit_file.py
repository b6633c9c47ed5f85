"""W8: the record of a period as a file: whole, once, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select

from app.models import AuditEntry
from sandbox.desk import Desk
from tests.house import House
from tests.office import back, refusal, seated
from tests.proposals import a_saver_here, answer
from tests.scenarios.test_audit_record import Entry, entries
from tests.short_cuts import writing

COLUMNS = (
    *("entry_id", "at", "account_id", "login", "role", "district", "act", "subject"),
    *("verdict", "reason", "peer", "request_id", "status"),
)


def exported(house: House, desk: Desk, from_on: str, to_on: str) -> tuple[str, list[Entry]]:
    """The file of a period: its text, and its rows as a spreadsheet reads them."""
    found = answer(house, desk, "GET", f"/audit.csv?from={from_on}&to={to_on}")
    assert found.status_code == 200, found.text
    assert found.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in found.headers["Content-Disposition"]
    plain = found.content.decode("utf-8-sig")
    assert found.content.startswith(b"\xef\xbb\xbf")
    return plain, list(csv.DictReader(io.StringIO(plain, newline="")))


def test_the_file_of_a_period_holds_every_entry_of_it_once(house: House) -> None:
    clerk, auditor = seated(house, "counter-clerk"), seated(house, "auditor")
    clerk.get("/me")
    house.at("2026-03-02T23:59:50")
    back(house, clerk).get("/me")
    house.at("2026-03-03T00:00:00")
    back(house, clerk).get("/me")
    house.at("2026-03-04")
    back(house, auditor)

    _, first = exported(house, auditor, "2026-03-02", "2026-03-02")
    _, second = exported(house, auditor, "2026-03-03", "2026-03-03")
    _, both = exported(house, auditor, "2026-03-02", "2026-03-03")

    ids = [int(each["entry_id"]) for each in both]
    assert [int(each["entry_id"]) for each in (*first, *second)] == ids == sorted(set(ids))
    midnight = "2026-03-02 16:00:00+00:00"  # in Shanghai
    within = AuditEntry.at.between(
        datetime(2026, 3, 1, 16, tzinfo=UTC), datetime(2026, 3, 3, 15, 59, 59, tzinfo=UTC)
    )
    stored = house.rows(select(AuditEntry.id).where(within).order_by(AuditEntry.id))
    assert ids == [entry_id for (entry_id,) in stored]
    assert all(each["at"] < midnight for each in first)
    assert all(each["at"] >= midnight for each in second)
    assert list(both[0]) == list(COLUMNS)
    shown = {str(each["entry_id"]): each for each in entries(auditor, to="2026-03-03", limit=100)}
    for row in both:
        entry = shown[row["entry_id"]]
        assert row["act"] == entry["act"]
        assert row["status"] == ("" if entry["status"] is None else str(entry["status"]))


def test_a_file_longer_than_one_reading_is_still_whole(house: House) -> None:
    auditor = seated(house, "auditor")
    with house.app.app_context():
        at = house.rows(select(func.max(AuditEntry.at)))[0][0]
    blank = {"role": "auditor", "district": "centre", "verdict": "allowed", "peer": "-"}
    with writing(house) as session:
        session.execute(
            insert(AuditEntry),
            [
                {"at": at, "act": f"act {n}", "subject": "", "request_id": "", **blank}
                for n in range(2500)
            ],
        )

    _, rows = exported(house, auditor, "2026-03-02", "2026-03-02")

    acts = [each["act"] for each in rows if each["act"].startswith("act ")]
    assert acts == [f"act {n}" for n in range(2500)]


def test_what_looks_like_a_formula_is_text_in_the_file(house: House) -> None:
    """A reason may be anything; a spreadsheet must not compute it."""
    _, person_id, _ = a_saver_here(house)
    clerk, auditor = seated(house, "counter-clerk"), seated(house, "auditor")
    reasons = ('=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", '",=1+1,"')
    for reason in reasons:
        body = {"fields": ["name"], "reason": reason}
        clerk.post(f"/people/{person_id}/unmask", body)

    plain, rows = exported(house, auditor, "2026-03-02", "2026-03-02")

    found = [each["reason"] for each in rows if each["act"].startswith("unmask")]
    assert found == [*(f"'{each}" for each in reasons[:5]), reasons[5]]
    assert all(len(each) == len(COLUMNS) and None not in each for each in rows)
    assert "\r\n" in plain
    shown = [each["reason"] for each in entries(auditor, subject=person_id) if each["reason"]]
    assert shown == list(reversed(reasons))  # as typed, where nothing computes it


def test_a_file_is_for_at_most_three_months_and_who_has_just_proved_himself(house: House) -> None:
    auditor = seated(house, "auditor")

    for period in (
        {"from": "2026-01-01", "to": "2026-04-03"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "2026-03-02"},
        {},
    ):
        met = refusal(lambda: auditor.get("/audit.csv", **period))  # noqa: B023
        assert met == (422, "unacceptable"), period
    exported(house, auditor, "2026-01-01", "2026-04-02")
    house.at("2026-03-02T09:06:00")
    met = refusal(lambda: auditor.get("/audit.csv", **{"from": "2026-03-02", "to": "2026-03-02"}))
    assert met == (409, "reauthentication-needed")


@pytest.mark.clause("O.1")
def test_the_file_of_a_district_holds_nothing_of_another(house: House) -> None:
    for district in ("wuxing", "anji"):
        seated(house, "counter-clerk", district).get("/me")

    _, rows = exported(house, seated(house, "auditor", "wuxing"), "2026-03-01", "2026-03-31")

    assert {each["district"] for each in rows} == {"wuxing"}
