"""The mini-program's gateway: against the sandbox as a contract, and against bad WeChats."""

from __future__ import annotations

from typing import Any

import pytest

from app.db import NetworkInsideTransaction, transaction
from app.wechat.faults import WechatCodeRefused, WechatUnavailable
from app.wechat.miniprogram import FACE_PASSED, MiniProgram, cert_hash
from tests.wechat.answering import (
    APP_SECRET,
    APPID,
    OPENID,
    Answering,
    Reply,
    chain_of,
    mini_program_settings,
)
from tests.wechat.conftest import Sandboxed

LOGIN = "/sns/jscode2session"
TOKEN = "/cgi-bin/stable_token"
PHONE = "/wxa/business/getuserphonenumber"
FACE = "/cityservice/face/identify/getverifyid"
RESULT = "/cityservice/face/identify/queryverifyinfo"

PERSON = {"name": "张三", "id_number": "330501199001011236"}
A_TOKEN = "tokentokentoken-1"


def a_token(value: str = A_TOKEN, **how: Any) -> Reply:
    return Reply.of({"access_token": value, "expires_in": 7200, **how})


def a_phone(number: str = "13800138000", appid: str = APPID) -> Reply:
    info = {"phoneNumber": number, "purePhoneNumber": number, "countryCode": "86"}
    watermark = {"timestamp": 1, "appid": appid}
    return Reply.of({"errcode": 0, "errmsg": "ok", "phone_info": info | {"watermark": watermark}})


# --- the contract, against the sandbox ---


def test_a_login_code_names_its_openid_once(sandboxed: Sandboxed) -> None:
    user = sandboxed.user()
    code = sandboxed.control("POST", f"users/{user['user_id']}/login-code")["code"]

    assert sandboxed.mini.openid_of_login_code(code) == user["openid"]
    with pytest.raises(WechatCodeRefused):
        sandboxed.mini.openid_of_login_code(code)
    with pytest.raises(WechatCodeRefused):
        sandboxed.mini.openid_of_login_code("never-issued")
    assert set(sandboxed.calls()) == {f"GET {LOGIN}"}  # no token was fetched for it


def test_a_phone_code_names_the_number_and_a_login_code_does_not(sandboxed: Sandboxed) -> None:
    user = sandboxed.user(phone="13912345678")
    code = sandboxed.control("POST", f"users/{user['user_id']}/phone-code")["code"]
    login_code = sandboxed.control("POST", f"users/{user['user_id']}/login-code")["code"]

    assert sandboxed.mini.phone_of_code(code) == "13912345678"
    for refused in (code, login_code):
        with pytest.raises(WechatCodeRefused):
            sandboxed.mini.phone_of_code(refused)


def test_a_face_check_passes_for_the_person_at_the_phone_alone(sandboxed: Sandboxed) -> None:
    user = sandboxed.user(**PERSON)
    check = {"out_seq_no": "FV000001", "openid": user["openid"], **PERSON}

    verify_id, expires_in_s = sandboxed.mini.begin_face_check(**check)
    before = sandboxed.mini.face_result(verify_id=verify_id, **check)
    sandboxed.control("POST", f"users/{user['user_id']}/face", verify_id=verify_id)
    after = sandboxed.mini.face_result(verify_id=verify_id, **check)

    assert expires_in_s == 3600
    assert before != FACE_PASSED
    assert after == FACE_PASSED
    for other in ({"name": "李四"}, {"id_number": "33050119900101124X"}, {"openid": "oother"}):
        with pytest.raises(WechatCodeRefused):
            sandboxed.mini.face_result(verify_id=verify_id, **{**check, **other})


def test_the_digest_of_a_face_check_is_the_published_one() -> None:
    digest = cert_hash(name="张三", id_number="310101199801011234")

    assert digest.startswith("3c241f7f")
    assert digest.endswith("108b")


def test_one_token_serves_many_calls(sandboxed: Sandboxed) -> None:
    user = sandboxed.user()
    for _ in range(3):
        code = sandboxed.control("POST", f"users/{user['user_id']}/phone-code")["code"]
        sandboxed.mini.phone_of_code(code)

    assert sandboxed.calls() == {f"POST {TOKEN}": 1, f"POST {PHONE}": 3}


MESSAGE = "/cgi-bin/message/subscribe/send"
TEMPLATE = "SandboxDepositCredited".ljust(43, "0")
FIELDS = {"amount1": "¥500.00", "time2": "2026年3月2日 09:30", "thing3": "已计入您的缴存余额"}


def test_a_message_goes_to_who_allowed_it_and_is_numbered(sandboxed: Sandboxed) -> None:
    user = sandboxed.user()
    told = {"openid": user["openid"], "template_id": TEMPLATE}

    with pytest.raises(WechatCodeRefused) as not_allowed:
        sandboxed.mini.send_message(**told, fields=FIELDS)
    sandboxed.control("POST", f"users/{user['user_id']}/subscribe", template_id=TEMPLATE)
    msgid = sandboxed.mini.send_message(**told, fields=FIELDS)

    assert not_allowed.value.facts["errcode"] == 43101
    (message,) = sandboxed.control("GET", f"users/{user['user_id']}/messages")["messages"]
    assert (str(message["msgid"]), message["data"]) == (msgid, FIELDS)


