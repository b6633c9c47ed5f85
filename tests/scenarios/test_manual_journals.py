"""Seed §9: money in suspense is put where it belongs by two people, and back when they erred."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.models import Journal
from app.services import book_days
from tests.house import House
from tests.office import back, refusal, seated
from tests.proposals import (
    a_saver_here,
)
from tests.scenarios.building import balance_of
from tests.scenarios.suspense import SUSPENDED, Story
from tests.short_cuts import noon


@pytest.fixture
def story(house: House) -> Story:
    """A suspended payment, and those who see to it."""
    return Story(house)


def test_suspended_money_is_put_where_it_belongs_and_its_case_is_closed(story: Story) -> None:
    before = story.waiting()
    proposal = story.accountant.propose("manual-journal", "客户补登", **story.journal())
    balance_meanwhile = balance_of(story.phone)

    done = story.reviewer.approve(proposal)

    assert before == [story.case_id]
    assert balance_meanwhile == 100_000
    assert any("300.00元" in each and "20102" in each for each in done["in_words"])
    assert any(story.account_no in each for each in done["in_words"])
    assert balance_of(story.phone) == 130_000
    newest = story.phone.get("/v1/me/account/postings")[0]
    assert (newest["delta_fen"], newest["value_on"]) == (SUSPENDED, "2026-03-02")
    case = story.case()
    assert case["resolution"] == "manual-journal"
    assert case["resolved_at"] is not None
    assert [each["closed_at"] is None for each in case["items"]] == [False]
    assert story.waiting() == []
    assert story.house.broken_invariants() == {}


@pytest.mark.clause("6.2")
def test_money_put_in_place_late_counts_from_its_value_day(house: House) -> None:
    """The late money and the money of that day are worth the same to the quota."""
    story = Story(house)
    on_time, _, _ = a_saver_here(house, 130_000)
    house.at("2026-03-05")
    with house.app.app_context():
        assert book_days.seal_overdue_days(at=noon(date(2026, 3, 5)))["sealed"] == 3
    back(house, story.accountant)
    back(house, story.reviewer)

    story.put_in_place()

    for phone in (story.phone, on_time):
        phone.log_in()
    quotas = [
        {key: each[key] for key in ("average", "balance_fen", "quota_fen", "months")}
        for each in (story.phone.get("/v1/me/quota"), on_time.get("/v1/me/quota"))
    ]
    assert quotas[0] == quotas[1]
    assert quotas[0]["average"]["product_fen_days"] > 0
    journal = house.rows(
        select(Journal.value_on, Journal.booked_on).where(Journal.kind == "manual-journal")
    )
    assert journal == [(date(2026, 3, 2), date(2026, 3, 5))]
    listed = story.accountant.get("/manual-journals")["items"][0]
    assert (listed["value_on"], listed["booked_on"]) == ("2026-03-02", "2026-03-05")


def test_its_reversal_puts_the_money_back_and_opens_the_case_again(story: Story) -> None:
    quota_before = story.phone.get("/v1/me/quota")
    journal_id = story.put_in_place()["manual_journal_id"]
    during = story.waiting()

    story.reverse(journal_id, "冲-1")

    assert during == []
    assert balance_of(story.phone) == 100_000
    quota = story.phone.get("/v1/me/quota")
    assert (quota["average"], quota["quota_fen"]) == (
        quota_before["average"],
        quota_before["quota_fen"],
    )
    case = story.case()
    assert (case["resolved_at"], case["resolution"]) == (None, None)
    assert [each["closed_at"] is None for each in case["items"]] == [False, True]
    assert story.waiting() == [story.case_id]
    assert story.house.broken_invariants() == {}
    story.put_in_place()
    assert balance_of(story.phone) == 130_000


def test_a_journal_is_reversed_once_and_a_reversal_never(story: Story) -> None:
    journal_id = story.put_in_place()["manual_journal_id"]
    twice = {"manual_journal_id": journal_id, "document_no": "冲-9"}
    waiting = story.accountant.propose("manual-journal-reversal", "入错户", **twice)
    reversal_id = story.reverse(journal_id, "冲-1")["manual_journal_id"]

    second = refusal(lambda: story.reviewer.approve(waiting))

    assert second == (422, "unacceptable")
    for target in (journal_id, reversal_id, "mjn_0", story.case_id):
        payload = {"manual_journal_id": target, "document_no": "冲-2"}
        assert story.errors("manual-journal-reversal", **payload) == ["manual_journal_id"]
    both = {"manual_journal_id": reversal_id, "document_no": "冲-1"}
    assert story.errors("manual-journal-reversal", **both) == ["document_no", "manual_journal_id"]


def test_the_list_shows_each_journal_and_what_reverses_it(story: Story) -> None:
    document_no = (journal := story.put_in_place())["document_no"]
    reversal = story.reverse(journal["manual_journal_id"], "冲-1")

    newest, oldest = story.reviewer.get("/manual-journals")["items"]

    assert (oldest["journal_id"], oldest["document_no"]) == (
        journal["manual_journal_id"],
        document_no,
    )
    assert (newest["journal_id"], newest["document_no"]) == (reversal["manual_journal_id"], "冲-1")
    assert (oldest["reverses"], oldest["reversed_by"]) == (None, newest["journal_id"])
    assert (newest["reverses"], newest["reversed_by"]) == (oldest["journal_id"], None)
    assert newest["amount_fen"] == oldest["amount_fen"] == SUSPENDED
    page = story.reviewer.get("/manual-journals", limit=1)
    rest = story.reviewer.get("/manual-journals", limit=1, cursor=page["next_cursor"])
    assert (page["items"], rest["items"], rest["next_cursor"]) == ([newest], [oldest], None)
    in_a_district = seated(story.house, "accountant", "wuxing")
    assert in_a_district.get("/manual-journals")["items"] == []
    assert refusal(lambda: seated(story.house, "counter-clerk").get("/manual-journals")) == (
        403,
        "role-not-allowed",
    )
