"""Part four: whatever waits for people has a number, a deadline and somebody who sees to it."""

from __future__ import annotations

import re
from typing import Any

from sandbox.desk import Desk
from tests.house import House, at_once
from tests.office import back, refusal, seated
from tests.proposals import (
    FLEXIBLE,
    IN_TRANSIT,
    a_journal,
    a_limit,
    a_line,
    a_saver_here,
    answer,
    kind_of,
    suspend,
)

Item = dict[str, Any]
MANY = 25


def items(desk: Desk, **wanted: Any) -> list[Item]:
    """One page of the desk's list."""
    return list(desk.get("/work-items", **wanted)["items"])


def leafed_through(desk: Desk, limit: int, **wanted: Any) -> tuple[list[Item], int]:
    """Every item of the list, page by page, and how many pages there were."""
    found: list[Item] = []
    cursor: dict[str, str] = {}
    pages = 0
    while True:
        page = desk.get("/work-items", limit=limit, **wanted, **cursor)
        found += page["items"]
        pages += 1
        if page["next_cursor"] is None:
            return found, pages
        cursor = {"cursor": page["next_cursor"]}


def a_waiting_limit(house: House) -> tuple[Item, str]:
    """The item of a proposed limit, and the depositor's id."""
    _, person_id, _ = a_saver_here(house)
    clerk = seated(house, "counter-clerk")
    clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    return items(clerk)[0], person_id


def test_an_item_has_its_acceptance_number_and_the_deadline_of_the_policy(house: House) -> None:
    phone, person_id, _ = a_saver_here(house)
    clerk = seated(house, "counter-clerk")
    proposal = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    case_id = suspend(house, phone, 777)

    [case, approval] = items(clerk)

    assert re.fullmatch(r"SL20260302\d{8}", approval["acceptance_no"])
    assert approval["acceptance_no"] == proposal["acceptance_no"] != case["acceptance_no"]
    assert (approval["kind"], approval["what"]) == ("approval", "deposit-limit-override")
    assert (case["kind"], case["what"]) == ("payment-case", "suspended")
    assert approval["target_id"] == proposal["approval_id"]
    assert case["target_id"] == case_id
    assert (approval["due_on"], case["due_on"]) == ("2026-03-07", "2026-03-05")  # 5 and 3 days
    assert approval["opened_at"].startswith("2026-03-02T01:")
    assert (approval["district"], case["district"]) == ("wuxing", "centre")
    assert (approval["owner_login"], approval["closed_at"]) == (None, None)


def test_what_is_not_done_by_its_day_is_overdue_until_it_is_done(house: House) -> None:
    _, _ = a_waiting_limit(house)
    reviewer = seated(house, "reviewer")
    overdue = {}

    for day in ("2026-03-02", "2026-03-07T23:59:00", "2026-03-08T00:00:00", "2026-03-20"):
        house.at(day)
        back(house, reviewer)
        overdue[day] = items(reviewer)[0]["is_overdue"]
    reviewer.approve({"approval_id": items(reviewer)[0]["target_id"]})

    assert list(overdue.values()) == [False, False, True, True]
    [done] = items(reviewer, state="closed")
    assert done["is_overdue"] is False
    assert done["closed_at"].startswith("2026-03-20")


def test_whoever_takes_an_item_has_it_until_he_lets_it_go(house: House) -> None:
    item, _ = a_waiting_limit(house)
    mine, other = seated(house, "reviewer"), seated(house, "reviewer")
    path = f"/work-items/{item['item_id']}/owner"

    taken = [mine.call("PUT", f"/v1/staff{path}") for _ in range(2)]
    held = [kind_of(answer(house, other, method, path)) for method in ("PUT", "DELETE")]
    lists = [[each["item_id"] for each in items(desk, state="mine")] for desk in (mine, other)]
    mine.call("DELETE", f"/v1/staff{path}")
    nobodys = items(mine)[0]["owner_login"]
    now_other = other.call("PUT", f"/v1/staff{path}")

    assert taken[0] == taken[1]
    assert taken[0]["owner_login"] == mine.login
    assert held == [(409, "taken-by-somebody")] * 2
    assert lists == [[item["item_id"]], []]
    assert nobodys is None
    assert now_other["owner_login"] == other.login
    other.call("DELETE", f"/v1/staff{path}")
    other.call("DELETE", f"/v1/staff{path}")  # nobody's already: nothing changes


