"""Whether a file is, byte for byte, a paper the seal signed. Any input is answered, none raises.

Two checks, in this order: the signature over the raw bytes (`cms`), then the full PAdES
validation of the PDF. The second one only ever parses a file the first one has vouched for.
"""

import hashlib
import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator import ValidationContext

from app.documents.cms import (
    BlockRefused,
    BrokenSignature,
    ContentChanged,
    UnknownBlock,
    UntrustedSigner,
    verify_block,
)

_log = logging.getLogger(__name__)

# Our papers are below 1 MB; a larger upload is not one of them and is not worth hashing.
SIZE_BYTES_MAX = 20_000_000
_BLOCK_HEX_DIGITS_MAX = 65_536

# Clocks of two machines may differ; a seal from further ahead was not made yet.
CLOCK_SKEW_MAX = timedelta(minutes=5)

_BYTE_RANGE = re.compile(rb"/ByteRange ?\[ ?0 (\d{1,10}) (\d{1,10}) (\d{1,10}) ?\]")

VALID = "电子签章有效，文件自签章后未被改动。"
NO_PAPER = "文件为空、过大或者不是 PDF 文件，无法查验。"
NO_SEAL = "文件中没有电子签章。"
NOT_WHOLE = "电子签章没有覆盖整个文件，文件可能被截断或者追加过内容。"
UNREADABLE = "电子签章数据已损坏或者无法识别。"
UNTRUSTED = "电子签章不是由本中心认可的证书机构签发的证书加盖的。"
CHANGED = "文件在加盖电子签章后被改动过。"
BROKEN = "电子签章与签章证书不符。"
NOT_ENTITLED = "加盖电子签章时，签章证书不在有效期内或者不得用于签章。"
FROM_THE_FUTURE = "电子签章的时间晚于查验时间。"

_REASONS: dict[type[BlockRefused], str] = {
    UnknownBlock: UNREADABLE,
    UntrustedSigner: UNTRUSTED,
    BrokenSignature: BROKEN,
    ContentChanged: CHANGED,
}


@dataclass(frozen=True)
class SealCheck:
    """The answer; signer and time are given only when the signature vouches for them."""

    valid: bool
    reason: str
    signer: str | None = None
    signed_at: datetime | None = None


class _Refused(Exception):
    """The file is not valid, for a reason that can be shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_seal(pdf: bytes, *, trusted_ca: x509.Certificate, at: datetime) -> SealCheck:
    """Says whether the file is exactly what a seal issued by `trusted_ca` signed by `at`.

    The certificate must have been valid at the stated time of sealing, not at `at`: an old
    paper stays good. Never raises; reads no network, and its work grows only with the size of
    the file. It cannot tell whether we issued the paper: compare the stored hash as well.
    """
    try:
        block, digest = _block_and_digest(pdf)
        verify_block(block, sha256=digest, trusted_ca=trusted_ca)
        return _validated(pdf, trusted_ca=trusted_ca, at=at)
    except _Refused as refused:
        return SealCheck(valid=False, reason=refused.reason)
    except BlockRefused as refused:
        return SealCheck(valid=False, reason=_REASONS[type(refused)])
    except Exception as error:  # noqa: BLE001 - whatever a parser meets, the file is not valid
        _log.info("seal check met %s", type(error).__name__)
        return SealCheck(valid=False, reason=UNREADABLE)


def _block_and_digest(pdf: bytes) -> tuple[bytes, bytes]:
    """The signature block, and the SHA-256 of every byte of the file around it."""
    if len(pdf) > SIZE_BYTES_MAX or not pdf.startswith(b"%PDF-"):
        raise _Refused(NO_PAPER)
    declared_at = pdf.rfind(b"/ByteRange")
    if declared_at < 0:
        raise _Refused(NO_SEAL)
    declared = _BYTE_RANGE.match(pdf, declared_at)
    if declared is None:
        raise _Refused(UNREADABLE)

    before, after, rest = (int(number) for number in declared.groups())
    if not before < after < after + rest == len(pdf):
        raise _Refused(NOT_WHOLE)
    digest = hashlib.sha256(memoryview(pdf)[:before])
    digest.update(memoryview(pdf)[after:])
    return _block_in(pdf[before:after]), digest.digest()


def _block_in(gap: bytes) -> bytes:
    """The DER block from `<hex digits, padded with zeros>`; one spelling only."""
    if len(gap) > _BLOCK_HEX_DIGITS_MAX or gap[:1] != b"<" or gap[-1:] != b">":
        raise _Refused(UNREADABLE)
    try:
        padded = bytes.fromhex(gap[1:-1].decode("ascii"))
    except ValueError as refused:
        raise _Refused(UNREADABLE) from refused
    if padded.hex().upper().encode() != gap[1:-1] or padded[:2] != b"\x30\x82":
        raise _Refused(UNREADABLE)
    end = 4 + int.from_bytes(padded[2:4], "big")
    if end > len(padded) or any(padded[end:]):
        raise _Refused(UNREADABLE)
    return padded[:end]


def _validated(pdf: bytes, *, trusted_ca: x509.Certificate, at: datetime) -> SealCheck:
    """The PAdES validation of a file whose bytes are already vouched for."""
    signatures = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
    if len(signatures) != 1:
        raise _Refused(UNREADABLE)
    signed_at = signatures[0].self_reported_timestamp
    if signed_at is None:
        raise _Refused(UNREADABLE)
    if signed_at > at + CLOCK_SKEW_MAX:
        raise _Refused(FROM_THE_FUTURE)

    status = validate_pdf_signature(signatures[0], _context(trusted_ca, moment=signed_at))
    if not (status.intact and status.valid):
        raise _Refused(CHANGED)
    if not (status.trusted and status.bottom_line):
        raise _Refused(NOT_ENTITLED)
    return SealCheck(valid=True, reason=VALID, signer=_signer(signatures[0]), signed_at=signed_at)


def _context(trusted_ca: x509.Certificate, *, moment: datetime) -> ValidationContext:
    """Trusts one authority, at one moment, and fetches nothing."""
    roots = list(load_certs_from_pemder_data(trusted_ca.public_bytes(Encoding.DER)))
    return ValidationContext(trust_roots=roots, moment=moment, allow_fetching=False)


def _signer(signature: EmbeddedPdfSignature) -> str:
    certificate = x509.load_der_x509_certificate(signature.signer_cert.dump())
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
