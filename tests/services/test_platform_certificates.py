"""Two keys of WeChat Pay at once: both taken while they overlap, the old never after (F34)."""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import event, select

from app import clock, wechat
from app.db import db
from app.jobs import runner
from app.models import PlatformCertificate
from app.wechat.apiv3_client import Apiv3Client
from app.wechat.certificates import stored_certificates
from app.wechat.faults import WechatUnavailable
from tests.house import STARTS_AT, House
from tests.short_cuts import a_phone

JOB = "refresh-certificates"
Notice = dict[str, Any]


def rule(house: House, **rules: Any) -> None:
    house._control("PUT", "signing", rules)


def later(house: House, **by: int) -> None:
    """That much later than now, and more than a minute after the table was last read."""
    house.at(clock.now() + timedelta(**by))


def a_notice(house: House) -> Notice:
    """WeChat's own notice of a payment just made, not yet sent."""
    phone, _ = a_phone(house)
    phone.wechat.pay(phone.order(50_000)["payment_parameters"], notify=False)
    return dict(house.play(f"orders/{house.out_trade_no()}/notice"))


def signed_by(notice: Notice, key: RSAPrivateKey, serial: str) -> Notice:
    """The same body, signed now with that key."""
    stamp, nonce = str(int(clock.now().timestamp())), secrets.token_hex(16)
    message = f"{stamp}\n{nonce}\n{notice['body']}\n".encode()
    signature = base64.b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()
    named = {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": signature,
        "Wechatpay-Serial": serial,
    }
    return {"body": notice["body"], "headers": notice["headers"] | named}


def first_key(house: House) -> RSAPrivateKey:
    """The key of WeChat Pay's first certificate."""
    pem = (house.folder / "platform-certificate-key.pem").read_bytes()
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


def serials(house: House) -> list[str]:
    """The serials of WeChat Pay's certificates, the oldest first."""
    found = house._control("GET", "signing")["certificates"]
    return [each["serial_no"] for each in found]


def answer(house: House, notice: Notice) -> int:
    return house.send_notice(notice).status_code


