"""S5: a session ends when it must, at once; what is sensitive wants its owner to prove himself.

`seated` gives a signed-in desk whose session began and was last used at the moment one says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from app import clock
from app.models import Approval, StaffAccount, StaffSession
from app.rules import duties
from sandbox.desk import Desk
from sandbox.phone import Phone
from tests.api.asking import MADE_UP, ask, everything_stored, token_of
from tests.house import STARTS_AT, House
from tests.office import account_id_of, refusal, seated
from tests.security.trying import an_administrator, compared, digits, kind_of

ADMINISTRATOR = "security-administrator"
ENDED, UNPROVED = (401, "session-ended"), (409, "reauthentication-needed")
MINUTE, SECOND, DAY = timedelta(minutes=1), timedelta(seconds=1), timedelta(days=1)


def ago(house: House, age: timedelta) -> datetime:
    """The instant that was so long before the service's present one."""
    with house.app.app_context():
        return clock.now() - age


def lives(holder: Desk | Phone) -> bool:
    """Whether the session is still taken; asking uses it."""
    path = "/me" if isinstance(holder, Desk) else "/v1/me"
    answer = requests.get(
        f"{holder._api}{'/v1/staff' if isinstance(holder, Desk) else ''}{path}",
        headers={"Authorization": f"Bearer {token_of(holder)}"},
        timeout=30,
    )
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


def ends(house: House) -> list[str]:
    """Why the sessions that are over have ended, as stored, in order."""
    query = select(StaffSession.end_reason).where(StaffSession.ended_at.is_not(None))
    return [reason for (reason,) in house.rows(query.order_by(StaffSession.id))]


# --- time ---


@pytest.mark.parametrize(
    ("idle", "is_alive"), [(29 * MINUTE, True), (30 * MINUTE, False), (DAY, False)]
)
def test_a_desk_left_alone_for_thirty_minutes_is_signed_out(
    house: House, idle: timedelta, is_alive: bool
) -> None:
    desk = seated(house, "auditor", at=ago(house, idle))

    assert lives(desk) == is_alive
    assert ends(house) == ([] if is_alive else ["expired" if idle == DAY else "idle"])


def test_using_a_session_keeps_it_for_another_thirty_minutes(house: House) -> None:
    desk = seated(house, "auditor", at=STARTS_AT)

    alive = {}
    for minute in (29, 58, 87, 118):
        house.at(STARTS_AT + minute * MINUTE)
        alive[minute] = lives(desk)

    assert alive == {29: True, 58: True, 87: True, 118: False}


def test_after_twelve_hours_a_session_ends_even_if_it_was_used_all_day(house: House) -> None:
    desk = seated(house, "auditor", at=STARTS_AT)
    hours = 12 * 60 * MINUTE

    every_twenty_minutes = []
    for used in range(1, 36):
        house.at(STARTS_AT + used * 20 * MINUTE)
        every_twenty_minutes.append(lives(desk))
    house.at(STARTS_AT + hours - 2 * SECOND)
    just_before = lives(desk)
    house.at(STARTS_AT + hours)
    over = lives(desk)

    assert every_twenty_minutes == [True] * 35
    assert (just_before, over) == (True, False)
    assert ends(house) == ["expired"]


def test_proving_oneself_again_does_not_prolong_the_twelve_hours(house: House) -> None:
    desk = an_administrator(house)
    desk.sign_in()
    for used in range(1, 36):
        house.at(STARTS_AT + used * 20 * MINUTE)
        desk.get("/me")

    desk.reauthenticate()
    house.at(STARTS_AT + 720 * MINUTE + 5 * SECOND)

    assert refusal(desk.reauthenticate) == ENDED


def test_a_workers_session_lives_thirty_days_whether_used_or_not(house: House) -> None:
    phone = house.phone()
    phone.log_in()

    house.at(STARTS_AT + 30 * DAY - 2 * SECOND)
    just_before = lives(phone)
    house.at(STARTS_AT + 30 * DAY + 5 * SECOND)

    assert just_before
    assert not lives(phone)


