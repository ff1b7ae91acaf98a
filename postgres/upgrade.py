"""A newer Postgres for the files of an older one: dumped, restored into new files, counted, and only then exchanged.

The old files are only read. Whenever the power fails, the next start finds one of these:

| in the data folder | the next start |
| --- | --- |
| `postgres` of the older version, with or without `postgres.upgrading` or `postgres.upgraded` | begins again |
| `postgres.16` and `postgres.upgraded`, but no `postgres` | renames `postgres.upgraded` (`cluster.make`) |
| `postgres` of the newest version, `postgres.16` | is done; the old files are kept for a week |
"""

import contextlib
import logging
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from common import database, files
from common.errors import DatabaseDown, HydrologError
from common.folder import POSTGRES_FOLDER
from common.logging_setup import quoted
from postgres import cluster, leftovers, program
from postgres.server import QUIET, STOP

BEING_UPGRADED = "postgres.upgrading"
PORT = 5433  # not the usual one: no process of the box shall find the database meanwhile
KEPT_S = 7 * 86_400.0  # the old files: long enough to notice that something is wrong
LEFT_BYTES = 512 * 1024 * 1024  # must stay free for the rows that come in meanwhile
WAL_BYTES = 256 * 1024 * 1024  # what the new files need for a while, besides the rows
LOOK_S = 0.2

OLD = ("-c", "default_transaction_read_only=on", "-c", "autovacuum=off")
# The new files are synced once, at the end.
NEW = ("fsync=off", "full_page_writes=off", "autovacuum=off", "wal_level=minimal", "max_wal_senders=0")
TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""

_log = logging.getLogger(__name__)


class NotUpgraded(HydrologError):
    """The database stays at the older Postgres."""


