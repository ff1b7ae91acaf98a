"""Part of `hydrolog check`: who else may read a secret, change the settings, or reach the page."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cli.check_result import CheckResult
from cli.shell import printable
from common.errors import SettingsError
from common.folder import USERS_FILE
from common.settings import CONFIG, Settings
from common.settings_checks import is_loopback
from server import site_tokens
from server.credentials import common_token
from server.site_tokens import TokensUnusable


def secrets(chosen: Settings, config: Path | None) -> Iterator[CheckResult]:
    """Whether files, tokens and addresses are closed to others; a line for each that is not."""
    source = config or (Path(os.environ[CONFIG]) if os.environ.get(CONFIG) else None)
    problems = [*_settings_file(source, chosen), *_data_folder(chosen), *_tokens(chosen)]
    problems += [*_key(chosen), *_network(chosen)]
    for problem in problems:
        yield CheckResult(False, "secrets", problem)
    if not problems:
        yield CheckResult(True, "secrets", "no other user reads a secret or writes a file of ours")


def _settings_file(source: Path | None, chosen: Settings) -> Iterator[str]:
    if source is None:
        return
    mode = stat.S_IMODE(source.stat().st_mode)
    if mode & 0o022:
        yield f"others may write {printable(source)}: chmod go-w {printable(source)}"
    folder = source.resolve().parent
    if _open_to_all(folder):
        yield f"every user may put another file in the place of {printable(source)}: chmod o-w {printable(folder)}"
    if mode & 0o004 and _holds_secrets(chosen):
        yield f"every user can read the passwords in {printable(source)}: chmod o-rwx {printable(source)}"


def _holds_secrets(chosen: Settings) -> bool:
    return bool(
        chosen.alerts.addresses or chosen.server.proxy or "password" in chosen.database.url or _user_info(chosen)
    )


def _user_info(chosen: Settings) -> bool:
    return "://" in chosen.database.url and urlsplit(chosen.database.url).password is not None


def _data_folder(chosen: Settings) -> Iterator[str]:
    data = chosen.paths.data
    inside = sorted(data.iterdir()) if data.is_dir() and os.access(data, os.R_OK | os.X_OK) else []
    for path in [data, *inside]:
        if path.exists() and not path.is_symlink() and _open_to_all(path):
            yield f"every user may write {printable(path)}: chmod o-w {printable(path)}"


def _open_to_all(path: Path) -> bool:
    """Whether every user may write the file, or replace files of the folder that are not his (not so in /tmp)."""
    mode = path.stat().st_mode
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def _tokens(chosen: Settings) -> Iterator[str]:
    try:
        common_token(chosen.receiver, chosen.paths.data)
    except SettingsError as error:
        yield f"{printable(error)}; hydrolog-server, which serves the page, does not start without it"
    try:
        site_tokens.load(chosen.paths.data)
    except TokensUnusable as error:
        yield f"{printable(error)}; bring it back from a backup, or every site needs a new token"


def _key(chosen: Settings) -> Iterator[str]:
    """That of the page's certificate, if it can be seen: what else is wrong with it is another check."""
    key = Path(chosen.receiver.key) if chosen.receiver.key else None
    if key is not None and key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield f"{printable(key)} can be read by others: chmod 600 {printable(key)}"


def _network(chosen: Settings) -> Iterator[str]:
    receiver = chosen.receiver
    if not is_loopback(receiver.host) and not receiver.certificate:
        yield (
            f"receiver.host = {printable(receiver.host)} opens the page to everyone who reaches the port, and "
            "passwords and tokens cross the network unencrypted; make a certificate: hydrolog certificate"
        )
    if not is_loopback(receiver.host) and not (chosen.paths.data / USERS_FILE).exists():
        yield "everyone who reaches the port may read the page: hydrolog users add NAME --role admin"
    parts = urlsplit(chosen.server.url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield "server.plain_http: everyone on the way can read the token and the rows; use https:// if the server can"
