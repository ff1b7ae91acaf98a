"""`hydrolog backup FILE`: everything that brings the box back, in one file, while the box goes on."""

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from cli import shell
from cli.backup_database import copy_out
from cli.backup_file import FORMAT, SETTINGS, BackupWriter, Manifest, belongs, can_hold
from cli.settings_text import settings_text
from cli.whole_file import NotWritten, refuse_existing, replacing
from common import database, folder, masking, settings
from common.errors import LogError
from common.settings import Settings
from common.version import version
from log import commits
from log.format import Header
from log.segment import LogFile

HALF_WRITTEN = (".tmp", ".new", ".mended", ".lock", ".part")
# Written before a group commits, so read after its commit: a row is set aside, frozen or told before it is done with.
AFTER_COMMITS = {
    *(folder.OUTBOX_FILE, folder.REJECTED_FOLDER, folder.NOT_ROWS_FILE, folder.ALERTS_STATE_FILE),
    folder.LOG_DAMAGED_FILE,
}
TRIES = 10  # the log was reset between two looks: once in ten minutes, so twice in a row is rare


def run(args: list[str]) -> int:
    """Write the backup.

    Raises:
        NotWritten: the file is there already or cannot be written; nothing of it is left.
        DatabaseDown: no answer.
        LogError: the log cannot be read.
    """
    parser = shell.parser(
        "backup",
        "Write everything that brings this box back on other hardware into one new file, while the box goes on. "
        "Passwords and tokens are not in it. hydrolog restore FILE is the way back.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file, like /media/stick/box.hydrolog")
    options = parser.parse_args(args)
    chosen, path = settings.load(options.config), options.file.absolute()
    data = chosen.paths.data.resolve()
    if not data.is_dir():
        raise NotWritten(f"{data} is not there; paths.data in the settings names the data folder")
    if path.parent.resolve().is_relative_to(data):
        raise NotWritten(f"{path} is in the box's own data folder; name another place, best on another disk")
    refuse_existing(path)
    url, secrets = database.address(chosen), masking.of_settings(chosen)
    try:
        with replacing(path, "backup") as file, closing(BackupWriter(file, path, data)) as writer:
            os.fchmod(file.fileno(), 0o600)
            manifest = _write(chosen, data, url, writer)
    except psycopg.Error as error:
        said = shell.printable(masking.hide_all(str(error).strip(), secrets))
        raise NotWritten(f"the database refuses: {said}") from error
    rows = sum(table.rows for table in manifest.tables.values())
    shell.say(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {rows} rows of the database; keep it on another machine")
    shell.say("passwords and tokens are not in it: keep them in another safe place")
    return 0


def _write(chosen: Settings, data: Path, url: str, writer: BackupWriter) -> Manifest:
    """In this order, a moment later is always the safer side: no row is committed that is not in the backup."""
    known: dict[str, Any] = {}
    shell.say("files of the data folder ...")
    for path in _files(data, after=False):
        _add(writer, data, path)
    if not chosen.is_center:
        shell.say("the log ...")
        known = _add_log(chosen, data, writer)
    for path in _files(data, after=True):
        _add(writer, data, path)
    shell.say("the database ...")
    with closing(database.connect(url, "backup")) as connection:
        tables = copy_out(connection, writer)
    writer.add(SETTINGS, settings_text(chosen, masking.of_settings(chosen)).encode())
    manifest = Manifest(FORMAT, version(), datetime.now(UTC).isoformat(), chosen.site.id, **known, tables=tables)
    writer.finish(manifest)
    return manifest


def _files(data: Path, *, after: bool) -> Iterator[Path]:
    for top in sorted(data.iterdir()):
        if belongs(top.name) and (top.name in AFTER_COMMITS) is after:
            found = sorted(top.rglob("*")) if top.is_dir() and not top.is_symlink() else [top]
            yield from (path for path in found if path.is_file() and not path.is_symlink())


def _add(writer: BackupWriter, data: Path, path: Path) -> None:
    name = path.relative_to(data)
    if path.suffix in HALF_WRITTEN or any(part.startswith(".") for part in name.parts):
        return
    if not can_hold(f"data/{name}"):
        shell.say(f"left out: {str(name)!a}: a name with a line break")
        return
    try:
        with path.open("rb") as file:
            writer.add(f"data/{name}", file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        pass  # an outbox that was delivered meanwhile, say


def _add_log(chosen: Settings, data: Path, writer: BackupWriter) -> dict[str, Any]:
    """The rows that a group still needs, and the commits, which were made before the file was replaced."""
    for _ in range(TRIES):
        try:
            file = LogFile.open(data / folder.LOG_FILE, os.O_RDONLY)
        except OSError as error:
            raise LogError(f"cannot read {data / folder.LOG_FILE}: {error.strerror}") from error
        with closing(file):
            groups, end = commits.read_all(data), file.size()
            if file.size_at_path() is None:
                continue
            if file.header is None:
                raise LogError("the log's header is damaged; start the box first, which repairs it")
            start, base = _unread(chosen, file, file.header, groups, end)
            writer.add_pieces("log", _whole_lines(file, start, end))
            return {"log_id": file.header.log_id, "log_base": base, "groups": groups}
    raise LogError("the log is replaced again and again; try again")


def _unread(chosen: Settings, file: LogFile, header: Header, groups: dict[str, int], end: int) -> tuple[int, int]:
    """The first byte and the first offset that a group still needs."""
    lowest = min(groups.get(name, header.base) for name in chosen.log.groups)
    base = max(header.base, lowest)
    return file.seek(base, end), base


def _whole_lines(file: LogFile, start: int, end: int) -> Iterator[bytes]:
    """The bytes up to the last line break: what follows it is still being written."""
    rest = b""
    while start < end and (chunk := os.pread(file.descriptor, min(1024 * 1024, end - start), start)):
        start += len(chunk)
        lines, line_break, rest = (rest + chunk).rpartition(b"\n")
        yield lines + line_break
