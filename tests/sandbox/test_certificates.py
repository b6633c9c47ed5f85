"""Who signs: the public key, a certificate, or its successor."""

import base64
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.keys import ensure_keys
from sandbox.server import create_sandbox, serve_in_thread
from tests.sandbox.merchant import Merchant, Phone, Receiver

DAY_S = 86400


def _get(
    merchant: Merchant, path: str, *, names: str | None, at_s: int | None = None
) -> requests.Response:
    headers = merchant.headers("GET", path, "", at_s=at_s)
    del headers["Wechatpay-Serial"]
    if names is not None:
        headers["Wechatpay-Serial"] = names
    return requests.get(merchant.base + path, headers=headers, timeout=10)


def _downloaded(
    merchant: Merchant, *, at_s: int | None = None
) -> list[tuple[dict[str, Any], x509.Certificate]]:
    """Entries and opened certificates, the answer itself verified by one of them."""
    answer = _get(merchant, "/v3/certificates", names=None, at_s=at_s)
    assert answer.status_code == 200, answer.text
    entries = [(each, _opened(merchant, each)) for each in answer.json()["data"]]
    assert any(_signed_by(opened, answer.headers, answer.content) for _, opened in entries)
    return entries


def _opened(merchant: Merchant, entry: dict[str, Any]) -> x509.Certificate:
    sealed = entry["encrypt_certificate"]
    assert (sealed["algorithm"], sealed["associated_data"]) == ("AEAD_AES_256_GCM", "certificate")
    cipher = AESGCM(merchant.env["WECHAT_PAY_APIV3_KEY"].encode())
    raw = base64.b64decode(sealed["ciphertext"])
    pem = cipher.decrypt(sealed["nonce"].encode(), raw, sealed["associated_data"].encode())
    return x509.load_pem_x509_certificate(pem)