def test_of_two_who_take_an_item_at_once_one_has_it(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk = seated(house, "counter-clerk")
    desks = seated(house, "reviewer"), seated(house, "risk-officer")

    for number in range(10):
        payload = a_limit(person_id, 800_000 + number)
        clerk.propose("deposit-limit-override", "奖金", **payload)
        item = items(clerk, sort="newest")[0]
        path = f"/work-items/{item['item_id']}/owner"

        answers = at_once(2, lambda n: answer(house, desks[n], "PUT", path))  # noqa: B023

        assert sorted(kind_of(each) for each in answers) == [(200, ""), (409, "taken-by-somebody")]
        winner = next(desk for desk, each in zip(desks, answers, strict=True) if each.ok)
        assert items(clerk, sort="newest")[0]["owner_login"] == winner.login


def test_taking_an_item_decides_nothing_and_stops_nobody_from_deciding(house: House) -> None:
    item, _ = a_waiting_limit(house)
    mine, other = seated(house, "reviewer"), seated(house, "reviewer")
    mine.call("PUT", f"/v1/staff/work-items/{item['item_id']}/owner")

    other.approve({"approval_id": item["target_id"]})

    [closed] = items(mine, state="closed")
    assert closed["owner_login"] == mine.login


def test_a_long_list_is_leafed_through_without_loss_or_repeat(house: House) -> None:
    """Deadlines come in threes and more: the place in the list is not the deadline alone."""
    phone, person_id, _ = a_saver_here(house)
    reviewer = seated(house, "reviewer")
    for day in ("2026-03-02", "2026-03-03", "2026-03-04"):
        house.at(day)
        clerk = seated(house, "counter-clerk")
        for number in range(8):
            payload = a_limit(person_id, 800_000 + int(day[-1]) * 100 + number)
            clerk.propose("deposit-limit-override", "奖金", **payload)
    suspend(house, phone, 777)  # opened last, and due before the last eight
    back(house, reviewer)

    found, pages = leafed_through(reviewer, 4)
    newest, _ = leafed_through(reviewer, 7, sort="newest")
    [all_at_once] = [items(reviewer, limit=100)]

    assert (len(found), pages) == (MANY, 7)
    assert found == all_at_once
    assert len({each["item_id"] for each in found}) == MANY
    assert [each["due_on"] for each in found] == sorted(each["due_on"] for each in found)
    assert [each["due_on"] for each in found].index("2026-03-09") == 17
    assert found[0]["due_on"] == "2026-03-07"
    opened = [each["opened_at"] for each in newest]
    assert opened == sorted(opened, reverse=True)
    assert {each["item_id"] for each in newest} == {each["item_id"] for each in found}


def test_what_is_decided_while_somebody_leafs_through_shifts_nothing(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    made = [
        clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, 800_000 + number))
        for number in range(6)
    ]

    first = reviewer.get("/work-items", limit=3)
    for proposal in made[:2]:
        reviewer.approve(proposal)
    late = clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, 890_000))
    second = reviewer.get("/work-items", limit=3, cursor=first["next_cursor"])
    third = reviewer.get("/work-items", limit=3, cursor=second["next_cursor"])

    seen = [each["target_id"] for page in (first, second, third) for each in page["items"]]
    assert seen == [each["approval_id"] for each in (*made, late)]


def test_a_cursor_works_for_its_reader_list_and_filter_alone(house: House) -> None:
    _, person_id, _ = a_saver_here(house)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    for number in range(3):
        payload = a_limit(person_id, 800_000 + number)
        clerk.propose("deposit-limit-override", "奖金", **payload)
    cursor = reviewer.get("/work-items", limit=1)["next_cursor"]
    forged = ("A" if cursor[0] != "A" else "B") + cursor[1:]

    for desk, path, wanted in (
        (reviewer, "/work-items", {"sort": "newest"}),
        (reviewer, "/work-items", {"state": "closed"}),
        (reviewer, "/work-items", {"kind": "approval"}),
        (reviewer, "/approvals", {}),
        (clerk, "/work-items", {}),
    ):
        met = refusal(lambda: desk.get(path, cursor=cursor, **wanted))  # noqa: B023
        assert met == (422, "cursor-unfit"), (path, wanted)
    for unfit in (forged, cursor[:-1], cursor + "AA", "x", "未", "=" * 43):
        met = refusal(lambda: reviewer.get("/work-items", cursor=unfit))  # noqa: B023
        assert met == (422, "cursor-unfit"), unfit


def test_a_list_is_filtered_by_state_and_kind(house: House) -> None:
    phone, person_id, _ = a_saver_here(house)
    suspend(house, phone, 777)
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    waiting, done = (
        clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id, limit_fen))
        for limit_fen in (800_000, 810_000)
    )
    reviewer.approve(done)

    kinds = {
        kind: [each["what"] for each in items(reviewer, kind=kind)]
        for kind in ("approval", "payment-case")
    }
    closed = items(reviewer, state="closed", kind="approval")

    assert kinds == {"approval": ["deposit-limit-override"], "payment-case": ["suspended"]}
    assert [each["target_id"] for each in closed] == [done["approval_id"]]
    assert items(reviewer, state="mine") == []
    assert len(items(reviewer)) == 2
    assert items(reviewer, kind="approval")[0]["target_id"] == waiting["approval_id"]
    for wrong in ({"state": "all"}, {"kind": "gift"}, {"sort": "random"}, {"owner": "me"}):
        met = refusal(lambda: reviewer.get("/work-items", **wrong))  # noqa: B023
        assert met == (422, "unacceptable")


def test_everybody_sees_what_his_role_deals_with(house: House) -> None:
    phone, person_id, account_no = a_saver_here(house)
    suspend(house, phone, 777)
    clerk, accountant = seated(house, "counter-clerk"), seated(house, "accountant")
    clerk.propose("deposit-limit-override", "奖金", **a_limit(person_id))
    line = a_line(IN_TRANSIT, FLEXIBLE, 5, account_no=account_no)
    accountant.propose("manual-journal", "更正", **a_journal(line))
    limit, journal, case = "deposit-limit-override", "manual-journal", "suspended"

    seen = {
        role: {each["what"] for each in items(seated(house, role))}
        for role in (
            *("counter-clerk", "reviewer", "accountant", "risk-officer", "auditor"),
            *("policy-officer", "committee-secretary", "security-administrator"),
        )
    }

    assert seen == {
        "counter-clerk": {limit, case},
        "reviewer": {limit, journal, case},
        "accountant": {journal, case},
        "risk-officer": {limit, case},
        "auditor": {limit, journal, case},
        "policy-officer": set(),
        "committee-secretary": set(),
        "security-administrator": set(),
    }
