"""Personal data at rest: opened by its own key in its own column, found by a keyed fingerprint."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, select, text

from app import vault
from app.settings import VaultSettings
from app.vault import Encrypted, EncryptedBytes, Vault, VaultCannotOpen

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
INDEX_KEY = secrets.token_bytes(32)
BEFORE = Vault(VaultSettings({1: OLD}, INDEX_KEY))
AFTER = Vault(VaultSettings({1: OLD, 2: NEW}, INDEX_KEY))

ID_NUMBER = "330502199001011236"
NAMES = "person.name"


@given(st.binary(max_size=300))
def test_what_was_sealed_opens_again(plain: bytes) -> None:
    assert BEFORE.decrypt(BEFORE.encrypt(plain, context=NAMES), context=NAMES) == plain


def test_what_is_stored_shows_nothing_and_is_never_the_same() -> None:
    first, second = (BEFORE.encrypt(ID_NUMBER.encode(), context=NAMES) for _ in range(2))

    assert first != second
    assert ID_NUMBER.encode() not in first
    assert len(first) == 1 + 12 + len(ID_NUMBER) + 16


def test_a_value_moved_to_another_column_does_not_open() -> None:
    stored = BEFORE.encrypt(b"13800138000", context="person.phone")

    with pytest.raises(VaultCannotOpen):
        BEFORE.decrypt(stored, context="person.id_number")


def test_no_flipped_bit_and_no_missing_byte_opens() -> None:
    stored = BEFORE.encrypt("张三".encode(), context=NAMES)
    changed = [stored[:length] for length in range(len(stored))]
    for place in range(len(stored) * 8):
        spoilt = bytearray(stored)
        spoilt[place // 8] ^= 1 << place % 8
        changed.append(bytes(spoilt))

    for each in (*changed, stored + b"\0"):
        with pytest.raises(VaultCannotOpen):
            BEFORE.decrypt(each, context=NAMES)


def test_after_a_new_key_old_values_open_and_new_ones_are_written_with_it() -> None:
    old = BEFORE.encrypt(b"old", context=NAMES)

    new = AFTER.encrypt(b"new", context=NAMES)

    assert (old[0], new[0]) == (1, 2)
    assert AFTER.decrypt(old, context=NAMES) == b"old"
    assert AFTER.decrypt(new, context=NAMES) == b"new"
    with pytest.raises(VaultCannotOpen):
        BEFORE.decrypt(new, context=NAMES)  # it does not know that key


def test_another_key_under_the_same_number_opens_nothing() -> None:
    stored = BEFORE.encrypt(b"old", context=NAMES)

    with pytest.raises(VaultCannotOpen) as refused:
        Vault(VaultSettings({1: NEW}, INDEX_KEY)).decrypt(stored, context=NAMES)

    assert str(refused.value) == NAMES


def test_a_hundred_thousand_nonces_are_all_different() -> None:
    nonces = {BEFORE.encrypt(b"", context=NAMES)[1:13] for _ in range(100_000)}

    assert len(nonces) == 100_000


def test_the_blind_index_cannot_be_had_without_its_key() -> None:
    index = BEFORE.blind_index(ID_NUMBER, purpose="id-number")

    assert len(index) == 32
    assert index == AFTER.blind_index(ID_NUMBER, purpose="id-number")
    assert index not in {
        hashlib.sha256(ID_NUMBER.encode()).digest(),
        hashlib.sha256(f"id-number\0{ID_NUMBER}".encode()).digest(),
        hmac.digest(OLD, f"id-number\0{ID_NUMBER}".encode(), "sha256"),
        Vault(VaultSettings({1: OLD}, NEW)).blind_index(ID_NUMBER, purpose="id-number"),
    }


def test_the_blind_index_differs_by_purpose_and_by_value() -> None:
    found = {
        BEFORE.blind_index(value, purpose=purpose)
        for value in (ID_NUMBER, "330502199001011237", "")
        for purpose in ("id-number", "phone", "openid", "login-code")
    }

    assert len(found) == 12
    assert BEFORE.blind_index("b", purpose="a\0") == BEFORE.blind_index("\0b", purpose="a")


def test_the_vault_does_not_show_its_keys() -> None:
    settings = VaultSettings({1: OLD}, INDEX_KEY)

    assert repr(settings) == "VaultSettings()"


# --- columns ---


@pytest.fixture
def at_work() -> Iterator[None]:
    app = Flask("vault", static_folder=None)
    vault.install(app, VaultSettings({1: OLD}, INDEX_KEY))
    with app.app_context():
        yield


@pytest.mark.usefixtures("at_work")
def test_an_encrypted_column_gives_back_what_was_put_in_and_stores_neither() -> None:
    table = Table(
        "person",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("name", Encrypted("person.name")),
        Column("scan", EncryptedBytes("person.scan")),
    )
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        rows = [
            {"id": 1, "name": "㼆龘𠮷", "scan": b"\0\xff"},
            {"id": 2, "name": "", "scan": b""},
            {"id": 3, "name": None, "scan": None},
        ]
        connection.execute(table.insert(), rows)

        found = connection.execute(select(table).order_by(table.c.id)).all()
        raw = connection.execute(text("SELECT name, scan FROM person ORDER BY id")).all()
        connection.execute(text("UPDATE person SET name = scan WHERE id = 1"))
        with pytest.raises(VaultCannotOpen):
            connection.execute(select(table.c.name)).all()
    engine.dispose()

    assert [dict(row._mapping) for row in found] == rows
    assert "𠮷".encode() not in raw[0][0]
    assert tuple(raw[2]) == (None, None)


@pytest.mark.usefixtures("at_work")
def test_the_fingerprint_of_the_app_at_work_is_that_of_its_vault() -> None:
    assert vault.blind_index("x", purpose="y") == BEFORE.blind_index("x", purpose="y")


# --- masks ---


@pytest.mark.parametrize(
    ("name", "shown"), [("张三", "*三"), ("欧阳小满", "***满"), ("张", "*"), ("", "*")]
)
def test_a_masked_name_shows_its_last_character(name: str, shown: str) -> None:
    assert vault.masked_name(name) == shown


def test_a_masked_id_number_shows_its_ends() -> None:
    assert vault.masked_id_number(ID_NUMBER) == "3****************6"
    assert vault.masked_id_number("33050219900101123X") == "3****************X"


@pytest.mark.parametrize(
    ("phone", "shown"), [("13812341234", "138****1234"), ("1234567", "*******"), ("", "")]
)
def test_a_masked_phone_shows_seven_digits_of_eleven(phone: str, shown: str) -> None:
    assert vault.masked_phone(phone) == shown
