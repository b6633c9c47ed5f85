"""A notice is opened only if WeChat Pay signed exactly these bytes just now."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import clock
from app.wechat.apiv3 import NotFromWechat, Platform
from app.wechat.pay_notice import PaymentNotice, open_notice
from app.wechat.transaction import TransactionUnfit, read_transaction
from tests.deployments import a_key
from tests.wechat.answering import (
    OPENID,
    a_notice,
    a_transaction,
    pay_settings,
    sealed,
    signature_headers,
)

PLATFORM = Platform.of(pay_settings("https://api.mch.weixin.qq.com"))
Signed = tuple[dict[str, str], bytes]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def opened(headers: dict[str, str], body: bytes) -> PaymentNotice:
    return open_notice(PLATFORM, headers, body, at=clock.now())


def refusal_of(headers: dict[str, str], body: bytes) -> str:
    with pytest.raises(NotFromWechat) as refused:
        opened(headers, body)
    return refused.value.why


def test_a_notice_wechat_just_signed_is_opened() -> None:
    body = a_notice()

    found = opened(signature_headers(body), body)

    assert found.notice_id == "EV-2026030209300012345"
    assert found.body_sha256 == hashlib.sha256(body).hexdigest()
    assert found.transaction is not None
    assert found.transaction.is_paid
    assert found.transaction.amount_total == 500_000
    assert found.transaction.payer_openid == OPENID
    assert found.transaction.success_time == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert found.transaction.success_time.tzinfo is UTC


def test_a_notice_about_something_else_is_no_payment() -> None:
    body = a_notice(sealed(b'{"coupon_id": "5030"}'), event_type="COUPON.USE")

    assert opened(signature_headers(body), body).transaction is None


def test_headers_may_come_in_any_spelling_and_the_scheme_may_be_left_out() -> None:
    body = a_notice()
    headers = {name.upper(): value for name, value in signature_headers(body).items()}
    del headers["WECHATPAY-SIGNATURE-TYPE"]

    assert opened(headers, body).transaction is not None


def test_a_notice_is_fresh_for_five_minutes_and_not_a_second_longer() -> None:
    body, at = a_notice(), clock.now().replace(microsecond=0)
    headers = signature_headers(body)
    stamp = datetime.fromtimestamp(int(headers["Wechatpay-Timestamp"]), UTC)

    for seconds in (-300, 300):
        assert open_notice(PLATFORM, headers, body, at=stamp + timedelta(seconds=seconds))
    for seconds in (-301, 301):
        with pytest.raises(NotFromWechat, match="stale"):
            open_notice(PLATFORM, headers, body, at=stamp + timedelta(seconds=seconds))
    assert abs(at - stamp) < timedelta(seconds=5)


BODY = a_notice()


def with_header(**changed: str) -> Callable[[], Signed]:
    return lambda: (signature_headers(BODY, **changed), BODY)


def signed_body(body: bytes) -> Callable[[], Signed]:
    return lambda: (signature_headers(body), body)


def with_resource(**changed: Any) -> Callable[[], Signed]:
    resource = sealed(json.dumps(a_transaction()).encode()) | changed
    return signed_body(a_notice({name: v for name, v in resource.items() if v is not ...}))


def holding(plain: bytes) -> Callable[[], Signed]:
    return signed_body(a_notice(sealed(plain)))


BAD: dict[str, tuple[str, Callable[[], Signed]]] = {
    "no headers": ("headers-missing", lambda: ({}, BODY)),
    "empty nonce": ("headers-missing", with_header(Wechatpay_Nonce="")),
    "another scheme": ("signature-type", with_header(Wechatpay_Signature_Type="MD5")),
    "a negative time": ("timestamp", with_header(Wechatpay_Timestamp="-1")),
    "a time in words": ("timestamp", with_header(Wechatpay_Timestamp="１７７２４１５０００")),
    "an endless time": ("timestamp", with_header(Wechatpay_Timestamp="9" * 13)),
    "a stale one": ("stale", lambda: (signature_headers(BODY, late_s=-301), BODY)),
    "an early one": ("stale", lambda: (signature_headers(BODY, late_s=302), BODY)),
    "an unknown serial": ("unknown-serial", with_header(Wechatpay_Serial="5157F09EFDC096DE")),
    "a stranger": ("signature", lambda: (signature_headers(BODY, by=a_key("stranger")), BODY)),
    "a probe": ("signature", with_header(Wechatpay_Signature="WECHATPAY/SIGNTEST/c2lnbg==")),
    "no base64": ("signature", with_header(Wechatpay_Signature="é")),
    "half a letter": ("signature", with_header(Wechatpay_Nonce="\ud800")),
    "the same in other words": (
        "signature",
        lambda: (signature_headers(BODY), json.dumps(json.loads(BODY), indent=1).encode()),
    ),
    "no JSON": ("envelope", signed_body(b"not json")),
    "nothing": ("envelope", signed_body(b"")),
    "a list": ("envelope", signed_body(b"[]")),
    "brackets": ("envelope", signed_body(b"[" * 100_000)),
    "no id": ("envelope", signed_body(b'{"event_type": "TRANSACTION.SUCCESS", "resource": {}}')),
    "an id that is a number": ("envelope", signed_body(a_notice(id=7))),
    "an empty id": ("envelope", signed_body(a_notice(id=""))),
    "an endless id": ("envelope", signed_body(a_notice(id="E" * 65))),
    "an id no database stores": ("envelope", signed_body(a_notice(id="\ud800"))),
    "an id with an end in it": ("envelope", signed_body(a_notice(id="EV\0"))),
    "an event that is none": ("envelope", signed_body(a_notice(event_type=None))),
    "a resource that is a text": ("resource", signed_body(a_notice("resource"))),
    "a resource that is a list": ("resource", signed_body(a_notice([1]))),
    "another algorithm": ("algorithm", with_resource(algorithm="AEAD_SM4_GCM")),
    "no algorithm": ("resource", with_resource(algorithm=...)),
    "no ciphertext": ("resource", with_resource(ciphertext=...)),
    "ciphertext that is none": ("resource", with_resource(ciphertext="%%%")),
    "too little ciphertext": ("resource", with_resource(ciphertext="AAAA")),
    "another ciphertext": ("resource", with_resource(ciphertext=sealed(b"{}")["ciphertext"])),
    "a nonce that is a number": ("resource", with_resource(nonce=7)),
    "a nonce that is empty": ("resource", with_resource(nonce="")),
    "an endless nonce": ("resource", with_resource(nonce="n" * 1000)),
    "other associated data": ("resource", with_resource(associated_data="refund")),
    "no associated data": ("resource", with_resource(associated_data=...)),
    "associated data that is null": ("resource", with_resource(associated_data=None)),
    "half a letter within": ("resource", with_resource(associated_data="\ud800")),
    "sealed no JSON": ("resource", holding(b"\xff")),
    "sealed list": ("resource", holding(b"[]")),
    "sealed brackets": ("resource", holding(b"[" * 50_000)),
    "sealed nothing": ("transaction-trade_state", holding(b"{}")),
    "no amount": ("transaction-amount", holding(json.dumps(a_transaction(amount=None)).encode())),
    "an amount that is a text": (
        "transaction-amount.total",
        holding(json.dumps(a_transaction(amount={"total": "1", "currency": "CNY"})).encode()),
    ),
    "a number no machine holds": (
        "resource",
        holding(b'{"trade_state": "SUCCESS", "amount": {"total": ' + b"9" * 5000 + b"}}"),
    ),
    "a day before all days": (
        "transaction-success_time",
        holding(json.dumps(a_transaction(success_time="0001-01-01T00:00:00+08:00")).encode()),
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_notice_is_refused_for_its_reason(what: str) -> None:
    why, make = BAD[what]

    assert refusal_of(*make()) == why


def test_another_apiv3_key_opens_nothing() -> None:
    other = Platform.of(replace(pay_settings("https://api.mch.weixin.qq.com"), apiv3_key=b"A" * 32))

    with pytest.raises(NotFromWechat, match="resource"):
        other.open_resource(json.loads(BODY)["resource"])


# --- whatever comes ---


def test_no_single_flipped_bit_passes() -> None:
    headers, names = signature_headers(BODY), ("Timestamp", "Nonce", "Signature", "Serial")
    at, passed = clock.now(), []

    for place in range(len(BODY) * 8):
        spoilt = _flipped(BODY, place)
        if not _is_refused(headers, spoilt, at):
            passed.append(("body", place))
    for name in (f"Wechatpay-{each}" for each in names):
        value = headers[name].encode()
        for place in range(len(value) * 8):
            spoilt_headers = headers | {name: _flipped(value, place).decode("latin-1")}
            if not _is_refused(spoilt_headers, BODY, at):
                passed.append((name, place))

    assert passed == []
    assert opened(headers, BODY)


def test_no_other_spelling_of_a_signature_passes() -> None:
    headers = signature_headers(BODY)
    spelling = headers["Wechatpay-Signature"]
    raw = base64.b64decode(spelling)
    # 256 bytes leave four bits of the last letter without a meaning.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    same = [
        other
        for letter in letters
        if (other := f"{spelling[:-3]}{letter}==") != spelling and base64.b64decode(other) == raw
    ]

    assert len(same) == 15
    for other in (*same, f"{spelling} ", f"{spelling}\n", spelling.rstrip("=")):
        assert refusal_of(headers | {"Wechatpay-Signature": other}, BODY) == "signature"


@given(
    headers=st.dictionaries(
        st.sampled_from(list(signature_headers(b""))), st.text(max_size=40), min_size=4
    ),
    body=st.binary(max_size=200),
)
@settings(max_examples=200, deadline=None)
def test_bytes_from_anywhere_are_refused(headers: dict[str, str], body: bytes) -> None:
    refusal_of(headers, body)


@given(JSON)
@settings(max_examples=80, deadline=None)
def test_an_envelope_of_any_shape_is_opened_or_refused(content: Any) -> None:
    body = json.dumps(content).encode()

    refusal_of(signature_headers(body), body)


FIELDS = st.sampled_from(["id", "event_type", "resource", "create_time"])
WITHIN = st.sampled_from(["algorithm", "ciphertext", "nonce", "associated_data"])


@given(FIELDS, WITHIN, JSON, st.booleans())
@settings(max_examples=80, deadline=None)
def test_one_strange_field_is_opened_or_refused(
    name: str, within: str, content: Any, is_deep: bool
) -> None:
    notice = json.loads(BODY)
    if is_deep:
        notice["resource"][within] = content
    else:
        notice[name] = content
    body = json.dumps(notice).encode()

    with suppress(NotFromWechat):
        assert isinstance(opened(signature_headers(body), body), PaymentNotice)


@given(st.sampled_from(list(a_transaction())), JSON)
@settings(max_examples=200, deadline=None)
def test_a_transaction_with_a_strange_field_is_read_or_refused(name: str, content: Any) -> None:
    facts = a_transaction() | {name: content}
    try:
        found = read_transaction(PLATFORM.open_resource(sealed(json.dumps(facts).encode())))
    except (TransactionUnfit, NotFromWechat):
        return
    # What is read can be stored and compared.
    assert found.success_time is None or found.success_time.tzinfo is UTC
    for text in (found.out_trade_no, found.transaction_id, found.payer_openid, found.currency):
        assert "\0" not in text.encode().decode()


@given(JSON)
@settings(max_examples=80, deadline=None)
def test_a_sealed_object_of_any_shape_is_opened_or_refused(content: Any) -> None:
    body = a_notice(sealed(json.dumps(content).encode()))

    refusal_of(signature_headers(body), body)


def _is_refused(headers: dict[str, str], body: bytes, at: datetime) -> bool:
    try:
        open_notice(PLATFORM, headers, body, at=at)
    except NotFromWechat:
        return True
    return False


def _flipped(content: bytes, place: int) -> bytes:
    spoilt = bytearray(content)
    spoilt[place // 8] ^= 1 << place % 8
    return bytes(spoilt)
