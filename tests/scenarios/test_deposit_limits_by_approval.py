"""Clause 4.1: two people may let one depositor put in more in one month, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.phone import Phone
from tests.house import House
from tests.office import refusal, seated
from tests.proposals import a_limit, a_saver_here, person_id_of
from tests.scenarios.building import MONTH_MAX_FEN, come_back, reasons_of, refused

MORE_FEN = 1_000_000


def what_if(phone: Phone, amount_fen: int, day: str) -> dict[str, Any]:
    """The answer to the plan of one deposit."""
    body = {"kind": "lump-sum", "amount_fen": amount_fen, "on": day}
    return dict(phone.post("/v1/me/quota/what-if", body))


def allow(house: House, person_id: str, *limit: Any) -> dict[str, Any]:
    """A clerk proposed the limit and a reviewer approved it."""
    clerk, reviewer = seated(house, "counter-clerk", "wuxing"), seated(house, "reviewer")
    proposal = clerk.propose("deposit-limit-override", "年终奖金", **a_limit(person_id, *limit))
    return reviewer.approve(proposal)


@pytest.mark.clause("4.1")
def test_exactly_this_person_may_deposit_more_in_exactly_this_month(house: House) -> None:
    phone, person_id, _ = a_saver_here(house, 100_000)
    other, _, _ = a_saver_here(house, 100_000)
    rest = MONTH_MAX_FEN - 100_000
    before = refused(phone.order, rest + 1)

    done = allow(house, person_id, MORE_FEN, "2026-03-01")
    promised = what_if(phone, 900_000, "2026-03-02")
    of_the_other = refused(other.order, rest + 1)
    house.deposit(phone, 900_000)
    full = refused(phone.order, 50_000)
    come_back(house, phone, "2026-04-01")
    next_month = refused(phone.order, MONTH_MAX_FEN + 1)

    assert reasons_of(before) == [("4.1", "deposit-above-month-maximum")]
    assert any("2026年3月" in each and "10,000.00元" in each for each in done["in_words"])
    assert promised["series"][1]["balance_fen"] == 1_000_000
    assert reasons_of(of_the_other) == reasons_of(before)
    assert reasons_of(full) == [("4.1", "deposit-month-full")]
    assert "10,000.00" in full.details["reasons"][0]["sentence"]
    assert reasons_of(next_month) == [("4.1", "deposit-above-month-maximum")]
    house.deposit(phone, MONTH_MAX_FEN)


def test_a_limit_for_a_month_to_come_counts_in_it_and_in_its_what_if(house: House) -> None:
    phone, person_id, _ = a_saver_here(house, 100_000)
    other, _, _ = a_saver_here(house, 100_000)

    allow(house, person_id, MORE_FEN, "2026-05-01")

    assert what_if(phone, MORE_FEN, "2026-05-20")["series"]
    for asking, day in ((phone, "2026-04-20"), (phone, "2026-06-01"), (other, "2026-05-20")):
        problem = refused(what_if, asking, MORE_FEN, day)
        assert reasons_of(problem) == [("4.1", "deposit-above-month-maximum")], day
    assert reasons_of(refused(what_if, phone, MORE_FEN + 1, "2026-05-20")) == [
        ("4.1", "deposit-above-month-maximum")
    ]
    assert reasons_of(refused(phone.order, MONTH_MAX_FEN)) == [
        ("4.1", "deposit-above-month-maximum")
    ]
    come_back(house, phone, "2026-05-20")
    house.deposit(phone, MORE_FEN)


def test_the_newest_decision_counts_and_the_page_shows_them_all(house: House) -> None:
    phone, person_id, _ = a_saver_here(house, 100_000)
    allow(house, person_id, MORE_FEN)
    allow(house, person_id, 800_000)

    problem = refused(phone.order, 700_001)
    house.deposit(phone, 700_000)

    assert reasons_of(problem) == [("4.1", "deposit-above-month-maximum")]
    page = seated(house, "reviewer").get(f"/people/{person_id}")
    assert page["limits"] == [
        {"month_on": "2026-03-01", "limit_fen": 800_000},
        {"month_on": "2026-03-01", "limit_fen": MORE_FEN},
    ]


WRONG: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({"limit_fen": MONTH_MAX_FEN}, ["limit_fen"]),
    ({"limit_fen": 1}, ["limit_fen"]),
    ({"limit_fen": 10**13 + 1}, ["limit_fen"]),
    ({"month_on": "2026-02-01"}, ["month_on"]),
    ({"month_on": "2026-03-02"}, ["month_on"]),
    ({"month_on": "2027-04-01"}, ["month_on"]),
    ({"month_on": "2026-13-01"}, ["month_on"]),
    ({"month_on": "2026-02-01", "limit_fen": 5}, ["limit_fen", "month_on"]),
)


def test_a_limit_that_is_not_higher_or_not_of_a_month_to_come_is_refused(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk = seated(house, "counter-clerk")

    for wrong, fields in WRONG:
        payload = {**a_limit(person_id), **wrong}
        problem = refused(clerk.propose, "deposit-limit-override", "试试", **payload)
        assert (problem.status, sorted(problem.details["errors"])) == (422, fields), wrong
    nobody = refused(clerk.propose, "deposit-limit-override", "试试", **a_limit("per_0"))
    assert (nobody.status, nobody.kind) == (404, "absent")
    furthest = clerk.propose(
        "deposit-limit-override", "奖金", **a_limit(person_id, MORE_FEN, "2027-03-01")
    )
    assert furthest["state"] == "submitted"


def test_a_month_that_passed_while_it_waited_is_not_decided_any_more(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk = seated(house, "counter-clerk")
    proposal = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    house.at("2026-03-31T23:59:58")
    late = seated(house, "reviewer")
    house.at("2026-04-01T00:00:00")

    problem = refused(late.approve, proposal)

    assert (problem.status, list(problem.details["errors"])) == (422, ["month_on"])
    assert late.decide(proposal, "reject", "已过期限")["state"] == "rejected"


@pytest.mark.clause("O.1")
def test_a_limit_is_the_business_of_the_depositors_own_district(house: House) -> None:
    _, person_id, _ = a_saver_here(house)  # of Wuxing
    at_home, abroad = (seated(house, "counter-clerk", each) for each in ("wuxing", "anji"))
    reviewer_abroad = seated(house, "reviewer", "anji")
    reviewer_at_home = seated(house, "reviewer", "wuxing")

    met = refusal(lambda: abroad.propose("deposit-limit-override", "奖金", **a_limit(person_id)))
    proposal = at_home.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    path = f"/approvals/{proposal['approval_id']}"

    assert met == (404, "absent")
    assert proposal["district"] == "wuxing"
    assert refusal(lambda: abroad.get(path)) == (404, "absent")
    body = {"payload_sha256": proposal["payload_sha256"], "reason": "已核对"}
    for how in ("approve", "reject"):
        assert refusal(lambda: reviewer_abroad.post(f"{path}/{how}", body)) == (404, "absent")  # noqa: B023
    assert abroad.get("/approvals")["items"] == reviewer_abroad.get("/approvals")["items"] == []
    assert reviewer_abroad.get("/work-items")["items"] == []
    assert [each["target_id"] for each in reviewer_at_home.get("/work-items")["items"]] == [
        proposal["approval_id"]
    ]
    assert reviewer_at_home.approve(proposal)["state"] == "approved"


def test_somebody_who_was_never_admitted_belongs_to_the_centre(house: House) -> None:
    phone = house.phone()
    phone.log_in()
    phone.consent()
    phone.prove_identity()
    person_id = person_id_of(house, phone.owner)
    in_a_district, at_the_centre = (
        seated(house, "counter-clerk", "wuxing"),
        seated(house, "counter-clerk"),
    )

    met = refusal(
        lambda: in_a_district.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    )

    assert met == (404, "absent")
    proposal = at_the_centre.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    assert proposal["district"] == "centre"
