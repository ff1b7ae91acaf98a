"""`hydrolog certificate`: make the certificate of the page, or renew it, and say what to do next."""

import argparse
import ipaddress
import socket
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cli import acting, shell
from common import certificates, files, settings
from common.certificates import CertificateUnusable, Pair
from common.clock import SystemClock, local_text
from common.errors import HydrologError, SettingsError
from common.folder import CERTIFICATE_FOLDER
from common.settings import Settings
from common.settings_checks import host_names, is_loopback

SITE, AUTHORITY = "site", "authority"  # names of the files, before .crt and .key
EVERYWHERE = ("0.0.0.0", "::")  # as receiver.host: no address that a browser asks for
ALWAYS = ("localhost", "127.0.0.1", "::1")  # the box itself: its own sender


class CertificateThere(HydrologError):
    """There is a certificate already."""

    exit_code = 2


def run(args: list[str]) -> int:
    """Make the certificate.

    Raises:
        SettingsError: a name is none.
        CertificateThere: there is one, and nobody asked for a newer one.
        HydrologError: a file cannot be read or written.
    """
    options = _parser().parse_args(args)
    chosen = settings.load(options.config)
    data, now = chosen.paths.data, SystemClock().now()
    folder = data / CERTIFICATE_FOLDER
    try:
        acting.become_owner(data)
        told = _renewed(folder, options.names, chosen, now) if options.renew else _made(folder, options, chosen, now)
    except OSError as error:
        raise HydrologError(f"{error.filename or data}: {error.strerror}; nothing is changed") from error
    except CertificateUnusable as error:
        anew = "remove the folder, and make the certificate anew: phones have to trust it once more"
        raise HydrologError(f"a file in {folder} cannot be used, {error}; {anew}") from error
    shell.say(told)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "certificate",
        "Make a key and a certificate for the page, signed by an authority of this box alone that phones are told to "
        "trust once.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a name or address under which browsers reach the box; this machine's own names are always in it",
    )
    parser.add_argument("--renew", action="store_true", help="replace the one that is there; without NAME: the same")
    return parser


def _made(folder: Path, options: argparse.Namespace, chosen: Settings, now: datetime) -> str:
    if (folder / f"{SITE}.crt").exists():
        there = (folder / f"{SITE}.crt").read_bytes()
        ends = local_text(certificates.ends(there), chosen.site.zone)
        raise CertificateThere(
            f"{folder / SITE}.crt is there, for {', '.join(certificates.names_of(there))}, until {ends}; "
            "--renew replaces it"
        )
    folder.mkdir(mode=0o750, exist_ok=True)
    names = _names(options.names, chosen)
    authority = certificates.make_authority(chosen.site.id, names, now)
    _store(folder, AUTHORITY, authority)
    site = certificates.sign(authority, names, now)
    _store(folder, SITE, site)
    return _what_is_made(folder, site, chosen) + _settings(folder, names, chosen) + _trust(folder, authority)


def _renewed(folder: Path, asked: list[str], chosen: Settings, now: datetime) -> str:
    """Sign anew. The authority stays, unless there are names that it cannot vouch for or it ends before."""
    before = certificates.names_of((folder / f"{SITE}.crt").read_bytes())
    names = before if before and not asked else _names(asked, chosen)
    authority = _read(folder, AUTHORITY)
    left_days = (certificates.ends(authority.certificate) - now).days
    stays = set(names) <= set(before) and left_days > certificates.SITE_DAYS
    if not stays:
        authority = certificates.make_authority(chosen.site.id, names, now)
        _store(folder, AUTHORITY, authority)
    site = certificates.sign(authority, names, now)
    _store(folder, SITE, site)
    what = _what_is_made(folder, site, chosen)
    if stays:
        return f"{what}hydrolog-server takes it by itself, and phones trust it already."
    return what + _settings(folder, names, chosen) + _trust(folder, authority)


def _names(asked: list[str], chosen: Settings) -> list[str]:
    """All names of the site, those asked for first.

    Raises:
        SettingsError: one is neither a host name nor an address.
    """
    for name in asked:
        if not _is_address(name) and (problem := host_names((name,))):
            raise SettingsError("NAME", problem)
    machine = socket.gethostname().lower()
    own = [*chosen.receiver.hosts, machine, f"{machine}.local", chosen.receiver.host, *ALWAYS]
    return [*dict.fromkeys(_form(name) for name in (*asked, *own) if name not in EVERYWHERE)]


def _form(name: str) -> str:
    return str(ipaddress.ip_address(name)) if _is_address(name) else name.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _read(folder: Path, name: str) -> Pair:
    return Pair((folder / f"{name}.crt").read_bytes(), (folder / f"{name}.key").read_bytes())


def _store(folder: Path, name: str, pair: Pair) -> None:
    files.replace(folder / f"{name}.key", pair.key, mode=0o600)
    files.replace(folder / f"{name}.crt", pair.certificate)


def _what_is_made(folder: Path, site: Pair, chosen: Settings) -> str:
    ends = local_text(certificates.ends(site.certificate), chosen.site.zone)
    return f"{folder / SITE}.crt is made, for {', '.join(certificates.names_of(site.certificate))}, until {ends}.\n"


def _settings(folder: Path, names: list[str], chosen: Settings) -> str:
    """The lines that are not in the settings yet."""
    own = chosen.receiver
    machine = socket.gethostname().lower()
    asked = [name for name in names if not _is_address(name) and name not in (machine, f"{machine}.local", *ALWAYS)]
    wanted = {"certificate": f"{folder / SITE}.crt", "key": f"{folder / SITE}.key"}
    lines = [f'{name} = "{file}"' for name, file in wanted.items() if getattr(own, name) != file]
    if not set(asked) <= {name.lower() for name in own.hosts}:
        lines.append(f"hosts = [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in asked)}]")
    if is_loopback(own.host):
        lines.append('host = "0.0.0.0"')
    found = ["", "[receiver]", *lines] if lines else []
    sent = urlsplit(chosen.server.url)
    if is_loopback(sent.hostname or "") and sent.port == own.port:
        url = f"https://127.0.0.1:{own.port}{sent.path}"
        found += ["", "[server]", f'url = "{url}"', f'ca_file = "{folder / AUTHORITY}.crt"']
    if not found:
        return ""
    return (
        "\nWrite into the settings, each line in the place of the one that is there:\n"
        + "\n".join(f"    {line}" if line else "" for line in found)
        + "\n\nthen: sudo systemctl restart hydrolog\n"
    )


def _trust(folder: Path, authority: Pair) -> str:
    return (
        f"\nSend {folder / AUTHORITY}.crt to each phone, once (docs/operators/phone.md). The phone shows its "
        f"fingerprint:\n    SHA-256 {certificates.fingerprint(authority.certificate)}"
    )
