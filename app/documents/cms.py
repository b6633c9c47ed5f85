"""The signature block of a sealed paper (RFC 5652), read strictly and checked on its own.

This is the gate before the PDF parser: bytes that the seal did not sign are refused here, by a
strict DER decoder and one public-key operation, so a hostile file never reaches a parser that
could be made to loop or to unpack a bomb. Only the shape our own sealer writes is accepted.
"""

from typing import Annotated

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

_DATA = x509.ObjectIdentifier("1.2.840.113549.1.7.1")
_SIGNED_DATA = x509.ObjectIdentifier("1.2.840.113549.1.7.2")
_MESSAGE_DIGEST = x509.ObjectIdentifier("1.2.840.113549.1.9.4")
_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_RSA_SHA256 = x509.ObjectIdentifier("1.2.840.113549.1.1.11")
_ECDSA_SHA256 = x509.ObjectIdentifier("1.2.840.10045.4.3.2")
_VERSION = 1


@asn1.sequence
class Attribute:
    """One signed statement, such as the digest of the file."""

    type: x509.ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class Algorithm:
    """An algorithm without parameters."""

    type: x509.ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class SignerInfo:
    """One signature. Unsigned attributes have no place: nobody would vouch for them."""

    version: int
    certificate_id: asn1.TLV
    digest_algorithm: Algorithm
    signed_attributes: Annotated[asn1.SetOf[Attribute], asn1.Implicit(0)]
    signature_algorithm: Algorithm
    signature: bytes


@asn1.sequence
class DetachedContent:
    """The signed bytes lie outside the block."""

    type: x509.ObjectIdentifier


@asn1.sequence
class SignedData:
    """The certificates that came along, and the signatures."""

    version: int
    digest_algorithms: asn1.SetOf[Algorithm]
    content: DetachedContent
    certificates: Annotated[asn1.SetOf[x509.Certificate], asn1.Implicit(0)]
    signers: asn1.SetOf[SignerInfo]


@asn1.sequence
class SignatureBlock:
    """The outermost envelope."""

    type: x509.ObjectIdentifier
    content: Annotated[SignedData, asn1.Explicit(0)]


class BlockRefused(ValueError):
    """The signature block does not vouch for the bytes."""


class UnknownBlock(BlockRefused):
    """The block is not of the one shape our sealer writes."""


class UntrustedSigner(BlockRefused):
    """The certificate was not issued by the trusted authority."""


class BrokenSignature(BlockRefused):
    """The signature does not belong to its own statements."""


class ContentChanged(BlockRefused):
    """The signature is genuine, but for other bytes."""


def verify_block(der: bytes, *, sha256: bytes, trusted_ca: x509.Certificate) -> None:
    """The bytes with this SHA-256 were signed by a holder of a certificate of `trusted_ca`.

    Raises `UnknownBlock`, `UntrustedSigner`, `BrokenSignature` or `ContentChanged`. Dates, key
    usage and the certificate's own constraints are left to the path validation that follows.
    """
    certificate, signer = _only_signer(der)
    try:
        certificate.verify_directly_issued_by(trusted_ca)
    except (InvalidSignature, ValueError, TypeError) as refused:
        raise UntrustedSigner from refused

    _verify_statements(certificate, signer)
    if _stated_digest(signer) != sha256:
        raise ContentChanged


def _only_signer(der: bytes) -> tuple[x509.Certificate, SignerInfo]:
    try:
        block = asn1.decode_der(SignatureBlock, der)
        data = block.content
        [certificate] = data.certificates.as_list()
        [digest_algorithm] = data.digest_algorithms.as_list()
        [signer] = data.signers.as_list()
    except ValueError as refused:
        raise UnknownBlock from refused
    stated = (block.type, data.content.type, data.version, signer.version)
    if stated != (_SIGNED_DATA, _DATA, _VERSION, _VERSION):
        raise UnknownBlock
    if not digest_algorithm.type == signer.digest_algorithm.type == _SHA256:
        raise UnknownBlock
    return certificate, signer


def _verify_statements(certificate: x509.Certificate, signer: SignerInfo) -> None:
    statements = asn1.encode_der(signer.signed_attributes)
    key, algorithm = certificate.public_key(), signer.signature_algorithm.type
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm == _RSA_SHA256:
            key.verify(signer.signature, statements, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm == _ECDSA_SHA256:
            key.verify(signer.signature, statements, ec.ECDSA(hashes.SHA256()))
        else:
            raise UnknownBlock
    except InvalidSignature as refused:
        raise BrokenSignature from refused


def _stated_digest(signer: SignerInfo) -> bytes:
    for attribute in signer.signed_attributes.as_list():
        if attribute.type == _MESSAGE_DIGEST:
            [digest] = attribute.values.as_list()
            return bytes(digest.data)
    raise UnknownBlock
