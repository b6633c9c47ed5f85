"""X.509 certificates of the sandbox: the merchant's, WeChat Pay's, the seal's and its root."""

import secrets
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

# Wide enough that the settable clock never walks out of a certificate.
VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
VALID_UNTIL = datetime(2050, 1, 1, tzinfo=UTC)

CA_NAME = "Lingcun sandbox CA"
PLATFORM_NAME = "Lingcun sandbox WeChat Pay"
SEAL_NAME = "湖州市住房公积金管理中心（沙箱电子印章）"


def new_key() -> rsa.RSAPrivateKey:
    """A fresh RSA-2048 private key is returned."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def new_serial() -> int:
    """A fresh serial number of exactly 40 hex digits is returned, as WeChat Pay's have."""
    return secrets.randbits(158) | 1 << 158


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    """The private key is returned as unencrypted PKCS#8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """The public half of `key` is returned as PEM."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """The certificate is returned as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def merchant_certificate(key: rsa.RSAPrivateKey, *, mchid: str) -> x509.Certificate:
    """A self-signed certificate that carries the merchant's public key is returned."""
    name = _name(mchid)
    return _signed(_draft(name, key=key, issuer=name, ca=False), by=key)


def platform_certificate(
    key: rsa.RSAPrivateKey, *, serial: int, valid_from: datetime, valid_until: datetime
) -> x509.Certificate:
    """A self-signed certificate under which WeChat Pay signs for that time is returned."""
    name = _name(PLATFORM_NAME)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(valid_from)
        .not_valid_after(valid_until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def seal_certificates(seal_key: rsa.RSAPrivateKey) -> tuple[x509.Certificate, x509.Certificate]:
    """The seal's certificate and the root that issued it are returned.

    The root's private key is forgotten here: nothing else can ever be issued under it.
    """
    ca_key = new_key()
    ca_name = _name(CA_NAME)
    root = _signed(_draft(ca_name, key=ca_key, issuer=ca_name, ca=True), by=ca_key)
    draft = _draft(_name(SEAL_NAME), key=seal_key, issuer=ca_name, ca=False)
    ca_identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    seal = _signed(draft.add_extension(ca_identifier, critical=False), by=ca_key)
    return seal, root


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lingcun sandbox"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _draft(
    subject: x509.Name, *, key: rsa.RSAPrivateKey, issuer: x509.Name, ca: bool
) -> x509.CertificateBuilder:
    path_length = 0 if ca else None
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(VALID_UNTIL)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        .add_extension(_key_usage(ca=ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,  # X.509 also calls it nonRepudiation
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(draft: x509.CertificateBuilder, *, by: rsa.RSAPrivateKey) -> x509.Certificate:
    return draft.sign(by, hashes.SHA256())
