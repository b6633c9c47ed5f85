"""Certificate mode: cold starts, what is believed of the list, and fields sealed for WeChat."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app import clock, settings
from app.settings.wechat import PaySettings
from app.wechat.apiv3 import NotSealable
from app.wechat.apiv3_client import Apiv3Client
from app.wechat.certificates import Certificate, Keyring, read_certificate
from app.wechat.faults import WechatRefused, WechatUnavailable
from tests.deployments import a_key
from tests.wechat.answering import (
    APIV3_KEY,
    PUBLIC_KEY_ID,
    Answering,
    Reply,
    pay_settings,
    signature_headers,
    signed,
)
from tests.wechat.conftest import Sandboxed

LIST, CLOSE = "/v3/certificates", "/v3/pay/transactions/out-trade-no/LC1/close"
FIRST, SECOND = (
    0x5157F09EFDC096DE15EBE81A47057A7200000001,
    0x5157F09EFDC096DE15EBE81A47057A7200000002,
)
DAY = timedelta(days=1)


def a_certificate(label: str, serial: int, *, begins: timedelta = -DAY, days: int = 30) -> bytes:
    """The PEM of a certificate of that label's key, from `begins` after now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com Root CA")])
    begins_at = datetime.now(UTC).replace(microsecond=0) + begins
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(a_key(label).public_key())
        .serial_number(serial)
        .not_valid_before(begins_at)
        .not_valid_after(begins_at + timedelta(days=days))
        .sign(a_key(label), SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def listed(*pems: bytes, apiv3_key: bytes = APIV3_KEY) -> dict[str, Any]:
    """What `/v3/certificates` answers about these."""
    return {"data": [_entry(pem, apiv3_key) for pem in pems]}


def _entry(pem: bytes, apiv3_key: bytes) -> dict[str, Any]:
    certificate, nonce = x509.load_pem_x509_certificate(pem), secrets.token_hex(6)
    sealed = AESGCM(apiv3_key).encrypt(nonce.encode(), pem, b"certificate")
    return {
        "serial_no": f"{certificate.serial_number:X}",
        "effective_time": certificate.not_valid_before_utc.isoformat(),
        "expire_time": certificate.not_valid_after_utc.isoformat(),
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": "certificate",
            "ciphertext": base64.b64encode(sealed).decode(),
        },
    }


def by(content: Any, label: str, serial: int) -> Reply:
    """The content, signed with that label's key under that serial."""
    return signed(content, by=a_key(label), Wechatpay_Serial=f"{serial:X}")


def certified(base: str, pem: bytes = b"", **changed: Any) -> PaySettings:
    """A merchant in certificate mode who was given this certificate and no public key."""
    plain = replace(pay_settings(base), public_key_id="", public_key_pem=b"")
    return replace(plain, mode="certificate", platform_cert_pem=pem, **changed)


# --- cold start ---


def test_the_first_list_is_believed_by_the_certificate_of_the_file(wechat: Answering) -> None:
    old, new = a_certificate("old", FIRST), a_certificate("new", SECOND)
    wechat.to(LIST, by(listed(old, new), "old", FIRST))

    found = Apiv3Client(certified(wechat.base, old)).certificates()

    assert set(found) == {f"{FIRST:X}", f"{SECOND:X}"}
    assert wechat.asked[0].headers["Wechatpay-Serial"] == f"{FIRST:X}"


def test_the_first_list_is_believed_by_a_certificate_within_it(wechat: Answering) -> None:
    """After a long sleep the file's certificate is over, and WeChat signs with its successor."""
    over = a_certificate("old", FIRST, begins=-40 * DAY)
    wechat.to(LIST, by(listed(a_certificate("new", SECOND)), "new", SECOND))

    found = Apiv3Client(certified(wechat.base, over)).certificates()

    assert set(found) == {f"{SECOND:X}"}
    assert "Wechatpay-Serial" not in wechat.asked[0].headers


def test_the_sandbox_lets_a_merchant_start_cold(sandboxed: Sandboxed, keys: Path) -> None:
    given = {
        "SANDBOX_FOLDER": str(keys),
        "WECHAT_PAY_BASE": sandboxed.base,
        "WECHAT_PAY_MODE": "certificate",
        "WECHAT_PAY_PLATFORM_CERT_FILE": str(keys / "platform-certificate.pem"),
        "WECHAT_PAY_PUBLIC_KEY_ID": "",
        "WECHAT_PAY_PUBLIC_KEY_FILE": "",
    }
    client = Apiv3Client(settings.load(given).pay)

    (serial,) = client.certificates()

    assert client.call("POST", CLOSE, {"mchid": client.merchant.mchid}) == {}
    assert client.platform.asked_serial(at=clock.now()) == serial
    assert settings.load(given).pay.public_key_pem == b""


