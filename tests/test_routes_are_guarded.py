"""Deny by default (S1, S3): every route says who may call it, and holds everybody else out."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app import create_app
from app.api import health
from app.api.documentation import views
from sandbox.desk import Desk
from sandbox.phone import Phone
from tests.api.asking import (
    Route,
    another_app,
    ask,
    everything_stored,
    on_sqlite_alone,
    problem_of,
    routes,
    token_of,
    without_id,
)
from tests.house import STARTS_AT, House
from tests.office import back, seated

# Who needs nobody's leave. A route is written down here before it may stand open.
PUBLIC = {
    "sessions.log_in",
    "staff-sessions.sign_in",
    "staff-sessions.activate",
    "public-agreements.verify",
    "public-notifications.templates",
    "public-policy.policy_in_force",
    "health.alive",
    "health.ready",
    "api-docs.openapi_json",
    "api-docs.openapi_swagger_ui",
    "swagger_dist.static",
}
NOT_A_TOKEN = (
    "",
    "Bearer",
    "Bearer ",
    "Bearer short",
    "Bearer " + "x" * 5_000,
    "Bearer 令牌令牌令牌令牌令牌令牌令牌令牌令牌令牌令牌",
    "Basic dXNlcjpwYXNzd29yZA==",
    "Token " + "x" * 43,
    "x" * 43,
    "null",
)


@on_sqlite_alone
def test_every_route_declares_its_guard_and_the_open_ones_are_listed(house: House) -> None:
    guards = {each.endpoint: each.guard for each in routes(house)}

    assert {name for name, guard in guards.items() if guard == "public"} == PUBLIC
    assert {name for name, guard in guards.items() if guard == "wechat-signature"} == {
        "notices.payment_notice"
    }
    assert {name for name, guard in guards.items() if guard == "wechat-push-signature"} == {
        "notices.message_push",
        "notices.message_push_echo",
    }
    assert set(guards.values()) == {
        *("public", "member", "staff"),
        *("wechat-signature", "wechat-push-signature"),
    }


@on_sqlite_alone
def test_a_route_without_a_guard_stops_the_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded = views("health", prefix="", description="")
    unguarded.add_url_rule("/open-by-mistake", "forgotten", lambda: "anybody reads this")
    monkeypatch.setattr(health, "blueprint", unguarded)

    with pytest.raises(RuntimeError, match=r"without a declared guard: health\.forgotten"):
        create_app(house.app.extensions["lingcun-settings"])


@on_sqlite_alone
def test_a_route_that_slipped_past_the_start_does_not_run(house: House) -> None:
    with another_app(house) as app:
        app.add_url_rule("/slipped-in", "slipped-in", lambda: "anybody reads this")

        answer = app.test_client().get("/slipped-in")

    assert answer.status_code == 404
    assert b"anybody" not in answer.data


def test_every_route_that_is_somebodys_asks_for_a_token(house: House) -> None:
    house.depositor()
    seated(house, "auditor")
    before = everything_stored(house)

    answers = [
        ask(house, route.method, route.path(), headers={"Authorization": header})
        for route in held_routes(house)
        for header in NOT_A_TOKEN
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert all_alike(answers)
    assert problem_of(answers[0])["type"] == "/problems/unauthenticated"
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    assert everything_stored(house) == before


def test_every_route_treats_all_dead_tokens_alike(house: House) -> None:
    """Whether a token ever lived, ran out, was ended, or is another house's is nobody's business.

    A worker's token opens nothing of the staff's, and theirs nothing of his.
    """
    expired, ended = house.phone(), house.phone()
    expired.log_in()
    house.at(STARTS_AT + timedelta(days=30, minutes=5))
    ended.log_in()
    ended.call("DELETE", "/v1/sessions/current")
    worker, desk = house.phone(), seated(house, "security-administrator")
    idle = seated(house, "reviewer", at=house.at(STARTS_AT + timedelta(days=30, minutes=5)))
    gone = seated(house, "reviewer")
    ask(house, "DELETE", "/v1/staff/sessions/current", by=gone)
    house.at(STARTS_AT + timedelta(days=30, minutes=36))
    worker.log_in()
    desk = back(house, desk)
    dead: dict[str, Phone | Desk | str] = {
        "expired": expired,
        "ended": ended,
        "idle": idle,
        "gone": gone,
    }
    dead["made up"] = "x" * 43
    of_others: dict[str, Phone | Desk] = {"member": desk, "staff": worker}

    answers = {
        (str(route), kind): ask(house, route.method, route.path(), by=token)
        for route in held_routes(house)
        for kind, token in {**dead, "other": of_others[route.guard]}.items()
    }

    assert {each.status_code for each in answers.values()} == {401}
    assert all_alike(list(answers.values()))
    assert len(answers) > 6 * 50
    assert ask(house, "GET", "/v1/me", by=worker).status_code == 200
    assert ask(house, "GET", "/v1/staff/me", by=desk).status_code == 200


def test_a_token_lives_thirty_days_and_not_a_second_longer(house: House) -> None:
    code = house.phone().wechat.login_code()
    session = ask(house, "POST", "/v1/sessions", json={"code": code}).get_json()
    ends_at = datetime.fromisoformat(session["expires_at"])

    house.at(ends_at - timedelta(minutes=5))
    still = ask(house, "GET", "/v1/me", by=session["token"]).status_code
    house.at(ends_at + timedelta(seconds=1))
    after = ask(house, "GET", "/v1/me", by=session["token"]).status_code

    assert (still, after) == (200, 401)
    assert timedelta(days=30) <= ends_at - STARTS_AT < timedelta(days=30, minutes=5)


def test_the_guard_comes_before_the_body_is_read(house: House) -> None:
    """Whoever is nobody learns nothing about fields, ids or steps."""
    answers = [
        ask(house, route.method, route.path(), data=b"{" * 100) for route in held_routes(house)
    ]

    assert {answer.status_code for answer in answers} == {401}


def test_a_token_brought_along_is_not_taken_over(house: House) -> None:
    """Session fixation (S3): the token is ours, new at each login, and set in no cookie."""
    phone = house.phone()
    chosen = "attacker-chosen-token-attacker-chosen-token"
    brought = {"Authorization": f"Bearer {chosen}", "Cookie": f"session={chosen}; token={chosen}"}

    answers = [
        ask(
            house, "POST", "/v1/sessions", json={"code": phone.wechat.login_code()}, headers=brought
        )
        for _ in range(2)
    ]

    tokens = [answer.get_json()["token"] for answer in answers]
    assert len({chosen, *tokens}) == 3
    assert all(len(token) >= 43 for token in tokens)
    assert all("Set-Cookie" not in answer.headers for answer in answers)
    assert ask(house, "GET", "/v1/me", by=chosen).status_code == 401
    assert ask(house, "GET", "/v1/me", headers={"Cookie": brought["Cookie"]}).status_code == 401


def test_a_token_is_read_from_its_header_alone(house: House) -> None:
    phone = house.phone()
    phone.log_in()
    token = token_of(phone)

    elsewhere = [
        ask(house, "GET", f"/v1/me?token={token}&access_token={token}"),
        ask(house, "GET", "/v1/me", headers={"X-Auth-Token": token, "Cookie": f"token={token}"}),
        ask(house, "GET", "/v1/me", json={"token": token}),
        ask(house, "GET", "/v1/me", headers={"X-User-ID": "1", "X-Forwarded-User": "1"}),
    ]

    assert {answer.status_code for answer in elsewhere} == {401}
    assert ask(house, "GET", "/v1/me", by=token).status_code == 200


def test_logging_out_ends_one_phone_and_no_other(house: House) -> None:
    phone = house.phone()
    phone.log_in()
    first = token_of(phone)
    phone.log_in()
    second = token_of(phone)

    ended = ask(house, "DELETE", "/v1/sessions/current", by=first)

    assert ended.status_code == 204
    assert ask(house, "GET", "/v1/me", by=first).status_code == 401
    assert ask(house, "GET", "/v1/me", by=second).status_code == 200


def test_no_token_and_no_login_code_is_stored(house: House) -> None:
    phone = house.phone()
    code = phone.wechat.login_code()
    token = ask(house, "POST", "/v1/sessions", json={"code": code}).get_json()["token"]

    stored = "\n".join(row for rows in everything_stored(house).values() for row in rows)

    assert repr(hashlib.sha256(token.encode()).digest()) in stored
    assert repr(hashlib.sha256(code.encode()).digest()) not in stored
    assert token not in stored
    assert code not in stored


def test_a_login_code_works_once_whatever_became_of_it(house: House) -> None:
    """S4: a second try is refused here, and WeChat is not asked again."""
    phone = house.phone()
    code = phone.wechat.login_code()
    first = ask(house, "POST", "/v1/sessions", json={"code": code})
    house.forget_calls()

    again = [ask(house, "POST", "/v1/sessions", json={"code": code}) for _ in range(3)]

    assert first.status_code == 201
    assert {answer.status_code for answer in again} == {401}
    assert problem_of(again[0])["type"] == "/problems/login-code-used"
    assert house.calls() == {}


@on_sqlite_alone
def test_a_nearly_right_and_a_wrong_token_take_the_same_time(house: House) -> None:
    """S13, S14: the token is looked up by its hash; how much of it is right cannot be measured."""
    phone = house.phone()
    phone.log_in()
    good = token_of(phone)
    nearly = good[:-1] + ("A" if good[-1] != "A" else "B")

    best_s = {nearly: 9.9, "x" * 43: 9.9}
    for token in [*best_s] * 60:  # in turns, and the best of each: other work only adds
        begun = time.perf_counter()
        ask(house, "GET", "/v1/me", by=token)
        best_s[token] = min(best_s[token], time.perf_counter() - begun)

    first, second = best_s.values()
    assert abs(first - second) < 0.005


def held_routes(house: House) -> list[Route]:
    """Every route that asks for a session: a worker's, or a member of staff's."""
    return [each for each in routes(house) if each.guard in ("member", "staff")]


def all_alike(answers: list[TestResponse]) -> bool:
    """Whether nobody could tell these refusals apart."""
    first: Any = without_id(answers[0])
    return all(without_id(answer) == first for answer in answers)