@pytest.mark.parametrize(
    ("wrong", "errcode"),
    [
        ({"openid": "o" * 28}, 40003),
        ({"template_id": "unknown"}, 40037),
        ({"fields": FIELDS | {"thing3": "字" * 21}}, 47003),
    ],
)
def test_a_message_at_fault_is_named_by_wechats_code(
    sandboxed: Sandboxed, wrong: dict[str, Any], errcode: int
) -> None:
    told = {"openid": sandboxed.user()["openid"], "template_id": TEMPLATE, "fields": FIELDS}

    with pytest.raises(WechatCodeRefused) as refused:
        sandboxed.mini.send_message(**(told | wrong))

    assert refused.value.facts["errcode"] == errcode


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_a_message_under_a_dead_token_is_sent_once_more_with_a_new_one(
    wechat: Answering, mini: MiniProgram, errcode: int
) -> None:
    wechat.to(TOKEN, a_token(), a_token("tokentokentoken-2"))
    refused = Reply.of({"errcode": errcode, "errmsg": "no"})
    wechat.to(MESSAGE, refused, Reply.of({"errcode": 0, "msgid": 7}))

    sent = mini.send_message(openid=OPENID, template_id=TEMPLATE, fields=FIELDS)

    assert (sent, wechat.count(MESSAGE)) == ("7", 2)


@pytest.mark.parametrize(
    "reply", [Reply.of({"errcode": -1}), Reply(status=502), Reply(b"no JSON"), Reply.of([])]
)
def test_no_answer_about_a_message_proves_nothing(
    wechat: Answering, mini: MiniProgram, reply: Reply
) -> None:
    wechat.to(TOKEN, a_token())
    wechat.to(MESSAGE, reply)

    with pytest.raises(WechatUnavailable):
        mini.send_message(openid=OPENID, template_id=TEMPLATE, fields=FIELDS)


# --- what never happens ---


def test_nothing_is_asked_while_a_transaction_is_open(wechat: Answering, mini: MiniProgram) -> None:
    with transaction():
        for call in (
            lambda: mini.openid_of_login_code("code"),
            lambda: mini.phone_of_code("code"),
            lambda: mini.begin_face_check(out_seq_no="FV000001", openid=OPENID, **PERSON),
        ):
            with pytest.raises(NetworkInsideTransaction):
                call()

    assert wechat.asked == []


@pytest.mark.parametrize("how", ["refused", "error", "redirect", "unreachable", "token", "flood"])
def test_no_exception_carries_a_secret_or_a_person(
    wechat: Answering, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    echo = f"{APP_SECRET} {A_TOKEN} {PERSON['id_number']}"
    replies = {
        "refused": Reply.of({"errcode": 47003, "errmsg": echo}),
        "error": Reply(echo.encode(), status=500),
        "redirect": Reply(status=302, headers={"Location": f"/?secret={APP_SECRET}"}),
        "token": Reply.of({"errcode": 40001, "errmsg": echo}),
        "flood": Reply(b"x" * 300_000),
        "unreachable": Reply(),
    }
    wechat.to(TOKEN, a_token())
    for path in (FACE, LOGIN):
        wechat.to(path, replies[how])
    base = "http://127.0.0.1:9" if how == "unreachable" else wechat.base
    mini = MiniProgram(mini_program_settings(base))

    found = []
    for call in (
        lambda: mini.openid_of_login_code("the-code"),
        lambda: mini.begin_face_check(out_seq_no="FV000001", openid=OPENID, **PERSON),
    ):
        with pytest.raises((WechatUnavailable, WechatCodeRefused)) as fault:
            call()
        found += chain_of(fault.value)

    assert len(found) == 2  # nothing stands behind the fact
    printed = "".join(capfd.readouterr())
    said = printed + "".join(f"{each!r} {each} {vars(each)}" for each in found)
    for kept in (APP_SECRET, A_TOKEN, "the-code", OPENID, *PERSON.values()):
        assert kept not in said


def test_no_proxy_of_the_machine_sees_the_secret(
    wechat: Answering, mini: MiniProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    wechat.to(LOGIN, Reply.of({"openid": OPENID}))

    assert mini.openid_of_login_code("code") == OPENID


def test_what_is_sent_is_what_wechat_documents(wechat: Answering, mini: MiniProgram) -> None:
    wechat.to(LOGIN, Reply.of({"openid": OPENID}))
    wechat.to(TOKEN, a_token())
    wechat.to(FACE, Reply.of({"errcode": 0, "verify_id": "v", "expires_in": 3600}))

    mini.openid_of_login_code("c d&e")
    mini.begin_face_check(out_seq_no="FV000001", openid=OPENID, **PERSON)

    login, token, face = wechat.asked
    assert login.target == (
        f"{LOGIN}?appid={APPID}&secret={APP_SECRET}&js_code=c+d%26e&grant_type=authorization_code"
    )
    assert token.target == TOKEN
    assert APP_SECRET.encode() in token.body
    assert face.target == f"{FACE}?access_token={A_TOKEN}"
    assert "张三".encode() in face.body
