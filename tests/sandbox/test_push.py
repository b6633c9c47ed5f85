"""Events that WeChat pushes, read by wechatpy's crypto, which is not ours."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import pytest
import requests
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.utils import check_signature

from tests.sandbox.merchant import Merchant, Phone
from tests.sandbox.push_app import AES_KEY, TEMPLATE, TOKEN, App, Pushed, listening


@pytest.fixture
def app() -> Iterator[App]:
    with listening() as found:
        yield found


def _configured(phone: Phone, app: App, form: str = "json", **changes: Any) -> requests.Response:
    body = {"url": app.url, "token": TOKEN, "encoding_aes_key": AES_KEY, "format": form}
    return phone.control("PUT", "/push", body | changes)


def _opened(merchant: Merchant, pushed: Pushed) -> str:
    """The event as wechatpy reads it; raises what wechatpy raises."""
    query, body = pushed
    crypto = WeChatCrypto(TOKEN, AES_KEY, merchant.env["WECHAT_APPID"])
    outer = body.decode() if body.startswith(b"<") else json.loads(body)
    check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])
    return str(
        crypto.decrypt_message(outer, query["msg_signature"], query["timestamp"], query["nonce"])
    )


def _subscribed(phone: Phone, **asked: Any) -> None:
    made = {"template_id": TEMPLATE, "title": "到账通知", "fields": ["thing1"]}
    phone.control("PUT", "/templates", {"templates": [made]})
    assert phone.does("subscribe", template_id=TEMPLATE, **asked).status_code == 200


def _sent(merchant: Merchant, phone: Phone) -> str:
    grant = {
        "grant_type": "client_credential",
        "appid": merchant.env["WECHAT_APPID"],
        "secret": merchant.env["WECHAT_APP_SECRET"],
    }
    token = requests.post(f"{merchant.base}/cgi-bin/stable_token", json=grant, timeout=10).json()
    message = {
        "touser": phone.openid,
        "template_id": TEMPLATE,
        "data": {"thing1": {"value": "到账"}},
        "miniprogram_state": "formal",
        "lang": "zh_CN",
    }
    url = f"{merchant.base}/cgi-bin/message/subscribe/send?access_token={token['access_token']}"
    return str(requests.post(url, json=message, timeout=10).json()["msgid"])


@pytest.mark.parametrize(
    ("act", "event"),
    [
        ("revoke-authorization", "user_authorization_revoke"),
        ("cancel-account", "user_authorization_cancellation"),
    ],
)
def test_what_a_user_took_back_is_pushed_in_json(
    merchant: Merchant, phone: Phone, app: App, act: str, event: str
) -> None:
    _configured(phone, app)

    told = phone.does(act).json()

    pushed = app.wait_for(1)[0]
    facts = json.loads(_opened(merchant, pushed))
    assert told["event"] == event
    assert (facts["MsgType"], facts["Event"]) == ("event", event)
    assert (facts["OpenID"], facts["AppID"]) == (phone.openid, merchant.env["WECHAT_APPID"])
    assert facts["FromUserName"] != phone.openid
    assert abs(facts["CreateTime"] - time.time()) < 60
    assert facts.get("RevokeInfo") == ("8" if event.endswith("revoke") else None)
    assert facts["ToUserName"] == json.loads(pushed[1])["ToUserName"]
    assert pushed[0]["encrypt_type"] == "aes"
    assert pushed[0]["openid"] == phone.openid


def test_what_a_user_took_back_is_pushed_in_xml(merchant: Merchant, phone: Phone, app: App) -> None:
    _configured(phone, app, "xml")

    phone.does("revoke-authorization", revoke_info="6,8")

    root = ET.fromstring(_opened(merchant, app.wait_for(1)[0]))  # noqa: S314 - our own
    assert root.findtext("Event") == "user_authorization_revoke"
    assert root.findtext("OpenID") == phone.openid
    assert root.findtext("RevokeInfo") == "6,8"


@pytest.mark.parametrize("answer", ["accept", "reject"])
def test_the_answer_in_the_pop_up_is_pushed(
    merchant: Merchant, phone: Phone, app: App, answer: str
) -> None:
    _configured(phone, app)

    _subscribed(phone, answer=answer)

    facts = json.loads(_opened(merchant, app.wait_for(1)[0]))
    assert facts["Event"] == "subscribe_msg_popup_event"
    assert facts["FromUserName"] == phone.openid
    assert facts["List"] == {
        "TemplateId": TEMPLATE,
        "SubscribeStatusString": answer,
        "PopupScene": "0",
    }


def test_a_message_that_arrived_is_pushed_with_its_number(
    merchant: Merchant, phone: Phone, app: App
) -> None:
    _subscribed(phone)
    _configured(phone, app, "xml")

    msgid = _sent(merchant, phone)

    root = ET.fromstring(_opened(merchant, app.wait_for(1)[0]))  # noqa: S314 - our own
    listed = root.find("SubscribeMsgSentEvent/List")
    assert root.findtext("Event") == "subscribe_msg_sent_event"
    assert listed is not None
    assert {each.tag: each.text for each in listed} == {
        "TemplateId": TEMPLATE,
        "MsgID": msgid,
        "ErrorCode": "0",
        "ErrorStatus": "success",
    }


def test_nothing_is_pushed_before_somebody_says_where_or_after_he_took_it_back(
    phone: Phone, app: App
) -> None:
    phone.does("revoke-authorization")
    _configured(phone, app)
    phone.control("PUT", "/push", {})
    phone.does("revoke-authorization")
    time.sleep(0.4)

    assert app.came == []
    told = phone.control("GET", "/push").json()
    assert "url" not in told
    assert [each["is_delivered"] for each in told["events"]] == [False, False]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"token": "no"}, 400),
        ({"encoding_aes_key": "a" * 42}, 400),
        ({"format": "yaml"}, 400),
        ({"url": "localhost"}, 400),
        ({"url": "https://push.example.com/"}, 409),
    ],
)
def test_settings_out_of_form_are_refused(
    phone: Phone, app: App, changes: dict[str, str], status: int
) -> None:
    assert _configured(phone, app, **changes).status_code == status
    assert "url" not in phone.control("GET", "/push").json()


def test_a_url_that_does_not_echo_is_refused_unless_nobody_asks_it(phone: Phone, app: App) -> None:
    app.echoes = False

    refused = _configured(phone, app)
    taken = _configured(phone, app, verify=False)

    assert (refused.status_code, refused.json()["error"]) == (409, "url-unverified")
    assert taken.json() == {"url": app.url, "format": "json", "events": []}


def test_an_event_comes_again_five_seconds_apart_until_success(
    merchant: Merchant, phone: Phone, app: App
) -> None:
    app.answers = ["fail", ""]
    _configured(phone, app)

    phone.does("revoke-authorization")
    app.wait_for(1)
    time.sleep(0.4)
    early = len(app.came)
    for heard, offset_s in ((2, 6), (3, 12)):
        phone.control("PUT", "/clock", {"offset_s": offset_s})
        app.wait_for(heard)
        time.sleep(0.05)  # the answer has to reach the books
    phone.control("PUT", "/clock", {"offset_s": 100})
    time.sleep(0.4)

    assert early == 1
    assert len(app.came) == 3
    texts = {_opened(merchant, pushed) for pushed in app.came}
    assert len(texts) == 1
    assert len({query["nonce"] for query, _ in app.came}) == 3
    (event,) = phone.control("GET", "/books").json()["push_events"]
    assert (event["statuses"], event["is_delivered"]) == ([200, 200, 200], True)


def test_an_event_nobody_takes_comes_four_times(phone: Phone, app: App) -> None:
    app.answers = ["fail"] * 9
    _configured(phone, app)
    phone.does("revoke-authorization")

    for heard in range(1, 7):
        app.wait_for(min(heard, 4))
        time.sleep(0.05)
        phone.control("PUT", "/clock", {"offset_s": heard * 6})
    time.sleep(0.4)

    assert len(app.came) == 4


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [("signature", InvalidSignatureException), ("other-appid", InvalidAppIdException)],
)
@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize(
    "event",
    [
        "user_authorization_revoke",
        "user_authorization_cancellation",
        "subscribe_msg_popup_event",
        "subscribe_msg_sent_event",
    ],
)
def test_a_forged_push_is_refused_by_a_reader_that_is_not_ours(
    merchant: Merchant, phone: Phone, app: App, kind: str, refusal: type[Exception], form: str,
    event: str,
) -> None:  # fmt: skip
    _configured(phone, app, form)

    answer = phone.does("forge-push", kind=kind, event=event)

    assert answer.json() == {"status": 200, "body": "success"}
    with pytest.raises(refusal):
        _opened(merchant, app.came[0])
    assert phone.control("GET", "/push").json()["events"] == []


def test_a_replay_is_the_old_event_to_the_byte(merchant: Merchant, phone: Phone, app: App) -> None:
    _configured(phone, app)
    asked = {"kind": "replay", "event": "user_authorization_revoke"}
    none_yet = phone.does("forge-push", **asked)
    phone.does("revoke-authorization")
    app.wait_for(1)
    time.sleep(0.05)  # the answer has to reach the books

    phone.does("forge-push", **asked)
    path = f"/users/{phone.user_id}/forge-push?send=false"
    shown = phone.control("POST", path, asked).json()

    assert (none_yet.status_code, none_yet.json()["error"]) == (409, "event-none")
    assert app.came[0] == app.came[1]
    assert (dict(parse_qsl(shown["query"])), shown["body"].encode()) == app.came[0]
    assert _opened(merchant, app.came[1])


def test_an_unknown_forgery_is_refused(phone: Phone, app: App) -> None:
    _configured(phone, app)

    answer = phone.does("forge-push", kind="magic", event="user_authorization_revoke")

    assert (answer.status_code, answer.json()["error"]) == (400, "kind-unknown")
