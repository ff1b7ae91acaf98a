"""One Postgres server as a child process: start, readiness check, stop."""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from common import database, log_files
from common.errors import DatabaseDown, Stopped
from common.folder import POSTGRES_FOLDER, POSTGRES_URL_FILE, ROLES_FOLDER
from common.roles import RoleLock
from postgres import cluster, leftovers, program, users

ROLE = "database"
START_S = 120.0  # recovery takes seconds; with much to do on a busy disk, a minute
# A stop must fit into the five seconds of every program. After an immediate stop the next start recovers.
STOP = ((signal.SIGINT, 2.5), (signal.SIGQUIT, 0.5), (signal.SIGKILL, None))
QUIET = ("-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c", "lc_messages=C")
# Few writes to a small disk: docs/operators/disk.md. What a commit promises stays: it is on disk when it returns, since
# fsync, full_page_writes and synchronous_commit are on.
BOX = {
    # Each checkpoint writes the changed pages, and the first change of a page after it copies the whole page to the
    # WAL. A start after a cut replays at most this hour, which takes seconds.
    "checkpoint_timeout": "1h",
    "max_wal_size": "512MB",
    "min_wal_size": "48MB",
    "wal_compression": "pglz",  # of those pages
    # Nobody follows this server, so it need not say every 15 seconds what runs.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_replication_slots": "0",
    # What has no commit (a cleaned page) may wait; commits sync by themselves.
    "wal_writer_delay": "10s",
    "autovacuum_naptime": "10min",
    "shared_buffers": "64MB",
    "jit": "off",
}


class Server:
    """The Postgres of a data folder, for the process that holds the role. `site`: of rows that have none yet."""

    def __init__(self, data: Path, site: str) -> None:
        self._data, self._site = data.resolve(), site
        self._folder = self._data / POSTGRES_FOLDER
        self._child: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._said_from = 0  # position in Postgres's log at this start
        self.ready = False  # it answers, and its address is published

    @property
    def pid(self) -> int | None:
        """The server's process id, from start to end."""
        return self._child.pid if self._child is not None else None

    def start(self, stop: threading.Event) -> None:
        """Clean up after an earlier one, create the files if necessary, and start Postgres; then call `wait`.

        Raises:
            DatabaseDown: it cannot be started; says why.
            Stopped: `stop` was set.
        """
        try:
            leftovers.clear(self._folder)
            cluster.forget_sockets(self._data)
            cluster.make(self._data, stop)
            sockets = cluster.socket_folder(self._folder)
            command = [*program.command("postgres", self._folder, death="INT"), "-D", self._folder, "-k", sockets]
            with contextlib.suppress(OSError):  # none yet, or a disk that refuses: the next line says so
                log_files.clean(self._folder / cluster.LOG_FILE)
            with (self._folder / cluster.LOG_FILE).open("ab") as log:
                self._said_from = log.tell()
                self._child = subprocess.Popen(
                    [*command, *QUIET, *(f"--{name}={value}" for name, value in BOX.items())],
                    env=program.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C goes to this process, which stops Postgres
                )
            self._url = cluster.address(sockets)
        except OSError as error:
            raise DatabaseDown(f"cannot use {self._folder}: {error.strerror}") from error

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait until it answers, at most `seconds` or until `stop`; then make users and tables, publish the address.

        Raises:
            DatabaseDown: it has ended, and why; or its address cannot be written.
        """
        give_up_s = time.monotonic() + seconds
        while not (answers := self._answers()) and time.monotonic() < give_up_s and not stop.wait(cluster.LOOK_S):
            pass
        if answers and not self.ready:
            address = users.prepare(self._url, self._site, stop)
            try:
                database.publish_address(self._data, address)
            except OSError as error:
                raise DatabaseDown(f"cannot write {self._data / POSTGRES_URL_FILE}: {error.strerror}") from error
            self.ready = True

    def _answers(self) -> bool:
        """Whether it accepts connections, from its own status file.

        Raises:
            DatabaseDown: it has ended by itself.
        """
        assert self._child is not None, "start comes first"
        if self._child.poll() is not None:
            said = cluster.reason(self._data, self._said_from)
            self.stop()
            if cluster.set_half_made_aside(self._data):
                said += f"; its files were incomplete, are now in {cluster.HALF_MADE}, and are created again"
            raise DatabaseDown(f"Postgres does not run: {said}; its log: {self._folder / cluster.LOG_FILE}")
        try:
            lines = (self._folder / leftovers.PID_FILE).read_bytes().split(b"\n")
        except OSError:
            return False
        return lines[0] == str(self._child.pid).encode() and len(lines) > 7 and lines[7].strip() == b"ready"

    def stop(self) -> None:
        """Stop it within a little more than three seconds."""
        child, self._child, self.ready = self._child, None, False
        for number, patience_s in STOP if child is not None else ():
            assert child is not None
            if child.poll() is None:
                child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(patience_s)
                break
        cluster.forget_sockets(self._data)


@contextlib.contextmanager
def running(data: Path, site: str, stop: threading.Event | None = None) -> Iterator[None]:
    """Run a Postgres during the block, with its address published. `site`: of rows that have none yet.

    Raises:
        DatabaseDown: it does not start; says why.
        RoleTaken: another process runs it.
        Stopped: `stop` was set before it answered.
    """
    stop = stop or threading.Event()
    lock = RoleLock(data / ROLES_FOLDER, ROLE)
    server = Server(data, site)
    try:
        try:
            _start(server, stop)
        except DatabaseDown:
            if not (data / cluster.HALF_MADE).exists():
                raise
            _start(server, stop)
        yield
    finally:
        server.stop()
        lock.close()


def _start(server: Server, stop: threading.Event) -> None:
    server.start(stop)
    server.wait(START_S, stop)
    if stop.is_set():
        raise Stopped
    if not server.ready:
        raise DatabaseDown(f"Postgres was not ready after {START_S:g} s")
