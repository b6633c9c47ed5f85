"""Under which key WeChat Pay signs: its public-key mode, its certificates, and the switch."""

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeGuard

from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox import certificates

PUBLIC_KEY = "public-key"
CERTIFICATE = "certificate"
AS_ASKED = "as-asked"

_PERCENT = 100


@dataclass(frozen=True)
class PlatformCertificate:
    """A certificate of WeChat Pay with its private key, and when it is valid."""

    serial: str
    key: rsa.RSAPrivateKey
    effective_s: int
    expire_s: int

    def pem(self) -> bytes:
        """The X.509 certificate of exactly this time is returned."""
        made = certificates.platform_certificate(
            self.key,
            serial=int(self.serial, 16),
            valid_from=datetime.fromtimestamp(self.effective_s, UTC),
            valid_until=datetime.fromtimestamp(self.expire_s, UTC),
        )
        return certificates.certificate_pem(made)


@dataclass(frozen=True)
class Rules:
    """Who gets which signature.

    `notices` is PUBLIC_KEY, CERTIFICATE, or how many percent of them the public key signs.
    `answers` is always AS_ASKED: the key that the request's Wechatpay-Serial names, and the
    certificate if it names none. `refuse_unnamed` refuses such a request instead, which shows a
    merchant in public-key mode his mistake before production does.
    """

    notices: str | int = PUBLIC_KEY
    answers: str = AS_ASKED
    refuse_unnamed: bool = True


class UnknownRule(Exception):
    """A rule nobody built, or a value it cannot have."""


def rules_from(asked: dict[str, object]) -> Rules:
    """The rules in `asked` are returned, each left out as it is by itself. Raises UnknownRule."""
    rules = Rules()
    for name, value in asked.items():
        if name == "notices" and _is_share(value):
            rules = replace(rules, notices=value)
        elif name == "refuse_unnamed" and isinstance(value, bool):
            rules = replace(rules, refuse_unnamed=value)
        elif not (name == "answers" and value == AS_ASKED):
            raise UnknownRule(
                f"{name}: {value!r} is not known; notices is {PUBLIC_KEY!r}, {CERTIFICATE!r} or"
                f" 0 to 100, answers {AS_ASKED!r}, refuse_unnamed true or false"
            )
    return rules


def _is_share(value: object) -> TypeGuard[str | int]:
    if type(value) is int:
        return 0 <= value <= _PERCENT
    return value in (PUBLIC_KEY, CERTIFICATE)


class Signing:
    """The keys of WeChat Pay and the rules in force, for all threads of a sandbox."""

    def __init__(
        self, public_key_id: str, public_key: rsa.RSAPrivateKey, first: PlatformCertificate
    ) -> None:
        self._lock = threading.Lock()
        self._public = (public_key_id, public_key)
        self._certificates = [first]
        self._rules = Rules()

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        with self._lock:
            return self._rules

    def follow(self, rules: Rules) -> None:
        """These rules are in force."""
        with self._lock:
            self._rules = rules

    def hold(self, certificates: Iterable[PlatformCertificate]) -> None:
        """Exactly these certificates exist; the sandbox's first is among them."""
        with self._lock:
            self._certificates = sorted(certificates, key=lambda each: each.effective_s)

    def all_certificates(self) -> list[PlatformCertificate]:
        """Every certificate there ever was is returned, the newest last."""
        with self._lock:
            return list(self._certificates)

    def published(self, at_s: int) -> list[PlatformCertificate]:
        """What a merchant may download is returned: also one that is not yet effective."""
        return [each for each in self.all_certificates() if each.expire_s > at_s]

    def in_force(self, at_s: int) -> PlatformCertificate:
        """The certificate that signs at that time is returned: the newest effective one."""
        found = self.all_certificates()
        return next((each for each in reversed(found) if each.effective_s <= at_s), found[0])

    def names_a_key(self, serial: str, at_s: int) -> bool:
        """Whether a request may name this in Wechatpay-Serial."""
        return self.private_key(serial, at_s) is not None

    def private_key(self, serial: str, at_s: int) -> rsa.RSAPrivateKey | None:
        """The key behind a Wechatpay-Serial is returned, to open what was sealed for it."""
        if serial == self._public[0]:
            return self._public[1]
        held = {each.serial: each.key for each in self.published(at_s)}
        return held.get(serial.upper())

    def for_answer(self, asked: str, at_s: int) -> tuple[str, rsa.RSAPrivateKey]:
        """The serial and key for an answer to a request that named `asked` are returned."""
        return self._public if asked == self._public[0] else self._certified(at_s)

    def for_notice(self, notice_id: str, at_s: int) -> tuple[str, rsa.RSAPrivateKey]:
        """The serial and key for that notice are returned, the same for each of its attempts."""
        share = self.rules.notices
        if isinstance(share, str):
            share = _PERCENT if share == PUBLIC_KEY else 0
        place = int.from_bytes(hashlib.sha256(notice_id.encode()).digest()[:4]) % _PERCENT
        return self._public if place < share else self._certified(at_s)

    def _certified(self, at_s: int) -> tuple[str, rsa.RSAPrivateKey]:
        held = self.in_force(at_s)
        return held.serial, held.key
