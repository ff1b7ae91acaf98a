"""`hydrolog support FILE`: what the support needs to know, as text files that a person can read, without secrets."""

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib import metadata
from io import BytesIO
from pathlib import Path

import psycopg
from psycopg import sql

from cli import shell
from cli.settings_text import settings_text
from cli.whole_file import leave_room, refuse_existing, replacing
from common import database, folder, health, masking, schema, settings, time_service
from common.errors import DatabaseDown
from common.settings import Settings
from common.version import version

MOST_BYTES = 200_000  # of each text: its end; together a few MB before they are packed
MOST_FILES = 30  # logs, rotated ones among them: the newest
COMMAND_S = 60.0
# What `hydrolog NAME` says at this moment.
COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("check",),
    ("log", "verify"),
    ("log", "groups"),
    ("log", "show"),
    ("sensors", "list"),
    ("night",),
    ("calendar",),
    ("weather",),
    ("incidents", "--all", "--json"),
)
# What the operating system says: where a program is missing, it is left out.
OF_THE_SYSTEM = (
    ("uname", "-a"),
    ("uptime",),
    ("free", "-m"),
    ("df", "-hT"),
    ("df", "-i"),
    ("ls", "-l", "/dev/serial/by-id"),
    ("timedatectl",),
    ("chronyc", "-n", "tracking"),
    ("systemctl", "status", "hydrolog", "--no-pager", "--lines=50"),
)


def run(args: list[str]) -> int:
    """Write the bundle.

    Raises:
        NotWritten: the file is there already or cannot be written.
    """
    parser = shell.parser(
        "support",
        "Write versions, settings, states, the end of each log and what the checks say into one new .tar.gz file for "
        "the support. Passwords and tokens are taken out; look through it before you send it.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file, like /tmp/box.tar.gz")
    options = parser.parse_args(args)
    chosen, path = settings.load(options.config), options.file.absolute()
    refuse_existing(path)
    secrets = masking.of_settings(chosen)
    with replacing(path, "support") as file, tarfile.open(fileobj=file, mode="w:gz") as bundle:
        os.fchmod(file.fileno(), 0o600)
        for name, text in _texts(chosen, options.config, secrets):
            leave_room(path, chosen.paths.data)
            content = masking.hide_all(text, secrets).encode("utf-8", "replace")[-MOST_BYTES:]
            member = tarfile.TarInfo(f"{path.name.partition('.')[0]}/{masking.hide_all(name, secrets)}")
            member.size, member.mtime, member.mode = len(content), int(path.parent.stat().st_mtime), 0o644
            bundle.addfile(member, BytesIO(content))
    shell.say(f"{path}: {path.stat().st_size / 1e6:.1f} MB; passwords and tokens are taken out")
    shell.say(f"look through it before you send it: tar -xOzf {path} | less")
    return 0


def _texts(chosen: Settings, config: Path | None, secrets: set[str]) -> Iterator[tuple[str, str]]:
    """The name and the text of each file, made one after the other."""
    shell.say("settings, versions, states ...")
    yield "settings.toml", settings_text(chosen, secrets)
    yield "versions.txt", _versions()
    yield "environment.txt", "".join(f"{name}\n" for name in sorted(os.environ))  # names only
    yield "clock.txt", f"{datetime.now(UTC).isoformat()} time service: {time_service.in_step()}\n"
    yield "data_folder.txt", _listing(chosen.paths.data)
    for path in sorted(health.folder(chosen.paths.data).glob("*.json")):
        yield f"health/{path.name}", _end(path)
    yield "tables.txt", _tables(chosen)
    for words in COMMANDS:
        shell.say(f"hydrolog {' '.join(words)} ...")
        yield (
            f"commands/{'_'.join(words)}.txt",
            _said([sys.executable, "-P", "-m", "cli", *words, *(["--config", str(config)] if config else [])]),
        )
    for command in OF_THE_SYSTEM:
        if shutil.which(command[0]):
            yield f"system/{'_'.join(command[:2]).replace('/', '_')}.txt", _said(list(command))
    shell.say("logs ...")
    for path in _logs(chosen.paths.data):
        yield f"logs/{path.name}", _end(path)


def _versions() -> str:
    lines = [f"hydrolog {version()}", f"python {sys.version}", platform.platform()]
    found = sorted(f"{each.name}=={each.version}" for each in metadata.distributions())
    return "\n".join([*lines, *found]) + "\n"


def _listing(data: Path) -> str:
    """Names, sizes and times of the data folder."""
    lines = []
    for path in sorted(data.rglob("*")):
        if folder.POSTGRES_FOLDER in path.relative_to(data).parts[:-1]:
            continue
        try:
            found = path.lstat()
        except OSError:
            continue
        changed = datetime.fromtimestamp(found.st_mtime, UTC).isoformat(timespec="seconds")
        lines.append(f"{found.st_mode:o} {found.st_uid} {found.st_size:>12} {changed} {path.relative_to(data)}\n")
    return "".join(lines)


def _tables(chosen: Settings) -> str:
    """The rows of each table, or why they are not known."""
    try:
        with closing(database.connect(database.address(chosen), "support")) as connection:
            lines = [f"server {connection.info.server_version}\n"]
            connection.execute(f"SET statement_timeout = '{COMMAND_S:g} s'".encode())
            for name in schema.tables():
                counted = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))
                lines.append(f"{name} {counted.fetchone()}\n")
    except (DatabaseDown, psycopg.Error) as error:
        return f"not known: {error}\n"
    return "".join(lines)


def _said(command: list[str]) -> str:
    """What a program says on both of its outputs."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return f"{(late.stdout or b'').decode('utf-8', 'replace')}\nno end after {COMMAND_S:g} s\n"
    except OSError as error:
        return f"{error}\n"
    return f"{done.stdout.decode('utf-8', 'replace')}\nexit code {done.returncode}\n"


def _logs(data: Path) -> list[Path]:
    """The logs of the programs and of Postgres, the newest first."""
    home = Path(os.environ.get("HYDROLOG_HOME") or data.parent)
    found = [path for path in (home / "logs").glob("*") if path.is_file()]
    found += [path for path in (data / folder.POSTGRES_FOLDER).glob("log*") if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)[:MOST_FILES]


def _end(path: Path) -> str:
    """The end of a file, from the start of a line on."""
    try:
        with path.open("rb") as file:
            left_out = max(0, path.stat().st_size - MOST_BYTES)
            file.seek(left_out)
            text = file.read(MOST_BYTES).decode("utf-8", "replace").replace("\0", "")
            return text.partition("\n")[2] if left_out else text  # half a line could hold half a secret
    except OSError as error:
        return f"{error}\n"
