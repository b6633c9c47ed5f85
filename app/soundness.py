"""What makes a setting unfit, in words that never repeat the value: it may be a secret."""

import ipaddress
import re
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

# Values that stand in documents and examples everywhere: never a secret, whatever their length.
_KNOWN_SAMPLES = {
    "wxd678efh567hg6787",
    "1230000109",
    "1900000001",
    "1900000109",
    "1900009191",
    "3775b6a45acd588826d15e583a95f5dd********",
}
_SAMPLE_WORDS = ("sandbox", "example", "changeme", "change-me", "secret", "test", "123456", "your_")
_DIFFERENT = 12  # of 32 bytes, or of the steps between them: random bytes never hold fewer
_TLS = ("require", "verify-ca", "verify-full")
_LONGEST_NOTIFY_URL = 255  # as WeChat Pay takes it
_NOTIFY_PATH = "/v1/notices/wechat-pay"
_NOTIFY_URL = re.compile(
    rf"https://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(:(?P<port>[1-9][0-9]{{0,4}}))?{_NOTIFY_PATH}"
)
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# A name ends in letters: what ends in a number is an address, in one of its many spellings.
_NAME = re.compile(rf"({_LABEL}\.)+([a-z]{{2,63}}|xn--[a-z0-9-]{{1,59}})")
_NOBODYS_ENDINGS = {"localhost", "local", "internal", "test", "example", "invalid", "arpa"}


def weakness(value: str, *, shortest: int, form: str) -> list[str]:
    """Why this text is none WeChat gave us alone; nothing for an empty one, which is missing."""
    if not value:
        return []
    if value in _KNOWN_SAMPLES or any(word in value.lower() for word in _SAMPLE_WORDS):
        return ["is a known sample value"]
    if len(value) < shortest:
        return [f"is too short: {len(value)} characters, at least {shortest} are needed"]
    if len(set(value)) < min(6, len(value) // 2):
        return ["is a pattern, not a secret"]
    if not re.fullmatch(form, value):
        return [f"does not have the form `{form}`"]
    return []


def is_pattern(key: bytes) -> bool:
    """Whether these bytes were typed by a hand rather than drawn by a machine."""
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return min(len(set(key)), len(steps)) < _DIFFERENT or key.isascii()


def is_merchant_key(pem: bytes) -> bool:
    """Whether this is an unencrypted RSA private key."""
    try:
        return isinstance(load_pem_private_key(pem, password=None), RSAPrivateKey)
    except (ValueError, TypeError):
        return False


def is_platform_key(pem: bytes) -> bool:
    """Whether this is an RSA public key."""
    try:
        return isinstance(load_pem_public_key(pem), RSAPublicKey)
    except (ValueError, TypeError):
        return False


def is_platform_certificate(pem: bytes) -> bool:
    """Whether this is an X.509 certificate of an RSA key."""
    try:
        return isinstance(x509.load_pem_x509_certificate(pem).public_key(), RSAPublicKey)
    except (ValueError, TypeError):
        return False


def swapped_keys(
    *, merchant_key_pem: bytes, merchant_serial: str, public_key_pem: bytes, certificate_pem: bytes
) -> list[str]:
    """Where our own key or certificate stands in the place of WeChat Pay's, or looks like it.

    The four are readable, or empty where they may be left out.
    """
    merchant = load_pem_private_key(merchant_key_pem, password=None)
    own = merchant.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    keys, problems = {}, []
    if public_key_pem:
        keys["WECHAT_PAY_PUBLIC_KEY_FILE"] = load_pem_public_key(public_key_pem)
    if certificate_pem:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        keys["WECHAT_PAY_PLATFORM_CERT_FILE"] = certificate.public_key()
        if f"{certificate.serial_number:X}" == merchant_serial.upper().lstrip("0"):
            problems.append("WECHAT_PAY_MERCHANT_SERIAL is the serial of WeChat Pay's certificate")
    for name, key in keys.items():
        if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == own:
            problems.append(f"{name} holds our own key, not WeChat Pay's")
    return problems


def was_made_by_sandbox(cert_file: Path) -> bool:
    """Whether the certificate names a sandbox as its subject or its issuer."""
    try:
        certificate = x509.load_pem_x509_certificate(cert_file.read_bytes())
    except (OSError, ValueError):
        return False
    names = f"{certificate.subject.rfc4514_string()} {certificate.issuer.rfc4514_string()}"
    return "sandbox" in names.lower() or "沙箱" in names


def lies_in_a_sandbox(file: Path) -> bool:
    """Whether a sandbox keeps its keys in the file's folder."""
    return (file.parent / "wechat.json").is_file()


def base_weakness(url: str, *, hosts: Collection[str]) -> list[str]:
    """Why this is not one of WeChat's own addresses: nothing but scheme and host."""
    allowed = [f"https://{host}" for host in sorted(hosts)]
    return [] if url in allowed else [f"must be one of {', '.join(allowed)}"]


def notify_weakness(url: str) -> list[str]:
    """Why WeChat Pay cannot send its notices to this address; nothing for a missing one."""
    parts = _NOTIFY_URL.fullmatch(url)
    fit = (
        parts is not None
        and _is_public(parts["host"].strip("[]"))
        and int(parts["port"] or 443) <= 65535
        and len(url) <= _LONGEST_NOTIFY_URL
    )
    return [] if fit or not url else [f"must be a public https address and end in {_NOTIFY_PATH}"]


def is_local_notify_url(url: str) -> bool:
    """Whether a sandbox on this machine delivers its notices to this address."""
    return (
        re.fullmatch(rf"https://(localhost|127\.0\.0\.1)(:[0-9]{{1,5}})?{_NOTIFY_PATH}", url)
        is not None
    )


def database_weakness(url: str) -> list[str]:
    """Why real savings do not belong into the database at this address."""
    if not url:
        return []
    if not url.startswith("postgresql"):
        return ["is not PostgreSQL: SQLite is for trying things out"]
    parts = _split(url)
    options = parse_qs(parts.query) if parts else {}
    given = [*options.get("host", []), *options.get("hostaddr", [])]
    hosts = ",".join([*given, (parts and parts.hostname) or ""]).split(",")
    # A service is a file elsewhere that may name any host.
    stays_here = all(map(_is_this_machine, hosts)) and "service" not in options
    if not stays_here and options.get("sslmode", [""])[-1] not in _TLS:
        return ["crosses the network without TLS: add `sslmode=verify-full`"]
    return []


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _is_public(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        reserved = labels[-1] in _NOBODYS_ENDINGS or labels[-2:-1] == ["example"]
        return bool(_NAME.fullmatch(host)) and not reserved and "sandbox" not in host
    return address.is_global and not address.is_multicast


def _is_this_machine(host: str) -> bool:
    # A path is the folder of a socket; no host at all is the default socket.
    return host in ("", "localhost", "127.0.0.1", "::1") or host.startswith("/")
