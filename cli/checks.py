"""The checks of `hydrolog check`, each of one thing: the result, or what to do. They change nothing.

A check may briefly create a file in the data folder, open the port if no producer has it, and post an empty body to the
server, which tests the token and sends no row.
"""

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cli import checks_clock, site_rename
from cli.init_db import database_name
from cli.shell import printable
from common import database, health, schema, time_service
from common.errors import DatabaseDown, PortError, SettingsError
from common.folder import LOG_FILE
from common.kafka_client import KAFKA
from common.settings import SERVER_TOKEN, Settings, read_token
from log import mark
from log.format import LONGEST_LINE, parse_header
from log.roles import Position, positions
from outliers import calendar as occasions

MIN_FREE_BYTES = 500_000_000  # a year of ten sensors in the database, plus free space for Postgres
# File systems on which other processes do not see a lock, or a rename is not atomic.
SHARES = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "vboxsf", "vfat", "exfat"}
# What every server must refuse. One that does not is none, or does not look at what it gets.
_NO_ROW, _NO_TOKEN = b"not-a-row\n", "not-a-token"
_TAKES_ANYTHING = (
    "says yes to a wrong token and to what is no row: a login page of the network (captive portal), a proxy, or a "
    "program that does not look at what it gets; rows sent there may be lost. Correct server.url or the network, or "
    "set server.receipt; then send again what was sent meanwhile: hydrolog resend --from ISO-TIME --to ISO-TIME"
)
_ADVICE = "run as the user of the processes, and check log.url"


class CheckResult(NamedTuple):
    """One line of the check."""

    ok: bool
    subject: str
    text: str  # the result; or the problem and what to do


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
    connection = database.Database(chosen, "check")
    try:
        with connection.transaction() as cursor:
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
    finally:
        connection.close()


def server(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """The server: reachable, and it accepts the token. An empty body is posted, no row."""
    from common.web_address import address_of
    from consumer.post import Poster

    if chosen.is_center:
        return  # a center sends nothing
    if "server" not in chosen.log.groups:
        yield CheckResult(True, "server", 'log.groups does not name "server": nothing is sent')
        return
    if not chosen.server.url:
        yield CheckResult(False, "server", 'server.url is empty: set it, or remove "server" from log.groups')
        return
    if chosen.server.url.startswith(KAFKA):
        yield from _cluster(chosen, chosen.server.url, "server.url")
        return
    try:
        token = read_token(SERVER_TOKEN, chosen.server.token_file, "server.token_file")
        poster = Poster(address_of("server", chosen.server), chosen.server.timeout_seconds, threading.Event())
    except SettingsError as error:
        yield CheckResult(False, "server", printable(error))
        return
    key = f"{chosen.site.id}/check/0-0"
    answer = poster.post(b"", key, token)
    ok, text = server_says(answer.status, answer.problem)
    yes = range(200, 300)
    if answer.status in yes and poster.post(_NO_ROW, key, _NO_TOKEN).status in yes:
        ok, text = False, _TAKES_ANYTHING
    yield CheckResult(ok, "server", f"{printable(chosen.server.url)} {text}")


def receiver(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """The cluster that hydrolog-server passes batches on to; nothing if it keeps them itself."""
    if chosen.receiver.into != "log":
        return
    if chosen.log.url.startswith(KAFKA):
        yield from _cluster(chosen, chosen.log.url, "log.url")
    else:
        yield CheckResult(False, "server", 'receiver.into = "log" needs a cluster in log.url')


def _cluster(chosen: Settings, url: str, key: str, right: str = "Write") -> Iterator[CheckResult]:
    from cli.checks_kafka import cluster

    yield from cluster(chosen, url, key, right)


def server_says(status: int | None, problem: str) -> tuple[bool, str]:
    """What the answer to an empty body means for address and token."""
    if status is None:
        return False, f"does not answer ({printable(problem)}); check server.url, the network, the server"
    if status in (401, 403):
        return False, f"refuses the token ({status}); put the one of this site into server.token_file"
    if status in (404, 405):
        return False, f"accepts no batches there ({status}); check the path in server.url"
    if 300 <= status < 400:
        return False, f"redirects ({status}), which is not followed; put the final address into server.url"
    if status >= 500 or status in (408, 425, 429):
        return False, f"has an internal error ({status}); batches wait until it is fixed"
    return True, f"answers, the token is accepted ({status} to an empty body)"


def log(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """The log: its header, its size, the position of each group."""
    if not chosen.is_center:
        yield _log_file(chosen)
    elif chosen.is_http_center:
        yield _no_log(chosen.paths.data / LOG_FILE)
    elif chosen.receiver.into != "log":  # else it is looked at for writing
        yield from _cluster(chosen, chosen.log.url, "log.url", "Read")
    known = mark.load(chosen.paths.data)
    for group, position in positions(chosen, chosen.log.groups).items():
        yield _group(group, position, known.end_offset if known else None)


def _no_log(of_a_box: Path) -> CheckResult:
    if of_a_box.exists():
        advice = "rows of a box that nobody reads; give the center an empty data folder"
        return CheckResult(False, "log", f"{of_a_box} has {advice}")
    return CheckResult(True, "log", "none; hydrolog-server stores what boxes deliver")


def _log_file(chosen: Settings) -> CheckResult:
    path = chosen.paths.data / LOG_FILE
    try:
        with path.open("rb") as file:
            header = parse_header(file.readline(LONGEST_LINE).removesuffix(b"\n"))
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return CheckResult(True, "log", "none yet; the producer creates it")
    except OSError as error:
        return CheckResult(False, "log", f"cannot read {path} ({error.strerror}); run as the user of the processes")
    if header is None:
        return CheckResult(False, "log", f"the header of {path} is damaged; restart the processes to repair it")
    if size > chosen.log.warn_bytes:
        return CheckResult(False, "log", f"{size / 1e6:.0f} MB: a group is behind; hydrolog status shows which")
    return CheckResult(True, "log", f"{size} bytes from offset {header.base} on")


def _group(group: str, position: Position, end: int | None) -> CheckResult:
    subject = f"group {group}"
    if position.problem:
        return CheckResult(False, subject, f"{printable(position.problem)}; {_ADVICE}")
    if position.offset is None:
        return CheckResult(False, subject, f"has never committed; start: hydrolog-consumer --group {group}")
    behind = f", {max(0, end - position.offset)} rows behind" if end is not None else ""
    return CheckResult(True, subject, f"at offset {position.offset}{behind}")


def calendar(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """Whether every line of the calendar can be read."""
    known = occasions.load(chosen.paths.data, chosen.site.zone)
    for problem in known.problems:
        yield CheckResult(False, "calendar", printable(problem))
    if not known.problems:
        yield CheckResult(True, "calendar", f"{len(known.works)} planned works, {len(known.holidays)} holidays")


LOOKS: tuple[SubjectCheck, ...] = (folder, clock, log, calendar, port, tables, server, receiver)
