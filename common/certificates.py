"""Certificates for the page: an authority of this box alone, and what it signs. Pure, on PEM bytes.

A phone trusts the authority once; renewed certificates need no more of it. The authority can vouch for the names of the
site and for nothing else: whoever steals its key cannot show a phone another server.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from common.errors import HydrologError

SITE_DAYS = 800  # Apple's phones take no longer one than 825
AUTHORITY_DAYS = 20 * 365  # as long as the box may live
SLACK = timedelta(days=1)  # a phone's clock may be slow
MOST_NAME = 64  # characters of a common name

Key = ec.EllipticCurvePrivateKey


class CertificateUnusable(HydrologError):
    """The certificate cannot be read."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in PEM form."""

    certificate: bytes
    key: bytes


def make_authority(site: str, names: Iterable[str], now: datetime) -> Pair:
    """An authority for these names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = _called(f"hydrolog {site}")
    unsigned = (
        _begun(called, key, now, AUTHORITY_DAYS)
        .issuer_name(called)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints([_permitted(name) for name in names], None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
    )
    return _pair(unsigned.sign(key, hashes.SHA256()), key)


def sign(authority: Pair, names: Iterable[str], now: datetime) -> Pair:
    """A certificate with a new key for these names and addresses, of which the authority may vouch.

    Raises:
        CertificateUnusable: the authority's certificate or key is none, or they do not belong together.
    """
    issuer, issuing = _read(authority.certificate), _read_key(authority.key)
    if issuing.public_key() != issuer.public_key():
        raise CertificateUnusable("the authority's key is another one's")
    key, known = ec.generate_private_key(ec.SECP256R1()), [*names]
    unsigned = (
        _begun(_called(known[0]), key, now, SITE_DAYS)
        .issuer_name(issuer.subject)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in known]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()), critical=False)
    )
    return _pair(unsigned.sign(issuing, hashes.SHA256()), key)


def ends(certificate: bytes) -> datetime:
    """When it ends.

    Raises:
        CertificateUnusable: it is no certificate in PEM form.
    """
    return _read(certificate).not_valid_after_utc


def names_of(certificate: bytes) -> list[str]:
    """The names and addresses that it is for.

    Raises:
        CertificateUnusable: it is no certificate in PEM form.
    """
    try:
        found = _read(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]


def fingerprint(certificate: bytes) -> str:
    """What a phone shows of a certificate before it trusts it."""
    return _read(certificate).fingerprint(hashes.SHA256()).hex(":").upper()


def _read(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate)
    except ValueError as error:
        raise CertificateUnusable("it is no certificate in PEM form") from error


def _read_key(key: bytes) -> Key:
    try:
        found = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:  # no key, or one with a password
        raise CertificateUnusable("the authority's key is no private key in PEM form") from error
    if not isinstance(found, Key):
        raise CertificateUnusable("the authority's key is not of the kind that is made here")
    return found


def _begun(called: x509.Name, key: Key, now: datetime, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:MOST_NAME])])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _permitted(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_network(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: x509.Certificate, key: Key) -> Pair:
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(certificate.public_bytes(pem), secret)
