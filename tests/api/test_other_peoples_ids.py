"""What belongs to somebody else does not exist (S1): the same answer as for a made-up id.

Routes with an id come from the route map: a new one without an owner below fails here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.phone import Phone
from tests.api.asking import (
    Route,
    ask,
    but_for_the_record,
    everything_stored,
    on_sqlite_alone,
    routes,
    without_id,
)
from tests.api.callers import STAFF_BODIES, Callers
from tests.house import House

# endpoint -> the place in its path that names something somebody owns
OWNED = {
    "identity.finish_check": "check_id",
    "agreements.agreement_pdf": "agreement_id",
    "deposits.one_deposit": "deposit_id",
    "deposits.settle_deposit": "deposit_id",
    "deposits.cancel_deposit": "deposit_id",
    "notifications.read": "notification_id",
}
# The same for what a district has: whose it is, `tests/security/test_s07_role_matrix.py` asks.
OF_A_DISTRICT = {
    "staff-accounts.activation_code": "account_id",
    "staff-accounts.disable": "account_id",
    "approvals.one_approval": "approval_id",
    "approvals.approve": "approval_id",
    "approvals.reject": "approval_id",
    "work-items.take": "item_id",
    "work-items.let_go": "item_id",
    "work-items.payment_case": "case_id",
    "people.person": "person_id",
    "people.postings": "person_id",
    "people.unmask": "person_id",
    "payouts.payout": "payout_id",
    "payouts.cancel": "payout_id",
    "payouts.batch_file": "batch_id",
}
# The names in these paths are the same for everybody.
NOBODYS = {
    "bill-days.bill_day",
    "consents.give_consent",
    "consents.withdraw_consent",
    "swagger_dist.static",
}

ODD_IDS = (
    "%00",
    "dep_%00" + "0" * 25,
    "%ed%a0%80",
    "%ff",
    "..%2f..%2fetc%2fpasswd",
    "1",
    "0",
    "-1",
    "null",
    "' OR '1'='1",
    "dep_' OR 1=1 --",
    "1;DROP TABLE payment_order",
    "{{7*7}}",
    "%F0%9F%92%B0",
    "dep_" + "0" * 25,
    "dep_" + "0" * 27,
    "DEP_" + "0" * 26,
    "dep_" + "i" * 26,
    "dep_" + "0" * 26 + "%0A",
    "agr_" + "0" * 26,
    "x" * 2_000,
)


@dataclass(frozen=True)
class Belongings:
    """Somebody with one of everything that has an id."""

    phone: Phone
    ids: dict[str, str]


@on_sqlite_alone
def test_every_route_with_an_id_is_known_here(house: House) -> None:
    with_id = {each.endpoint for each in routes(house) if each.rule.arguments}

    assert with_id == {*OWNED, *OF_A_DISTRICT, *NOBODYS}


def test_what_is_anothers_answers_as_what_is_not_there(house: House) -> None:
    owner = somebody_with_everything(house)
    strangers = {"a depositor": house.depositor(), "a newcomer": house.phone()}
    strangers["a newcomer"].log_in()
    house.forget_calls()
    before = everything_stored(house)

    differing = {}
    for route in owned_routes(house):
        for who, stranger in strangers.items():
            theirs = ask(house, route.method, path_to(route, owner), by=stranger)
            absent = ask(house, route.method, route.path(), by=stranger)
            assert theirs.status_code == 404, (str(route), who, theirs.data)
            if without_id(theirs) != without_id(absent):
                differing[str(route), who] = (theirs.data, absent.data)

    assert differing == {}
    assert everything_stored(house) == before
    assert house.calls() == {}


def test_the_owner_reaches_what_is_his(house: House) -> None:
    owner = somebody_with_everything(house)

    found = {
        route.endpoint: ask(house, route.method, path_to(route, owner), by=owner.phone).status_code
        for route in owned_routes(house)
    }

    assert found == {
        "identity.finish_check": 204,
        "agreements.agreement_pdf": 200,
        "deposits.one_deposit": 200,
        "deposits.settle_deposit": 200,
        "deposits.cancel_deposit": 200,
        "notifications.read": 204,
    }


def test_an_id_of_another_shape_is_not_there_either(house: House) -> None:
    callers = Callers(house, somebody_with_everything(house).phone)
    before = but_for_the_record(house)

    wrong = {}
    for route in routes(house):
        place = (OWNED | OF_A_DISTRICT).get(route.endpoint)
        if place is None:
            continue
        sent: dict[str, Any] = {"by": callers.of(route), "json": STAFF_BODIES.get(route.endpoint)}
        absent = without_id(ask(house, route.method, route.path(), **sent))
        for odd in ODD_IDS:
            answer = ask(house, route.method, route.path(**{place: odd}), **sent)
            is_route = "%2f" not in odd.lower()  # a slash in an id is another path
            if answer.status_code != 404 or (is_route and without_id(answer) != absent):
                wrong[str(route), odd] = answer.data

    assert wrong == {}
    assert but_for_the_record(house) == before


def test_anothers_deposit_is_no_place_in_my_pages(house: House) -> None:
    owner, reader = somebody_with_everything(house), house.depositor()
    page = "/v1/me/deposits?before={}"

    theirs = ask(house, "GET", page.format(owner.ids["deposit_id"]), by=reader)
    absent = ask(house, "GET", page.format("dep_" + "0" * 26), by=reader)
    own = ask(house, "GET", page.format(owner.ids["deposit_id"]), by=owner.phone)

    assert theirs.status_code == 404
    assert without_id(theirs) == without_id(absent)
    assert own.get_json() == []


def test_the_key_of_another_worker_gives_nobody_his_order(house: House) -> None:
    """An idempotency key belongs to the person who sent it: the same text is another key."""
    first, second = house.worker(), house.worker()

    mine = first.order(100_000, key="the-same-key-of-two")
    theirs = second.order(200_000, key="the-same-key-of-two")

    assert mine["deposit"]["deposit_id"] != theirs["deposit"]["deposit_id"]
    assert theirs["deposit"]["amount_fen"] == 200_000


@on_sqlite_alone
def test_nobody_pays_into_anothers_order(house: House) -> None:
    """WeChat's dialog refuses it, and the order stays payable for its owner."""
    owner, stranger = house.worker(), house.worker()
    ordered = owner.order(100_000)

    answer = stranger.wechat._http.post(
        f"{house.sandbox}/sandbox/users/{stranger.wechat.user_id}/pay",
        json=ordered["payment_parameters"],
        timeout=30,
    )

    assert answer.status_code == 403
    assert owner.settle(ordered["deposit"]["deposit_id"])["state"] == "pending"


def somebody_with_everything(house: House) -> Belongings:
    """A member whose check has passed, with an agreement and an order that still can be paid."""
    phone = house.phone()
    checks: list[str] = []
    phone._http.hooks["response"].append(
        lambda answer, **_: (
            checks.append(answer.json()["check_id"])
            if answer.request.path_url == "/v1/me/identity-checks"
            else None
        )
    )
    phone.join()
    ids = {
        "check_id": checks[0],
        "agreement_id": phone.get("/v1/me/agreements")[0]["agreement_id"],
        "deposit_id": phone.order(100_000)["deposit"]["deposit_id"],
        "notification_id": phone.get("/v1/me/notifications")["items"][0]["notification_id"],
    }
    return Belongings(phone, ids)


def owned_routes(house: House) -> list[Route]:
    """Every route whose path names something that somebody owns."""
    return [each for each in routes(house) if each.endpoint in OWNED]


def path_to(route: Route, owner: Belongings) -> str:
    """The path of the route to what this owner has."""
    place = OWNED[route.endpoint]
    path = route.path(**{place: owner.ids[place]})
    assert owner.ids[place] in path
    return path
