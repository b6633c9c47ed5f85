"""Nobody acts alone: what one proposes another decides, and it is done once (decision 10)."""

from __future__ import annotations

from datetime import date

from tests.house import House
from tests.office import Office, refusal
from tests.proposals import a_policy


def test_a_policy_proposed_by_one_and_approved_by_another_is_in_force_from_its_day(
    house: House,
) -> None:
    office = Office(house)
    officer = office.desk("policy-officer")
    secretary = office.desk("committee-secretary")

    proposal = officer.propose(
        "policy-version", "提高最高额度", document=a_policy("huzhou-pilot-2026.1", "2026-04-01")
    )
    assert refusal(lambda: officer.approve(proposal)) == (403, "role-not-allowed")
    done = secretary.approve(proposal, "管委会2026年第3号决议")

    assert done["state"] == "approved"
    assert done["result"]["policy_code"] == "huzhou-pilot-2026.1"
    phone = house.phone()
    assert phone.get("/v1/public/policy")["code"] == "huzhou-pilot-2024.1"
    house.at(date(2026, 4, 1))
    assert phone.get("/v1/public/policy")["code"] == "huzhou-pilot-2026.1"
