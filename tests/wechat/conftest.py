"""Gateways at real time, with a WeChat to speak to: the sandbox, or one that answers at will."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from app import clock, settings
from app.wechat.miniprogram import MiniProgram
from app.wechat.pay import WechatPay
from sandbox.keys import ensure_keys
from sandbox.server import create_sandbox, serve_in_thread
from tests.deployments import bare_app
from tests.wechat.answering import (
    APPID,
    Answering,
    answering,
    mini_program_settings,
    pay_settings,
)


@pytest.fixture(autouse=True)
def at_work() -> Iterator[None]:
    """An application is at work, as gateways need one, and lives in real time."""
    followed = clock._offset_file
    clock.follow_offset_file(None)
    with bare_app("sqlite://"):
        yield
    clock.follow_offset_file(followed)


@pytest.fixture
def wechat() -> Iterator[Answering]:
    with answering() as found:
        yield found


@pytest.fixture
def mini(wechat: Answering) -> MiniProgram:
    """A mini-program whose token is taken, unless the test says otherwise."""
    return MiniProgram(mini_program_settings(wechat.base))


@pytest.fixture
def pay(wechat: Answering) -> WechatPay:
    return WechatPay(pay_settings(wechat.base), appid=APPID)


@dataclass
class Sandboxed:
    """The gateways as the sandbox knows them, and a user of it."""

    base: str
    mini: MiniProgram
    pay: WechatPay

    def control(self, method: str, path: str, **body: Any) -> Any:
        answer = requests.request(method, f"{self.base}/sandbox/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def user(self, **who: str) -> dict[str, str]:
        person = {"name": "张三", "id_number": "330501199001011236", "phone": "13800138000"}
        return dict(self.control("POST", "users", **person | who))

    def calls(self) -> dict[str, int]:
        return dict(self.control("GET", "calls")["counts"])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wechat") / "sandbox"
    ensure_keys(folder)
    return folder


@pytest.fixture
def sandboxed(keys: Path) -> Iterator[Sandboxed]:
    with serve_in_thread(create_sandbox(keys, database=":memory:")) as base:
        loaded = settings.load(
            {"SANDBOX_FOLDER": str(keys), "WECHAT_API_BASE": base, "WECHAT_PAY_BASE": base}
        )
        pay = WechatPay(loaded.pay, appid=loaded.mini_program.appid)
        yield Sandboxed(base, MiniProgram(loaded.mini_program), pay)
