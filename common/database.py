"""Postgres: one connection per process, reconnected when it breaks; every transaction has a deadline."""

import contextlib
import functools
import logging
import os
import socket
import threading
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg

from common import masking, schema
from common.database_reasons import Trouble, reason, trouble_of
from common.errors import CutShort, DatabaseDown, DatabaseRefuses, OtherTables, Stopped
from common.files import replace
from common.folder import POSTGRES_URL_FILE
from common.logging_setup import quoted
from common.settings import Settings

CONNECT_TIMEOUT_S = 5
WEB_USER = "hydrolog_web"  # of the embedded database: for what the network can reach
TRANSACTION_TIMEOUT_S = 120.0  # longer than any of our statements takes; a hung server must not hang the process

# Limits that are set for the database or its user are for questions of people. They would end the same batch, or the
# same night, again and again. Each of our transactions has a deadline of its own.
OPTIONS = "-c timezone=UTC -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"

OLD_TABLES = "the tables are missing or old; run: hydrolog init-db"

_log = logging.getLogger(__name__)
_ERRORS = {Trouble.LOST: DatabaseDown, Trouble.REFUSED: DatabaseRefuses, Trouble.CUT_SHORT: CutShort}
_SAID = {
    Trouble.LOST: "the connection to the database was lost",
    Trouble.REFUSED: "the database refuses",
    Trouble.CUT_SHORT: "the database has ended the work",
}
_noted: dict[str, str] = {}  # what was logged last, by event


def address(settings: Settings) -> str:
    """The connection string from the settings, or that of the embedded database.

    Raises:
        DatabaseDown: the embedded database has not started yet.
    """
    if settings.database.url:
        return settings.database.url
    try:
        return (settings.paths.data / POSTGRES_URL_FILE).read_text("utf-8").strip()
    except FileNotFoundError as error:
        raise DatabaseDown("the embedded database has not started yet (program hydrolog-database)") from error
    except OSError as error:
        raise DatabaseDown(f"cannot read {settings.paths.data / POSTGRES_URL_FILE}: {error.strerror}") from error


def connect(url: str, application: str, user: str | None = None) -> psycopg.Connection[Any]:
    """Connect, as the address's user or as `user`, so that a dead peer is noticed within half a minute.

    Raises:
        DatabaseDown: no answer, or access refused.
    """
    try:
        return psycopg.connect(
            url,
            user=user,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name=f"hydrolog-{application}",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=30_000,
            options=OPTIONS,
        )
    except (psycopg.Error, UnicodeError) as error:
        raise DatabaseDown(f"the database does not answer: {reason(error)}") from None


def note(event: str, error: psycopg.Error) -> None:
    """Log what a server said, cleaned of secrets: readers get our own words."""
    text = quoted(masking.hide_all(str(error).strip(), ()))
    if _noted.get(event) != text:  # a process that waits meets the same again and again
        _noted[event] = text
        _log.warning("%s said=%s", event, text)


@contextlib.contextmanager
def refusing(event: str, problem: str) -> Iterator[None]:
    """What the database refuses inside is logged as `event`, and the caller waits with this problem.

    Raises:
        DatabaseDown: it refuses.
    """
    try:
        yield
    except psycopg.Error as error:
        note(event, error)
        raise DatabaseDown(f"{problem} ({type(error).__name__}); see this process's log") from error