@contextmanager
def counted_reads(house: House) -> Iterator[list[str]]:
    """Every statement that reads the table of certificates while the block runs."""
    seen: list[str] = []

    def see(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "platform_certificate" in statement:
            seen.append(statement)

    with house.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", see)


@pytest.fixture(autouse=True)
def no_memory_of_another_test(house: House) -> None:
    """The house's process lives longer than its database; what it has read, it forgets."""
    keyring = house.app.extensions["lingcun-apiv3"].platform._keyring
    keyring._read_at, keyring._held = None, dict(keyring._first)


def test_while_the_key_is_switched_both_kinds_of_signature_are_taken(house: House) -> None:
    rule(house, notices="certificate")
    too_early = answer(house, a_notice(house))
    counted = house.run_job(JOB)
    later(house, seconds=61)
    by_certificate = answer(house, a_notice(house))
    rule(house, notices="public-key")
    by_key = answer(house, a_notice(house))

    assert counted == {"new": 1, "kept": 0, "ended": 0}
    assert (too_early, by_certificate, by_key) == (401, 204, 204)


@pytest.mark.parametrize("percent", [0, 30, 100])
def test_every_share_of_the_switch_credits_every_payment(house: House, percent: int) -> None:
    house.run_job(JOB)
    rule(house, notices=percent)

    answers = [answer(house, a_notice(house)) for _ in range(6)]

    assert answers == [204] * 6


def test_two_certificates_overlap_and_the_old_one_is_refused_after_it(house: House) -> None:
    """F34: the old and the new together, then the new alone."""
    rule(house, notices="certificate")
    (old,) = serials(house)
    house.run_job(JOB)
    new = house.play("certificates/rotate", {"overlap_days": 5})["serial_no"]
    later(house, minutes=2)

    unheard_of = answer(house, a_notice(house))
    counted = house.run_job(JOB)
    later(house, minutes=2)
    by_new = answer(house, a_notice(house))
    by_old = answer(house, signed_by(a_notice(house), first_key(house), old))
    later(house, days=5)
    new_after = answer(house, a_notice(house))
    old_after = answer(house, signed_by(a_notice(house), first_key(house), old))

    assert (unheard_of, by_new, by_old) == (401, 204, 204)
    assert counted == {"new": 1, "kept": 1, "ended": 0}
    assert (new_after, old_after) == (204, 401)
    assert new != old


def test_a_certificate_of_tomorrow_verifies_nothing_today(house: House) -> None:
    house.play("certificates/rotate", {"overlap_days": 5, "effective_in_days": 1})
    house.run_job(JOB)
    (row,) = house.rows(
        select(PlatformCertificate.serial).where(PlatformCertificate.effective_at > STARTS_AT)
    )
    with house.app.app_context():
        keyring = wechat.apiv3().platform._keyring
        today = keyring.key(row.serial, at=clock.now())
        tomorrow = keyring.key(row.serial, at=clock.now() + timedelta(days=1, minutes=1))

    assert today is None
    assert tomorrow is not None


def test_a_certificate_that_is_published_no_more_ends_at_once(house: House) -> None:
    house.run_job(JOB)
    (old,) = serials(house)
    house.play("certificates/rotate", {"overlap_days": 0})
    later(house, minutes=2)

    counted = house.run_job(JOB)
    at = clock.now()

    rows = dict(
        house.rows(
            select(PlatformCertificate.serial, PlatformCertificate.expires_at).order_by("serial")
        )
    )
    assert counted == {"new": 1, "kept": 0, "ended": 1}
    assert rows[old] <= at
    assert max(rows.values()) > at
    assert house.run_job(JOB) == {"new": 0, "kept": 1, "ended": 0}


def test_forged_serials_cost_one_reading_a_minute_and_no_call(house: House) -> None:
    notice = a_notice(house)
    house.forget_calls()
    with counted_reads(house) as reads:
        forged = [signed_by(notice, first_key(house), f"{number:040X}") for number in range(1, 31)]
        answers = {answer(house, each) for each in forged}
        in_a_minute = len(reads)
        later(house, seconds=61)
        answer(house, signed_by(notice, first_key(house), "F" * 40))

    assert answers == {401}
    assert in_a_minute == 1
    assert len(reads) == 2
    assert house.calls() == {}


def test_the_public_key_needs_no_table(house: House) -> None:
    with counted_reads(house) as reads:
        assert answer(house, a_notice(house)) == 204

    assert reads == []


def test_another_process_reads_what_the_job_stored(house: House) -> None:
    rule(house, notices="certificate")
    house.run_job(JOB)
    notice = a_notice(house)
    house.forget_calls()
    with house.app.app_context():
        gateway = house.app.extensions["lingcun-pay"]
        another = Apiv3Client(gateway._settings, stored=stored_certificates)

        another.platform.verify(notice["headers"], notice["body"].encode(), at=clock.now())

    assert house.calls() == {}


def test_in_certificate_mode_the_newest_certificate_is_asked_for(house: House) -> None:
    (old,) = serials(house)
    with house.app.app_context():
        plain = house.app.extensions["lingcun-pay"]._settings
        first = (house.folder / "platform-certificate.pem").read_bytes()
        settings = replace(
            plain, mode="certificate", platform_cert_pem=first, public_key_id="", public_key_pem=b""
        )
        client = Apiv3Client(settings, stored=stored_certificates)
        at_first = client.platform.asked_serial(at=clock.now())
    house.run_job(JOB)
    asked = {"overlap_days": 5, "effective_in_days": 1}
    new = house.play("certificates/rotate", asked)["serial_no"]
    house.run_job(JOB)
    with house.app.app_context():
        waiting = Apiv3Client(settings, stored=stored_certificates)
        before = waiting.platform.asked_serial(at=clock.now())
        later(house, days=1, minutes=1)
        after = waiting.platform.asked_serial(at=clock.now())
        waiting.call("POST", "/v3/pay/transactions/out-trade-no/LC0/close", {"mchid": plain.mchid})

    assert (at_first, before, after) == (old, old, new)


def test_a_failed_refresh_leaves_the_table_as_it_was(house: House) -> None:
    house.run_job(JOB)
    before = house.rows(select(PlatformCertificate))
    house._wechat.close()  # WeChat is away

    with pytest.raises(WechatUnavailable):
        house.run_job(JOB)

    house._wechat.open(house._new_world())
    assert len(house.rows(select(PlatformCertificate))) == len(before) == 1


def test_a_refresh_that_failed_does_not_wait_for_twelve_hours(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, stop = [], threading.Event()

    def fails(_at: object) -> dict[str, int]:
        tried.append(1)
        if len(tried) == 3:
            stop.set()
        raise WechatUnavailable(why="no-answer")

    twelve_hours = runner.Job(JOB, fails, timedelta(hours=12))
    monkeypatch.setattr(runner, "JOBS", (twelve_hours,))
    monkeypatch.setattr(runner, "_AGAIN_AFTER_FAILURE", timedelta(milliseconds=10))
    with house.app.app_context():
        runner.loop(stop=stop)

    assert len(tried) == 3


def test_certificates_are_fetched_at_the_start_and_every_twelve_hours() -> None:
    (job,) = [each for each in runner.JOBS if each.name == JOB]

    assert (runner.JOBS[0], job.every) == (job, timedelta(hours=12))
    assert runner._AGAIN_AFTER_FAILURE <= timedelta(minutes=10)