DISTRUSTED = {
    "signed by somebody who put himself in, without the APIv3 key": lambda: by(
        listed(a_certificate("stranger", SECOND), apiv3_key=b"A" * 32), "stranger", SECOND
    ),
    "signed under a certificate that is not in it": lambda: by(
        listed(a_certificate("new", SECOND)), "stranger", FIRST + 7
    ),
    "signed with another key than the certificate's": lambda: by(
        listed(a_certificate("new", SECOND)), "stranger", SECOND
    ),
    "signed under one that is over": lambda: by(
        listed(a_certificate("new", SECOND, begins=-31 * DAY)), "new", SECOND
    ),
    "signed under one that has not begun": lambda: by(
        listed(a_certificate("new", SECOND, begins=DAY)), "new", SECOND
    ),
    "an old one played again": lambda: signed(
        listed(a_certificate("new", SECOND)),
        by=a_key("new"),
        late_s=-400,
        Wechatpay_Serial=f"{SECOND:X}",
    ),
    "unsigned": lambda: Reply.of(listed(a_certificate("new", SECOND))),
    "no list": lambda: by([1], "new", SECOND),
}


@pytest.mark.parametrize("how", DISTRUSTED)
def test_a_list_nobody_vouches_for_is_not_believed(wechat: Answering, how: str) -> None:
    wechat.to(LIST, DISTRUSTED[how]())

    with pytest.raises(WechatUnavailable):
        Apiv3Client(certified(wechat.base, a_certificate("old", FIRST))).certificates()


def test_with_a_public_key_nothing_within_a_list_vouches_for_it(wechat: Answering) -> None:
    wechat.to(LIST, by(listed(a_certificate("new", SECOND)), "new", SECOND))

    with pytest.raises(WechatUnavailable):
        Apiv3Client(pay_settings(wechat.base)).certificates()


def test_only_a_list_introduces_newcomers(wechat: Answering) -> None:
    wechat.to(CLOSE, by(listed(a_certificate("new", SECOND)), "new", SECOND))

    with pytest.raises(WechatUnavailable):
        Apiv3Client(certified(wechat.base)).call("POST", CLOSE, {})


def test_an_apiv3_key_that_opens_nothing_is_named(wechat: Answering) -> None:
    old = a_certificate("old", FIRST)
    wechat.to(LIST, by(listed(old), "old", FIRST))

    with pytest.raises(WechatUnavailable) as unknown:
        Apiv3Client(certified(wechat.base, old, apiv3_key=b"A" * 32)).certificates()

    assert unknown.value.facts == {"why": "certificates-sealed-otherwise"}


SPOILT: dict[str, dict[str, Any]] = {
    "another serial": {"serial_no": f"{FIRST:X}"},
    "a serial that is none": {"serial_no": "../../etc"},
    "a serial that is a number": {"serial_no": SECOND},
    "a day that is none": {"effective_time": "yesterday"},
    "a day without a zone": {"expire_time": "2036-01-01T00:00:00"},
    "nothing sealed": {"encrypt_certificate": None},
    "another algorithm": {"encrypt_certificate": {"algorithm": "AEAD_SM4_GCM"}},
}


@pytest.mark.parametrize("what", SPOILT)
def test_an_entry_that_is_no_certificate_is_left_out(wechat: Answering, what: str) -> None:
    old, answer = a_certificate("old", FIRST), listed(a_certificate("new", SECOND))
    answer["data"] = [answer["data"][0] | SPOILT[what], *listed(old)["data"]]
    wechat.to(LIST, by(answer, "old", FIRST))

    assert set(Apiv3Client(certified(wechat.base, old)).certificates()) == {f"{FIRST:X}"}


def test_a_merchant_who_never_had_certificates_is_told_so(wechat: Answering) -> None:
    wechat.to(LIST, Reply.of({"code": "RESOURCE_NOT_EXISTS", "message": "无"}, status=404))

    with pytest.raises(WechatRefused) as refused:
        Apiv3Client(pay_settings(wechat.base)).certificates()

    assert refused.value.facts == {"status": 404, "code": "RESOURCE_NOT_EXISTS"}


# --- the keyring ---


def the_certificate(label: str, serial: int, **how: Any) -> Certificate:
    found = read_certificate(a_certificate(label, serial, **how))
    assert found is not None
    return found


