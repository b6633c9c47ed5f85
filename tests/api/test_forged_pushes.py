"""What WeChat did not just push has no effect at all, at the door of messages (S15, S18)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app import clock
from app.models import MemberSession, PushedMessage
from sandbox.phone import Phone
from sandbox.push_crypto import echo_query
from sandbox.push_events import EVENTS, cancellation_event, popup_event, revoke_event
from tests.api.asking import ask, everything_stored, on_sqlite_alone, problem_of
from tests.api.test_exposure import said_to
from tests.house import STARTS_AT, House
from tests.pushes import PATH, a_push, all_taken, push_settings, send, switch_on
from tests.short_cuts import a_phone
from tests.wechat.test_push import GARBAGE, STRANGE_QUERIES

MAX_BODY = 256 * 1024
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"


@pytest.fixture
def phone(house: House) -> Phone:
    """Somebody whom the forged events are about."""
    found, _ = a_phone(house)
    house.forget_calls()
    return found


def test_every_forged_push_is_refused_and_leaves_no_trace(house: House, phone: Phone) -> None:
    event = revoke_event(phone.wechat.openid, revoke_info="8")
    true = a_push(house, event)
    before = everything_stored(house)
    forged: dict[str, Any] = {
        "another token": a_push(house, event, token="anothertoken"),
        "another key": a_push(house, event, encoding_aes_key=AES_KEY),
        "another app inside": a_push(house, event, inner_appid="wx0123456789abcdef"),
        "no app inside": a_push(house, event, inner_appid=""),
        "of five minutes ago": a_push(house, event, late_s=-310),
        "of the future": a_push(house, event, late_s=310),
        "no event inside": a_push(house, "{}"),
        "half an event inside": a_push(house, '{"Event": '),
        "an entity inside": a_push(house, '<!DOCTYPE x [<!ENTITY a "b">]><xml/>', form="xml"),
        **{f"body: {name}": (true[0], body) for name, body in GARBAGE.items()},
        **{
            f"query: {name}": (change(true[0]), true[1])
            for name, change in STRANGE_QUERIES.items()
            if name != "no ASCII"  # no query on the wire holds that
        },
        "long": (true[0], b"{" + b" " * (MAX_BODY - 2)),
    }

    answers = {name: send(house, pushed) for name, pushed in forged.items()}

    assert {name: each for name, each in answers.items() if not is_refusal(each)} == {}
    assert everything_stored(house) == before
    assert house.calls() == {}
    assert phone.get("/v1/me")["name_masked"]


@pytest.mark.parametrize("form", ["json", "xml"])
def test_the_sandboxs_own_forgeries_are_refused(house: House, phone: Phone, form: str) -> None:
    switch_on(house, form)
    before = everything_stored(house)

    answers = {
        (kind, event): phone.wechat.play(
            f"users/{phone.wechat.user_id}/forge-push", {"kind": kind, "event": event}
        )["status"]
        for kind in ("signature", "other-appid")
        for event in EVENTS
    }

    assert set(answers.values()) == {401}
    assert everything_stored(house) == before


def test_the_same_push_unspoilt_is_taken_and_its_replay_is_not(house: House, phone: Phone) -> None:
    """Or the tests above would show nothing."""
    pushed = a_push(house, cancellation_event(phone.wechat.openid))

    first = send(house, pushed)
    before = everything_stored(house)
    again = send(house, pushed)

    assert (first.status_code, first.data) == (200, b"success")
    assert first.content_type == "text/plain; charset=utf-8"
    assert is_refusal(again)
    assert everything_stored(house) == before
    assert house.rows(select(PushedMessage.outcome)) == [("erasure-due",)]
    assert house.calls() == {}


def test_an_event_that_comes_again_sealed_anew_is_one_event(house: House, phone: Phone) -> None:
    """WeChat tries three times more where it heard no answer."""
    house.at(STARTS_AT)
    event = cancellation_event(phone.wechat.openid)
    text = json.dumps(
        {
            "FromUserName": "o" * 28,
            "OpenID": event.openid,
            "MsgType": "event",
            "Event": event.name,
            "CreateTime": int(clock.now().timestamp()),
        }
    )

    answers = [send(house, a_push(house, text)).data for _ in range(3)]

    assert answers == [b"success"] * 3
    assert house.rows(select(func.count()).select_from(PushedMessage)) == [(1,)]
    reasons = select(MemberSession.end_reason).where(MemberSession.end_reason.is_not(None))
    assert house.rows(reasons) == [("wechat-account-cancelled",)]


@on_sqlite_alone
def test_what_is_not_ours_is_answered_success_and_counted_in_the_log(
    house: House, phone: Phone, tmp_path: Path
) -> None:
    head = {"FromUserName": phone.wechat.openid, "CreateTime": int(clock.now().timestamp())}
    others = (
        {"MsgType": "text", "Content": "我的余额是多少？"},
        {"MsgType": "event", "Event": "wxa_media_check", "trace_id": "1"},
    )
    before = everything_stored(house)

    with said_to(tmp_path) as log_file:
        answers = [send(house, a_push(house, json.dumps(head | each))) for each in others]

    assert [(each.status_code, each.data) for each in answers] == [(200, b"success")] * 2
    assert everything_stored(house) == before
    said = log_file.read_text("utf-8")
    lines = [json.loads(line) for line in said.splitlines()]
    counted = [
        (line["event_name"], line["outcome"]) for line in lines if line["event"] == "message-push"
    ]
    assert counted == [("no-event", "not-ours"), ("wxa_media_check", "not-ours")]
    assert "余额" not in said
    assert phone.wechat.openid not in said


def test_an_event_about_somebody_unknown_is_kept_and_changes_nothing(house: House) -> None:
    stranger = "o" + "x" * 27
    events = (
        revoke_event(stranger, revoke_info="8"),
        popup_event(stranger, template_id="T" * 43, answer="accept"),
    )

    answers = [send(house, a_push(house, each)).data for each in events]

    assert answers == [b"success"] * 2
    assert house.rows(select(PushedMessage.outcome)) == [("nobody",)] * 2


@on_sqlite_alone
def test_entries_out_of_form_are_passed_over(house: House, phone: Phone) -> None:
    for bad in ({"TemplateId": "x" * 99}, {"TemplateId": "\0"}, {"SubscribeStatusString": "maybe"}):
        event = popup_event(phone.wechat.openid, template_id="T" * 43, answer="accept")
        spoilt = type(event)(event.name, event.openid, event.facts | bad)
        assert send(house, a_push(house, spoilt)).data == b"success"

    stored = everything_stored(house)

    assert stored["message_permission"] == []
    assert len(stored["pushed_message"]) == 3


def test_the_echo_is_answered_to_wechat_alone(house: House) -> None:
    token, at_s = push_settings(house).token, int(clock.now().timestamp())
    good = dict(parse_qsl(echo_query(token, echostr="123456789", at_s=at_s)))
    spoilt = [
        good | {"signature": "0" * 40},
        good | {"timestamp": str(at_s - 400)},
        good | {"echostr": "<b>"},
        {},
    ]

    answer = ask(house, "GET", f"{PATH}?{urlencode(good)}")
    refused = [ask(house, "GET", f"{PATH}?{urlencode(query)}") for query in spoilt]

    assert (answer.status_code, answer.data) == (200, b"123456789")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert all(is_refusal(each) for each in refused)


def test_no_session_opens_the_door_of_messages(house: House, phone: Phone) -> None:
    assert is_refusal(ask(house, "POST", PATH, by=phone, json={"Encrypt": "x"}))


def test_a_push_above_the_limit_is_not_read(house: House) -> None:
    before = everything_stored(house)

    assert ask(house, "POST", PATH, data=b"x" * (MAX_BODY + 1)).status_code == 413
    assert everything_stored(house) == before


@pytest.mark.parametrize("form", ["json", "xml"])
def test_wechat_itself_gets_through(house: House, phone: Phone, form: str) -> None:
    switch_on(house, form)

    phone.wechat.play(f"users/{phone.wechat.user_id}/revoke-authorization")

    assert [each["statuses"] for each in all_taken(house)] == [[200]]
    assert ask(house, "GET", "/v1/me", by=phone).status_code == 401


def is_refusal(answer: TestResponse) -> bool:
    """Whether this is the one refusal of messages."""
    return answer.status_code == 401 and problem_of(answer)["type"] == "/problems/message-forged"
