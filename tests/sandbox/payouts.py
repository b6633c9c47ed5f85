"""A merchant who pays out to a user, written from the protocol and not from `sandbox/`."""

import base64
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.sandbox.merchant import Merchant, Phone, Receiver

BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
FUNDS_FEN = 1_000_000


def oaep() -> padding.OAEP:
    """WeChat's padding of sealed fields."""
    sha1 = hashes.SHA1()  # noqa: S303 - WeChat's
    return padding.OAEP(mgf=padding.MGF1(algorithm=sha1), algorithm=sha1, label=None)


@dataclass
class Payouts:
    """Places and follows transfers to one phone, and is the payee as well."""

    merchant: Merchant
    phone: Phone
    offset_s: int = 0

    def request(self, **changes: Any) -> dict[str, Any]:
        """A transfer request in form; `changes` replace or add fields, None takes one out."""
        asked = {
            "appid": self.merchant.env["WECHAT_APPID"],
            "out_bill_no": "T" + secrets.token_hex(10),
            "transfer_scene_id": "1002",
            "openid": self.phone.openid,
            "transfer_amount": 30000,
            "transfer_remark": "提取 三月",
            "transfer_scene_report_infos": [{"info_type": "补贴类型", "info_content": "住房补贴"}],
        } | changes
        return {name: value for name, value in asked.items() if value is not None}

    def sealed(self, text: str, key: object = None) -> str:
        """Only the platform reads it, or whoever holds the key."""
        public = self.merchant.platform if key is None else key
        assert isinstance(public, rsa.RSAPublicKey)
        return base64.b64encode(public.encrypt(text.encode(), oaep())).decode()

    def opened(self, sealed: str) -> str:
        """What was sealed for the merchant."""
        assert isinstance(self.merchant.key, rsa.RSAPrivateKey)
        return self.merchant.key.decrypt(base64.b64decode(sealed), oaep()).decode()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        at_s = int(time.time()) + self.offset_s
        return self.merchant.call(method, f"{BILLS}{path}", body, at_s=at_s)

    def place(self, **changes: Any) -> requests.Response:
        return self.call("POST", "", self.request(**changes))

    def placed(self, **changes: Any) -> dict[str, Any]:
        """An accepted transfer, as the merchant was told of it; the answer was signed."""
        answer = self.place(**changes)
        assert answer.status_code == 200, answer.text
        assert self.merchant.believes(answer.headers, answer.content)
        return dict(answer.json())

    def query(self, number: str) -> dict[str, Any]:
        answer = self.call("GET", f"/out-bill-no/{number}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def cancel(self, number: str) -> requests.Response:
        return self.call("POST", f"/out-bill-no/{number}/cancel")

    def confirm(self, told: dict[str, Any], **changes: Any) -> requests.Response:
        """The payee presses the button on the page."""
        package = {"package_info": told.get("package_info", "none")} | changes
        return self.phone.does(f"transfers/{told['out_bill_no']}/confirm", **package)

    def finish(self, number: str, **how: Any) -> requests.Response:
        return self.phone.control("POST", f"/transfers/{number}/finish", how)

    def plan(self, *path: str) -> None:
        answer = self.phone.control("PUT", "/transfers/plan", {"path": list(path)})
        assert answer.status_code == 200, answer.text

    def truth(self, number: str) -> dict[str, Any]:
        """What the sandbox knows of it."""
        lines = self.phone.control("GET", "/transfers").json()["transfers"]
        return next(line for line in lines if line["out_bill_no"] == number)

    def later(self, offset_s: int) -> None:
        """Everybody lives that much after real time."""
        self.offset_s = offset_s
        self.phone.control("PUT", "/clock", {"offset_s": offset_s})

    def balance(self) -> int:
        self.phone.control("GET", "/transfers")  # what is due has happened
        return int(self.phone.control("GET", "/balances").json()["operation"]["available_fen"])

    def top_up(self, fen: int) -> None:
        body = {"account": "OPERATION", "amount": fen}
        answer = self.phone.control("POST", "/balances/top-up", body)
        assert answer.status_code < 300, answer.text

    def notices(
        self, receiver: Receiver, count: int
    ) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The bodies that came, with what was sealed in them; all believed."""
        found = []
        for headers, body in receiver.wait_for(count):
            assert self.merchant.believes(headers, body)
            told = json.loads(body)
            sealed = told["resource"]
            key = AESGCM(self.merchant.env["WECHAT_PAY_APIV3_KEY"].encode())
            plain = key.decrypt(
                sealed["nonce"].encode(),
                base64.b64decode(sealed["ciphertext"]),
                sealed["associated_data"].encode(),
            )
            found.append((told, json.loads(plain)))
        return found


def code(answer: requests.Response) -> tuple[int, str]:
    """Status and code of a refusal of WeChat Pay."""
    return answer.status_code, answer.json()["code"]


def error(answer: requests.Response) -> tuple[int, str]:
    """Status and error of a refusal of /sandbox."""
    return answer.status_code, answer.json()["error"]
