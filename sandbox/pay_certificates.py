"""WeChat Pay's certificates: handed to the merchant sealed, kept in the books, replaced."""

import secrets
import sqlite3
from dataclasses import asdict

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Blueprint, Response

from sandbox import certificates
from sandbox.authorization import CERTIFICATES_PATH
from sandbox.books_platform import read_setting, write_setting
from sandbox.clock import rfc3339
from sandbox.identity import Identity
from sandbox.pay_door import json_answer, keep_door
from sandbox.signing import PlatformCertificate, Rules, Signing
from sandbox.world import this_world

pay_certificates = Blueprint("pay_certificates", __name__)
keep_door(pay_certificates)

ASSOCIATED_DATA = "certificate"
DAY_S = 86400
# As long as WeChat Pay's certificates live.
LIFE_S = 5 * 365 * DAY_S

_RULES = "signing"


@pay_certificates.get(CERTIFICATES_PATH)
def download() -> Response:
    """Every certificate that is or will be valid is answered, sealed, the newest first."""
    world = this_world()
    found = reversed(world.identity.signing.published(world.clock.now_s()))
    return json_answer({"data": [_sealed(each, world.identity) for each in found]})


def _sealed(certificate: PlatformCertificate, identity: Identity) -> dict[str, object]:
    nonce = secrets.token_hex(6)
    ciphertext = identity.encrypt(certificate.pem(), nonce=nonce, associated_data=ASSOCIATED_DATA)
    return {
        "serial_no": certificate.serial,
        "effective_time": rfc3339(certificate.effective_s),
        "expire_time": rfc3339(certificate.expire_s),
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": ASSOCIATED_DATA,
            "ciphertext": ciphertext,
        },
    }


def write_rules(db: sqlite3.Connection, signing: Signing, rules: Rules) -> None:
    """These rules are in force, also after a restart."""
    write_setting(db, _RULES, asdict(rules))
    signing.follow(rules)


def restore_signing(db: sqlite3.Connection, signing: Signing) -> None:
    """What the books know of rules and certificates is in force again."""
    signing.follow(Rules(**(read_setting(db, _RULES) or {})))
    held = {each.serial: each for each in signing.all_certificates()}
    for row in db.execute("SELECT * FROM platform_certificate"):
        key = serialization.load_pem_private_key(row["key_pem"], password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("the sandbox's keys are RSA keys")
        held[row["serial"]] = PlatformCertificate(
            row["serial"], key, row["effective_s"], row["expire_s"]
        )
    signing.hold(held.values())


def rotate(
    db: sqlite3.Connection, signing: Signing, *, effective_s: int, overlap_s: int
) -> PlatformCertificate:
    """A new certificate is published and returned; it signs from its effective second on.

    The ones before it end when the overlap is over.
    """
    new = PlatformCertificate(
        serial=f"{certificates.new_serial():X}",
        key=certificates.new_key(),
        effective_s=effective_s,
        expire_s=effective_s + LIFE_S,
    )
    end_s = effective_s + overlap_s
    old = [
        PlatformCertificate(each.serial, each.key, each.effective_s, min(each.expire_s, end_s))
        for each in signing.all_certificates()
    ]
    for each in (*old, new):
        db.execute(
            "INSERT OR REPLACE INTO platform_certificate VALUES (?, ?, ?, ?)",
            (each.serial, certificates.private_pem(each.key), each.effective_s, each.expire_s),
        )
    signing.hold((*old, new))
    return new
