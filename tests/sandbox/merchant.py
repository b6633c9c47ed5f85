"""A merchant and a phone for the tests, written from the protocol and not from `sandbox/`."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SCHEME = "WECHATPAY2-SHA256-RSA2048"
JSAPI = "/v3/pay/transactions/jsapi"
WAIT_S = 5


def env_of(folder: Path) -> dict[str, str]:
    """The settings the backend would read."""
    lines = (folder / "app.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


@dataclass
class Merchant:
    """Signs and sends requests, and checks what is answered."""

    folder: Path
    base: str

    def __post_init__(self) -> None:
        self.env = env_of(self.folder)
        pem = Path(self.env["WECHAT_PAY_MERCHANT_KEY_FILE"]).read_bytes()
        self.key = serialization.load_pem_private_key(pem, password=None)
        public = Path(self.env["WECHAT_PAY_PUBLIC_KEY_FILE"]).read_bytes()
        self.platform = serialization.load_pem_public_key(public)

    def sign(self, message: str) -> str:
        assert isinstance(self.key, rsa.RSAPrivateKey)
        raw = self.key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(raw).decode()

    def headers(
        self, method: str, path: str, body: str, *, at_s: int | None = None
    ) -> dict[str, str]:
        stamp, nonce = str(int(time.time()) if at_s is None else at_s), secrets.token_hex(16)
        signature = self.sign(f"{method}\n{path}\n{stamp}\n{nonce}\n{body}\n")
        parts = {
            "mchid": self.env["WECHAT_PAY_MCHID"],
            "nonce_str": nonce,
            "timestamp": stamp,
            "serial_no": self.env["WECHAT_PAY_MERCHANT_SERIAL"],
            "signature": signature,
        }
        listed = ",".join(f'{name}="{value}"' for name, value in parts.items())
        return {
            "Authorization": f"{SCHEME} {listed}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Wechatpay-Serial": self.env["WECHAT_PAY_PUBLIC_KEY_ID"],
        }

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, at_s: int | None = None
    ) -> requests.Response:
        text = "" if body is None else json.dumps(body, ensure_ascii=False)
        headers = self.headers(method, path, text, at_s=at_s)
        url = self.base + path
        return requests.request(method, url, data=text.encode(), headers=headers, timeout=10)

    def order(self, openid: str, **changes: Any) -> dict[str, Any]:
        """An order request in form; `changes` replace or add fields."""
        return {
            "appid": self.env["WECHAT_APPID"],
            "mchid": self.env["WECHAT_PAY_MCHID"],
            "description": "住房公积金缴存",
            "out_trade_no": "D" + secrets.token_hex(10),
            "notify_url": self.env["WECHAT_PAY_NOTIFY_URL"],
            "amount": {"total": 30000, "currency": "CNY"},
            "payer": {"openid": openid},
        } | changes

    def dialog(self, prepay_id: str) -> dict[str, str]:
        """What the mini-program hands to wx.requestPayment."""
        stamp, nonce, package = (
            str(int(time.time())),
            secrets.token_hex(8),
            f"prepay_id={prepay_id}",
        )
        message = f"{self.env['WECHAT_APPID']}\n{stamp}\n{nonce}\n{package}\n"
        return {
            "timeStamp": stamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self.sign(message),
        }

    def believes(self, headers: Any, body: bytes) -> bool:
        """Is it signed by the platform's key, over these bytes?"""
        assert isinstance(self.platform, rsa.RSAPublicKey)
        if headers["Wechatpay-Serial"] != self.env["WECHAT_PAY_PUBLIC_KEY_ID"]:
            return False
        head = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode()
        signature = base64.b64decode(headers["Wechatpay-Signature"])
        try:
            self.platform.verify(
                signature, head + body + b"\n", padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return False
        return True


@dataclass
class Phone:
    """A user of the sandbox and what the person does with the phone."""

    merchant: Merchant
    name: str = "张三"
    id_number: str = "330501199001011236"
    number: str = "13800138000"
    user_id: str = field(default="", init=False)
    openid: str = field(default="", init=False)

    def __post_init__(self) -> None:
        person = {"name": self.name, "id_number": self.id_number, "phone": self.number}
        made = self.control("POST", "/users", person)
        self.user_id, self.openid = made.json()["user_id"], made.json()["openid"]

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(
            method, f"{self.merchant.base}/sandbox{path}", json=body, timeout=10
        )

    def does(self, what: str, **body: Any) -> requests.Response:
        return self.control("POST", f"/users/{self.user_id}/{what}", body)

    def placed(self, **changes: Any) -> tuple[str, str]:
        """A fresh order of this payer: its number and its prepay_id."""
        order = self.merchant.order(self.openid, **changes)
        answer = self.merchant.call("POST", JSAPI, order)
        assert answer.status_code == 200, answer.text
        return order["out_trade_no"], answer.json()["prepay_id"]

    def paid(self, *, notify: bool = False, **changes: Any) -> tuple[str, str]:
        """A fresh paid order: its number and its transaction id."""
        out_trade_no, prepay_id = self.placed(**changes)
        answer = self.does("pay", **self.merchant.dialog(prepay_id), notify=notify)
        assert answer.status_code == 200, answer.text
        return out_trade_no, answer.json()["transaction_id"]


@dataclass
class Receiver:
    """Where notices arrive. It answers the statuses it was given, then 204 for ever."""

    port: int
    statuses: list[int]
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def notify_url(self) -> str:
        return f"https://localhost:{self.port}/notices"

    def wait_for(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        end = time.monotonic() + WAIT_S
        while len(self.came) < count and time.monotonic() < end:
            time.sleep(0.01)
        return list(self.came)


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    """A receiver listens while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.append((dict(self.headers), body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_address[1], list(statuses))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
