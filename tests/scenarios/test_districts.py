"""The districts and the new area see and run their own; the centre sees all of them (O.1)."""

from __future__ import annotations

import pytest

from sandbox.phone import Phone
from tests.house import House, somebody
from tests.office import refusal, seated


def person_of(house: House, phone: Phone, desk_at: str) -> str | None:
    """The id under which staff of a district find the phone's owner; None if they do not."""
    found = seated(house, "counter-clerk", desk_at).post(
        "/people/search", {"id_number": phone.owner.id_number}
    )
    return found[0]["person_id"] if found else None


@pytest.mark.clause("O.1")
def test_a_clerk_finds_the_depositors_of_his_own_district_and_nobody_elses(house: House) -> None:
    here = house.worker(somebody(), district="wuxing")
    there = house.worker(somebody(), district="nantaihu")

    assert person_of(house, here, "wuxing")
    assert person_of(house, there, "nantaihu")
    assert person_of(house, here, "nantaihu") is None
    assert person_of(house, there, "wuxing") is None
    assert person_of(house, here, "centre")
    assert person_of(house, there, "centre")


@pytest.mark.clause("O.1")
def test_what_a_district_proposes_its_own_reviewer_decides_and_the_next_one_does_not_see(
    house: House,
) -> None:
    depositor = house.worker(somebody(), district="anji")
    person_id = person_of(house, depositor, "anji")
    clerk = seated(house, "counter-clerk", "anji")
    proposal = clerk.propose(
        "deposit-limit-override",
        "年终奖一次性缴存",
        person_id=person_id,
        month_on="2026-03-01",
        limit_fen=5_000_000,
    )
    neighbour, own = (seated(house, "reviewer", place) for place in ("deqing", "anji"))

    assert refusal(lambda: neighbour.approve(proposal)) == (404, "absent")
    assert neighbour.get("/work-items")["items"] == []
    assert [each["target_id"] for each in own.get("/work-items")["items"]] == [
        proposal["approval_id"]
    ]
    assert own.approve(proposal)["state"] == "approved"
    house.deposit(depositor, 2_000_000)
