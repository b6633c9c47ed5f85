"""A sandbox at this hour, our own client and foreign ones before it, all with the same keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from app import clock, settings
from app.settings.wechat import PaySettings
from app.wechat.pay import WechatPay
from sandbox.identity import Identity
from sandbox.keys import ensure_keys
from sandbox.server import create_sandbox, serve_in_thread
from sandbox.world import world_of
from tests.deployments import bare_app
from tests.sandbox.merchant import Merchant, Phone


@dataclass
class Both:
    """The sandbox, ours and theirs."""

    base: str
    settings: PaySettings
    ours: WechatPay
    theirs: Any
    identity: Identity
    phone: Phone

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.phone.control(method, path, body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def calls(self, path: str) -> int:
        counts = self.control("GET", "/calls")["counts"]
        return int(counts.get(f"GET {path}", 0))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interop") / "sandbox"
    ensure_keys(folder)
    return folder


@pytest.fixture
def both(keys: Path) -> Iterator[Both]:
    followed = clock._offset_file
    clock.follow_offset_file(None)
    app = create_sandbox(keys, database=":memory:")
    with bare_app("sqlite://"), serve_in_thread(app) as base:
        pay = settings.load({"SANDBOX_FOLDER": str(keys), "WECHAT_PAY_BASE": base}).pay
        appid = world_of(app).identity.appid
        theirs = foreign_client(pay, appid)
        phone = Phone(Merchant(keys, base))
        ours = WechatPay(pay, appid=appid)
        yield Both(base, pay, ours, theirs, world_of(app).identity, phone)
    clock.follow_offset_file(followed)


def foreign_client(pay: PaySettings, appid: str, *, private_key: bytes = b"") -> Any:
    """The client from PyPI, in public-key mode."""
    wx = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=pay.mchid,
        private_key=(private_key or pay.merchant_key_pem).decode(),
        cert_serial_no=pay.merchant_serial,
        apiv3_key=pay.apiv3_key.decode(),
        appid=appid,
        notify_url=pay.notify_url,
        public_key=pay.public_key_pem.decode(),
        public_key_id=pay.public_key_id,
        timeout=10,
    )
    wx._core._gate_way = pay.base
    return wx
