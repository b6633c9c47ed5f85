"""What WeChat pushes is proved, opened and read; whatever else comes is refused with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from wechatpy.crypto import WeChatCrypto

from app.settings.wechat import PushSettings
from app.wechat.apiv3 import NotFromWechat
from app.wechat.push import MessagePush, PushedEvent
from sandbox import push_crypto
from sandbox.push_crypto import plain_signature, sealed_push
from sandbox.push_events import (
    Event,
    cancellation_event,
    event_text,
    popup_event,
    revoke_event,
    sent_event,
)
from tests.wechat.answering import APPID, OPENID

TOKEN, AES_KEY = "T7fQ2xLm9Rk4Vb1N", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
TEMPLATE = "BEwX0BO-T3MqK3Uc5oTU3CGBqzjpndk2jzUf7VfExd8"
EVENTS = {
    "revoke": revoke_event(OPENID, revoke_info="8"),
    "cancellation": cancellation_event(OPENID),
    "popup": popup_event(OPENID, template_id=TEMPLATE, answer="reject"),
    "sent": sent_event(OPENID, template_id=TEMPLATE, msgid=1234567890123456789),
}
Query = dict[str, str]


@pytest.fixture
def push() -> MessagePush:
    return MessagePush(PushSettings(TOKEN, AES_KEY), appid=APPID)


def a_push(
    text: str, *, form: str = "json", at_s: int = NOW_S, appid: str = APPID, **how: str
) -> tuple[Query, bytes]:
    settings = push_crypto.PushSettings(
        "", how.get("token", TOKEN), how.get("aes_key", AES_KEY), form
    )
    query, body = sealed_push(
        settings, text, openid=OPENID, appid=APPID, inner_appid=appid, at_s=at_s
    )
    return dict(parse_qsl(query)), body


def told(event: Event, form: str = "json") -> str:
    return event_text(event, appid=APPID, at_s=NOW_S, is_xml=form == "xml")


def opened(push: MessagePush, pushed: tuple[Query, bytes]) -> PushedEvent:
    return push.open(*pushed, at=NOW)


def why_not(push: MessagePush, query: Query, body: bytes) -> str:
    with pytest.raises(NotFromWechat) as refused:
        push.open(query, body, at=NOW)
    return refused.value.why


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_read_the_same_in_both_forms(push: MessagePush, form: str, name: str) -> None:
    event = EVENTS[name]

    found = opened(push, a_push(told(event, form), form=form))

    assert (found.name, found.openid) == (event.name, OPENID)
    assert found.happened_at == NOW
    listed = {"popup", "sent"}
    assert [dict(each) for each in found.items] == ([event.facts] if name in listed else [])


@pytest.mark.parametrize("form", ["json", "xml"])
def test_what_wechatpy_seals_is_opened(push: MessagePush, form: str) -> None:
    """The other direction of a library that is not ours."""
    crypto = WeChatCrypto(TOKEN, AES_KEY, APPID)
    text = told(EVENTS["popup"], form)
    sealed = crypto.encrypt_message(text, "nonce", str(NOW_S))
    signature = sealed.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
    query = {
        "encrypt_type": "aes",
        "timestamp": str(NOW_S),
        "nonce": "nonce",
        "msg_signature": signature,
    }

    assert opened(push, (query, sealed.encode())).name == "subscribe_msg_popup_event"


def test_several_entries_of_one_event_are_all_read(push: MessagePush) -> None:
    facts = json.loads(told(EVENTS["popup"]))
    facts["List"] = [facts["List"], facts["List"] | {"TemplateId": "other"}, "no entry", 7]

    found = opened(push, a_push(json.dumps(facts)))

    assert [each["TemplateId"] for each in found.items] == [TEMPLATE, "other"]


def test_a_chat_message_is_no_event(push: MessagePush) -> None:
    text = {"FromUserName": OPENID, "CreateTime": NOW_S, "MsgType": "text", "Content": "你好"}

    assert opened(push, a_push(json.dumps(text, ensure_ascii=False))).name == ""


def test_a_repeated_event_has_the_same_content_and_two_peoples_have_not(push: MessagePush) -> None:
    """The platform tells of all who take their leave under one name, perhaps in one second."""
    first, again = (opened(push, a_push(told(EVENTS["revoke"]))) for _ in range(2))
    other = opened(push, a_push(told(revoke_event("o" + "x" * 27, revoke_info="8"))))

    assert first.content_sha256 == again.content_sha256 != other.content_sha256
    assert first.signature != again.signature


def without(query: Query, name: str) -> Query:
    return {key: value for key, value in query.items() if key != name}


STRANGE_QUERIES: dict[str, Any] = {
    "nothing": lambda _: {},
    "no signature": lambda q: without(q, "msg_signature"),
    "the plain signature": lambda q: q | {"msg_signature": q["signature"]},
    "another signature": lambda q: q | {"msg_signature": "0" * 40},
    "upper case": lambda q: q | {"msg_signature": q["msg_signature"].upper()},
    "no ASCII": lambda q: q | {"msg_signature": "é签\ud800"},
    "no timestamp": lambda q: without(q, "timestamp"),
    "a timestamp of words": lambda q: q | {"timestamp": "yesterday"},
    "other digits": lambda q: q | {"timestamp": "１７７２４１３２００"},
    "a timestamp without end": lambda q: q | {"timestamp": "9" * 400},
    "a negative timestamp": lambda q: q | {"timestamp": "-177241320"},
    "a second later": lambda q: q | {"timestamp": str(NOW_S + 1)},
    "no nonce": lambda q: without(q, "nonce"),
    "another nonce": lambda q: q | {"nonce": "1" + q["nonce"]},
    "a long nonce": lambda q: q | {"nonce": "1" * 65},
    "a nonce of nothing": lambda q: q | {"nonce": "\0"},
    "not encrypted": lambda q: without(q, "encrypt_type"),
    "encrypted otherwise": lambda q: q | {"encrypt_type": "raw"},
}


@pytest.mark.parametrize("name", STRANGE_QUERIES)
def test_a_true_body_under_another_query_is_refused(push: MessagePush, name: str) -> None:
    query, body = a_push(told(EVENTS["revoke"]))

    assert why_not(push, STRANGE_QUERIES[name](query), body)


@pytest.mark.parametrize(("late_s", "is_fresh"), [(-301, False), (-300, True), (300, True)])
def test_a_push_is_good_for_five_minutes(push: MessagePush, late_s: int, is_fresh: bool) -> None:
    query, body = a_push(told(EVENTS["revoke"]), at_s=NOW_S + late_s)

    if is_fresh:
        assert opened(push, (query, body)).openid == OPENID
    else:
        assert why_not(push, query, body) == "stale"


@pytest.mark.parametrize(
    "how",
    [
        {"token": "another-token"},
        {"aes_key": AES_KEY[::-1]},
        {"appid": "wx0123456789abcdef"},
        {"appid": ""},
    ],
)
def test_what_is_sealed_with_other_secrets_is_refused(
    push: MessagePush, how: dict[str, str]
) -> None:
    assert why_not(push, *a_push(told(EVENTS["revoke"]), **how))


ENTITIES = '<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a "{}">]><xml><Encrypt>&a;</Encrypt></xml>'
GARBAGE = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "no Encrypt": b"{}",
    "Encrypt is a number": b'{"Encrypt": 1}',
    "Encrypt is an object": b'{"Encrypt": {}}',
    "Encrypt is not ASCII": '{"Encrypt": "密"}'.encode(),
    "cut off": b'{"Encrypt": "',
    "deep": b"[" * 10_000,
    "deep objects": b'{"a":' * 10_000,
    "a long number": b'{"Encrypt": ' + b"9" * 5_000 + b"}",
    "no UTF-8": b"\xff\xfe",
    "a NUL": b"\0",
    "no XML": b"<",
    "XML cut off": b"<xml><Encrypt>",
    "another root": b"<html><Encrypt>a</Encrypt></html>",
    "no element": b"<xml/>",
    "two Encrypts": b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
    "deep XML": b"<xml>" * 10_000,
    "an entity": ENTITIES.format("text").encode(),
    "a file": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    b"<xml><Encrypt>&a;</Encrypt></xml>",
    "an address": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><xml><Encrypt>a</Encrypt></xml>',
    "laughs": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    b"<xml><Encrypt>&b;</Encrypt></xml>",
    "UTF-16": '<!DOCTYPE x [<!ENTITY a "b">]><xml/>'.encode("utf-16"),
    "another encoding": b'<?xml version="1.0" encoding="latin-9"?>'
    b"<xml><Encrypt>\xe9</Encrypt></xml>",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_no_garbage_is_taken_for_an_envelope(push: MessagePush, name: str) -> None:
    query, _ = a_push(told(EVENTS["revoke"]))

    assert why_not(push, query, GARBAGE[name])


@pytest.mark.parametrize("sealed", ["", "a", "====", "A" * 64, "A" * 65, "A" * 24, "/" * 4_096])
def test_no_garbage_under_a_right_signature_is_opened(push: MessagePush, sealed: str) -> None:
    """Somebody who knows the token and not the key; and wechatpy fails on each in its own way."""
    signature = plain_signature(TOKEN, str(NOW_S), "1", sealed)
    query = {
        "encrypt_type": "aes",
        "timestamp": str(NOW_S),
        "nonce": "1",
        "msg_signature": signature,
    }

    assert why_not(push, query, json.dumps({"Encrypt": sealed}).encode())


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "[]", "{}", "{", "[" * 10_000, "<", "<xml/>", "<a><b/></a>"),
        ENTITIES.format("text"),
        '{"MsgType": "event", "Event": "x", "CreateTime": 1772413200}',
        '{"MsgType": "event", "Event": "x", "FromUserName": "o\\u0000", "CreateTime": 1772413200}',
        '{"MsgType": "event", "Event": "\\ud800", "FromUserName": "o", "CreateTime": 1772413200}',
        '{"MsgType": "event", "Event": 7, "FromUserName": "o", "CreateTime": 1772413200}',
        '{"MsgType": "event", "Event": "x", "FromUserName": {}, "CreateTime": 1772413200}',
        '{"MsgType": "event", "Event": "x", "FromUserName": "o", "CreateTime": "soon"}',
        '{"MsgType": "event", "Event": "x", "FromUserName": "o", "CreateTime": 1e400}',
        '{"MsgType": "event", "Event": "x", "FromUserName": "o"}',
    ],
)
def test_no_garbage_under_the_seal_is_an_event(push: MessagePush, text: str) -> None:
    assert why_not(push, *a_push(text))


def an_echo(at_s: int = NOW_S, token: str = TOKEN, echostr: str = "4375120948345356249") -> Query:
    query = push_crypto.echo_query(token, echostr=echostr, at_s=at_s)
    return dict(parse_qsl(query))


def test_the_echo_comes_back(push: MessagePush) -> None:
    assert push.echo(an_echo(), at=NOW) == "4375120948345356249"


@pytest.mark.parametrize(
    "query",
    [
        {},
        an_echo(token="another-token"),
        an_echo(at_s=NOW_S - 301),
        an_echo(echostr="<script>alert(1)</script>"),
        an_echo(echostr="9" * 129),
        without(an_echo(), "echostr"),
        without(an_echo(), "signature"),
    ],
)
def test_nothing_else_is_echoed(push: MessagePush, query: Query) -> None:
    with pytest.raises(NotFromWechat):
        push.echo(query, at=NOW)


def test_the_reader_shows_no_secret() -> None:
    assert TOKEN not in repr(PushSettings(TOKEN, AES_KEY))
    assert AES_KEY not in repr(PushSettings(TOKEN, AES_KEY))
