"""`hydrolog restore FILE`: an empty data folder, and the database, from a backup.

Everything is put into a folder of its own beside the data folder, which takes its place when all is there.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from cli import backup_database, backup_file, shell
from cli.backup_file import SETTINGS, Manifest
from common import database, folder, masking, settings
from common.errors import HydrologError
from common.files import sync_folder, write_all
from common.settings import Settings
from log import commits, identity
from log.format import Header, format_header
from postgres import server

SETTINGS_OF_BACKUP = "settings-of-backup.toml"
ANOTHER_MACHINE = "backup"  # no machine's mark: the log takes a new id at its first start, and its rows keep theirs


class NotRestored(HydrologError):
    """The backup is not restored; nothing was changed."""


def run(args: list[str]) -> int:
    """Bring the box back.

    Raises:
        BackupDamaged: the file is damaged or no backup.
        NotRestored: there is something already, or it is another site's backup, or the disk or database refuses.
        DatabaseDown: the database does not answer, or does not start.
    """
    parser = shell.parser(
        "restore",
        "Bring the box back from a backup, on this machine or another one. Stop hydrolog first; the data folder of the "
        "settings must be empty. The whole file is checked before anything is written.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that hydrolog backup wrote")
    parser.add_argument(
        "--keep-database",
        action="store_true",
        help="leave the database as it is: your own (database.url), which has outlived the box",
    )
    options = parser.parse_args(args)
    chosen, path = settings.load(options.config), options.file.absolute()
    data = chosen.paths.data.resolve()
    _refuse_filled_folder(data)
    if options.keep_database and not chosen.database.url:
        raise NotRestored("--keep-database is for your own database, and database.url is empty")
    shell.say(f"checking {path} ...")
    found = backup_file.verify(path)
    shell.say(shell.printable(f"sound: made {found.made_at} by hydrolog {found.version} at site {found.site}"))
    with_database = not options.keep_database
    _refuse_other_rows(chosen, found, with_database=with_database)
    _restore(chosen, data, path, found, with_database=with_database)
    shell.say(
        f"{data} is restored; compare {data / SETTINGS_OF_BACKUP} with your settings, enter passwords and tokens,"
    )
    shell.say("then start hydrolog; after a minute: hydrolog check")
    return 0


def _refuse_other_rows(chosen: Settings, found: Manifest, *, with_database: bool) -> None:
    if found.site != chosen.site.id:
        raise NotRestored(
            f"the backup is of site {shell.printable(found.site)}, the settings say site.id = {chosen.site.id!r}: the "
            "server would take its rows for new ones; write the site of the backup into the settings"
        )
    if chosen.database.url and with_database and (filled := backup_database.filled(chosen.database.url)):
        raise NotRestored(
            f"the database of database.url has rows already ({', '.join(filled)}): if they are this site's, use "
            "--keep-database; else name an empty database"
        )


def _refuse_filled_folder(data: Path) -> None:
    if data.is_dir() and any(data.iterdir()):
        aside = data.with_name(f"{data.name}.before")
        raise NotRestored(f"{data} is not empty: stop hydrolog and move it away, like: sudo mv {data} {aside}")
    if data.is_mount():
        raise NotRestored(f"{data} is a disk of its own: let paths.data name a folder on it")


def _restore(chosen: Settings, data: Path, path: Path, found: Manifest, *, with_database: bool) -> None:
    making = data.with_name(f"{data.name}.restoring")
    try:
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True, mode=0o750)
        shell.say("files and log ...")
        _unpack(path, found, making)
        if with_database:
            shell.say("the database ...")
            with _database(chosen, making) as url:
                rows = _fill(url, path, found, masking.of_settings(chosen))
            shell.say(f"{rows} rows of the database, each table as in the backup")
        os.sync()
        making.replace(data)
        sync_folder(data.parent)
    except OSError as error:
        raise NotRestored(f"cannot write {making}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _unpack(path: Path, found: Manifest, making: Path) -> None:
    log = making / folder.LOG_FILE
    if found.log_id:
        log.write_bytes(format_header(Header(found.log_id, found.log_base)))
    for name, pieces in backup_file.members(path):
        kind, _, rest = name.partition("/")
        if kind == "data":
            _append(making / rest, pieces)
        elif kind == "log":
            _append(log, pieces)
        elif name == SETTINGS:
            _append(making / SETTINGS_OF_BACKUP, pieces)
    if found.log_id:
        known = identity.load(making)
        earlier = known.earlier if known and known.log_id == found.log_id else ()
        identity.store(making, identity.Identity(found.log_id, ANOTHER_MACHINE, earlier))
    (making / folder.GROUPS_FOLDER).mkdir()
    for group, offset in found.groups.items():
        commits.CommitFile(making, group, offset).close()


def _append(path: Path, pieces: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o600 if path.name == folder.USERS_FILE else 0o640
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        for piece in pieces:
            write_all(descriptor, piece)
    finally:
        os.close(descriptor)


@contextmanager
def _database(chosen: Settings, making: Path) -> Iterator[str]:
    """The address of the database to fill: their own, or the embedded one of the new folder, which runs meanwhile."""
    if chosen.database.url:
        yield chosen.database.url
        return
    with server.running(making, chosen.site.id):
        yield (making / folder.POSTGRES_URL_FILE).read_text("utf-8").strip()
    (making / folder.POSTGRES_URL_FILE).unlink()
    shutil.rmtree(making / folder.ROLES_FOLDER)


def _fill(url: str, path: Path, found: Manifest, secrets: set[str]) -> int:
    """All rows in one transaction."""
    tables = (
        (name.split("/")[1], pieces) for name, pieces in backup_file.members(path) if name.startswith("database/")
    )
    try:
        database.update_schema(url, found.site)
        with database.connect(url, "restore") as connection:
            rows = backup_database.copy_in(connection, found.site, found.tables, tables)
    except psycopg.Error as error:
        said = shell.printable(masking.hide_all(str(error).strip(), secrets))
        raise NotRestored(f"the database refuses the rows: {said}") from error
    return rows
