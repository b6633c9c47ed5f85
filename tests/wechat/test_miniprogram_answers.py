"""The mini-program's tokens and answers: what is tried again, believed, or given up."""

from __future__ import annotations

from typing import Any

import pytest

from app.wechat.faults import WechatCodeRefused, WechatUnavailable
from app.wechat.miniprogram import MiniProgram
from tests.wechat.answering import (
    APP_SECRET,
    APPID,
    OPENID,
    Answering,
    Reply,
    mini_program_settings,
)

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


# --- tokens ---


def test_a_refused_token_is_replaced_once_and_the_call_made_again(
    wechat: Answering, mini: MiniProgram
) -> None:
    for errcode in (40001, 40014, 42001):
        wechat.asked.clear()
        wechat.to(TOKEN, a_token(f"old-{errcode}"), a_token(f"new-{errcode}"))
        wechat.to(PHONE, Reply.of({"errcode": errcode, "errmsg": "no"}), a_phone())
        gateway = MiniProgram(mini_program_settings(wechat.base))

        assert gateway.phone_of_code("code") == "13800138000"
        assert [each.target for each in wechat.asked] == [
            TOKEN,
            f"{PHONE}?access_token=old-{errcode}",
            TOKEN,
            f"{PHONE}?access_token=new-{errcode}",
        ]


def test_a_token_that_is_always_refused_ends_as_unavailable(
    wechat: Answering, mini: MiniProgram
) -> None:
    wechat.to(TOKEN, a_token())
    wechat.to(PHONE, Reply.of({"errcode": 40001, "errmsg": "invalid credential"}))

    with pytest.raises(WechatUnavailable):
        mini.phone_of_code("code")

    assert (wechat.count(TOKEN), wechat.count(PHONE)) == (2, 2)


@pytest.mark.parametrize("errcode", [-1, 40001, 40013, 40125, 45009, 45011, 12345])
def test_whatever_is_wrong_with_our_token_is_not_the_workers_fault(
    wechat: Answering, mini: MiniProgram, errcode: int
) -> None:
    wechat.to(TOKEN, Reply.of({"errcode": errcode, "errmsg": "no"}))

    with pytest.raises(WechatUnavailable):
        mini.phone_of_code("code")

    assert wechat.count(PHONE) == 0


def test_a_token_is_renewed_before_it_ends(wechat: Answering, mini: MiniProgram) -> None:
    wechat.to(TOKEN, a_token(expires_in=7200), a_token("second"))
    wechat.to(PHONE, a_phone())
    mini.phone_of_code("code")

    mini._token_until -= 7200 - 240  # two hours less four minutes later
    mini.phone_of_code("code")

    assert wechat.asked[-1].target == f"{PHONE}?access_token=second"


# --- answers ---


@pytest.mark.parametrize(
    ("errcode", "kind"),
    [
        (40029, WechatCodeRefused),
        (40163, WechatCodeRefused),
        (40226, WechatCodeRefused),
        (41008, WechatCodeRefused),
        (40003, WechatCodeRefused),
        (47003, WechatCodeRefused),
        (-1, WechatUnavailable),
        (40001, WechatUnavailable),
        (40013, WechatUnavailable),
        (40125, WechatUnavailable),
        (45009, WechatUnavailable),
        (45011, WechatUnavailable),
        (48001, WechatUnavailable),
    ],
)
def test_an_errcode_is_a_fact_about_the_code_or_about_wechat(
    wechat: Answering, mini: MiniProgram, errcode: int, kind: type[Exception]
) -> None:
    wechat.to(LOGIN, Reply.of({"errcode": errcode, "errmsg": f"no, secret={APP_SECRET}"}))

    with pytest.raises(kind) as refused:
        mini.openid_of_login_code("code")

    assert type(refused.value) is kind
    assert wechat.count(LOGIN) == 1


GOOD = {"openid": OPENID, "session_key": "HyVFkGl5F5OQWJZZaNzBBg=="}
UNFIT: dict[str, Reply] = {
    "no JSON": Reply(b"<html>welcome to the airport</html>"),
    "nothing": Reply(b""),
    "a list": Reply.of([GOOD]),
    "a text": Reply.of("openid"),
    "no openid": Reply.of({"session_key": "k"}),
    "an openid that is a number": Reply.of({"openid": 7}),
    "an empty openid": Reply.of({"openid": ""}),
    "an endless openid": Reply.of({"openid": "o" * 5000}),
    "an errcode that is a word": Reply.of(GOOD | {"errcode": "none"}),
    "an errcode that is null": Reply.of(GOOD | {"errcode": None}),
    "an errcode that is a list": Reply.of(GOOD | {"errcode": [0]}),
    "ten thousand brackets": Reply(b"[" * 10_000),
    "deep objects": Reply(b'{"a":' * 20_000),
    "a redirect": Reply.of(GOOD, status=302, headers={"Location": "/elsewhere"}),
    "a permanent redirect": Reply.of(GOOD, status=308, headers={"Location": "/elsewhere"}),
    "created": Reply.of(GOOD, status=201),
    "an error": Reply.of(GOOD, status=500),
    "not found": Reply.of(GOOD, status=404),
    "a flood": Reply(b'{"openid": "' + OPENID.encode() + b'", "a": "' + b"x" * 300_000 + b'"}'),
    "half of it": Reply(b'{"openid": ', length=400),
    "no such encoding": Reply(b"\x00\x01", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("what", UNFIT)
def test_an_answer_that_is_none_is_not_believed(
    wechat: Answering, mini: MiniProgram, what: str
) -> None:
    wechat.to(LOGIN, UNFIT[what])
    wechat.to("/elsewhere", Reply.of(GOOD))

    with pytest.raises(WechatUnavailable):
        mini.openid_of_login_code("code")

    assert wechat.count("/elsewhere") == 0


def test_a_good_answer_is_believed(wechat: Answering, mini: MiniProgram) -> None:
    wechat.to(LOGIN, Reply.of(GOOD), Reply.of(GOOD | {"errcode": 0, "errmsg": "ok"}))

    assert [mini.openid_of_login_code("code") for _ in range(2)] == [OPENID, OPENID]


@pytest.mark.parametrize(
    "reply",
    [
        a_phone(appid="wx0000000000000000"),
        Reply.of({"errcode": 0, "phone_info": None}),
        Reply.of({"errcode": 0, "phone_info": {"purePhoneNumber": "13800138000"}}),
        Reply.of({"errcode": 0}),
    ],
    ids=["of another app", "null", "no watermark", "nothing"],
)
def test_a_phone_number_counts_only_with_our_watermark(
    wechat: Answering, mini: MiniProgram, reply: Reply
) -> None:
    wechat.to(TOKEN, a_token())
    wechat.to(PHONE, reply)

    with pytest.raises(WechatUnavailable):
        mini.phone_of_code("code")


@pytest.mark.parametrize("verify_ret", [None, "10000", 10000.0, True, [10000]])
def test_a_face_result_is_a_whole_number_or_none_at_all(
    wechat: Answering, mini: MiniProgram, verify_ret: object
) -> None:
    wechat.to(TOKEN, a_token())
    wechat.to(RESULT, Reply.of({"errcode": 0, "verify_ret": verify_ret}))

    with pytest.raises(WechatUnavailable):
        mini.face_result(out_seq_no="FV000001", verify_id="v", openid=OPENID, **PERSON)
