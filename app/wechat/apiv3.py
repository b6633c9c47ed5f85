"""WeChat Pay APIv3 cryptography: signatures both ways, AEAD resources, sealed fields.

A few lines of our own over `cryptography`, because the ready client accepts stale and replayed
notices and calls out for every forged serial (docs/decisions). No exception that leaves this file
holds what was opened, parsed or sealed, not even as its context.
"""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.settings.wechat import PaySettings
from app.wechat.certificates import Certificate, Keyring

SCHEME, _AEAD = "WECHATPAY2-SHA256-RSA2048", "AEAD_AES_256_GCM"
FRESH_S = 300  # older or newer than this is a replay or a wrong clock
# The protocol's own choice of digest; nothing rests on SHA-1 being free of collisions here.
_OAEP = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)  # noqa: S303 # nosec B303


class NotFromWechat(Exception):
    """The bytes were not signed by WeChat Pay just now; `why` is for the log and a counter."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NotSealable(ValueError):
    """The text cannot be sealed: it is too long, or half a character, or no key is in force."""


def parsed(raw: bytes) -> Any:
    """The JSON in these bytes; None when there is none: an error of the parser would keep them."""
    with suppress(ValueError, RecursionError):
        return json.loads(raw)
    return None


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

    def __init__(self, keyring: Keyring, apiv3_key: bytes) -> None:
        self._keyring = keyring
        self._aead = AESGCM(apiv3_key)

    @classmethod
    def of(cls, settings: PaySettings) -> "Platform":
        return cls(Keyring(settings), settings.apiv3_key)

    def asked_serial(self, *, at: datetime) -> str:
        """What a request names in `Wechatpay-Serial`; empty while nothing can be named."""
        asked = self._keyring.asked(at=at)
        return asked[0] if asked else ""

    def verify(
        self,
        headers: Mapping[str, str],
        body: bytes,
        *,
        at: datetime,
        newcomers: Mapping[str, Certificate] | None = None,
    ) -> None:
        """Returns only when WeChat Pay signed these bytes within 300 s; else `NotFromWechat`.

        `newcomers` count for serials that are not held, as far as they are in force.
        """
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
        key, new = self._keyring.key(serial, at=at), (newcomers or {}).get(serial)
        if key is None and new is not None and new.is_in_force(at):
            key = new.key
        if key is None:
            raise NotFromWechat("unknown-serial")
        if not _is_signed(key, signature, f"{timestamp}\n{nonce}\n", body):
            raise NotFromWechat("signature")

    def open_resource(self, resource: Any) -> dict[str, Any]:
        """The decrypted JSON object of a notice's resource; else `NotFromWechat`."""
        if isinstance(resource, dict) and resource.get("algorithm", _AEAD) != _AEAD:
            raise NotFromWechat("algorithm")
        plain = self.opened(resource)
        opened = None if plain is None else parsed(plain)
        if not isinstance(opened, dict):
            raise NotFromWechat("resource")
        return opened

    def seal(self, text: str, *, at: datetime) -> tuple[str, str]:
        """The serial to name in `Wechatpay-Serial`, and the text sealed for its key, base64.

        RSA-OAEP as APIv3 asks for it in fields that hold names and numbers of people; at most 214
        bytes of UTF-8. Raises `NotSealable`.
        """
        asked, sealed = self._keyring.asked(at=at), b""
        with suppress(ValueError):  # the error of the encoder would keep the text
            sealed = asked[1].encrypt(text.encode(), _OAEP) if asked else b""
        if not asked or not sealed:
            raise NotSealable("no key is in force" if not asked else "too long or not a text")
        return asked[0], base64.b64encode(sealed).decode()

    def opened(self, resource: Any) -> bytes | None:
        """What was sealed with the APIv3 key; None when this object or this key is not the one."""
        with suppress(KeyError, TypeError, AttributeError, ValueError, InvalidTag):
            if resource["algorithm"] != _AEAD:
                return None
            return self._aead.decrypt(
                resource["nonce"].encode(),
                base64.b64decode(resource["ciphertext"], validate=True),
                resource.get("associated_data", "").encode(),
            )
        return None


def _is_signed(key: RSAPublicKey, signature: str, head: str, body: bytes) -> bool:
    with suppress(InvalidSignature, binascii.Error, ValueError):
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, head.encode() + body + b"\n", PKCS1v15(), SHA256())
        # Base64's last letter has bits that mean nothing: one signature, one spelling.
        return base64.b64encode(raw).decode() == signature
    return False
