"""A manual journal that cannot stand: each thing wrong is named, and nothing is booked."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from app.models import FundAccount, PaymentCase, WorkItem
from sandbox.desk import Desk
from tests.house import House
from tests.office import refusal, seated
from tests.proposals import (
    FLEXIBLE,
    IN_TRANSIT,
    SUSPENSE,
    UNIT,
    a_journal,
    a_line,
    a_saver_here,
    account_no_of,
)
from tests.scenarios.building import balance_of
from tests.scenarios.suspense import SUSPENDED, Story
from tests.short_cuts import writing


@pytest.fixture
def story(house: House) -> Story:
    """A suspended payment, and those who see to it."""
    return Story(house)


LINES: tuple[tuple[str, dict[str, Any], list[str]], ...] = (
    ("an unknown account", {"debit_code": "999"}, ["debit_code"]),
    ("a sum account", {"debit_code": "101"}, ["debit_code"]),
    ("the sum of personal money", {"credit_code": "201"}, ["account_no", "credit_code"]),
    ("the same account twice", {"debit_code": FLEXIBLE}, ["credit_code"]),
    ("two personal accounts", {"debit_code": UNIT}, ["credit_code"]),
    ("nobody's personal account", {"account_no": None}, ["account_no"]),
    ("somebody's house account", {"credit_code": SUSPENSE}, ["account_no"]),
    ("an account nobody has", {"account_no": "33050080000000099900"}, ["account_no"]),
    ("an empty amount", {"amount_fen": 0}, ["amount_fen"]),
    ("less than nothing", {"amount_fen": -5}, ["amount_fen"]),
    ("half a fen", {"amount_fen": 1.5}, ["amount_fen"]),
    ("too much", {"amount_fen": 10**13 + 1}, ["amount_fen"]),
    ("an amount in words", {"amount_fen": "1"}, ["amount_fen"]),
)


@pytest.mark.parametrize(("what", "line", "fields"), LINES, ids=[each[0] for each in LINES])
def test_a_line_that_cannot_stand_is_refused_by_its_field(
    story: Story, what: str, line: dict[str, Any], fields: list[str]
) -> None:
    sound = a_line(IN_TRANSIT, FLEXIBLE, 5, account_no=story.account_no)
    named = [f"lines[1].{each}" for each in fields]

    found = story.errors("manual-journal", **a_journal(sound, {**sound, **line}))

    shown = [each.replace("lines.1.", "lines[1].") for each in found if each != "case_id"]
    assert shown == named, what


def test_everything_wrong_is_named_at_once(story: Story) -> None:
    used = story.put_in_place()["document_no"]
    wrong = a_journal(
        a_line("999", "201", 5),
        a_line(IN_TRANSIT, FLEXIBLE, 5, account_no="1"),
        document_no=used,
        value_on="2026-03-03",
        case_id="cas_0",
    )

    assert story.errors("manual-journal", **wrong) == [
        "case_id",
        "document_no",
        "lines[0].credit_code",
        "lines[0].debit_code",
        "lines[1].account_no",
        "value_on",
    ]


def test_a_value_day_is_neither_to_come_nor_before_the_account(story: Story) -> None:
    line = a_line(IN_TRANSIT, FLEXIBLE, 5, account_no=story.account_no)

    to_come = story.errors("manual-journal", **a_journal(line, value_on="2026-03-03"))
    before = story.errors("manual-journal", **a_journal(line, value_on="2026-03-01"))
    no_day = story.errors("manual-journal", **a_journal(line, value_on="2026-02-30"))

    assert (to_come, before, no_day) == (["value_on"], ["lines[0].account_no"], ["value_on"])


def test_a_closed_account_takes_nothing(house_to_break: House) -> None:
    """Closing is a later stage: the row says so, and `verify` is not asked about it."""
    story = Story(house_to_break)
    proposal = story.accountant.propose("manual-journal", "客户补登", **story.journal())
    with writing(house_to_break) as session:
        session.execute(update(FundAccount).values(status="05", closed_on=date(2026, 3, 2)))

    assert refusal(lambda: story.reviewer.approve(proposal)) == (422, "unacceptable")
    assert story.errors("manual-journal", **story.journal()) == ["lines[0].account_no"]


def test_a_case_is_resolved_with_exactly_its_money_once(story: Story) -> None:
    account_no = story.account_no
    too_little = a_line(SUSPENSE, FLEXIBLE, SUSPENDED - 1, account_no=account_no)
    too_much = a_line(SUSPENSE, FLEXIBLE, SUSPENDED + 1, account_no=account_no)
    all_of_it = a_line(SUSPENSE, FLEXIBLE, SUSPENDED, account_no=account_no)
    and_back = a_line(FLEXIBLE, SUSPENSE, 1, account_no=account_no)
    elsewhere = a_line(IN_TRANSIT, FLEXIBLE, SUSPENDED, account_no=account_no)

    for lines in ((too_little,), (too_much,), (all_of_it, and_back), (elsewhere,)):
        wrong = a_journal(*lines, case_id=story.case_id)
        assert story.errors("manual-journal", **wrong) == ["case_id"], lines
    assert story.errors("manual-journal", **a_journal(all_of_it)) == ["case_id"]
    second = story.accountant.propose("manual-journal", "再次", **story.journal())
    story.put_in_place()
    assert refusal(lambda: story.reviewer.approve(second)) == (422, "unacceptable")
    assert story.errors("manual-journal", **story.journal()) == ["case_id"]
    assert balance_of(story.phone) == 130_000


def test_suspended_money_may_be_shared_out_over_several_accounts(story: Story) -> None:
    other, _, other_no = a_saver_here(story.house, 50_000)
    parts = (
        a_line(SUSPENSE, FLEXIBLE, 10_000, account_no=story.account_no),
        a_line(SUSPENSE, FLEXIBLE, 20_000, account_no=other_no),
    )
    payload = a_journal(*parts, case_id=story.case_id)

    story.reviewer.approve(story.accountant.propose("manual-journal", "两人合付", **payload))

    assert (balance_of(story.phone), balance_of(other)) == (110_000, 70_000)
    assert account_no_of(other) == other_no
    open_cases = select(PaymentCase.id).where(PaymentCase.resolved_at.is_(None))
    assert story.house.rows(open_cases) == []
    assert story.house.rows(select(WorkItem.id).where(WorkItem.closed_at.is_(None))) == []


def test_only_an_accountant_proposes_and_only_a_reviewer_decides(story: Story) -> None:
    others: list[Desk] = [
        seated(story.house, role) for role in ("counter-clerk", "risk-officer", "auditor")
    ]
    proposal = story.accountant.propose("manual-journal", "客户补登", **story.journal())

    for desk in (*others, story.reviewer):
        met = refusal(lambda: desk.propose("manual-journal", "试试", **story.journal()))  # noqa: B023
        assert met == (403, "role-not-allowed")
    for desk in (story.accountant, others[0]):
        assert refusal(lambda: desk.approve(proposal))[0] in (403, 404)  # noqa: B023
    assert balance_of(story.phone) == 100_000


@pytest.mark.parametrize("written", ["PZ-7", " PZ-7 ", "ＰＺ－７", "PZ-7\u3000"])
def test_a_paper_is_booked_once_however_its_number_is_typed(story: Story, written: str) -> None:
    story.put_in_place(document_no="PZ-7")
    other = a_line(IN_TRANSIT, FLEXIBLE, 5, account_no=story.account_no)

    assert story.errors("manual-journal", **a_journal(other, document_no=written)) == [
        "document_no"
    ]


@pytest.mark.parametrize("written", ["PZ\u200b-7", "PZ 7", "", " ", "PZ\n7", "PZ\u202e7", "';--"])
def test_a_papers_number_holds_nothing_that_cannot_be_seen(story: Story, written: str) -> None:
    line = a_line(IN_TRANSIT, FLEXIBLE, 5, account_no=story.account_no)

    assert story.errors("manual-journal", **a_journal(line, document_no=written)) == ["document_no"]
