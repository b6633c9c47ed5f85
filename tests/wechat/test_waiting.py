"""Nobody waits for WeChat for long: not for a first byte, and not for a last one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, current_app

from app.wechat import wire
from app.wechat.faults import WechatUnavailable
from app.wechat.miniprogram import MiniProgram
from app.wechat.pay import WechatPay
from tests.wechat.answering import Answering, Reply

LOGIN = "/sns/jscode2session"
ORDER = "/v3/pay/transactions/out-trade-no/LC1"


def waited_s(app: Flask, gateway: MiniProgram | WechatPay) -> float:
    begun = time.monotonic()
    is_mini = isinstance(gateway, MiniProgram)
    with app.app_context(), pytest.raises(WechatUnavailable):
        gateway.openid_of_login_code("code") if is_mini else gateway.query("LC1")
    return time.monotonic() - begun


def both(mini: MiniProgram, pay: WechatPay) -> list[float]:
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda gateway: waited_s(app, gateway), (mini, pay)))


def test_a_wechat_that_says_nothing_is_given_up_after_five_seconds(
    wechat: Answering, mini: MiniProgram, pay: WechatPay
) -> None:
    for path in (LOGIN, ORDER):
        wechat.to(path, Reply(b"{}", silent_s=20))

    waits = both(mini, pay)

    assert wire.TIMEOUT_S == (2.0, 5.0)
    assert all(4.9 <= wait_s <= 8 for wait_s in waits), waits


def test_a_wechat_that_sends_a_byte_now_and_then_is_given_up_as_well(
    wechat: Answering, mini: MiniProgram, pay: WechatPay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_ANSWER_WITHIN_S", 1.0)
    for path in (LOGIN, ORDER):
        wechat.to(path, Reply(b" " * 50, drip_s=0.2))

    waits = both(mini, pay)

    assert all(0.9 <= wait_s <= 4 for wait_s in waits), waits


def test_a_connection_is_used_again(wechat: Answering, mini: MiniProgram) -> None:
    wechat.to(LOGIN, Reply.of({"openid": "o1"}))

    for _ in range(5):
        mini.openid_of_login_code("code")

    assert len({asked.port for asked in wechat.asked}) == 1