def _signed_by(certificate: x509.Certificate, headers: Any, body: bytes) -> bool:
    if headers["Wechatpay-Serial"] != f"{certificate.serial_number:X}":
        return False
    head = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode()
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(headers["Wechatpay-Signature"])
    try:
        key.verify(signature, head + body + b"\n", padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _query(merchant: Merchant, number: str) -> str:
    mchid = merchant.env["WECHAT_PAY_MCHID"]
    return f"/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}"


def test_the_certificate_comes_sealed_and_says_what_the_list_says(merchant: Merchant) -> None:
    ((entry, certificate),) = _downloaded(merchant)

    assert len(entry["serial_no"]) == 40
    assert entry["serial_no"] == f"{certificate.serial_number:X}"
    assert datetime.fromisoformat(entry["effective_time"]) == certificate.not_valid_before_utc
    assert datetime.fromisoformat(entry["expire_time"]) == certificate.not_valid_after_utc
    assert entry["effective_time"].endswith("+08:00")


def test_an_answer_is_signed_by_the_key_that_was_asked_for(
    merchant: Merchant, phone: Phone
) -> None:
    ((entry, certificate),) = _downloaded(merchant)
    phone.control("PUT", "/signing", {"refuse_unnamed": False})
    path = _query(merchant, phone.placed()[0])

    public = _get(merchant, path, names=merchant.env["WECHAT_PAY_PUBLIC_KEY_ID"])
    named = _get(merchant, path, names=entry["serial_no"])
    unnamed = _get(merchant, path, names=None)

    assert merchant.believes(public.headers, public.content)
    for answer in (named, unnamed):
        assert not merchant.believes(answer.headers, answer.content)
        assert _signed_by(certificate, answer.headers, answer.content)


@pytest.mark.parametrize(("refuses", "status"), [(True, 400), (False, 404)])
def test_naming_no_key_is_refused_while_the_switch_is_on(
    merchant: Merchant, phone: Phone, refuses: bool, status: int
) -> None:
    phone.control("PUT", "/signing", {"refuse_unnamed": refuses})

    answer = _get(merchant, _query(merchant, "NOBODYS"), names=None)

    assert answer.status_code == status


@pytest.mark.parametrize("names", ["PUB_KEY_ID_0", "0A1B", ""])
def test_naming_a_key_that_is_not_wechats_is_always_refused(
    merchant: Merchant, phone: Phone, names: str
) -> None:
    phone.control("PUT", "/signing", {"refuse_unnamed": False})

    answer = _get(merchant, _query(merchant, "NOBODYS"), names=names)

    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


def test_notices_move_from_the_certificate_to_the_public_key_by_their_share(
    merchant: Merchant, phone: Phone
) -> None:
    ((_, certificate),) = _downloaded(merchant)
    numbers = [phone.paid()[0] for _ in range(25)]

    def by_public_key(share: object) -> set[str]:
        phone.control("PUT", "/signing", {"notices": share})
        found = set()
        for number in numbers:
            ready = phone.control("POST", f"/orders/{number}/notice", {}).json()
            if merchant.believes(ready["headers"], ready["body"].encode()):
                found.add(number)
            else:
                assert _signed_by(certificate, ready["headers"], ready["body"].encode())
        return found

    shares = [by_public_key(share) for share in (0, 20, 70, 100)]

    assert shares[0] == by_public_key("certificate") == set()
    assert shares[3] == by_public_key("public-key") == set(numbers)
    # What the public key signed once it goes on signing while its share grows.
    assert shares[0] <= shares[1] <= shares[2] <= shares[3]
    assert 0 < len(shares[2]) < 25
    assert by_public_key(20) == shares[1]


def test_a_notice_that_is_sent_follows_the_rules_too(
    merchant: Merchant, phone: Phone, receiver: Receiver
) -> None:
    ((_, certificate),) = _downloaded(merchant)
    phone.control("PUT", "/signing", {"notices": "certificate"})

    phone.paid(notify=True, notify_url=receiver.notify_url)

    headers, body = receiver.wait_for(1)[0]
    assert _signed_by(certificate, headers, body)


@pytest.mark.parametrize(
    "body",
    [
        {"notices": 101},
        {"notices": -1},
        {"notices": True},
        {"notices": "key"},
        {"answers": "certificate"},
        {"refuse_unnamed": 1},
        {"colour": "red"},
    ],
)
def test_a_rule_nobody_built_is_refused_and_changes_nothing(
    phone: Phone, body: dict[str, Any]
) -> None:
    before = phone.control("PUT", "/signing", {"notices": 30}).json()

    answer = phone.control("PUT", "/signing", body)

    assert (answer.status_code, answer.json()["error"]) == (400, "rule-unknown")
    assert phone.control("GET", "/signing").json() == before


def test_after_a_rotation_both_are_published_and_the_new_one_signs(
    merchant: Merchant, phone: Phone
) -> None:
    ((old, _),) = _downloaded(merchant)

    made = phone.control("POST", "/certificates/rotate", {"overlap_days": 5}).json()
    during = _downloaded(merchant)
    offset = 5 * DAY_S + 60
    phone.control("PUT", "/clock", {"offset_s": offset})
    after = _downloaded(merchant, at_s=int(time.time()) + offset)
    stale = _get(
        merchant,
        _query(merchant, "NOBODYS"),
        names=old["serial_no"],
        at_s=int(time.time()) + offset,
    )

    assert made["signs"] is True
    assert [entry["serial_no"] for entry, _ in during] == [made["serial_no"], old["serial_no"]]
    assert during[1][0]["expire_time"] < old["expire_time"]
    assert [entry["serial_no"] for entry, _ in after] == [made["serial_no"]]
    assert stale.status_code == 400


def test_a_certificate_of_tomorrow_is_published_and_signs_from_tomorrow(
    merchant: Merchant, phone: Phone
) -> None:
    ((old, _),) = _downloaded(merchant)
    asked = {"overlap_days": 5, "effective_in_days": 1}
    new = phone.control("POST", "/certificates/rotate", asked).json()

    today = _get(merchant, "/v3/certificates", names=None)
    phone.control("PUT", "/clock", {"offset_s": DAY_S + 60})
    tomorrow = _get(merchant, "/v3/certificates", names=None, at_s=int(time.time()) + DAY_S + 60)

    assert new["signs"] is False
    assert len(today.json()["data"]) == 2
    assert today.headers["Wechatpay-Serial"] == old["serial_no"]
    assert tomorrow.headers["Wechatpay-Serial"] == new["serial_no"]


def test_rules_and_certificates_survive_a_restart(folder: Path) -> None:
    with serve_in_thread(create_sandbox(folder)) as base:
        phone = Phone(Merchant(folder, base))
        phone.control("POST", "/certificates/rotate", {"overlap_days": 5})
        phone.control("PUT", "/signing", {"notices": 40})
        before = phone.control("GET", "/signing").json()
        listed = [entry for entry, _ in _downloaded(phone.merchant)]

    with serve_in_thread(create_sandbox(folder)) as base:
        merchant = Merchant(folder, base)
        after = requests.get(f"{base}/sandbox/signing", timeout=10).json()
        listed_again = [entry for entry, _ in _downloaded(merchant)]

    assert after == before
    assert len(before["certificates"]) == 2
    serials = [each["serial_no"] for each in listed]
    assert serials == [each["serial_no"] for each in listed_again]


def test_keys_of_before_there_was_a_certificate_get_one_and_keep_the_rest(folder: Path) -> None:
    for name in ("platform-certificate.pem", "platform-certificate-key.pem"):
        (folder / name).unlink()
    old = {file.name: file.read_bytes() for file in folder.iterdir()}

    with serve_in_thread(create_sandbox(folder, database=":memory:")) as base:
        first = _downloaded(Merchant(folder, base))[0][0]["serial_no"]
    ensure_keys(folder)
    with serve_in_thread(create_sandbox(folder, database=":memory:")) as base:
        again = _downloaded(Merchant(folder, base))[0][0]["serial_no"]

    assert first == again
    assert all((folder / name).read_bytes() == content for name, content in old.items())
    assert (folder / "platform-certificate-key.pem").stat().st_mode & 0o777 == 0o600
