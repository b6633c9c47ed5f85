"""Whether a PDF carries a good seal of ours. Any input is answered, none raises.

The seal alone does not see every changed byte (padding inside the signature), and PDF is a format
in which parsers can be sent astray: whoever has the stored SHA-256 compares that first, and only
asks here about a file that is byte for byte one of ours.
"""

import logging
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
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

_log = logging.getLogger(__name__)

# Clocks of two machines may differ; a seal from further ahead was not made yet.
CLOCK_SKEW_MAX = timedelta(minutes=5)

VALID = "电子签章有效，文件自签章后未被改动。"
NO_PAPER = "文件不是 PDF 文件，无法查验。"
NO_SEAL = "文件中没有电子签章。"
NOT_WHOLE = "电子签章没有覆盖整个文件，文件可能被截断或者追加过内容。"
UNREADABLE = "电子签章数据已损坏或者无法识别。"
CHANGED = "文件在加盖电子签章后被改动过。"
NOT_ENTITLED = "电子签章不是由本中心认可的证书加盖的，或者加盖时证书不在有效期内。"
FROM_THE_FUTURE = "电子签章的时间晚于查验时间。"


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
    """Says whether the file carries one whole, good seal issued by `trusted_ca`, made by `at`.

    The certificate must have been valid at the stated time of sealing, not at `at`: an old
    paper stays good. Never raises; reads no network.
    """
    try:
        return _validated(pdf, trusted_ca=trusted_ca, at=at)
    except _Refused as refused:
        return SealCheck(valid=False, reason=refused.reason)
    except Exception as error:  # noqa: BLE001 - whatever a parser meets, the file is not valid
        _log.info("seal check met %s", type(error).__name__)
        return SealCheck(valid=False, reason=UNREADABLE)


def _validated(pdf: bytes, *, trusted_ca: x509.Certificate, at: datetime) -> SealCheck:
    signature = _only_signature(pdf)
    signed_at = signature.self_reported_timestamp
    if signed_at is None:
        raise _Refused(UNREADABLE)
    if signed_at > at + CLOCK_SKEW_MAX:
        raise _Refused(FROM_THE_FUTURE)
    status = validate_pdf_signature(signature, _context(trusted_ca, moment=signed_at))
    if not (status.intact and status.valid):
        raise _Refused(CHANGED)
    if not status.trusted:
        raise _Refused(NOT_ENTITLED)
    if status.coverage != SignatureCoverageLevel.ENTIRE_FILE or not status.bottom_line:
        raise _Refused(NOT_WHOLE)
    return SealCheck(valid=True, reason=VALID, signer=_signer(signature), signed_at=signed_at)


def _only_signature(pdf: bytes) -> EmbeddedPdfSignature:
    if not pdf.startswith(b"%PDF-"):
        raise _Refused(NO_PAPER)
    signatures = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
    if not signatures:
        raise _Refused(NO_SEAL)
    if len(signatures) != 1:
        raise _Refused(UNREADABLE)
    only: EmbeddedPdfSignature = signatures[0]
    return only


def _context(trusted_ca: x509.Certificate, *, moment: datetime) -> ValidationContext:
    """Trusts one authority, at one moment, and fetches nothing."""
    roots = list(load_certs_from_pemder_data(trusted_ca.public_bytes(Encoding.DER)))
    return ValidationContext(trust_roots=roots, moment=moment, allow_fetching=False)


def _signer(signature: EmbeddedPdfSignature) -> str:
    certificate = x509.load_der_x509_certificate(signature.signer_cert.dump())
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
