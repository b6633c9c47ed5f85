"""A WeChat that answers whatever a test wants, good or bad, on a real socket."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from app import clock
from app.settings.wechat import MiniProgramSettings, PaySettings
from tests.deployments import a_key, private_pem, public_pem

APPID, APP_SECRET = "wx8f3a2c9d4e5b6071", "9d0c4b7e2f6a81359e3d7c5b0a4f8261"
MCHID, SERIAL = "1604892735", "5B7A3C91D04E68F2A1B5C7D93E60F8A42C1D7B9E"
PUBLIC_KEY_ID = "PUB_KEY_ID_0116048927352025030400381964002"
APIV3_KEY = b"q7Rk2mX9vB4nZ8tL1wY6pJ3hD5gF0sCa"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


@dataclass
class Reply:
    """One answer. `silent_s` is how long nothing comes; `drip_s` the pause between two bytes."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    silent_s: float = 0
    drip_s: float = 0
    length: int | None = None

    @classmethod
    def of(cls, content: Any, **how: Any) -> Reply:
        """The content as JSON."""
        return cls(json.dumps(content).encode(), **how)


@dataclass
class Asked:
    """What was asked, as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    port: int

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass
class Answering:
    """The running server: its address, what it was asked, what it will answer to each path."""

    base: str = ""
    asked: list[Asked] = field(default_factory=list)
    replies: dict[str, Callable[[Asked], Reply]] = field(default_factory=dict)
    ending: threading.Event = field(default_factory=threading.Event)

    def to(self, path: str, *replies: Reply) -> None:
        """The path is answered with these, one after another, the last one for ever."""
        left = list(replies)
        self.replies[path] = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def count(self, path: str) -> int:
        """How often the path was asked."""
        return sum(each.path == path for each in self.asked)


class _Server(ThreadingHTTPServer):
    found: Answering

    def handle_error(self, *_: Any) -> None:
        """A caller who hangs up in the middle is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        found = self.server.found
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers, port = dict(self.headers.items()), self.client_address[1]
        asked = Asked(self.command, self.path, headers, body, port)
        found.asked.append(asked)
        reply = found.replies.get(asked.path, lambda _: Reply(status=404))(asked)
        found.ending.wait(reply.silent_s)
        try:
            self._send(reply)
        except OSError:
            self.close_connection = True

    do_POST = do_GET  # noqa: N815 - the name the base class looks for

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        length = len(reply.body) if reply.length is None else reply.length
        if reply.status != 204:
            self.send_header("Content-Length", str(length))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        parts = [bytes([byte]) for byte in reply.body] if reply.drip_s else [reply.body]
        for part in parts:
            self.wfile.write(part)
            time.sleep(reply.drip_s)
        self.close_connection = length != len(reply.body)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@contextmanager
def answering() -> Iterator[Answering]:
    """A server answers on this machine while the block runs."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.found = Answering(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.found
    finally:
        server.found.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


def mini_program_settings(base: str) -> MiniProgramSettings:
    """A mini-program that takes `base` for WeChat."""
    return MiniProgramSettings(APPID, APP_SECRET, base)


def pay_settings(base: str) -> PaySettings:
    """A merchant that takes `base` for WeChat Pay, and believes the key of `signed`."""
    return PaySettings(
        mchid=MCHID,
        merchant_serial=SERIAL,
        merchant_key_pem=private_pem(a_key("merchant")),
        public_key_id=PUBLIC_KEY_ID,
        public_key_pem=public_pem(a_key("wechat")),
        apiv3_key=APIV3_KEY,
        base=base,
        notify_url="https://fund.huzhou.gov.cn/v1/notices/wechat-pay",
    )


def signature_headers(
    body: bytes, *, late_s: int = 0, by: RSAPrivateKey | None = None, **changed: str
) -> dict[str, str]:
    """What WeChat Pay signs `body` with, `late_s` after now (before it when negative)."""
    stamp, nonce = str(int(clock.now().timestamp()) + late_s), secrets.token_hex(16)
    message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
    raw = (by or a_key("wechat")).sign(message, PKCS1v15(), SHA256())
    return {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": base64.b64encode(raw).decode(),
        "Wechatpay-Serial": PUBLIC_KEY_ID,
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }


def signed(content: Any, *, status: int = 200, **how: Any) -> Reply:
    """An answer WeChat Pay signed, of these bytes or of this content as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Reply(body, status=status, headers=signature_headers(body, **how))


def a_transaction(**changed: Any) -> dict[str, Any]:
    """A paid transaction as WeChat Pay tells of it; a value of None leaves the field out."""
    facts = {
        "appid": APPID,
        "mchid": MCHID,
        "out_trade_no": "LC0123456789ABCDEFGHJKMNPQRS",
        "transaction_id": "4200001234202603021234567890",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": "2026-03-02T09:30:00+08:00",
        "payer": {"openid": OPENID},
        "amount": {
            "total": 500_000,
            "payer_total": 500_000,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    } | changed
    return {name: value for name, value in facts.items() if value is not None}


def sealed(plain: bytes, **changed: Any) -> dict[str, Any]:
    """A notice's resource that holds these bytes."""
    nonce, associated = secrets.token_hex(6), "transaction"
    box = AESGCM(APIV3_KEY).encrypt(nonce.encode(), plain, associated.encode())
    return {
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(box).decode(),
        "associated_data": associated,
        "nonce": nonce,
    } | changed


def a_notice(resource: Any = None, **changed: Any) -> bytes:
    """The body of a notice about a paid transaction, unless changed."""
    if resource is None:
        resource = sealed(json.dumps(a_transaction()).encode())
    return json.dumps(
        {
            "id": "EV-2026030209300012345",
            "create_time": "2026-03-02T09:30:01+08:00",
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": resource,
        }
        | changed
    ).encode()


def chain_of(error: BaseException) -> list[BaseException]:
    """The exception with everything it carries along as cause or context."""
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is not None and each not in found:
            found.append(each)
            left += [each.__cause__, each.__context__]
    return found
