"""What is decided changes what stands: overtaken, it is looked at anew; done, it may recur."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.desk import Desk
from tests.house import STARTS_AT, House, somebody
from tests.office import Office, account_id_of, back, refusal, seated
from tests.proposals import a_limit, a_newer_text, a_policy, a_saver_here
from tests.scenarios.building import refused


def the_same_with(text: str, old: str, new: str) -> str:
    """The policy with one figure changed."""
    assert old in text
    return text.replace(old, new, 1)


def test_a_policy_that_another_one_overtook_is_not_approved_as_it_was_seen(house: House) -> None:
    officer, secretary = seated(house, "policy-officer"), seated(house, "committee-secretary")
    sooner = officer.propose("policy-version", "先", document=a_policy("p-1", "2026-04-01"))
    later = officer.propose("policy-version", "后", document=a_policy("p-2", "2026-05-01"))

    done = secretary.approve(sooner)
    overtaken = refusal(lambda: secretary.approve(later))
    secretary.decide(later, "reject", "重提")
    anew = officer.propose("policy-version", "后", document=a_policy("p-2", "2026-05-01"))

    assert overtaken == (409, "overtaken")
    assert (later["payload"]["predecessor"], anew["payload"]["predecessor"]) == (
        "huzhou-pilot-2024.1",
        "p-1",
    )
    assert secretary.approve(anew)["state"] == "approved"
    shown = secretary.get(f"/approvals/{done['approval_id']}")
    assert shown["in_words"] == sooner["in_words"]


def test_what_the_decider_was_told_stays_on_record(house: House) -> None:
    """A version between two others changes what the later one would say; not what it said."""
    officer, secretary = seated(house, "policy-officer"), seated(house, "committee-secretary")
    later = secretary.approve(
        officer.propose("policy-version", "后", document=a_policy("p-2", "2026-06-01"))
    )
    secretary.approve(
        officer.propose("policy-version", "前", document=a_policy("p-1", "2026-05-01"))
    )

    shown = secretary.get(f"/approvals/{later['approval_id']}")

    assert shown["in_words"] == later["in_words"]
    assert "huzhou-pilot-2024.1" in shown["payload"]["predecessor"]


def test_a_text_follows_the_newest_in_number_and_in_day(house: House) -> None:
    officer, secretary = seated(house, "policy-officer"), seated(house, "committee-secretary")
    second = a_newer_text(number=2, effective_on="2026-06-01")
    secretary.approve(officer.propose("agreement-template", "新文本", text=second))

    for wrong in (
        a_newer_text(number=3, effective_on="2026-04-01"),
        a_newer_text(number=10_000, effective_on="2026-07-01"),
        a_newer_text(number=3, effective_on="2035-01-01"),
    ):
        problem = refused(officer.propose, "agreement-template", "新文本", text=wrong)
        assert problem.status == 422
        assert len(problem.details["errors"]["text"]) == 1


def test_what_was_done_once_may_be_proposed_again_by_either(house: House) -> None:
    """Two administrators reset the same account twice; the second time the other one proposes."""
    office = Office(house)
    lost = account_id_of(office.desk("auditor"))

    office.second.approve(office.first.propose("staff-reset", "丢失", account_id=lost))
    again = office.second.propose("staff-reset", "又丢失", account_id=lost)
    done = office.first.approve(again)

    assert done["state"] == "approved"


def test_whose_proposal_was_rejected_does_not_approve_its_repetition(house: House) -> None:
    office = Office(house)
    lost = account_id_of(office.desk("auditor"))
    rejected = office.first.propose("staff-reset", "丢失", account_id=lost)
    office.second.decide(rejected, "reject", "再核实")

    again = office.second.propose("staff-reset", "丢失", account_id=lost)

    assert refusal(lambda: office.first.approve(again)) == (403, "same-person")


def test_a_limit_never_lowers_what_a_later_policy_allows_everybody(house: House) -> None:
    phone, person_id, _ = a_saver_here(house, 100_000)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    officer, secretary = seated(house, "policy-officer"), seated(house, "committee-secretary")
    reviewer.approve(
        clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, 900_000, "2026-04-01"))
    )
    raised = the_same_with(a_policy("p-1", "2026-04-01"), "value = 724464", "value = 2000000")
    secretary.approve(officer.propose("policy-version", "提高", document=raised))

    house.at("2026-04-02")
    phone.log_in()

    assert phone.order(1_500_000)["payment_parameters"]


@pytest.mark.parametrize("reason", ["   ", "\u3000", "\u200b\u200b", "\u2028"])
def test_blanks_are_no_reason(house: House, reason: str) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk = seated(house, "counter-clerk")

    problem = refused(
        clerk.post, f"/people/{person_id}/unmask", {"fields": ["phone"], "reason": reason}
    )

    assert problem.details["errors"] == {"reason": ["不能只有空白。"]}


def test_a_clock_set_back_leaves_decisions_in_order(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    house.at(STARTS_AT + timedelta(minutes=2))
    proposal = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))

    house.at(STARTS_AT + timedelta(minutes=1, seconds=50))
    done = reviewer.approve(proposal)

    assert done["decided_at"] >= done["submitted_at"]
    assert house.broken_invariants() == {}


def test_an_expired_proposal_does_not_stand_in_the_way_of_its_repetition(house: House) -> None:
    """Before the job has run, too."""
    _, person_id, _ = a_saver_here(house)
    clerk = seated(house, "counter-clerk")
    said = a_limit(person_id, 900_000, "2026-06-01")
    first = clerk.propose("deposit-limit-override", "奖金", **said)
    house.at("2026-05-01")
    back(house, clerk)

    second = clerk.propose("deposit-limit-override", "奖金", resubmits=first["approval_id"], **said)

    assert second["resubmits"] == first["approval_id"]


def test_what_is_done_is_nobodys_to_take(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    proposal = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    [item] = reviewer.get("/work-items")["items"]
    reviewer.approve(proposal)

    took = refusal(lambda: reviewer.call("PUT", f"/v1/staff/work-items/{item['item_id']}/owner"))

    assert took == (409, "item-closed")


def test_two_logins_of_one_person_share_what_he_may_unmask(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk = somebody(name="双账号")
    desks: list[Desk] = [seated(house, "counter-clerk", owner=clerk) for _ in range(2)]
    said = {"fields": ["phone"], "reason": "核对电话"}
    for _ in range(20):
        desks[0].post(f"/people/{person_id}/unmask", said)

    assert refusal(lambda: desks[1].post(f"/people/{person_id}/unmask", said)) == (429, "too-many")
