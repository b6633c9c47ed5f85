"""Who WeChat is on this machine: its names, and its keys to sign, seal and check with."""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox import keys
from sandbox.signing import PlatformCertificate, Signing

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
    signing: Signing

    def is_merchants(self, signature: str, *, message: bytes) -> bool:
        """True is returned only when the merchant's private key signed exactly `message`."""
        try:
            raw = base64.b64decode(signature, validate=True)
            self.merchant_public_key.verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True

    def answer_headers(self, body: bytes, *, asked: str, at_s: int) -> dict[str, str]:
        """The five headers that sign an answer to whoever named `asked` are returned."""
        serial, key = self.signing.for_answer(asked, at_s)
        return self._signature_headers(body, serial=serial, key=key, at_s=at_s)

    def notice_headers(self, body: bytes, *, notice_id: str, at_s: int) -> dict[str, str]:
        """The five headers that sign a notice of that id are returned."""
        serial, key = self.signing.for_notice(notice_id, at_s)
        return self._signature_headers(body, serial=serial, key=key, at_s=at_s)

    def _signature_headers(
        self, body: bytes, *, serial: str, key: rsa.RSAPrivateKey, at_s: int
    ) -> dict[str, str]:
        nonce = secrets.token_hex(16)
        message = f"{at_s}\n{nonce}\n".encode() + body + b"\n"
        return {
            "Wechatpay-Timestamp": str(at_s),
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": signed(key, message),
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature-Type": SIGNATURE_TYPE,
        }

    def encrypt(self, plaintext: bytes, *, nonce: str, associated_data: str) -> str:
        """AES-256-GCM ciphertext and tag under the APIv3 key are returned, base64."""
        cipher = AESGCM(self.apiv3_key.encode())
        sealed = cipher.encrypt(nonce.encode(), plaintext, associated_data.encode())
        return base64.b64encode(sealed).decode()

    def decrypt(self, ciphertext: str, *, nonce: str, associated_data: str) -> bytes:
        """What `encrypt` sealed is returned."""
        cipher = AESGCM(self.apiv3_key.encode())
        return cipher.decrypt(
            nonce.encode(), base64.b64decode(ciphertext), associated_data.encode()
        )


def signed(key: rsa.RSAPrivateKey, message: bytes) -> str:
    """The RSA PKCS#1 v1.5 SHA-256 signature of `message` is returned, base64."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def read_identity(folder: Path) -> Identity:
    """The sandbox's side of the keys in `folder` is returned.

    Raises FileNotFoundError when the keys have not been made.
    """
    names = json.loads((folder / keys.WECHAT_JSON).read_text(encoding="utf-8"))
    key = _private_key(folder / keys.PLATFORM_KEY)
    merchant = x509.load_pem_x509_certificate((folder / keys.MERCHANT_CERTIFICATE).read_bytes())
    public_key = merchant.public_key()
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise TypeError("the sandbox's keys are RSA keys")
    signing = Signing(names["public_key_id"], key, _first_certificate(folder))
    return Identity(platform_key=key, merchant_public_key=public_key, signing=signing, **names)


def _first_certificate(folder: Path) -> PlatformCertificate:
    pem = (folder / keys.PLATFORM_CERTIFICATE).read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    return PlatformCertificate(
        serial=f"{certificate.serial_number:X}",
        key=_private_key(folder / keys.PLATFORM_CERTIFICATE_KEY),
        effective_s=int(certificate.not_valid_before_utc.timestamp()),
        expire_s=int(certificate.not_valid_after_utc.timestamp()),
    )


def _private_key(file: Path) -> rsa.RSAPrivateKey:
    return _parsed(file.read_bytes())


@cache
def _parsed(pem: bytes) -> rsa.RSAPrivateKey:
    # Reading a key checks its arithmetic, 40 ms; a test suite makes thousands of sandboxes.
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the sandbox's keys are RSA keys")
    return key