# --- what ends it at once ---


def signing_out(_house: House, desk: Desk) -> None:
    desk.call("DELETE", "/v1/staff/sessions/current")


def signing_in_elsewhere(house: House, desk: Desk) -> None:
    elsewhere = Desk(house.api, house.sandbox, desk.login)
    elsewhere.password, elsewhere.secret = desk.password, desk.secret
    elsewhere.sign_in()
    assert lives(elsewhere)


def being_disabled(house: House, desk: Desk) -> None:
    path = f"/accounts/{account_id_of(desk)}/disablement"
    seated(house, ADMINISTRATOR).post(path, {"reason": "离职"})


def changing_role(house: House, desk: Desk) -> None:
    place = {"role": "auditor", "district": "centre"}
    decided(house, "staff-assignment", account_id=account_id_of(desk), **place)


def changing_district(house: House, desk: Desk) -> None:
    place = {"role": "counter-clerk", "district": "wuxing"}
    decided(house, "staff-assignment", account_id=account_id_of(desk), **place)


def being_reset(house: House, desk: Desk) -> None:
    decided(house, "staff-reset", account_id=account_id_of(desk))


def decided(house: House, action: str, **payload: Any) -> None:
    """Two administrators, the one proposing and the other approving, had this done."""
    proposal = seated(house, ADMINISTRATOR).propose(action, "工作调整", **payload)
    assert seated(house, ADMINISTRATOR).approve(proposal)["state"] == "approved"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (signing_out, "signed-out"),
        (signing_in_elsewhere, "signed-in-again"),
        (being_disabled, "disabled"),
        (changing_role, "role-changed"),
        (changing_district, "role-changed"),
        (being_reset, "reset"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_the_very_next_call_finds_the_session_over(
    house: House, what: Callable[[House, Desk], None], reason: str
) -> None:
    desk, colleague = seated(house, "counter-clerk"), seated(house, "counter-clerk")
    assert lives(desk)

    what(house, desk)

    assert refusal(lambda: desk.get("/me")) == ENDED
    assert lives(colleague)
    assert ends(house) == [reason]


def test_a_disabled_account_opens_no_other_session(house: House) -> None:
    desk = seated(house, "counter-clerk")

    being_disabled(house, desk)

    assert refusal(desk.sign_in) == (401, "sign-in-refused")
    assert house.rows(select(StaffAccount.state).where(StaffAccount.login == desk.login)) == [
        ("disabled",)
    ]


def test_a_new_role_is_held_from_the_next_sign_in_on(house: House) -> None:
    desk = seated(house, "counter-clerk")
    changing_role(house, desk)

    desk.sign_in()

    assert desk.get("/me")["account"]["role"] == "auditor"
    assert desk.get("/audit")["items"]
    assert refusal(lambda: desk.propose("deposit-limit-override", "试")) == (
        403,
        "role-not-allowed",
    )


def test_nobody_disables_himself(house: House) -> None:
    desk = seated(house, ADMINISTRATOR)

    refused = refusal(lambda: being_disabled_by(desk, desk))

    assert refused == (403, "same-person")
    assert lives(desk)


def being_disabled_by(desk: Desk, administrator: Desk) -> None:
    """The one is disabled by the other."""
    path = f"/accounts/{account_id_of(desk)}/disablement"
    administrator.post(path, {"reason": "离职"})


# --- sensitive acts ---

SHA256 = "0" * 64
DAYS = {"from": "2026-03-01", "to": "2026-03-02"}
# route -> (a role that may call it, what is sent, the status when the owner has proved himself)
SENSITIVE: dict[str, tuple[str, dict[str, Any], int]] = {
    "POST /v1/staff/approvals/<approval_id>/approve": (
        "reviewer",
        {"json": {"payload_sha256": SHA256, "reason": "核对无误"}},
        404,
    ),
    "POST /v1/staff/approvals/<approval_id>/reject": (
        "reviewer",
        {"json": {"payload_sha256": SHA256, "reason": "不符"}},
        404,
    ),
    "POST /v1/staff/people/<person_id>/unmask": (
        "counter-clerk",
        {"json": {"fields": ["phone"], "reason": "核对电话"}},
        404,
    ),
    "POST /v1/staff/accounts/<account_id>/activation-code": (ADMINISTRATOR, {}, 404),
    "POST /v1/staff/payouts/<payout_id>/cancellation": ("counter-clerk", {}, 404),
    "POST /v1/staff/bank-batches": ("accountant", {}, 409),
    "GET /v1/staff/bank-batches/<batch_id>.csv": ("accountant", {}, 404),
    "POST /v1/staff/accounts/<account_id>/disablement": (
        ADMINISTRATOR,
        {"json": {"reason": "离职"}},
        404,
    ),
    "GET /v1/staff/audit.csv": ("auditor", {"query_string": DAYS}, 200),
}


def called(house: House, desk: Desk, route: str) -> Any:
    """The answer to a sensitive route, called with made-up ids."""
    method, path = route.split()
    for name, value in MADE_UP.items():
        path = path.replace(f"<{name}>", value)
    return ask(house, method, path, by=token_of(desk), **SENSITIVE[route][1])


@pytest.mark.parametrize("route", SENSITIVE)
def test_a_sensitive_act_wants_password_and_code_given_within_five_minutes(
    house: House, route: str
) -> None:
    role, _, status = SENSITIVE[route]
    fresh = seated(house, role, at=ago(house, 5 * MINUTE - 20 * SECOND))
    stale = seated(house, role, at=ago(house, 5 * MINUTE))

    at_once = called(house, fresh, route)
    refused = called(house, stale, route)
    stale.reauthenticate()
    afterwards = called(house, stale, route)

    assert at_once.status_code == afterwards.status_code == status
    assert kind_of(refused) == UNPROVED
    assert refused.get_json()["step"] == "reauthentication"


def test_the_sensitive_acts_are_those_that_the_duties_name(house: House) -> None:
    named = {route for route, what in duties.ROUTES.items() if what.fresh}

    assert set(SENSITIVE) >= {each for each in named if each in _routes_of(house)}


def _routes_of(house: House) -> set[str]:
    return {
        f"{method} {rule}"
        for rule in house.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_an_approval_without_a_fresh_proof_approves_nothing(house: House) -> None:
    first, second = seated(house, ADMINISTRATOR), seated(house, ADMINISTRATOR)
    clerk = seated(house, "counter-clerk")
    proposal = first.propose("staff-reset", "更换手机", account_id=account_id_of(clerk))
    house.at(STARTS_AT + 5 * MINUTE + 5 * SECOND)

    too_late = refusal(lambda: second.approve(proposal))
    still_waits = states(house)
    second.reauthenticate()
    done = second.approve(proposal)

    assert too_late == UNPROVED
    assert still_waits == {"submitted"}
    assert done["state"] == "approved"
    assert refusal(lambda: clerk.get("/me")) == ENDED


def states(house: House) -> set[str]:
    """The states of the proposals to reset somebody."""
    query = select(Approval.state).where(Approval.action == "staff-reset")
    return {state for (state,) in house.rows(query)}


def test_the_proof_is_worth_five_minutes_and_no_more(house: House) -> None:
    desk = seated(house, ADMINISTRATOR, at=STARTS_AT)
    route = "POST /v1/staff/accounts/<account_id>/activation-code"
    house.at(STARTS_AT + 20 * MINUTE)

    desk.reauthenticate()
    house.at(STARTS_AT + 25 * MINUTE - 2 * SECOND)
    within = called(house, desk, route).status_code
    house.at(STARTS_AT + 25 * MINUTE + 5 * SECOND)
    later = kind_of(called(house, desk, route))

    assert within == 404
    assert later == UNPROVED
    assert lives(desk)


def test_a_wrong_proof_is_refused_and_five_are_enough_for_a_session(house: House) -> None:
    house.at(STARTS_AT + 10 * SECOND)
    desk = seated(house, "auditor", at=ago(house, 6 * MINUTE))
    now = ago(house, timedelta())
    right = {"password": desk.password, "totp": digits(desk, now)}
    path = "/sessions/current/reauthentication"

    wrong = [
        refusal(lambda body=body: desk.post(path, body))  # type: ignore[misc]
        for body in (
            right | {"password": "another password"},
            right | {"totp": digits(desk, now, 5)},
            right | {"password": "another password", "totp": digits(desk, now, 5)},
        )
    ]
    unproved = kind_of(called(house, desk, "GET /v1/staff/audit.csv"))
    for _ in range(2):
        refusal(lambda: desk.post(path, right | {"password": "another password"}))
    locked = refusal(lambda: desk.post(path, right))

    assert wrong == [(401, "sign-in-refused")] * 3
    assert unproved == UNPROVED
    assert locked == (429, "too-many")
    assert compared(house) == 5
    assert lives(desk)
    desk.sign_in()  # the login's own tries are another count
    desk.reauthenticate()


# --- tokens ---


def test_of_a_token_its_hash_is_stored_and_of_the_credentials_nothing_legible(
    house: House,
) -> None:
    desk = an_administrator(house)
    desk.sign_in()
    code = desk.totp()
    body = {"password": desk.password, "totp": code}
    desk.post("/sessions/current/reauthentication", body)

    stored = "\n".join(row for rows in everything_stored(house).values() for row in rows)

    token = token_of(desk)
    assert repr(hashlib.sha256(token.encode()).digest()) in stored
    assert "$argon2id$" in stored
    for secret in (token, desk.password, desk.secret, f"'{code}'"):
        assert secret not in stored


def test_no_answer_but_that_of_the_sign_in_carries_the_token(house: House) -> None:
    desk = an_administrator(house)
    body = {"login": desk.login, "password": desk.password, "totp": desk.totp()}
    signed_in = ask(house, "POST", "/v1/staff/sessions", json=body)
    token = signed_in.get_json()["token"]
    desk.hold(token)

    answers = [
        ask(house, *filled(route), by=token, **({} if route.startswith("GET") else {"json": {}}))
        for route in sorted(duties.ROUTES)
        if route in _routes_of(house) and not route.endswith("sessions/current")
    ]
    desk.reauthenticate()
    answers += [ask(house, "GET", f"/v1/staff/{name}", by=token) for name in ("me", "accounts")]
    answers.append(ask(house, "DELETE", "/v1/staff/sessions/current", by=token))
    answers.append(ask(house, "GET", "/v1/staff/me", by=token))

    assert [each.status_code for each in answers[-4:]] == [200, 200, 204, 401]
    assert len({each.status_code for each in answers}) >= 4
    for answer in answers:
        assert token not in answer.data.decode() + str(answer.headers)
    assert "Set-Cookie" not in signed_in.headers
    assert all("Set-Cookie" not in each.headers for each in answers)


def filled(route: str) -> tuple[str, str]:
    """Method and path of a route, with made-up ids."""
    method, path = route.split()
    for name, value in MADE_UP.items():
        path = path.replace(f"<{name}>", value)
    return method, path


def test_the_token_of_a_worker_opens_no_desk_and_the_token_of_a_desk_no_account(
    house: House,
) -> None:
    phone, desk = house.phone(), seated(house, "auditor")
    phone.log_in()

    as_staff = ask(house, "GET", "/v1/staff/me", by=token_of(phone))
    as_worker = ask(house, "GET", "/v1/me", by=token_of(desk))

    assert kind_of(as_staff) == kind_of(as_worker) == ENDED
    assert house.rows(select(func.count()).select_from(StaffSession)) == [(1,)]
