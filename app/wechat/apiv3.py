"""WeChat Pay APIv3 cryptography: request signatures, answer verification, AEAD resources.

About a hundred lines of our own over `cryptography`, because the ready client accepts stale and
replayed notices and calls out for every forged serial (docs/decisions).
"""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from app.settings import PaySettings

SCHEME = "WECHATPAY2-SHA256-RSA2048"
FRESH_S = 300  # older or newer than this is a replay or a wrong clock


class NotFromWechat(Exception):
    """The bytes were not signed by WeChat Pay just now; `why` is for the log and a counter."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Merchant:
    """The merchant's signing side."""

    mchid: str
    serial: str
    key: RSAPrivateKey

    @classmethod
    def of(cls, settings: PaySettings) -> "Merchant":
        key = load_pem_private_key(settings.merchant_key_pem, password=None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("the merchant key is an RSA key")
        return cls(settings.mchid, settings.merchant_serial, key)

    def sign(self, message: str) -> str:
        """RSASSA-PKCS1-v1_5 with SHA-256 over the message, base64."""
        return base64.b64encode(self.key.sign(message.encode(), PKCS1v15(), SHA256())).decode()

    def authorization(self, method: str, target: str, body: str, *, at: datetime) -> str:
        """The Authorization header for a request; `target` is path and query as on the wire."""
        timestamp, nonce = str(int(at.timestamp())), secrets.token_hex(16)
        signature = self.sign(f"{method}\n{target}\n{timestamp}\n{nonce}\n{body}\n")
        return (
            f'{SCHEME} mchid="{self.mchid}",nonce_str="{nonce}",timestamp="{timestamp}",'
            f'serial_no="{self.serial}",signature="{signature}"'
        )


class Platform:
    """WeChat Pay's side: verifies what claims to come from it, by the serial it names.

    An unknown serial is refused; it never causes a call to anybody.
    """

    def __init__(self, keys: Mapping[str, RSAPublicKey], apiv3_key: bytes) -> None:
        self._keys = keys
        self._aead = AESGCM(apiv3_key)

    @classmethod
    def of(cls, settings: PaySettings) -> "Platform":
        key = load_pem_public_key(settings.public_key_pem)
        if not isinstance(key, RSAPublicKey):
            raise TypeError("WeChat Pay's public key is an RSA key")
        return cls({settings.public_key_id: key}, settings.apiv3_key)

    def verify(self, headers: Mapping[str, str], body: bytes, *, at: datetime) -> None:
        """Returns only when WeChat Pay signed these bytes within 300 s; else `NotFromWechat`."""
        lower = {name.lower(): value for name, value in headers.items()}
        timestamp = lower.get("wechatpay-timestamp", "")
        nonce = lower.get("wechatpay-nonce", "")
        signature = lower.get("wechatpay-signature", "")
        serial = lower.get("wechatpay-serial", "")
        if not (timestamp and nonce and signature and serial):
            raise NotFromWechat("headers-missing")
        if lower.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise NotFromWechat("signature-type")
        if re.fullmatch(r"[0-9]{1,12}", timestamp) is None:
            raise NotFromWechat("timestamp")
        if abs(at.timestamp() - int(timestamp)) > FRESH_S:
            raise NotFromWechat("stale")
        key = self._keys.get(serial)
        if key is None:
            raise NotFromWechat("unknown-serial")
        try:
            message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
            raw = base64.b64decode(signature, validate=True)
            key.verify(raw, message, PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error, ValueError):
            raise NotFromWechat("signature") from None
        if base64.b64encode(raw).decode() != signature:
            # Base64's last letter has bits that mean nothing: one signature, one spelling.
            raise NotFromWechat("signature")

    def open_resource(self, resource: Any) -> dict[str, Any]:
        """The decrypted JSON object of a notice's resource; else `NotFromWechat`."""
        try:
            if resource["algorithm"] != "AEAD_AES_256_GCM":
                raise NotFromWechat("algorithm")
            plain = self._aead.decrypt(
                resource["nonce"].encode(),
                base64.b64decode(resource["ciphertext"], validate=True),
                resource.get("associated_data", "").encode(),
            )
            opened = json.loads(plain)
        except (KeyError, TypeError, AttributeError, ValueError, InvalidTag, RecursionError):
            raise NotFromWechat("resource") from None
        if not isinstance(opened, dict):
            raise NotFromWechat("resource")
        return opened
