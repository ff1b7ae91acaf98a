"""The certificate of the page: what cannot be used is named, and an authority vouches for its own names only."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common import certificates
from common.certificates import CertificateUnusable, Pair
from common.errors import SettingsError
from common.settings import ReceiverSettings
from server import tls

NOW = datetime.now(UTC)
NAMES = ["box.example.org", "10.0.0.7", "fd00::7", "localhost"]
AUTHORITY = certificates.make_authority("site-1", NAMES, NOW)
SITE = certificates.sign(AUTHORITY, NAMES, NOW)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.crt").write_bytes(SITE.certificate)
    (tmp_path / "site.key").write_bytes(SITE.key)
    (tmp_path / "other.key").write_bytes(certificates.sign(AUTHORITY, NAMES, NOW).key)
    (tmp_path / "text").write_text("no PEM")
    return tmp_path


@pytest.mark.parametrize(
    ("certificate", "key", "problem"),
    [
        ("site.crt", "", "receiver.key: is missing"),
        ("", "site.key", "receiver.certificate: is missing"),
        ("nothing", "site.key", "receiver.certificate: cannot read"),
        ("site.crt", "nothing", "receiver.key: cannot read"),
        ("text", "site.key", "receiver.certificate: .* is no certificate"),
        ("site.crt", "text", "receiver.key: .* is no private key"),
        ("site.crt", "other.key", "receiver.key: .* is not the key of"),
    ],
)
def test_what_cannot_be_used_is_named(folder: Path, certificate: str, key: str, problem: str) -> None:
    named = [str(folder / name) if name else "" for name in (certificate, key)]
    with pytest.raises(SettingsError, match=problem):
        tls.of_settings(ReceiverSettings(certificate=named[0], key=named[1]))


def test_a_key_with_a_password_is_refused_without_asking_for_it(folder: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(SITE.key, None)
    secret = serialization.BestAvailableEncryption(b"secret")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
    (folder / "site.key").write_bytes(pem)
    with pytest.raises(SettingsError, match="has a password"):
        tls.context_of(folder / "site.crt", folder / "site.key")


def test_without_either_the_page_speaks_plain_http() -> None:
    assert tls.of_settings(ReceiverSettings()) is None


def shakes_hands(site: Pair, name: str, folder: Path, authority: Pair = AUTHORITY) -> bool:
    """Whether a client that trusts the authority takes the certificate for that name: both ends in memory."""
    (folder / "a.crt").write_bytes(site.certificate)
    (folder / "a.key").write_bytes(site.key)
    trusting = ssl.create_default_context(cadata=authority.certificate.decode())
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = tls.context_of(folder / "a.crt", folder / "a.key").wrap_bio(up, down, server_side=True)
    client = trusting.wrap_bio(down, up, server_hostname=name)
    for _ in range(3):
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return client.version() is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_trusts_the_authority_takes_each_name(tmp_path: Path, name: str) -> None:
    assert shakes_hands(SITE, name, tmp_path)


@pytest.mark.parametrize("name", ["bank.example", "10.0.0.8"])
def test_an_authority_whose_key_is_stolen_vouches_for_no_other_name(tmp_path: Path, name: str) -> None:
    forged = certificates.sign(AUTHORITY, ["localhost", name], NOW)
    assert not shakes_hands(forged, name, tmp_path)
    assert not shakes_hands(SITE, name, tmp_path)


def test_a_renewed_certificate_needs_no_new_trust_and_an_ended_one_is_refused(tmp_path: Path) -> None:
    assert shakes_hands(certificates.sign(AUTHORITY, NAMES, NOW), "localhost", tmp_path)
    ended = certificates.sign(AUTHORITY, NAMES, NOW - timedelta(days=certificates.SITE_DAYS + 1))
    assert not shakes_hands(ended, "localhost", tmp_path)


def test_what_it_says_of_itself_is_read_back() -> None:
    assert certificates.names_of(SITE.certificate) == ["box.example.org", "localhost", "10.0.0.7", "fd00::7"]
    assert abs(certificates.ends(SITE.certificate) - NOW - timedelta(days=800)) < timedelta(seconds=1)
    with pytest.raises(CertificateUnusable):
        certificates.ends(SITE.key)
