"""S8: nobody gets past a second person: not as maker, not over another login, not about himself."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from app.models import DepositLimitOverride, StaffAccount, StaffAssignment
from sandbox.desk import Desk
from sandbox.phone import Owner
from tests.house import House, somebody
from tests.office import account_id_of, back, refusal, seated
from tests.proposals import (
    FLEXIBLE,
    IN_TRANSIT,
    a_journal,
    a_limit,
    a_line,
    a_saver_here,
    account_no_of,
    decision,
    kind_of,
    person_id_of,
    state_of,
)
from tests.short_cuts import a_phone

SAME_PERSON = (403, "same-person")
CENTRE: dict[str, Any] = {"district": "centre"}


def overrides(house: House) -> int:
    """How many limits were ever decided."""
    return int(house.rows(select(func.count()).select_from(DepositLimitOverride))[0][0])


def test_the_maker_does_not_decide_his_own_proposal_in_whatever_role_he_comes_back(
    house: House,
) -> None:
    _, person_id, _ = a_saver_here(house)
    first, second = (seated(house, "security-administrator") for _ in range(2))
    maker = seated(house, "counter-clerk")
    proposal = maker.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    as_clerk = kind_of(decision(house, maker, proposal))

    account_id = account_id_of(maker)
    move = first.propose(
        "staff-assignment", "转岗", account_id=account_id, role="reviewer", **CENTRE
    )
    second.approve(move)
    back(house, maker)

    assert as_clerk == (403, "role-not-allowed")
    assert maker.get("/me")["account"]["role"] == "reviewer"
    assert kind_of(decision(house, maker, proposal)) == SAME_PERSON
    assert kind_of(decision(house, maker, proposal, "reject")) == SAME_PERSON
    assert (state_of(house, proposal), overrides(house)) == ("submitted", 0)


def test_a_role_that_proposes_and_decides_still_takes_two_people(house: House) -> None:
    """Administrators are both makers and checkers of what concerns staff."""
    maker, other = (seated(house, "security-administrator") for _ in range(2))
    clerk = seated(house, "counter-clerk")
    proposal = maker.propose(
        "staff-assignment", "转岗", account_id=account_id_of(clerk), role="auditor", **CENTRE
    )

    assert kind_of(decision(house, maker, proposal)) == SAME_PERSON
    assert clerk.get("/me")["account"]["role"] == "counter-clerk"
    assert other.approve(proposal)["state"] == "approved"


def test_a_second_login_of_the_same_person_is_the_same_person(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    owner = somebody(name="两个账号")
    maker, himself = (
        seated(house, "counter-clerk", owner=owner),
        seated(house, "reviewer", owner=owner),
    )
    proposal = maker.propose("deposit-limit-override", "奖金", **a_limit(person_id))

    assert himself.get("/me")["account"]["login"] != maker.login
    assert kind_of(decision(house, himself, proposal)) == SAME_PERSON
    assert kind_of(decision(house, himself, proposal, "reject")) == SAME_PERSON
    assert overrides(house) == 0


@pytest.mark.parametrize("names_it", [True, False], ids=["resubmits", "the same again"])
def test_what_a_colleague_submits_again_its_first_author_does_not_approve(
    house: House, names_it: bool
) -> None:
    _, person_id, _ = a_saver_here(house)
    author = somebody(name="首位经办")
    first, also_first = (
        seated(house, "counter-clerk", owner=author),
        seated(house, "risk-officer", owner=author),
    )
    colleague, third = seated(house, "counter-clerk"), seated(house, "counter-clerk")
    reviewer = seated(house, "reviewer")
    payload = a_limit(person_id)

    proposal = first.propose("deposit-limit-override", "奖金", **payload)
    for maker in (colleague, third):
        reviewer.decide(proposal, "reject", "材料不全")
        named = {"resubmits": proposal["approval_id"]} if names_it else {}
        if names_it:  # another wording, a chain of three
            payload = a_limit(person_id, payload["limit_fen"] + 1)
        proposal = maker.propose("deposit-limit-override", "补充材料", **payload, **named)

    assert proposal["resubmits"] is not None or not names_it
    assert kind_of(decision(house, also_first, proposal)) == SAME_PERSON
    assert overrides(house) == 0
    assert reviewer.approve(proposal)["state"] == "approved"
    assert overrides(house) == 1


def test_only_what_was_rejected_or_expired_of_the_same_kind_is_submitted_again(
    house: House,
) -> None:
    _, person_id, account_no = a_saver_here(house)
    clerk, accountant = seated(house, "counter-clerk"), seated(house, "accountant")
    reviewer = seated(house, "reviewer")
    waiting = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    done = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, 800_000))
    reviewer.approve(done)
    journal = a_journal(a_line(FLEXIBLE, IN_TRANSIT, 1, account_no=account_no))
    foreign = accountant.propose("manual-journal", "更正", **journal)
    reviewer.decide(foreign, "reject", "科目有误")

    for earlier in (waiting["approval_id"], done["approval_id"], foreign["approval_id"], "apv_0"):
        again = {**a_limit(person_id, 850_000), "resubmits": earlier}
        met = refusal(lambda: clerk.propose("deposit-limit-override", "再次", **again))  # noqa: B023
        assert met == (422, "unacceptable"), earlier


# --- about oneself ---


def a_depositor_who_works_here(house: House) -> tuple[Owner, str, str]:
    """Somebody with an account of his own, his public id and account number."""
    phone, person_id, account_no = a_saver_here(house)
    return phone.owner, person_id, account_no


def test_nobody_proposes_or_decides_his_own_limit(house: House) -> None:
    owner, person_id, _ = a_depositor_who_works_here(house)
    himself, colleague = seated(house, "counter-clerk", owner=owner), seated(house, "counter-clerk")
    as_checkers = [seated(house, role, owner=owner) for role in ("reviewer", "risk-officer")]

    met = refusal(lambda: himself.propose("deposit-limit-override", "我的", **a_limit(person_id)))
    proposal = colleague.propose("deposit-limit-override", "他的", **a_limit(person_id))

    assert met == SAME_PERSON
    for desk in as_checkers:
        assert kind_of(decision(house, desk, proposal)) == SAME_PERSON
        assert kind_of(decision(house, desk, proposal, "reject")) == SAME_PERSON
    assert (state_of(house, proposal), overrides(house)) == ("submitted", 0)


def test_nobody_proposes_or_decides_a_journal_that_moves_his_own_money(house: House) -> None:
    owner, _, account_no = a_depositor_who_works_here(house)
    _, _, other_no = a_saver_here(house)
    himself, colleague = seated(house, "accountant", owner=owner), seated(house, "accountant")
    as_checker, reviewer = seated(house, "reviewer", owner=owner), seated(house, "reviewer")
    hidden_in_the_second_line = a_journal(
        a_line(FLEXIBLE, IN_TRANSIT, 1, account_no=other_no),
        a_line(IN_TRANSIT, FLEXIBLE, 1, account_no=account_no),
    )

    met = refusal(lambda: himself.propose("manual-journal", "给自己", **hidden_in_the_second_line))
    proposal = colleague.propose("manual-journal", "给他", **hidden_in_the_second_line)
    refused = kind_of(decision(house, as_checker, proposal))
    done = reviewer.approve(proposal)
    undo = {"manual_journal_id": done["result"]["manual_journal_id"], "document_no": "冲-1"}
    reversal_met = refusal(lambda: himself.propose("manual-journal-reversal", "冲回", **undo))
    reversal = colleague.propose("manual-journal-reversal", "冲回", **undo)

    assert met == refused == reversal_met == SAME_PERSON
    assert kind_of(decision(house, as_checker, reversal)) == SAME_PERSON
    assert kind_of(decision(house, as_checker, reversal, "reject")) == SAME_PERSON
    assert state_of(house, reversal) == "submitted"


def test_whoever_became_a_depositor_after_it_was_proposed_does_not_decide_it(house: House) -> None:
    """Whom it is about is looked at again when it is decided."""
    phone, worker = a_phone(house)
    house.deposit(phone, 50_000)
    colleague = seated(house, "accountant")
    line = a_line(FLEXIBLE, IN_TRANSIT, 1, account_no=account_no_of(phone))
    proposal = colleague.propose("manual-journal", "更正", **a_journal(line))

    as_checker = seated(house, "reviewer", owner=phone.owner)

    assert worker.person_id
    assert kind_of(decision(house, as_checker, proposal)) == SAME_PERSON
    assert person_id_of(house, phone.owner)


# --- administrators about themselves ---


def about(desk: Desk, owner: Owner) -> list[tuple[str, dict[str, Any]]]:
    """Everything that can be proposed about a member of staff."""
    account_id = account_id_of(desk)
    named = {"login": "second.login", "name": owner.name, "id_number": owner.id_number}
    return [
        ("staff-account", {**named, "role": "reviewer", **CENTRE}),
        ("staff-assignment", {"account_id": account_id, "role": "reviewer", **CENTRE}),
        ("staff-reset", {"account_id": account_id}),
    ]


def test_an_administrator_proposes_and_decides_nothing_about_himself(house: House) -> None:
    owner = somebody(name="安管")
    himself = seated(house, "security-administrator", owner=owner)
    again = seated(house, "security-administrator", owner=owner)
    colleague = seated(house, "security-administrator")
    accounts = house.rows(select(func.count()).select_from(StaffAccount))

    for action, payload in (*about(himself, owner), *about(again, owner)[1:]):
        met = refusal(lambda: himself.propose(action, "给自己", **payload))  # noqa: B023
        assert met == SAME_PERSON, action
        proposal = colleague.propose(action, "给他", **payload)
        for how in ("approve", "reject"):
            assert kind_of(decision(house, again, proposal, how)) == SAME_PERSON, (action, how)

    assert house.rows(select(func.count()).select_from(StaffAccount)) == accounts
    roles = house.rows(
        select(StaffAssignment.role)
        .join(StaffAccount, StaffAccount.id == StaffAssignment.account_id)
        .where(StaffAccount.login.in_((himself.login, again.login)))
    )
    assert roles == [("security-administrator",), ("security-administrator",)]


def test_an_administrator_does_not_disable_himself_by_either_login(house: House) -> None:
    owner = somebody(name="安管")
    himself = seated(house, "security-administrator", owner=owner)
    again = seated(house, "reviewer", owner=owner)

    for desk in (himself, again):
        path = f"/accounts/{account_id_of(desk)}/disablement"
        assert refusal(lambda: himself.post(path, {"reason": "试试"})) == SAME_PERSON  # noqa: B023
        assert desk.get("/me")["account"]["state"] == "active"


def test_an_administrator_does_not_hand_himself_the_activation_code(house: House) -> None:
    owner = somebody(name="安管")
    himself = seated(house, "security-administrator", owner=owner)
    again = seated(house, "reviewer", owner=owner)
    account_id = account_id_of(again)
    first, second = (seated(house, "security-administrator") for _ in range(2))
    second.approve(first.propose("staff-reset", "丢失手机", account_id=account_id))
    path = f"/accounts/{account_id}/activation-code"

    assert refusal(lambda: himself.post(path)) == SAME_PERSON
    assert len(first.post(path)["code"]) > 20
