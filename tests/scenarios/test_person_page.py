"""The counter: a depositor is found by what he says or shows, and seen on one page, masked."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.models import AuditEntry, Person
from sandbox.desk import Desk
from sandbox.phone import Owner, Phone
from tests.house import House, somebody
from tests.office import refusal, seated
from tests.proposals import a_limit, a_saver_here, account_no_of, person_id_of
from tests.scenarios.building import a_proved, a_saver, refused
from tests.short_cuts import writing

SEARCHES_AN_HOUR, UNMASKINGS_AN_HOUR = 300, 20


def search(desk: Desk, **keys: str) -> list[dict[str, Any]]:
    """Who has these keys."""
    return list(desk.post("/people/search", keys))


def masked(owner: Owner) -> dict[str, str]:
    """What stands on a masked paper of his."""
    number, phone = owner.id_number, owner.phone
    return {
        "masked_id_number": f"{number[0]}{'*' * 16}{number[-1]}",
        "masked_phone": f"{phone[:3]}****{phone[-4:]}",
    }


@pytest.mark.clause("O.1")
def test_a_depositor_is_found_by_what_he_says_shows_or_only_half_shows(house: House) -> None:
    phone = house.depositor(100_000)
    house.depositor(50_000)
    clerk = seated(house, "counter-clerk", "wuxing")
    owner, account_no = phone.owner, account_no_of(phone)

    by_id = search(clerk, id_number=owner.id_number)
    ways = (
        {"id_number": f" {owner.id_number.lower()}"[:20]},
        {"account_no": account_no},
        masked(owner),
    )

    assert [each["person_id"] for each in by_id] == [person_id_of(house, owner)]
    for way in ways:
        assert search(clerk, **way) == by_id, way
    [line] = by_id
    assert line["name"] == "**满"
    assert line["id_number"] == masked(owner)["masked_id_number"]
    assert line["phone"] == masked(owner)["masked_phone"]
    assert (line["district"], line["account_no"]) == ("wuxing", account_no)
    assert owner.id_number not in str(by_id)
    assert owner.phone not in str(by_id)


def test_masked_keys_find_everybody_who_has_them(house: House) -> None:
    """Masked keys are no proof of who it is: a clerk sees all of them and asks on."""
    first = a_proved(house)
    twin = Owner(
        "李满月",
        next_with_the_same_ends(first.owner.id_number),
        f"139{int(first.owner.phone[3:7]) + 1:04d}{first.owner.phone[-4:]}",
    )
    second = a_proved(house, twin)
    clerk = seated(house, "counter-clerk")

    found = search(clerk, **masked(first.owner))

    assert masked(first.owner) == masked(second.owner)
    assert {each["person_id"] for each in found} == {
        person_id_of(house, first.owner),
        person_id_of(house, twin),
    }


def next_with_the_same_ends(id_number: str) -> str:
    """A valid ID number with the same first and last character."""
    return next(
        other.id_number
        for other in iter(somebody, None)
        if (other.id_number[0], other.id_number[-1]) == (id_number[0], id_number[-1])
    )


def test_a_search_asks_in_exactly_one_way(house: House) -> None:
    phone = house.depositor(100_000)
    clerk = seated(house, "counter-clerk")
    keys = masked(phone.owner)
    known: dict[str, str] = {"id_number": phone.owner.id_number}

    wrong: tuple[dict[str, str], ...] = (
        {},
        {"masked_phone": keys["masked_phone"]},
        {"masked_id_number": keys["masked_id_number"]},
        {**known, "account_no": account_no_of(phone)},
        {**known, **keys},
        {**keys, "masked_phone": phone.owner.phone},
        {"name": "张小满"},
        {"phone": phone.owner.phone},
    )

    for way in wrong:
        assert refused(search, clerk, **way).status == 422, way
    for nobody in (
        {"id_number": somebody().id_number},
        {"id_number": "%"},
        {"account_no": "%"},
        {"account_no": account_no_of(phone)[:-1]},
        {"id_number": "' OR 1=1 --"},
    ):
        assert search(clerk, **nobody) == [], nobody


def test_one_page_shows_all_there_is_and_the_quota_the_depositor_sees(house: House) -> None:
    phone = a_saver(house, ("2025-09-02", 500_000), ("2026-01-10", 300_000))
    house.at("2026-03-02")
    phone.log_in()
    person_id = person_id_of(house, phone.owner)
    clerk = seated(house, "counter-clerk", "wuxing")
    clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    reviewer = seated(house, "reviewer")
    reviewer.approve({"approval_id": reviewer.get("/approvals")["items"][0]["approval_id"]})

    page = clerk.get(f"/people/{person_id}")

    assert page["identity"] == search(clerk, id_number=phone.owner.id_number)[0]
    assert page["real_name_passed_at"].startswith("2025-09-02")
    assert page["wechat_bound"] is True
    [enrolment] = page["enrolments"]
    assert (enrolment["state"], enrolment["district"]) == ("accepted", "wuxing")
    [agreement], [own_agreement] = page["agreements"], phone.get("/v1/me/agreements")
    assert {name: own_agreement[name] for name in agreement if name in own_agreement} == {
        name: agreement[name] for name in agreement if name in own_agreement
    }
    assert page["account"] == phone.get("/v1/me/account")
    assert page["segments"] == [{"kind": "flexible", "from_on": "2025-09-02", "until_on": None}]
    assert page["postings"] == phone.get("/v1/me/account/postings")
    assert page["quota_first_home"] == phone.get("/v1/me/quota", home="first")
    assert page["quota_second_home"] == phone.get("/v1/me/quota", home="second")
    assert page["quota_first_home"]["quota_fen"] > 0
    assert page["limits"] == [{"month_on": "2026-03-01", "limit_fen": 900_000}]
    for secret in (phone.owner.id_number, phone.owner.phone, phone.owner.name):
        assert secret not in str(page)
    assert phone.wechat.openid not in str(page)


def test_a_page_of_somebody_without_an_account_says_what_is_missing(house: House) -> None:
    phone = a_proved(house)
    clerk = seated(house, "counter-clerk")

    page = clerk.get(f"/people/{person_id_of(house, phone.owner)}")

    assert (page["account"], page["identity"]["account_no"]) == (None, None)
    assert page["identity"]["district"] == "centre"
    empty = ("enrolments", "agreements", "segments", "postings", "limits")
    assert [page[name] for name in empty] == [[]] * len(empty)
    assert page["quota_first_home"]["quota_fen"] == 0
    assert page["quota_first_home"]["missing"]
    assert clerk.get(f"/people/{person_id_of(house, phone.owner)}/postings") == []


def test_movements_are_leafed_through_as_the_depositor_does(house: House) -> None:
    phone, person_id, _ = a_saver_here(house, 50_000)
    for _ in range(4):
        house.deposit(phone, 50_000)
    clerk = seated(house, "counter-clerk")
    path = f"/people/{person_id}/postings"

    first = clerk.get(path, limit=3)
    second = clerk.get(path, limit=3, before_seq=first[-1]["seq"])

    assert [each["seq"] for each in (*first, *second)] == [5, 4, 3, 2, 1]
    assert [*first, *second] == phone.get("/v1/me/account/postings")


@pytest.mark.clause("O.1")
def test_a_person_of_another_district_is_not_there(house: House) -> None:
    phone, person_id, account_no = a_saver_here(house)
    at_home, abroad = (seated(house, "counter-clerk", each) for each in ("wuxing", "anji"))
    body = {"fields": ["name"], "reason": "核对身份"}

    for way in (
        {"id_number": phone.owner.id_number},
        {"account_no": account_no},
        masked(phone.owner),
    ):
        assert (len(search(at_home, **way)), search(abroad, **way)) in ((1, []), (0, []))
    for path in (f"/people/{person_id}", f"/people/{person_id}/postings", "/people/per_0"):
        assert refusal(lambda: abroad.get(path)) == (404, "absent")  # noqa: B023
    assert refusal(lambda: abroad.post(f"/people/{person_id}/unmask", body)) == (404, "absent")
    assert search(at_home, account_no=account_no)[0]["person_id"] == person_id


# --- in full, for a reason ---


def test_fields_are_shown_in_full_for_a_reason_that_is_on_record(house: House) -> None:
    phone, person_id, _ = a_saver_here(house)
    clerk = seated(house, "counter-clerk", "wuxing")
    body = {"fields": ["phone", "id_number"], "reason": "=核对身份"}

    shown = clerk.post(f"/people/{person_id}/unmask", body)

    owner = phone.owner
    assert shown == {"name": None, "id_number": owner.id_number, "phone": owner.phone}
    rows = house.rows(
        select(AuditEntry.act, AuditEntry.subject, AuditEntry.reason).where(
            AuditEntry.act.startswith("unmask")
        )
    )
    assert rows == [("unmask id_number phone", person_id, "=核对身份")]
    for wrong in ({"fields": [], "reason": "核对"}, {"fields": ["openid"], "reason": "核对身份"}):
        met = refused(clerk.post, f"/people/{person_id}/unmask", wrong)
        assert met.status == 422


def test_nobody_reads_through_the_register(house: House) -> None:
    """A clerk at a busy counter stays below both limits; they hold across his sessions."""
    _, person_id, _ = a_saver_here(house)
    clerk, other = seated(house, "counter-clerk"), seated(house, "counter-clerk")
    body = {"fields": ["name"], "reason": "核对身份"}

    for _ in range(UNMASKINGS_AN_HOUR):
        clerk.post(f"/people/{person_id}/unmask", body)
    unmasking = refused(clerk.post, f"/people/{person_id}/unmask", body)
    for _ in range(SEARCHES_AN_HOUR):
        search(clerk, id_number="1")
    searching = refused(search, clerk, id_number="1")

    assert (unmasking.status, searching.status) == (429, 429)
    assert search(other, id_number="1") == []


def test_people_who_came_before_masked_keys_have_them_after_the_next_install(house: House) -> None:
    phone: Phone = house.depositor(50_000)
    clerk = seated(house, "counter-clerk")
    with writing(house) as session:
        for row in session.scalars(select(Person)):
            row.masked_keys_index = None

    assert search(clerk, **masked(phone.owner)) == []
    assert len(search(clerk, id_number=phone.owner.id_number)) == 1
    house.app.test_cli_runner().invoke(args=["install"])
    assert len(search(clerk, **masked(phone.owner))) == 1
