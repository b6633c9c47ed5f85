"""Notices that a receiver must refuse, one fault each, everything else about them right."""

import base64
import json
import secrets
from collections.abc import Callable

from sandbox.certificates import new_key
from sandbox.identity import Identity, signed
from sandbox.notices import Told, new_notice_id, notice_headers, sealed_notice

Notice = tuple[dict[str, str], bytes]
Forgery = Callable[[Identity, dict[str, str], bytes], Notice]

# A receiver may allow five minutes. One second more is enough for the past; the future needs
# the time the notice is on its way as well.
STALE_S = 301
FUTURE_S = 330

# Some other merchant's APIv3 context: the seal is made over these words, the notice says others.
_OTHER_AAD = "refund"


def _signature(identity: Identity, headers: dict[str, str], body: bytes) -> Notice:
    head = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n"
    strange = signed(new_key(), head.encode() + body + b"\n")
    return headers | {"Wechatpay-Signature": strange}, body


def _no_signature_headers(identity: Identity, headers: dict[str, str], body: bytes) -> Notice:
    return {k: v for k, v in headers.items() if not k.startswith("Wechatpay-")}, body


def _signtest(identity: Identity, headers: dict[str, str], body: bytes) -> Notice:
    probe = "WECHATPAY/SIGNTEST/" + base64.b64encode(secrets.token_bytes(256)).decode()
    return headers | {"Wechatpay-Signature": probe}, body


def _unknown_serial(identity: Identity, headers: dict[str, str], body: bytes) -> Notice:
    # Rightly signed, so that a receiver who never looks at the serial gives itself away.
    return headers | {"Wechatpay-Serial": secrets.token_hex(20).upper()}, body


def _reserialised(identity: Identity, headers: dict[str, str], body: bytes) -> Notice:
    return headers, json.dumps(json.loads(body), sort_keys=True).encode()


def _bit_flip(identity: Identity, headers: dict[str, str], body: bytes) -> Notice:
    # Inside the ciphertext, where the lowest bit of any base64 letter leaves valid JSON.
    at = body.index(b'"ciphertext":"') + len(b'"ciphertext":"') + 20
    return headers, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def _other_nonce(identity: Identity, headers: dict[str, str], body: bytes) -> Notice:
    return headers | {"Wechatpay-Nonce": secrets.token_hex(16)}, body


def _wrong_signature_type(identity: Identity, headers: dict[str, str], body: bytes) -> Notice:
    return headers | {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}, body


def _as_it_is(identity: Identity, headers: dict[str, str], body: bytes) -> Notice:
    return headers, body


# kind -> how the good notice is spoiled; the last three are spoiled while they are made.
KINDS: dict[str, Forgery] = {
    "signature": _signature,
    "no-signature-headers": _no_signature_headers,
    "signtest": _signtest,
    "unknown-serial": _unknown_serial,
    "reserialised": _reserialised,
    "bit-flip": _bit_flip,
    "other-nonce": _other_nonce,
    "wrong-signature-type": _wrong_signature_type,
    "stale": _as_it_is,
    "future": _as_it_is,
    "wrong-aad": _as_it_is,
}

_SIGNED_LATER_BY_S = {"stale": -STALE_S, "future": FUTURE_S}


def forged_notice(identity: Identity, told: Told, *, kind: str, at_s: int) -> Notice:
    """Headers and body of a notice that tells this and must be refused are returned.

    It has a notice id of its own, so that no receiver may refuse it as a mere repeat.
    Raises KeyError for a kind that is not in KINDS.
    """
    spoil = KINDS[kind]
    aad = _OTHER_AAD if kind == "wrong-aad" else None
    body = sealed_notice(identity, told, notice_id=new_notice_id(), at_s=at_s, aad=aad)
    headers = notice_headers(identity, body, at_s=at_s + _SIGNED_LATER_BY_S.get(kind, 0))
    return spoil(identity, headers, body)
