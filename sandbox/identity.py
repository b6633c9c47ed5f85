"""Who WeChat is on this machine: its names, and its keys to sign, seal and check with."""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox import keys

SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048"


@dataclass(frozen=True)
class Identity:
    """The sandbox's own side of the keys, read once at start."""

    appid: str
    app_secret: str
    mchid: str
    merchant_serial: str
    public_key_id: str
    apiv3_key: str
    platform_key: rsa.RSAPrivateKey
    merchant_public_key: rsa.RSAPublicKey

    def sign(self, message: bytes) -> str:
        """WeChat Pay's signature of `message` is returned, base64."""
        return signed(self.platform_key, message)

    def is_merchants(self, signature: str, *, message: bytes) -> bool:
        """True is returned only when the merchant's private key signed exactly `message`."""
        try:
            raw = base64.b64decode(signature, validate=True)
            self.merchant_public_key.verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True

    def signature_headers(self, body: bytes, *, at_s: int) -> dict[str, str]:
        """The five headers with which WeChat Pay signs an answer or a notice are returned."""
        nonce = secrets.token_hex(16)
        message = f"{at_s}\n{nonce}\n".encode() + body + b"\n"
        return {
            "Wechatpay-Timestamp": str(at_s),
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": self.sign(message),
            "Wechatpay-Serial": self.public_key_id,
            "Wechatpay-Signature-Type": SIGNATURE_TYPE,
        }

    def encrypt(self, plaintext: bytes, *, nonce: str, associated_data: str) -> str:
        """AES-256-GCM ciphertext and tag under the APIv3 key are returned, base64."""
        cipher = AESGCM(self.apiv3_key.encode())
        sealed = cipher.encrypt(nonce.encode(), plaintext, associated_data.encode())
        return base64.b64encode(sealed).decode()


def signed(key: rsa.RSAPrivateKey, message: bytes) -> str:
    """The RSA PKCS#1 v1.5 SHA-256 signature of `message` is returned, base64."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def read_identity(folder: Path) -> Identity:
    """The sandbox's side of the keys in `folder` is returned.

    Raises FileNotFoundError when the keys have not been made.
    """
    names = json.loads((folder / keys.WECHAT_JSON).read_text(encoding="utf-8"))
    key = serialization.load_pem_private_key(
        (folder / keys.PLATFORM_KEY).read_bytes(), password=None
    )
    merchant = x509.load_pem_x509_certificate((folder / keys.MERCHANT_CERTIFICATE).read_bytes())
    public_key = merchant.public_key()
    if not isinstance(key, rsa.RSAPrivateKey) or not isinstance(public_key, rsa.RSAPublicKey):
        raise TypeError("the sandbox's keys are RSA keys")
    return Identity(platform_key=key, merchant_public_key=public_key, **names)
