"""The centre's electronic seal: a PAdES B-B signature over a whole paper, and its check.

The seal is invisible as an object; its picture is printed on the page. No time-stamp authority
and no network take part: the time of sealing is the one the caller gives.
"""

from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner, PdfSigningSession
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app.documents.errors import MomentWithoutZone, PaperAlreadySealed, SealUnusable

_FIELD = "Seal"

# Hex digits kept free for the signature; an RSA-4096 signature with one certificate needs 4,000.
_RESERVED_HEX_DIGITS = 16_384


@dataclass(frozen=True)
class Seal:
    """The key, its certificate, and the authority that issued it directly."""

    key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate
    ca: x509.Certificate

    @classmethod
    def load(cls, *, key_file: Path | str, cert_file: Path | str, ca_file: Path | str) -> Self:
        """A seal from three PEM files, fit to sign; raises `SealUnusable` and `OSError`."""
        try:
            key = load_pem_private_key(Path(key_file).read_bytes(), password=None)
            certificate = x509.load_pem_x509_certificate(Path(cert_file).read_bytes())
            ca = x509.load_pem_x509_certificate(Path(ca_file).read_bytes())
        except (ValueError, TypeError) as unreadable:
            raise SealUnusable("seal files are not unencrypted PEM") from unreadable
        if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
            raise SealUnusable("the seal key must be RSA or EC")
        seal = cls(key=key, certificate=certificate, ca=ca)
        seal._refuse_unfit()
        return seal

    def _refuse_unfit(self) -> None:
        mine, certified = (
            key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            for key in (self.key.public_key(), self.certificate.public_key())
        )
        if mine != certified:
            raise SealUnusable("the key does not belong to the certificate")
        try:
            self.certificate.verify_directly_issued_by(self.ca)
        except (InvalidSignature, ValueError, TypeError) as refused:
            raise SealUnusable("the certificate was not issued by the given authority") from refused
        try:
            usage = self.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        except x509.ExtensionNotFound as missing:
            raise SealUnusable("the certificate states no key usage") from missing
        if not usage.content_commitment:
            raise SealUnusable("the certificate may not sign documents (non-repudiation)")


class _QuietWriter(IncrementalPdfFileWriter):
    """Adds the signature and nothing else.

    The stock writer stamps the machine's clock into the metadata and rewrites the PDF/A block.
    """

    def _update_meta(self) -> None:
        return None


class _SignerAt(PdfSigner):
    """A signer whose clock stands at the moment it was given."""

    def __init__(self, meta: PdfSignatureMetadata, signer: SimpleSigner, *, at: datetime) -> None:
        super().__init__(meta, signer)
        self._at = at

    def init_signing_session(
        self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False
    ) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self._at
        return session


def seal_pdf(pdf: bytes, *, seal: Seal, at: datetime, reason: str) -> bytes:
    """The paper with the seal's signature over every byte of it, stated time `at`.

    It is certified as final: a reader shows any later change as forbidden. Must not be called
    from a running event loop. Raises `MomentWithoutZone`, `PaperAlreadySealed`, and
    `SealUnusable` when the certificate is not valid at `at`.
    """
    if at.tzinfo is None:
        raise MomentWithoutZone(moment=at)
    if b"/ByteRange" in pdf:
        raise PaperAlreadySealed
    begins, ends = seal.certificate.not_valid_before_utc, seal.certificate.not_valid_after_utc
    if not begins <= at <= ends:
        raise SealUnusable(f"the certificate is not valid at {at.isoformat()}")

    meta = PdfSignatureMetadata(
        field_name=_FIELD,
        md_algorithm="sha256",
        reason=reason,
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    sealed = BytesIO()
    _SignerAt(meta, _simple_signer(seal), at=at).sign_pdf(
        _QuietWriter(BytesIO(pdf)), bytes_reserved=_RESERVED_HEX_DIGITS, output=sealed
    )
    return sealed.getvalue()


def _simple_signer(seal: Seal) -> SimpleSigner:
    """The seal in the signing library's own types; only its own certificate travels along."""
    key = seal.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    [certificate] = load_certs_from_pemder_data(seal.certificate.public_bytes(Encoding.DER))
    return SimpleSigner(
        signing_cert=certificate,
        signing_key=load_private_key_from_pemder_data(key, passphrase=None),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
        embed_roots=False,
    )