def run(data: Path, stop: threading.Event) -> Generator[str]:
    """Bring the files to the newest Postgres of the wheel, if they are older; says after each short step what it does.

    Only with the role held, and with no Postgres running here.

    Raises:
        NotUpgraded: it cannot be done now; says why. The old files are as they were.
        Stopped: `stop` was set.
    """
    old, new = data / POSTGRES_FOLDER, data / BEING_UPGRADED
    shutil.rmtree(new, ignore_errors=True)
    try:
        version = program.major(old)
    except DatabaseDown:
        return  # the start says why
    if version == program.NEWEST:
        return
    kept = data / f"{POSTGRES_FOLDER}.{version}"
    try:
        if kept.exists():
            raise DatabaseDown(f"{kept} is there already; move it away")
        _clear(data)
        _need_room(data, _bytes(old))
        for share in _copied(old, new, stop):
            _need_room(data, 0)
            yield f"the database is being brought to Postgres {program.NEWEST}: {share} %"
        _exchange(data, kept)
    except (DatabaseDown, psycopg.Error, OSError) as error:
        raise NotUpgraded(
            f"the database stays at Postgres {version} for now; the next start of hydrolog-database tries again: "
            f"{str(error).strip()}"
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _log.info("upgraded from=%d to=%d old files kept as %s", version, program.NEWEST, kept.name)


def drop_kept(data: Path, now: datetime) -> None:
    """Remove the old files after a week, or as soon as the disk needs their room."""
    for kept in data.glob(f"{POSTGRES_FOLDER}.[0-9]*"):
        with contextlib.suppress(OSError):  # a disk that only reads
            age_s = now.timestamp() - kept.stat().st_ctime  # since it was renamed
            if age_s > KEPT_S or shutil.disk_usage(data).free < LEFT_BYTES:
                # What a kill leaves has a name under which nobody takes it for a whole database.
                kept.rename(data / BEING_UPGRADED)
                shutil.rmtree(data / BEING_UPGRADED, ignore_errors=True)
                _log.info("old_files_removed %s", kept.name)


def _clear(data: Path) -> None:
    """Remove what an earlier try left, and end its processes."""
    for name in (POSTGRES_FOLDER, BEING_UPGRADED):
        leftovers.clear(data / name)
    for name in (BEING_UPGRADED, cluster.UPGRADED):
        shutil.rmtree(data / name, ignore_errors=True)


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def _need_room(data: Path, size: int) -> None:
    needed = LEFT_BYTES + (size + WAL_BYTES if size else 0)
    if (free := shutil.disk_usage(data).free) < needed:
        raise DatabaseDown(f"{data} has {free / 1e6:.0f} MB free, and {needed / 1e6:.0f} MB are needed; free some")


def _copied(old: Path, new: Path, stop: threading.Event) -> Iterator[int]:
    """Make the new files with all that the old ones hold; the share that is done, in percent."""
    yield 0
    cluster.create(new, stop)
    with contextlib.ExitStack() as servers:
        source = _Server(old, OLD)
        servers.callback(source.stop)
        target = _Server(new, [word for each in NEW for word in ("-c", each)])
        servers.callback(target.stop)
        while not (source.answers() and target.answers()):
            yield 0
            stop.wait(LOOK_S)
        _refuse_other_databases(source.url)
        whole = max(1, _size(source.url))
        for _ in _piped(["pg_dumpall", "--globals-only"], [], source.url, target.url):
            yield 0
        for _ in _piped(["pg_dump"], ["--single-transaction", "-vON_ERROR_STOP=1"], source.url, target.url):
            yield min(90, _size(target.url) * 90 // whole)
        for _ in _compared(source.url, target.url):
            yield 95
    _sync(new)


class _Server:
    """A Postgres that only this module can find."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        self._folder = folder
        sockets = cluster.socket_folder(folder)
        self._short = sockets if sockets != folder else None
        self.url = cluster.address(sockets, PORT)
        command = [*program.command("postgres", folder, death="INT"), "-D", folder, "-k", sockets, "-p", str(PORT)]
        with (folder / cluster.LOG_FILE).open("ab") as log:
            self._said_from = log.tell()
            self._child = subprocess.Popen(
                [*command, *QUIET, *options],
                env=program.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def answers(self) -> bool:
        """Whether it accepts connections.

        Raises:
            DatabaseDown: it has ended.
        """
        if self._child.poll() is not None:
            with (self._folder / cluster.LOG_FILE).open("rb") as log:
                log.seek(self._said_from)
                raise DatabaseDown(f"its Postgres does not run: {quoted(log.read()[-200:].decode('utf-8', 'replace'))}")
        try:
            database.connect(self.url, "upgrade").close()
        except DatabaseDown:
            return False
        return True

    def stop(self) -> None:
        for number, patience_s in STOP:
            if self._child.poll() is None:
                self._child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(patience_s)
                break
        if self._short:
            shutil.rmtree(self._short, ignore_errors=True)


def _refuse_other_databases(url: str) -> None:
    with database.connect(url, "upgrade") as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'")
        if names := ", ".join(quoted(name) for (name,) in found):
            raise DatabaseDown(f"it has databases that are not hydrolog's: {names}; move or drop them")


def _size(url: str) -> int:
    with database.connect(url, "upgrade") as connection:
        found = connection.execute("SELECT pg_database_size('postgres')").fetchone()
    return int(found[0]) if found else 0


def _piped(dump: list[str], restore: list[str], source: str, target: str) -> Iterator[None]:
    """Feed what one program says to psql, until both have ended."""
    command = [*program.client("psql"), "--quiet", "--no-psqlrc", "--output=/dev/null", *restore, "--dbname", target]
    with tempfile.TemporaryFile() as said, contextlib.ExitStack() as ended:

        def started(words: list[str | Path], stdin: "int | IO[bytes] | None", stdout: int) -> "subprocess.Popen[bytes]":
            child = subprocess.Popen(words, env=program.environment(), stdin=stdin, stdout=stdout, stderr=said)
            ended.callback(child.wait)
            ended.callback(child.kill)
            return child

        writer = started([*program.client(dump[0]), *dump[1:], "--dbname", source], subprocess.DEVNULL, subprocess.PIPE)
        reader = started(command, writer.stdout, subprocess.DEVNULL)
        assert writer.stdout is not None
        writer.stdout.close()
        for child in (writer, reader):
            while child.poll() is None:
                yield
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(LOOK_S)
            if child.returncode:
                said.seek(0)
                raise DatabaseDown(f"{dump[0]} or psql failed: {quoted(said.read(200).decode('utf-8', 'replace'))}")


def _compared(source: str, target: str) -> Iterator[None]:
    """Count the rows of every table in both.

    Raises:
        DatabaseDown: they differ.
    """
    with database.connect(source, "upgrade") as old, database.connect(target, "upgrade") as new:
        tables = old.execute(TABLES.encode()).fetchall()
        if tables != new.execute(TABLES.encode()).fetchall():
            raise DatabaseDown("the copy does not have the same tables")
        for table in tables:
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table))
            if old.execute(count).fetchone() != new.execute(count).fetchone():
                raise DatabaseDown(f"the copy does not have the same rows in {'.'.join(table)}")
            yield


def _sync(folder: Path) -> None:
    """Put all files on disk."""
    with program.initdb(folder) as initdb:
        command = [*initdb, "--sync-only", "-D", folder]
        done = subprocess.run(command, env=program.environment(), cwd=folder, capture_output=True, check=False)
    if done.returncode:
        raise DatabaseDown(f"the copy cannot be synced: {quoted(done.stderr[-200:].decode('utf-8', 'replace'))}")


def _exchange(data: Path, kept: Path) -> None:
    folder, made = data / POSTGRES_FOLDER, data / cluster.UPGRADED
    for path, aim in ((data / BEING_UPGRADED, made), (folder, kept), (made, folder)):
        path.rename(aim)
        files.sync_folder(data)
