"""Personal data at rest: an encrypted column type and the blind index that finds it again.

`Encrypted("person.name")` stores AES-256-GCM: one byte of key id, a random 96-bit nonce, then the
ciphertext with its tag. The column's name is the associated data, so that a value moved to another
column no longer opens. `blind_index` is HMAC-SHA256 under a key of its own: an ID number has few
enough possibilities that a plain hash would be read back in an afternoon.
"""

import hmac
import os
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from app.settings import VaultSettings

_EXTENSION = "lingcun-vault"


class VaultCannotOpen(Exception):
    """A stored value does not open: another key, another column, or changed bytes."""


class Vault:
    """The keys of one deployment, ready for use."""

    def __init__(self, settings: VaultSettings) -> None:
        self._ciphers: Mapping[int, AESGCM] = {
            key_id: AESGCM(key) for key_id, key in settings.field_keys.items()
        }
        self._current = max(settings.field_keys)
        self._index_key = settings.blind_index_key

    def encrypt(self, plain: bytes, *, context: str) -> bytes:
        """Key id, nonce and ciphertext of `plain`, bound to its context."""
        nonce = os.urandom(12)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, context.encode())
        return bytes([self._current]) + nonce + sealed

    def decrypt(self, stored: bytes, *, context: str) -> bytes:
        """The plain bytes again; raises `VaultCannotOpen`."""
        cipher = self._ciphers.get(stored[0]) if stored else None
        if cipher is None:
            raise VaultCannotOpen(context)
        try:
            return cipher.decrypt(stored[1:13], stored[13:], context.encode())
        except (InvalidTag, ValueError):  # or too short to hold a nonce
            raise VaultCannotOpen(context) from None

    def blind_index(self, text: str, *, purpose: str) -> bytes:
        """A keyed fingerprint for equality look-ups; differs per purpose."""
        return hmac.digest(self._index_key, f"{purpose}\0{text}".encode(), sha256)


def install(app: Any, settings: VaultSettings) -> None:
    """The app's encrypted columns and blind indexes use these keys."""
    app.extensions[_EXTENSION] = Vault(settings)


def blind_index(text: str, *, purpose: str) -> bytes:
    """The blind index of a normalised value under this deployment's key."""
    return _vault().blind_index(text, purpose=purpose)


def _vault() -> Vault:
    vault: Vault = current_app.extensions[_EXTENSION]
    return vault


class EncryptedBytes(TypeDecorator[bytes]):
    """Bytes, encrypted at rest; `context` is `table.column`."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else _vault().encrypt(value, context=self.context)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else _vault().decrypt(bytes(value), context=self.context)


class Encrypted(EncryptedBytes):
    """Text, encrypted at rest; `context` is `table.column`."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return super().process_bind_param(None if value is None else value.encode(), dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        plain = super().process_result_value(value, dialect)
        return None if plain is None else plain.decode()


def masked_name(name: str) -> str:
    """`张三` -> `*三`: the last character alone is shown."""
    return "*" * max(len(name) - 1, 1) + name[-1:] if len(name) > 1 else "*"


def masked_id_number(id_number: str) -> str:
    """`330502199001011236` -> `3****************6`."""
    return id_number[:1] + "*" * (len(id_number) - 2) + id_number[-1:]


def masked_keys_index(id_number: str, phone: str) -> bytes:
    """Finds a person by what a masked paper shows: both texts may be masked already."""
    hidden = id_number if "*" in id_number else masked_id_number(id_number)
    shown = phone if "*" in phone else masked_phone(phone)
    return blind_index(f"{hidden}|{shown}", purpose="masked-keys")


def masked_phone(phone: str) -> str:
    """`13812341234` -> `138****1234`."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "*" * len(phone)
