"""The checks of `hydrolog check`, each of one thing: the result, or what to do. They change nothing.

A check may briefly create a file in the data folder, open the port if no producer has it, and post an empty body to the
server, which tests the token and sends no row.
"""

import errno
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from cli import checks_clock, site_rename
from cli.check_result import CheckResult
from cli.checks_log import log
from cli.checks_server import receiver, server
from cli.init_db import database_name
from cli.shell import printable
from common import database, health, schema, time_service
from common.errors import DatabaseDown, PortError, SettingsError
from common.settings import Settings
from outliers import calendar as occasions

MIN_FREE_BYTES = 500_000_000  # a year of ten sensors in the database, plus free space for Postgres
# File systems on which other processes do not see a lock, or a rename is not atomic.
SHARES = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "vboxsf", "vfat", "exfat"}

SubjectCheck = Callable[[Settings, datetime], Iterator[CheckResult]]


def folder(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """The data folder: exists, writable, with free space, on a local disk."""
    data = chosen.paths.data
    if not data.is_dir():
        yield CheckResult(False, "folder", f"{data} does not exist; the first process creates it, or: mkdir -p {data}")
        return
    try:
        with tempfile.NamedTemporaryFile(dir=data, prefix="check."):
            pass
    except OSError as error:
        advice = f"if it is yours to use: sudo chown -R $USER {data}"
        if error.errno == errno.EROFS:
            advice = "the disk may be damaged, see: sudo dmesg | tail; then restart the box"
        if error.errno == errno.ENOSPC:
            advice = f"make room: sudo du -xh --max-depth=2 {data.parent} | sort -h | tail"
        yield CheckResult(False, "folder", f"{data} cannot be written ({error.strerror}); {advice}")
        return
    yield CheckResult(True, "folder", f"{data} can be written")
    free = shutil.disk_usage(data).free
    room = f"{free / 1e9:.1f} GB free"
    yield CheckResult(free >= MIN_FREE_BYTES, "disk", room if free >= MIN_FREE_BYTES else f"only {room}: make room")
    kind = file_system(data)
    if kind in SHARES:
        yield CheckResult(
            False, "file system", f"{data} is on {kind}, where locks do not work; set paths.data to a local disk"
        )
    else:
        yield CheckResult(True, "file system", kind)


def file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The kind of file system of the path, or "unknown"."""
    try:
        lines = mounts.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return "unknown"
    best, kind = -1, "unknown"
    for line in lines:
        parts = line.split(" ")
        point = parts[1].replace("\\040", " ") if len(parts) > 2 else ""
        if point and path.resolve().is_relative_to(point) and len(point) >= best:
            best, kind = len(point), parts[2]
    return kind


def clock(chosen: Settings, now: datetime) -> Iterator[CheckResult]:
    """The clock and the time zone."""
    in_step = time_service.in_step()
    local = now.astimezone(chosen.site.zone).isoformat(sep=" ", timespec="seconds")
    problem = checks_clock.problem(chosen, now, in_step=bool(in_step))
    yield CheckResult(not problem, "clock", f"{local} in {chosen.site.timezone}{problem}")
    yield CheckResult(True, "time service", checks_clock.time_service_says(in_step) + checks_clock.at_boot())


def port(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """The serial line: the producer's report if it has the port, otherwise whether it opens."""
    from producer.port import Port, check_url
    from situation.snapshot import alive

    if chosen.is_center:
        return  # a center has none
    url = chosen.line.url
    state = health.load_all(chosen.paths.data).get("producer")
    if state is not None and "pid" in state and alive(state):
        counters = state.get("counters")
        said = counters.get("port") if isinstance(counters, dict) else None
        yield CheckResult(
            said in ("reading", None),
            "port",
            f"{printable(url)}, used by the producer (process {state['pid']}): {printable(said or 'open')}"
            + ("" if said in ("reading", None) else f"; {printable(state.get('problem') or 'see hydrolog status')}"),
        )
        return
    try:
        check_url(url)
        tried = Port(url, chosen.line.baudrate, threading.Event(), chosen.line.mode)
        tried.open()
        tried.close()
    except (PortError, SettingsError) as error:
        yield CheckResult(False, "port", f"{printable(error)}")
    else:
        yield CheckResult(True, "port", f"{printable(url)} opens at {chosen.line.baudrate} baud")


def tables(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """The database: it answers, the tables exist, sensors are registered."""
    try:
        with closing(database.Database(chosen, "check")) as connection, connection.transaction() as cursor:
            where = database_name(database.address(chosen))
            cursor.execute("SELECT current_setting('server_version')")
            version = cursor.fetchone()
            yield CheckResult(True, "database", f"Postgres {version[0] if version else '?'}, {printable(where)}")
            cursor.execute(
                "SELECT name FROM unnest(%s::text[]) AS t (name) WHERE to_regclass(name) IS NULL", [schema.tables()]
            )
            if missing := [name.upper() for (name,) in cursor.fetchall()]:
                yield CheckResult(False, "tables", f"missing: {', '.join(missing)}; run: hydrolog init-db")
                return
            yield CheckResult(True, "tables", f"all {len(schema.tables())} are there")
            cursor.execute("SELECT count(*) FROM SENSOR_TB WHERE site = %s OR %s", (chosen.site.id, chosen.is_center))
            count = cursor.fetchone()
            others = site_rename.others(cursor, chosen.site.id)
        if count and count[0]:
            yield CheckResult(True, "sensors", f"{count[0]} registered")
        elif chosen.is_center:
            yield CheckResult(True, "sensors", "none yet; each is registered with its first row")
        elif others:
            yield CheckResult(
                False,
                "sensors",
                f"none is registered at {chosen.site.id}, but at {printable(', '.join(others))}: if site.id was "
                f"changed, run: hydrolog init-db --site-was {printable(others[0])}",
            )
        else:
            yield CheckResult(False, "sensors", "none is registered; run: hydrolog sensors add ID")
    except DatabaseDown as down:
        yield CheckResult(False, "database", f"{printable(down)}; start it, or correct database.url")


def calendar(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """Whether every line of the calendar can be read."""
    known = occasions.load(chosen.paths.data, chosen.site.zone)
    for problem in known.problems:
        yield CheckResult(False, "calendar", printable(problem))
    if not known.problems:
        yield CheckResult(True, "calendar", f"{len(known.works)} planned works, {len(known.holidays)} holidays")


LOOKS: tuple[SubjectCheck, ...] = (folder, clock, log, calendar, port, tables, server, receiver)