def test_what_the_table_says_of_a_certificate_counts_before_the_file() -> None:
    at, pem = clock.now(), a_certificate("old", FIRST)
    ended = read_certificate(pem, within=(at - 2 * DAY, at))
    assert ended is not None

    keyring = Keyring(certified("", pem), lambda: [ended])

    assert Keyring(certified("", pem)).key(f"{FIRST:X}", at=at) is not None
    assert keyring.key(f"{FIRST:X}", at=at) is None
    assert keyring.asked(at=at) is None


def test_a_list_cannot_lengthen_a_certificates_own_life() -> None:
    at = clock.now()
    own = the_certificate("old", FIRST)
    long = read_certificate(own.pem.encode(), within=(at - 999 * DAY, at + 999 * DAY))

    assert long == own


def test_a_certificate_counts_from_its_first_second_until_before_its_last() -> None:
    found = the_certificate("old", FIRST)
    second = timedelta(seconds=1)

    assert [
        found.is_in_force(at)
        for at in (found.effective_at - second, found.effective_at, found.expires_at - second)
    ] == [False, True, True]
    assert not found.is_in_force(found.expires_at)


def test_no_spelling_of_a_serial_but_its_own_finds_a_key() -> None:
    keyring, at = Keyring(certified("", a_certificate("old", FIRST))), clock.now()
    spellings = (f"{FIRST:x}", f"0{FIRST:X}", f"{FIRST:X} ", f"0x{FIRST:X}", "", PUBLIC_KEY_ID)

    assert [keyring.key(each, at=at) for each in spellings] == [None] * 6


def test_a_table_that_fails_is_not_asked_again_within_the_minute() -> None:
    asked, at = [], clock.now()

    def broken() -> list[Certificate]:
        asked.append(1)
        raise OSError

    keyring = Keyring(certified("", a_certificate("old", FIRST)), broken)
    with pytest.raises(OSError):  # noqa: PT011 - whatever the database raises
        keyring.key("AB", at=at)

    assert keyring.key(f"{FIRST:X}", at=at) is not None
    assert keyring.key("AB", at=at) is None
    assert len(asked) == 1


# --- sealed fields ---


def unsealed(ciphertext: str, key: RSAPrivateKey) -> str:
    return key.decrypt(base64.b64decode(ciphertext), OAEP(MGF1(SHA1()), SHA1(), None)).decode()  # noqa: S303


def test_a_field_is_sealed_for_the_key_that_is_named() -> None:
    at = clock.now()
    public = Apiv3Client(pay_settings("")).platform
    certificate = Apiv3Client(certified("", a_certificate("old", FIRST))).platform

    for platform, serial, label in (
        (public, PUBLIC_KEY_ID, "wechat"),
        (certificate, f"{FIRST:X}", "old"),
    ):
        named, first = platform.seal("张小满", at=at)
        _, second = platform.seal("张小满", at=at)
        assert named == serial == platform.asked_serial(at=at)
        assert unsealed(first, a_key(label)) == unsealed(second, a_key(label)) == "张小满"
        assert first != second


def test_the_serial_of_sealed_fields_goes_with_the_request(wechat: Answering) -> None:
    wechat.to(CLOSE, signed(b"", status=204))

    Apiv3Client(pay_settings(wechat.base)).call("POST", CLOSE, {}, sealed_serial="5157F0")

    assert wechat.asked[0].headers["Wechatpay-Serial"] == "5157F0"


@pytest.mark.parametrize("text", ["名" * 72, "\ud800"], ids=["long", "half a character"])
def test_what_cannot_be_sealed_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(NotSealable) as refused:
        Apiv3Client(pay_settings("")).platform.seal(text, at=clock.now())

    assert refused.value.__context__ is None
    assert text not in str(refused.value)


def test_nothing_is_sealed_while_no_certificate_is_in_force() -> None:
    with pytest.raises(NotSealable, match="no key"):
        Apiv3Client(certified("")).platform.seal("张小满", at=clock.now())


def test_answers_signed_by_a_held_certificate_are_believed_beside_the_public_key(
    wechat: Answering,
) -> None:
    both = replace(pay_settings(wechat.base), platform_cert_pem=a_certificate("old", FIRST))
    wechat.to(CLOSE, by({}, "old", FIRST), Reply(b"{}", headers=signature_headers(b"{}")))
    client = Apiv3Client(both)

    assert [client.call("POST", CLOSE, {}) for _ in range(2)] == [{}, {}]
    assert json.loads(wechat.asked[0].body) == {}
