"""`hydrolog certificate`: what it makes is what the settings take, and phones trust it again after a renewal."""

import re
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_site import Configure, hydrolog

from cli import checks_secrets
from cli.checks_certificate import certificate
from common import certificates
from common.certificates import Pair
from common.settings import Settings, load
from server import tls

NOW = datetime.now(UTC)


def made(path: Path) -> tuple[Pair, Pair]:
    """The authority and what it has signed, as they lie on the disk."""
    folder = path.parent / "data" / "certificate"
    return (
        Pair((folder / "authority.crt").read_bytes(), (folder / "authority.key").read_bytes()),
        Pair((folder / "site.crt").read_bytes(), (folder / "site.key").read_bytes()),
    )


def test_what_it_prints_is_what_the_settings_need(config: Configure, tmp_path: Path) -> None:
    server = 'url = "http://127.0.0.1:8080/v1/batches"'
    told = hydrolog("certificate", "Water.example.org", "10.0.0.7", "--config", str(config(server=server)))
    assert told.returncode == 0, told.stderr
    authority, site = made(tmp_path / "hydrolog.toml")
    assert {"water.example.org", "10.0.0.7", "localhost", "127.0.0.1"} <= {*certificates.names_of(site.certificate)}
    printed = "\n".join(line[4:] for line in told.stdout.splitlines() if line.startswith("    ") or not line)
    sections = dict(re.findall(r"^\[(\w+)\]\n((?:\w+ = .*\n)+)", printed, re.MULTILINE))
    chosen = load(config(**sections), {})
    assert tls.of_settings(chosen.receiver) is not None
    assert (chosen.receiver.hosts, chosen.receiver.host) == (("water.example.org",), "0.0.0.0")
    assert chosen.server.url == "https://127.0.0.1:8080/v1/batches"
    assert Path(chosen.server.ca_file).read_bytes() == authority.certificate
    assert certificates.fingerprint(authority.certificate) in told.stdout
    for key in ("site.key", "authority.key"):
        assert stat.S_IMODE((tmp_path / "data/certificate" / key).stat().st_mode) == 0o600


def test_nothing_is_overwritten_without_being_asked(config: Configure, tmp_path: Path) -> None:
    path = config()
    assert hydrolog("certificate", "--renew", "--config", str(path)).returncode == 1  # there is none
    hydrolog("certificate", "10.0.0.7", "--config", str(path))
    before = made(path)
    again = hydrolog("certificate", "--config", str(path))
    assert (again.returncode, "--renew" in again.stderr, "10.0.0.7" in again.stderr) == (2, True, True)
    assert made(path) == before
    assert hydrolog("certificate", "not a name", "--config", str(path)).returncode == 2


def test_a_renewal_keeps_what_phones_trust_unless_there_are_other_names(config: Configure) -> None:
    path = config()
    hydrolog("certificate", "10.0.0.7", "--config", str(path))
    authority, site = made(path)
    same = hydrolog("certificate", "--renew", "--config", str(path))
    assert "phones trust it already" in same.stdout
    assert made(path)[0] == authority and made(path)[1] != site
    assert certificates.names_of(made(path)[1].certificate) == certificates.names_of(site.certificate)
    other = hydrolog("certificate", "10.0.0.8", "--renew", "--config", str(path))
    assert "to each phone" in other.stdout
    assert made(path)[0] != authority
    ssl.create_default_context(cadata=made(path)[0].certificate.decode())


@pytest.mark.parametrize("name", ["site.crt", "authority.crt", "authority.key"])
@pytest.mark.parametrize("kind", ["empty", "other"])
def test_a_damaged_file_is_no_dead_end(name: str, kind: str, config: Configure, tmp_path: Path) -> None:
    path, file = config(), tmp_path / "data" / "certificate" / name
    hydrolog("certificate", "--config", str(path))
    other = certificates.make_authority("other", ["localhost"], NOW)
    file.write_bytes(b"" if kind == "empty" else other.key if name.endswith("key") else other.certificate)
    refused = hydrolog("certificate", "--renew", "--config", str(path))
    if (name, kind) == ("site.crt", "other"):  # it names nothing, so everything is made for this machine's names
        assert refused.returncode == 0
        return
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert f"{file.parent} cannot be used" in refused.stderr and "remove the folder" in refused.stderr


@pytest.fixture
def chosen(config: Configure) -> Settings:
    """A box whose page has a certificate."""
    hydrolog("certificate", "--config", str(config()))
    files = 'certificate = "data/certificate/site.crt"\nkey = "data/certificate/site.key"'
    return load(config(receiver=files), {})


def test_check_sees_that_it_can_be_used_and_for_how_long(chosen: Settings, tmp_path: Path) -> None:
    (good,) = certificate(chosen, NOW)
    assert good.ok and "localhost" in good.text
    (late,) = certificate(chosen, NOW + timedelta(days=certificates.SITE_DAYS - 29))
    assert not late.ok and "hydrolog certificate --renew" in late.text
    key = tmp_path / "data/certificate/site.key"
    key.chmod(0o644)
    problems = [finding.text for finding in checks_secrets.secrets(chosen, None) if not finding.ok]
    assert any(f"chmod 600 {key}" in problem for problem in problems)
    key.write_text("")
    (damaged,) = certificate(chosen, NOW)
    assert not damaged.ok and "receiver.key" in damaged.text


@pytest.mark.parametrize(
    ("receiver", "problems"),
    [
        ('host = "0.0.0.0"', ["unencrypted", "users add"]),
        ('host = "0.0.0.0"\ncertificate = "a"\nkey = "b"', ["users add"]),
        ('host = "127.0.0.1"', []),
    ],
)
def test_check_says_who_else_reaches_the_page(config: Configure, receiver: str, problems: list[str]) -> None:
    found = [finding.text for finding in checks_secrets.secrets(load(config(receiver=receiver), {}), None)]
    about = [text for text in found if "reaches the port" in text]
    assert len(about) == len(problems)
    assert all(problem in text for problem, text in zip(problems, about, strict=True))
