"""The keys WeChat Pay signs with, by serial: its public key, and certificates that come and go."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import select

from app import log
from app.db import reading
from app.models import PlatformCertificate
from app.settings.wechat import CERTIFICATE, PaySettings

# Forged notices name new serials as fast as they like; the table is asked once in this time.
READ_AGAIN_AFTER = timedelta(seconds=60)
_SERIAL = re.compile("[0-9A-F]{1,64}")


@dataclass(frozen=True)
class Certificate:
    """A platform certificate; it verifies from `effective_at` until just before `expires_at`."""

    serial: str
    key: RSAPublicKey
    pem: str
    effective_at: datetime
    expires_at: datetime

    def is_in_force(self, at: datetime) -> bool:
        """Whether WeChat Pay may sign with it at that instant."""
        return self.effective_at <= at < self.expires_at


def read_certificate(
    pem: bytes, *, serial: str = "", within: tuple[datetime, datetime] | None = None
) -> Certificate | None:
    """The certificate in these bytes; None when it is none of an RSA key, or of another serial.

    `within` may shorten its own time of validity and never lengthens it.
    """
    found = None
    with suppress(ValueError, x509.UnsupportedGeneralNameType):
        found = x509.load_pem_x509_certificate(pem)
    key = found.public_key() if found else None
    if found is None or not isinstance(key, RSAPublicKey):
        return None
    own = f"{found.serial_number:X}"
    given = serial or own.zfill(len(own) + len(own) % 2)  # whole bytes, as WeChat Pay writes it
    if not _SERIAL.fullmatch(given) or int(given, 16) != found.serial_number:
        return None
    begins, ends = within or (found.not_valid_before_utc, found.not_valid_after_utc)
    begins, ends = max(begins, found.not_valid_before_utc), min(ends, found.not_valid_after_utc)
    if begins > ends:
        return None
    return Certificate(given, key, pem.decode("ascii", "replace"), begins, ends)


def published_certificates(
    answer: Any, *, opened: Callable[[Any], bytes | None]
) -> dict[str, Certificate]:
    """The certificates in an answer of `/v3/certificates`, by serial; unfit ones are left out.

    `opened` opens with the APIv3 key: nobody but WeChat Pay and ourselves can have sealed them.
    """
    found = {}
    listed = answer.get("data") if isinstance(answer, Mapping) else None
    for entry in listed if isinstance(listed, list) else []:
        with suppress(KeyError, TypeError, ValueError):
            begins = datetime.fromisoformat(entry["effective_time"])
            ends = datetime.fromisoformat(entry["expire_time"])
            one = read_certificate(
                opened(entry["encrypt_certificate"]) or b"",
                serial=entry["serial_no"],
                within=(begins, ends),
            )
            if one is not None:
                found[one.serial] = one
    return found


def nothing_stored() -> list[Certificate]:
    """What a client without a database knows of certificates."""
    return []


def stored_certificates() -> list[Certificate]:
    """Every certificate in the table, as `refresh-certificates` last saw it."""
    with reading() as session:
        found = [
            read_certificate(
                row.certificate_pem.encode(),
                serial=row.serial,
                within=(row.effective_at, row.expires_at),
            )
            for row in session.scalars(select(PlatformCertificate))
        ]
    if None in found:
        log.get().error("platform-certificate-unreadable", count=found.count(None))
    return [each for each in found if each is not None]


class Keyring:
    """Which key verifies which serial, and which one we ask WeChat Pay to sign with.

    The public key and the certificate of the settings are always there; the table adds the others,
    and what it says of a certificate's time counts before what the file says. It is read at most
    once a minute, whatever comes in, and nobody outside is ever asked.
    """

    def __init__(
        self, settings: PaySettings, stored: Callable[[], Iterable[Certificate]] = nothing_stored
    ) -> None:
        self._public: tuple[str, RSAPublicKey] | None = None
        if settings.public_key_pem:
            key = load_pem_public_key(settings.public_key_pem)
            if not isinstance(key, RSAPublicKey):
                raise TypeError("WeChat Pay's public key is an RSA key")
            self._public = (settings.public_key_id, key)
        self._is_certificate_mode = settings.mode == CERTIFICATE
        first = read_certificate(settings.platform_cert_pem)
        self._first = {first.serial: first} if first else {}
        self._held, self._stored = dict(self._first), stored
        self._read_at: datetime | None = None
        self._lock = Lock()

    def key(self, serial: str, *, at: datetime) -> RSAPublicKey | None:
        """The key of that serial, if it may sign at that instant."""
        if self._public and serial == self._public[0]:
            return self._public[1]
        held = self._refreshed(at).get(serial)
        return held.key if held and held.is_in_force(at) else None

    def asked(self, *, at: datetime) -> tuple[str, RSAPublicKey] | None:
        """Serial and key that a request names: the public key's, or the newest certificate's.

        None in certificate mode while no certificate is in force.
        """
        if not self._is_certificate_mode:
            return self._public
        in_force = [each for each in self._refreshed(at).values() if each.is_in_force(at)]
        newest = max(in_force, key=lambda each: each.effective_at, default=None)
        return (newest.serial, newest.key) if newest else None

    def _refreshed(self, at: datetime) -> dict[str, Certificate]:
        with self._lock:
            if self._read_at is None or abs(at - self._read_at) >= READ_AGAIN_AFTER:
                self._read_at = at  # first: a table that cannot be read is not asked more often
                stored = {each.serial: each for each in self._stored()}
                self._held = self._first | stored
            return self._held
