"""`hydrolog log verify|groups|show`: inspect the log. It writes nothing and takes no lock.

It may run at any time; it shows the file as it was at that moment.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cli import shell
from common import settings
from common.errors import LogError, RowRefused, SettingsError
from common.folder import (
    GROUPS_FOLDER,
    LOG_DAMAGED_FILE,
    LOG_FILE,
    LOG_ID_FILE,
    LOG_LOCK_FILE,
    LOG_RESERVE_FILE,
    OUTBOX_FILE,
)
from common.row import parse_payload
from common.settings import Settings
from log import commits, identity, mark
from log import damaged as badlines
from log.recovery import outbox_end
from log.segment import LogFile, LogLine

ROWS = 20
ACTIONS = {
    "verify": "check every line and every state file",
    "groups": "show what each group has consumed, and which one keeps the file",
    "show": "rows by offset",
}
WORST_SHOWN = 10  # damaged lines that are listed


class LogProgress(NamedTuple):
    """How far the producer and the groups say that they are; read before the file, which only grows meanwhile."""

    written: int  # the producer's end offset, 0 if it has none
    commits: dict[str, int]


class LogReport(NamedTuple):
    """The result of checking every line."""

    rows: int
    first: int  # offset, -1 if there is no row
    last: int
    damaged: list[LogLine]
    holes: int  # unused offsets between the first and the last row
    backwards: int  # rows whose offset is not above the previous one
    unreadable: int  # lines with a valid checksum that are not rows
    torn: int  # bytes after the last line break


def run(args: list[str]) -> int:
    """Inspect the log; `verify` returns exit code 1 if something is wrong.

    Raises:
        LogError: there is no log, or it cannot be read.
        SettingsError: the settings are wrong, or the log is not a file.
    """
    options = _parser().parse_args(args)
    chosen = settings.load(options.config)
    if chosen.is_center:
        raise SettingsError("log.url", f"is {chosen.log.url!r}; this looks at the log that is a file")
    data = chosen.paths.data
    progress = _progress(data)
    try:
        file = LogFile.open(data / LOG_FILE, os.O_RDONLY)
    except OSError as error:
        raise LogError(f"cannot read {data / LOG_FILE}: {error.strerror}") from error
    try:
        if options.action == "verify":
            return _verify(data, file, progress)
        if options.action == "groups":
            _groups(chosen, file)
        else:
            _show(file, options.offset, options.count)
    except OSError as error:
        raise LogError(f"cannot read the log in {data}: {error.strerror}") from error
    finally:
        file.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser("log", "Inspect the log; nothing is changed.")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, words in ACTIONS.items():
        shell.add_action(actions, name, words)
    show = actions.choices["show"]
    show.add_argument("offset", type=int, nargs="?", help="offset of the first row (default: the last rows)")
    show.add_argument("-n", "--count", type=int, default=ROWS, help=f"how many ({ROWS})")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


# --- verify


def _progress(data: Path) -> LogProgress:
    published = mark.load(data)
    return LogProgress(published.end_offset if published else 0, commits.read_all(data))


def _verify(data: Path, file: LogFile, progress: LogProgress) -> int:
    found = _look_at_every_line(file)
    problems = _say_header(data, file)
    _say(f"rows      {found.rows}" + (f", offsets {found.first} to {found.last}" if found.rows else ""))
    problems += _say_lines(file, found)
    for kind, count in sorted(badlines.count(data).items()):
        _say(f"set aside {count} of kind {shell.printable(kind)!r} in {LOG_DAMAGED_FILE}")
    problems += _say_state(data, file, found, progress)
    _say("the log is sound" if not problems else f"{problems} finding(s); nothing needs to be repaired by hand")
    return 1 if problems else 0


def _look_at_every_line(file: LogFile) -> LogReport:
    end = file.size()
    rows = holes = backwards = unreadable = 0
    first = last = -1
    damaged: list[LogLine] = []
    reached = file.rows_start
    for line in file.lines(file.rows_start, end):
        reached = line.end
        if line.record is None:
            damaged.append(line)
            continue
        offset = line.record.offset
        if rows and offset <= last:
            backwards += 1
        elif rows:
            holes += offset - last - 1
        first = offset if first < 0 else first
        last = max(last, offset)
        rows += 1
        try:
            parse_payload(line.record.payload)
        except RowRefused:
            unreadable += 1
    return LogReport(rows, first, last, damaged, holes, backwards, unreadable, end - reached)


def _say_header(data: Path, file: LogFile) -> int:
    known = identity.load(data)
    if file.header is None:
        _say("header    DAMAGED: the next start restores base and id from the rest and rewrites it")
        return 1
    _say(f"header    log {file.header.log_id}, base {file.header.base}")
    if known is None:
        _say(f"identity  MISSING: {LOG_ID_FILE} is written again at the next start")
        return 1
    if known.log_id != file.header.log_id:
        _say(f"identity  ANOTHER LOG: {LOG_ID_FILE} names {known.log_id}")
        return 1
    lock = data / LOG_LOCK_FILE
    if lock.exists() and known.machine != identity.machine(lock):
        _say("identity  A COPY: created on another machine or in another folder; the next start gives it a new id")
        return 1
    return 0


def _say_lines(file: LogFile, found: LogReport) -> int:
    problems = 0
    for line in found.damaged[:WORST_SHOWN]:
        raw = os.pread(file.descriptor, min(line.end - line.start - 1, shell.LONGEST), line.start)
        _say(f"DAMAGED   line at byte {line.start}: {ascii(raw)[1:]}")
    if len(found.damaged) > WORST_SHOWN:
        _say(f"DAMAGED   and {len(found.damaged) - WORST_SHOWN} more lines")
    problems += bool(found.damaged)
    if found.holes:
        _say(f"holes     {found.holes} offsets without a row: damaged or lost with the power; groups skip them")
    if found.backwards:
        _say(f"ORDER     {found.backwards} rows come after a later one: edited by hand? groups skip them")
        problems += 1
    if found.unreadable:
        _say(f"FOREIGN   {found.unreadable} lines have a valid checksum but are not rows")
        problems += 1
    if found.torn:
        _say(f"tail      {found.torn} bytes of an unfinished append: the next append removes them")
    return problems


def _say_state(data: Path, file: LogFile, found: LogReport, progress: LogProgress) -> int:
    problems = 0
    base = file.header.base if file.header else max(found.first, 0)
    end = max(found.last + 1, base)
    if progress.written > end:
        _say(f"LOST      the producer has written up to {progress.written}, the file ends at {end}")
        problems += 1
    for name, offset in progress.commits.items():
        if offset > end + len(found.damaged):
            _say(f"LOST      group {shell.printable(name)} has consumed up to {offset}, the file ends at {end}")
            problems += 1
    if not (data / LOG_RESERVE_FILE).exists():
        _say("reserve   FREED: the disk is or was full; free some space")
        problems += 1
    return problems


# --- groups


def _groups(chosen: Settings, file: LogFile) -> None:
    data = chosen.paths.data
    base = file.header.base if file.header else 0
    end = max(base, file.tail(file.rows_start).next_offset)
    known = commits.read_all(data)
    names = [*chosen.log.groups, *(name for name in known if name not in chosen.log.groups)]
    made = shell.table("group", "commit", "lag", "last commit", "", whole=("group", "commit", "lag"))
    lowest = min((known.get(name, 0) for name in chosen.log.groups), default=end)
    for name in names:
        commit = known.get(name)
        remarks = []
        if name not in chosen.log.groups:
            remarks.append("not in log.groups: keeps no rows")
        elif commit is None:
            remarks.append("no readable commit: starts at the base")
        elif commit == lowest < end:
            remarks.append("holds the file")
        lag = end - max(commit if commit is not None else base, base)
        made.add_row(
            shell.cell(name),
            str(commit if commit is not None else "-"),
            str(max(lag, 0)),
            _age(data / GROUPS_FOLDER / name),
            ", ".join(remarks),
        )
    _say(f"{LOG_FILE}: {file.size():,} bytes, base {base}, end {end}")
    shell.console().print(made)
    published = mark.load(data)
    if published:
        _say(f"producer: marked up to {published.end_offset}; later rows stay until it has marked them")
    if frozen := outbox_end(data):
        _say(f"{OUTBOX_FILE}: a frozen batch that ends before {frozen} is being sent")


def _age(path: Path) -> str:
    try:
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return ""
    return changed.isoformat(sep=" ", timespec="seconds")


# --- show


def _show(file: LogFile, offset: int | None, count: int) -> None:
    end = file.size()
    if offset is None:
        offset = max(file.tail(file.rows_start).next_offset - count, 0)
    shown = 0
    for line in file.lines(file.seek(offset, end), end):
        if line.record is None:
            raw = os.pread(file.descriptor, min(line.end - line.start - 1, shell.LONGEST), line.start)
            _say(f"{'damaged':>12}  {ascii(raw)[1:]}")
        elif line.record.offset >= offset:
            columns = "\t".join(shell.printable(text) for text in line.record.payload.split("\t"))
            _say(f"{line.record.offset:>12}  {columns}")
        shown += 1
        if shown == count:
            return
    if not shown:
        _say("no such rows; `hydrolog log groups` shows the range of offsets")
