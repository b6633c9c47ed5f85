"""Builders: a certificate authority and seals issued by it, valid from 2020 to 2050."""

from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from app.documents.seal import Seal

BEGINS = datetime(2020, 1, 1, tzinfo=UTC)
ENDS = datetime(2050, 1, 1, tzinfo=UTC)

SealKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority(NamedTuple):
    """A root that issues seals."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@cache
def an_authority(label: str = "one") -> Authority:
    """The authority of that label; authorities of all labels bear the same name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("测试证书机构")
    builder = _builder(subject=name, issuer=name, key=key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    usage = _usage(content_commitment=False, key_cert_sign=True)
    builder = builder.add_extension(usage, critical=True)
    return Authority(key, builder.sign(key, hashes.SHA256()))


@cache
def a_seal(*, of: str = "one", rsa_key: bool = False, may_seal: bool = True) -> Seal:
    """A seal issued by the authority of that label."""
    authority = an_authority(of)
    key: SealKey = (
        rsa.generate_private_key(65537, 2048)
        if rsa_key
        else ec.generate_private_key(ec.SECP256R1())
    )
    builder = _builder(subject=_named("示例中心"), issuer=authority.certificate.subject, key=key)
    usage = _usage(content_commitment=may_seal, key_cert_sign=False)
    builder = builder.add_extension(usage, critical=True)
    return Seal(
        key=key,
        certificate=builder.sign(authority.key, hashes.SHA256()),
        ca=authority.certificate,
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(*, subject: x509.Name, issuer: x509.Name, key: SealKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(ENDS)
    )


def _usage(*, content_commitment: bool, key_cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not key_cert_sign,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )
