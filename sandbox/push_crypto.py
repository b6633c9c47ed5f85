"""How a pushed event is sealed: AES under the app's EncodingAESKey, signed under its token."""

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sandbox.push_events import account_name

# PKCS#7 over blocks of 32 bytes, although AES has blocks of 16.
_BLOCK = 32


@dataclass(frozen=True)
class PushSettings:
    """Where events go and under which secrets."""

    url: str
    token: str
    encoding_aes_key: str
    format: str

    @property
    def is_xml(self) -> bool:
        """Whether the app asked for XML."""
        return self.format == "xml"


def plain_signature(token: str, *parts: str) -> str:
    """The SHA-1 of token and parts in the order of the alphabet is returned."""
    joined = "".join(sorted((token, *parts)))
    return hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()


def aes_key(encoding_aes_key: str) -> bytes:
    """The 32 bytes of an EncodingAESKey are returned. Raises ValueError for anything else."""
    key = base64.b64decode(f"{encoding_aes_key}=")
    if len(key) != _BLOCK:
        raise ValueError("an EncodingAESKey has 43 letters and digits")
    return key


def encrypted(text: str, *, encoding_aes_key: str, appid: str) -> str:
    """The text is returned sealed, with 16 random bytes, its length and the appid; base64."""
    key, body = aes_key(encoding_aes_key), text.encode()
    plain = secrets.token_bytes(16) + struct.pack("!I", len(body)) + body + appid.encode()
    fill = _BLOCK - len(plain) % _BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    sealed = encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()
    return base64.b64encode(sealed).decode()


def echo_query(token: str, *, echostr: str, at_s: int) -> str:
    """The query with which WeChat asks whether the url is the app's is returned."""
    nonce = str(secrets.randbelow(10**10))
    signature = plain_signature(token, str(at_s), nonce)
    return urlencode(
        {"signature": signature, "echostr": echostr, "timestamp": at_s, "nonce": nonce}
    )


def sealed_push(
    settings: PushSettings, text: str, *, openid: str, appid: str, inner_appid: str, at_s: int
) -> tuple[str, bytes]:
    """Query and body of one push are returned; `inner_appid` is the one under the seal."""
    stamp, nonce = str(at_s), str(secrets.randbelow(10**10))
    sealed = encrypted(text, encoding_aes_key=settings.encoding_aes_key, appid=inner_appid)
    query = {
        "signature": plain_signature(settings.token, stamp, nonce),
        "timestamp": stamp,
        "nonce": nonce,
        "openid": openid,
        "encrypt_type": "aes",
        "msg_signature": plain_signature(settings.token, stamp, nonce, sealed),
    }
    outer = {"ToUserName": account_name(appid), "Encrypt": sealed}
    if settings.is_xml:
        inside = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in outer.items())
        return urlencode(query), f"<xml>{inside}</xml>".encode()
    return urlencode(query), json.dumps(outer).encode()
