"""Single fields of a body that only the other side can read: RSA-OAEP, as WeChat Pay seals them."""

import base64
import binascii

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from sandbox.identity import Identity

# WeChat Pay's choice, for the mask as well. OAEP does not lean on the digest's collisions.
_SHA1 = hashes.SHA1()  # noqa: S303 # nosec B303
_OAEP = padding.OAEP(mgf=padding.MGF1(algorithm=_SHA1), algorithm=_SHA1, label=None)


class Undecipherable(Exception):
    """The field was not sealed for the key that was named, or no key was named."""


def opened(identity: Identity, sealed: str, *, serial: str, at_s: int) -> str:
    """What the merchant sealed for the platform's key `serial` is returned.

    Raises Undecipherable.
    """
    key = identity.signing.private_key(serial, at_s)
    if key is None:
        raise Undecipherable
    try:
        return key.decrypt(base64.b64decode(sealed, validate=True), _OAEP).decode()
    except (binascii.Error, ValueError):
        raise Undecipherable from None


def sealed_for_merchant(identity: Identity, text: str) -> str:
    """The text is returned so that only the merchant's private key opens it."""
    return base64.b64encode(identity.merchant_public_key.encrypt(text.encode(), _OAEP)).decode()
