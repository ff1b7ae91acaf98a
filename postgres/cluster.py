"""Postgres's files: created completely or not at all; the place of its socket; limiting its log."""

import contextlib
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from common import processes, short_folder
from common.errors import DatabaseDown, Stopped
from common.folder import POSTGRES_FOLDER, POSTGRES_URL_FILE
from common.logging_setup import quoted
from postgres import program

HALF_MADE = "postgres.half-made"  # incomplete files of a power cut in the very first start; they never held a row
BEING_MADE = "postgres.new"
LOG_FILE = "log"  # Postgres only appends: two lines per checkpoint every five minutes, and each error
LOG_BYTES = 5_000_000  # as for each program's log; one older piece is kept
LOOK_S = 0.05

SOCKET = ".s.PGSQL.5432"
_LOG_PREFIX = re.compile(r"^[-0-9]+ [0-9:.]+ \S+ \[\d+\] ")
_GRAVE = re.compile(r"^(FATAL|PANIC|LOG): +")


def make(data: Path, stop: threading.Event) -> None:
    """Create the database's files if there are none: in a temporary folder, renamed when complete.

    Raises:
        DatabaseDown: it failed; says why.
        Stopped: `stop` was set.
    """
    folder, new = data / POSTGRES_FOLDER, data / BEING_MADE
    if (folder / "PG_VERSION").exists():
        return
    if folder.exists():
        folder.rmdir()  # only an empty folder may be replaced
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if user := program.owner(new):
        os.chown(new, user.uid, user.gid)
    options = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--username=postgres", "--no-instructions"]
    with (
        program.initdb(new) as initdb,
        subprocess.Popen(
            [*initdb, *options, "-D", new],
            env=program.environment(),
            cwd=new,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as maker,
    ):
        said = _output(maker, stop)
    if maker.returncode:
        raise DatabaseDown(f"cannot create the database: {quoted(said.decode('utf-8', 'replace').strip()[-200:])}")
    new.rename(folder)


def _output(maker: "subprocess.Popen[bytes]", stop: threading.Event) -> bytes:
    while True:
        try:
            said, _ = maker.communicate(timeout=LOOK_S)
        except subprocess.TimeoutExpired:
            if stop.is_set():
                processes.end_child(maker, 1.0)
                raise Stopped from None
        else:
            return said


def set_half_made_aside(data: Path) -> bool:
    """Move incomplete files away, once; False if they may hold data.

    Version 0.1 created them in place, so a power cut during the very first start could leave a part.
    """
    aside = data / HALF_MADE
    if (data / POSTGRES_URL_FILE).exists() or aside.exists() or not (data / POSTGRES_FOLDER / "PG_VERSION").exists():
        return False
    (data / POSTGRES_FOLDER).rename(aside)
    return True


def socket_folder(data: Path) -> Path:
    """The folder for the socket: the files' folder, or a short private folder if that path cannot be used.

    Raises:
        OSError: no such folder can be created.
    """
    folder = (data / POSTGRES_FOLDER).resolve()
    if short_folder.fits_socket(folder / SOCKET):
        return folder
    short = short_folder.make()
    if user := program.owner(data / POSTGRES_FOLDER):
        os.chown(short, user.uid, user.gid)
    return short


def address(sockets: Path) -> str:
    """The connection string for psycopg."""
    return f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='')}&port=5432"


def forget_sockets(data: Path) -> None:
    """Remove the short folder of an earlier start, if any."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        url = (data / POSTGRES_URL_FILE).read_text("ascii").strip()
        earlier = Path(parse_qs(urlsplit(url).query)["host"][0])
        if short_folder.is_ours(earlier):
            shutil.rmtree(earlier, ignore_errors=True)


def bound_log(data: Path) -> None:
    """Copy a large Postgres log aside and truncate it in place, which is safe because it is open for appending."""
    log = data / POSTGRES_FOLDER / LOG_FILE
    with contextlib.suppress(OSError):  # does not exist yet
        if log.stat().st_size > LOG_BYTES:
            with contextlib.suppress(OSError):  # no room for the old piece: truncate anyway
                old = log.with_name(f"{LOG_FILE}.1")
                old.unlink(missing_ok=True)
                shutil.copyfile(log, old)
            os.truncate(log, 0)


def reason(data: Path, position: int) -> str:
    """Why Postgres ended, from its log after `position`."""
    try:
        with (data / POSTGRES_FOLDER / LOG_FILE).open("rb") as log:
            log.seek(position)
            lines = log.read(1_000_000).decode("utf-8", "replace").splitlines()
    except OSError as error:
        return str(error.strerror)
    words = [_LOG_PREFIX.sub("", line) for line in lines if line.strip()]
    if any("starting PostgreSQL" in line for line in words):  # lines before that are about its settings
        words = [
            line
            for line in words
            if not line.startswith("LOG") and _GRAVE.match(line) and "database system is" not in line
        ][-1:]
    return quoted("; ".join(_GRAVE.sub("", line) for line in words) or "it said nothing")
