"""One set of keys for all tests; a world of its own for each."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from sandbox.keys import ensure_keys
from sandbox.server import create_sandbox, serve_in_thread
from tests.sandbox.bill_reader import DAY, paid_on, set_clock
from tests.sandbox.merchant import Merchant, Phone, Receiver, receiving
from tests.sandbox.refunding import NOON


@pytest.fixture(scope="session")
def keys_made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "sandbox"
    ensure_keys(folder)
    return folder


@pytest.fixture
def folder(keys_made_once: Path, tmp_path: Path) -> Path:
    """Keys, but nobody else's books and nobody else's clock."""
    own = tmp_path / "sandbox"
    shutil.copytree(keys_made_once, own)
    ensure_keys(own)
    return own


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def merchant(folder: Path, receiver: Receiver) -> Iterator[Merchant]:
    app = create_sandbox(folder, database=":memory:", notify_default=receiver.notify_url)
    with serve_in_thread(app) as base:
        yield Merchant(folder, base)


@pytest.fixture
def phone(merchant: Merchant) -> Phone:
    return Phone(merchant)


@pytest.fixture
def wechatpayv3_client(merchant: Merchant) -> Any:
    """A client that we did not write, in public-key mode."""
    env = merchant.env
    wx = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=env["WECHAT_PAY_MCHID"],
        private_key=Path(env["WECHAT_PAY_MERCHANT_KEY_FILE"]).read_text(encoding="ascii"),
        cert_serial_no=env["WECHAT_PAY_MERCHANT_SERIAL"],
        apiv3_key=env["WECHAT_PAY_APIV3_KEY"],
        appid=env["WECHAT_APPID"],
        notify_url=env["WECHAT_PAY_NOTIFY_URL"],
        public_key=Path(env["WECHAT_PAY_PUBLIC_KEY_FILE"]).read_text(encoding="ascii"),
        public_key_id=env["WECHAT_PAY_PUBLIC_KEY_ID"],
        timeout=10,
    )
    wx._core._gate_way = merchant.base
    return wx


@pytest.fixture
def two_payments(phone: Phone) -> list[tuple[str, str]]:
    """The first second of the day and the last, and one on either side of it."""
    set_clock(phone, "2026-03-02T11:00:00")
    paid_on(phone, 1, "2026-02-28T23:59:59")
    late = paid_on(phone, 5, f"{DAY}T23:59:59", description="缴存,三月", attach="a=1,b=2")
    early = paid_on(phone, 30000, f"{DAY}T00:00:00")
    paid_on(phone, 2, "2026-03-02T00:00:00")
    return [early, late]


@pytest.fixture
def number(phone: Phone) -> str:
    """An order of 300 yuan, paid at noon of a fixed day; it is that noon."""
    set_clock(phone, NOON)
    return paid_on(phone, 30000, NOON)[0]
