"""`wechatpayv3`, which nobody here wrote, agrees with our client and with the sandbox, both ways.

The second half measures where it differs, as docs/decisions/0001 says: what it takes, ours refuses.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from wechatpayv3 import utils

from app import clock
from app.wechat.apiv3 import NotFromWechat
from app.wechat.pay_notice import open_notice
from sandbox.identity import signed
from tests.interop.conftest import Both, foreign_client

CERTIFICATES = "/v3/certificates"
NAME = "欧阳·买买提"


def a_paid_order(both: Both, **how: Any) -> str:
    """An order of ours that is paid; answers its number."""
    number = f"LC{secrets.token_hex(10).upper()}"
    prepay_id = both.ours.prepay(
        out_trade_no=number,
        amount_fen=12_345,
        payer_openid=both.phone.openid,
        description="灵活就业缴存",
        expires_at=clock.now() + timedelta(minutes=30),
    )
    parameters = both.ours.payment_parameters(prepay_id, at=clock.now())
    both.phone.does("pay", notify=False, **parameters, **how).raise_for_status()
    return number


def a_notice(both: Both) -> dict[str, Any]:
    return dict(both.control("POST", f"/orders/{a_paid_order(both)}/notice", {}))


def stamped(both: Both, notice: dict[str, Any], *, late_s: int = 0, **more: str) -> dict[str, str]:
    """The notice's headers, signed anew by the public key at another time."""
    stamp, nonce = str(int(time.time()) + late_s), secrets.token_hex(16)
    message = f"{stamp}\n{nonce}\n{notice['body']}\n".encode()
    return notice["headers"] | {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": signed(both.identity.platform_key, message),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def ours_takes(both: Both, headers: dict[str, str], body: str) -> bool:
    try:
        open_notice(both.ours.platform, headers, body.encode(), at=clock.now())
    except NotFromWechat:
        return False
    return True


# --- agreement ---


def test_the_sandbox_takes_its_signature_and_ours_on_the_same_order(both: Both) -> None:
    number = a_paid_order(both)

    status, text = both.theirs.query(out_trade_no=number)
    ours = both.ours.query(number)

    assert status == 200
    assert ours is not None
    theirs = json.loads(text)
    assert (theirs["transaction_id"], theirs["amount"]["total"], theirs["trade_state"]) == (
        ours.transaction_id,
        ours.amount_total,
        ours.trade_state,
    )
    assert both.theirs.close("LCNOBODYS1") == (204, b"")
    both.ours.close("LCNOBODYS2")


@pytest.mark.parametrize("body", ["", '{"description": "缴存 “甲&乙” ½"}'])
def test_its_code_verifies_our_authorization(both: Both, body: str) -> None:
    target = "/v3/pay/transactions/jsapi?a=%2F&b=1"

    header = both.ours._client.merchant.authorization("POST", target, body, at=clock.now())

    given = dict(re.findall(r'(\w+)="([^"]*)"', header))
    key = load_pem_private_key(both.settings.merchant_key_pem, password=None).public_key()
    head = f"POST\n{target}\n{given['timestamp']}"
    assert utils.rsa_verify(head, given["nonce_str"], body, given["signature"], key)
    assert not utils.rsa_verify(head, given["nonce_str"], f"{body} ", given["signature"], key)


def test_our_code_verifies_nothing_but_what_its_code_verifies_of_an_answer(both: Both) -> None:
    ours = both.ours._client._sent("GET", CERTIFICATES, None)

    assert both.theirs._core._verify_signature(ours.headers, ours.text)
    both.ours.platform.verify(ours.headers, ours.content, at=clock.now())


def test_its_signature_for_the_phone_is_ours(both: Both) -> None:
    given = both.ours.payment_parameters("wx2014", at=clock.now())

    parts = [both.ours.appid, given["timeStamp"], given["nonceStr"], given["package"]]

    assert both.theirs.sign(parts) == given["paySign"]  # PKCS #1 v1.5 has one signature for a text


def test_both_open_the_sandboxs_notice_and_read_the_same(both: Both) -> None:
    notice = a_notice(both)

    theirs = both.theirs.callback(notice["headers"], notice["body"])
    ours = both.ours.platform.open_resource(json.loads(notice["body"])["resource"])

    assert theirs["resource"] == ours
    assert ours_takes(both, notice["headers"], notice["body"])


def test_each_opens_what_was_sealed_with_the_apiv3_key(both: Both) -> None:
    plain, nonce, associated = json.dumps({"name": NAME}), "0123456789ab", "transaction"
    box = AESGCM(both.settings.apiv3_key).encrypt(nonce.encode(), plain.encode(), b"transaction")
    ciphertext = utils.b64encode(box).decode()

    theirs = utils.aes_decrypt(nonce, ciphertext, associated, both.settings.apiv3_key.decode())
    ours = both.ours.platform.open_resource(
        {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": ciphertext,
            "nonce": nonce,
            "associated_data": associated,
        }
    )

    assert json.loads(theirs) == ours == {"name": NAME}


def test_fields_sealed_by_either_are_opened_by_the_same_key(both: Both) -> None:
    key = both.identity.platform_key
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    wechat = foreign_client(both.settings, both.ours.appid, private_key=pem)

    serial, ours = both.ours.platform.seal(NAME, at=clock.now())
    theirs = both.theirs._core.encrypt(NAME)

    assert serial == both.settings.public_key_id
    assert wechat._core.decrypt(ours) == wechat._core.decrypt(theirs) == NAME


def test_both_fetch_the_same_bill_and_its_hash_is_the_signed_one(both: Both) -> None:
    yesterday = clock.now().astimezone(clock.SHANGHAI).replace(hour=12) - timedelta(days=2)
    a_paid_order(both, success_time=yesterday.isoformat(timespec="seconds"))
    day = yesterday.date().isoformat()

    status, told = both.theirs.trade_bill(day, tar_type="GZIP")
    theirs = both.theirs.download_bill(json.loads(told)["download_url"])[1]
    target = f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL"
    address = both.ours._client.call("GET", target, None)
    ours = both.ours._client.download(str(address["download_url"]))

    assert status == 200
    assert hashlib.sha1(ours, usedforsecurity=False).hexdigest() == address["hash_value"]
    assert json.loads(told)["hash_value"] == address["hash_value"]
    assert _unzipped(theirs) == ours


def _unzipped(content: bytes) -> bytes:
    import gzip

    return gzip.decompress(content)


def test_its_certificates_are_the_ones_we_open(both: Both) -> None:
    both.theirs._core._update_certificates()

    found = both.ours._client.certificates()

    held = {f"{each.serial_number:X}" for each in both.theirs._core._certificates}
    assert held == set(found)


# --- where it differs: measured, and the reason for a client of our own ---


def test_it_calls_out_for_every_forged_serial_and_ours_for_none(both: Both) -> None:
    notice = a_notice(both)
    forged = [stamped(both, notice, Wechatpay_Serial=f"{number:040X}") for number in range(1, 6)]
    both.control("DELETE", "/calls")

    assert not any(ours_takes(both, each, notice["body"]) for each in forged)
    after_ours = both.calls(CERTIFICATES)
    assert not any(both.theirs.callback(each, notice["body"]) for each in forged)
    after_theirs = both.calls(CERTIFICATES)

    assert (after_ours, after_theirs) == (0, 5)


@pytest.mark.parametrize("late_s", [-3_600, -86_400, 3_600])
def test_it_takes_a_notice_of_any_age_and_ours_one_of_five_minutes(both: Both, late_s: int) -> None:
    notice = a_notice(both)
    headers = stamped(both, notice, late_s=late_s)

    assert both.theirs.callback(headers, notice["body"])
    assert not ours_takes(both, headers, notice["body"])


def test_a_notice_without_headers_makes_it_raise_a_bare_exception(both: Both) -> None:
    notice = a_notice(both)

    with pytest.raises(Exception, match="does not support this algorithm") as raised:
        both.theirs.callback({}, notice["body"])

    assert type(raised.value) is Exception
    assert not ours_takes(both, {}, notice["body"])


def test_another_public_key_id_makes_it_raise_and_ours_refuse(both: Both) -> None:
    notice = a_notice(both)
    headers = stamped(both, notice, Wechatpay_Serial="PUB_KEY_ID_0000000000000000000001")

    with pytest.raises(ValueError, match="invalid literal"):
        both.theirs.callback(headers, notice["body"])
    assert not ours_takes(both, headers, notice["body"])


def test_it_hands_over_unverified_errors_and_waits_without_end_by_default(both: Both) -> None:
    status, text = both.theirs.query(out_trade_no="NOBODYS-ORDER")
    plain = foreign_client(both.settings, both.ours.appid)._core.__class__.__init__.__defaults__

    assert (status, json.loads(text)["code"]) == (404, "ORDER_NOT_EXIST")
    assert plain is not None
    assert not any(plain)  # cert_dir, logger, proxy, timeout, keys: nothing is set