class Database:
    """A connection that is opened when needed and reopened after it broke."""

    def __init__(self, settings: Settings, application: str, embedded_user: str | None = None) -> None:
        self._settings = settings
        self._application = application
        self._user = None if settings.database.url else embedded_user
        self._connection: psycopg.Connection[Any] | None = None
        self._is_current = False  # whether its tables are of this version: others would be misunderstood

    @contextlib.contextmanager
    def transaction(self, timeout_s: float = TRANSACTION_TIMEOUT_S) -> Iterator[psycopg.Cursor[Any]]:
        """A cursor in its own transaction: committed at the end, rolled back on any error.

        Raises:
            DatabaseRefuses: it is read-only, its disk is full, or its user lacks a right.
            CutShort: the deadline has passed, or the database has ended this work while it goes on with others.
            DatabaseDown: no connection, connection lost, or tables of another version.
        """
        if self._connection is None or self._connection.closed:
            self._connection = connect(address(self._settings), self._application, self._user)
            self._is_current = False
        connection, late = self._connection, threading.Event()
        try:
            with _deadline(connection, timeout_s, late), connection.transaction(), connection.cursor() as cursor:
                if not self._is_current:
                    self._is_current = schema.found(connection) >= schema.NEEDED
                    if not self._is_current:
                        raise OtherTables(OLD_TABLES)
                yield cursor
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            note("database_refused", error)
            raise OtherTables(OLD_TABLES) from error
        except psycopg.Error as error:
            trouble = trouble_of(error)
            if trouble is None:
                raise
            self.close()
            note(f"database_{trouble.name.lower()}", error)
            if late.is_set():
                raise CutShort(f"the database has not done the work within {timeout_s:g} s") from error
            raise _ERRORS[trouble](f"{_SAID[trouble]}: {reason(error)}") from error

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
        self._connection = None


@contextlib.contextmanager
def changing(settings: Settings, application: str, timeout_s: float) -> Iterator[psycopg.Cursor[Any]]:
    """One transaction on a connection of its own, for what a person changes.

    Raises:
        DatabaseDown: see `Database.transaction`.
    """
    database = Database(settings, application)
    try:
        with database.transaction(timeout_s) as cursor:
            yield cursor
    finally:
        database.close()


@contextlib.contextmanager
def _deadline(connection: psycopg.Connection[Any], timeout_s: float, late: threading.Event) -> Iterator[None]:
    """Set `late` and shut the connection's socket down after `timeout_s`: psycopg's wait then ends with an error.

    The socket is duplicated, so the timer can never hit a descriptor that was closed and reused.
    """
    with socket.socket(fileno=os.dup(connection.fileno())) as handle:
        timer = threading.Timer(timeout_s, _shut_down, (handle, late))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _shut_down(handle: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):  # already closed by the peer
        handle.shutdown(socket.SHUT_RDWR)


@functools.cache
def statement(name: str, package: str = "common.sql") -> str:
    """The text of a named ``.sql`` file."""
    return resources.files(package).joinpath(f"{name}.sql").read_text("utf-8")


def update_schema(url: str, site: str, stop: threading.Event | None = None) -> list[str]:
    """Make the tables, or bring them to this version; returns what was done. Safe to repeat.

    Args:
        site: of the rows that were stored before rows had a site.
        stop: ends it within a moment, whatever it is doing; the next try goes on from there.

    Raises:
        DatabaseDown: no answer; or a newer hydrolog has changed the tables, or somebody uses them.
        Stopped: `stop` was set.
        psycopg.Error: the database refuses.
    """
    stop = stop or threading.Event()
    with contextlib.closing(connect(url, "init-db")) as connection, _cancelled_by(stop, connection):
        connection.autocommit = True
        try:
            return schema.update(connection, site, stop)
        except psycopg.errors.QueryCanceled as error:
            if not stop.is_set():
                raise
            raise Stopped from error
        except psycopg.errors.LockNotAvailable as error:
            raise DatabaseDown("somebody uses the tables that must be changed; stop hydrolog and try again") from error


@contextlib.contextmanager
def _cancelled_by(stop: threading.Event, connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Cancel what the connection does as soon as `stop` is set: building an index takes long."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(schema.LOOK_S):
            if stop.is_set():  # again and again: one between two statements has no effect
                connection.cancel_safe(timeout=CONNECT_TIMEOUT_S)

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def publish_address(data: Path, url: str) -> None:
    """Tell the other processes where the embedded database listens."""
    replace(data / POSTGRES_URL_FILE, url.encode() + b"\n", mode=0o600)
