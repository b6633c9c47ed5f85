"""S4: a worker's WeChat login code is good for one try here, whatever WeChat would still take."""

from __future__ import annotations

from collections import Counter

import requests
from sqlalchemy import func, select

from app.models import MemberSession
from tests.api.asking import ask, everything_stored
from tests.house import House, at_once
from tests.scenarios.building import refused


def test_a_login_code_works_once_and_not_after_five_minutes(house: House) -> None:
    phone = house.phone()
    code, stale = phone.wechat.login_code(), phone.wechat.login_code()

    first = phone.post("/v1/sessions", {"code": code})
    again = refused(phone.post, "/v1/sessions", {"code": code})
    house.at("2026-03-02T09:06:00")
    late = refused(phone.post, "/v1/sessions", {"code": stale})
    late_again = refused(phone.post, "/v1/sessions", {"code": stale})

    assert first["expires_at"].startswith("2026-04-01T")
    assert (again.status, again.kind) == (401, "login-code-used")
    assert late.kind == "wechat-code-refused"
    assert late_again.kind == "login-code-used"


def test_twenty_logins_with_one_code_at_once_give_one_session(house: House) -> None:
    phone = house.phone()
    body = {"code": phone.wechat.login_code()}

    answers = at_once(
        20, lambda _: requests.post(f"{house.api}/v1/sessions", json=body, timeout=30).status_code
    )

    assert Counter(answers) == {201: 1, 401: 19}
    assert house.rows(select(func.count()).select_from(MemberSession)) == [(1,)]


def test_a_code_is_refused_the_second_time_even_where_wechat_would_take_it(house: House) -> None:
    """WeChat was away at the first try, so that to WeChat the code is as new."""
    phone = house.phone()
    code = phone.wechat.login_code()

    with away(house):
        first = ask(house, "POST", "/v1/sessions", json={"code": code})
    house.forget_calls()
    again = refused(phone.post, "/v1/sessions", {"code": code})

    assert first.status_code == 503
    assert (again.status, again.kind) == (401, "login-code-used")
    assert house.calls() == {}
    assert openid_by_wechat(house, code) == phone.wechat.openid
    assert house.rows(select(func.count()).select_from(MemberSession)) == [(0,)]


class away:  # noqa: N801 - reads as a sentence in a with statement
    """WeChat answers nothing the service can use."""

    def __init__(self, house: House) -> None:
        self._switch = house._wechat

    def __enter__(self) -> None:
        self._sandbox, self._switch._sandbox = self._switch._sandbox, None

    def __exit__(self, *_: object) -> None:
        self._switch._sandbox = self._sandbox


def openid_by_wechat(house: House, code: str) -> str | None:
    """Whom WeChat would name for the code, asked with the service's own app id and secret."""
    mini = house.app.extensions["lingcun-settings"].mini_program
    query = {
        "appid": mini.appid,
        "secret": mini.app_secret,
        "js_code": code,
        "grant_type": "authorization_code",
    }
    answer = requests.get(f"{house.sandbox}/sns/jscode2session", params=query, timeout=30).json()
    found: str | None = answer.get("openid")
    return found


def test_a_code_is_stored_nowhere_whether_it_opened_a_session_or_not(house: House) -> None:
    phone = house.phone()
    good, unused, made_up = phone.wechat.login_code(), phone.wechat.login_code(), "f" * 32

    with away(house):
        lost = ask(house, "POST", "/v1/sessions", json={"code": unused})
    answers = [ask(house, "POST", "/v1/sessions", json={"code": each}) for each in (good, made_up)]
    stored = "\n".join(row for rows in everything_stored(house).values() for row in rows)

    assert [each.status_code for each in (lost, *answers)] == [503, 201, 422]
    assert len(everything_stored(house)["used_login_code"]) == 3
    assert [each for each in (good, unused, made_up) if each in stored] == []
    assert phone.wechat.openid not in stored
