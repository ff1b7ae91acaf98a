"""`hydrolog tail`: follow the rows of server_data.txt, with names and explained flags, across resets."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rich.text import Text

from cli import shell
from common import database, settings
from common.clock import local_text
from common.errors import DatabaseDown, HydrologError, RowRefused, SettingsError
from common.folder import LOG_FILE
from common.row import Row, parse_payload
from common.settings import Settings
from log.format import LONGEST_LINE, MAGIC, Header, Record, parse_header, parse_line
from outliers import flags

LINES = 20
LOOK_S = 0.3  # real seconds between two checks of the file
CHUNK_BYTES = 64 * 1024
LINE_BYTES = 200  # more than the length of a line, so the last N lines are in the last N times this many bytes


class NothingToFollow(HydrologError):
    """There is no log."""


class Reset(NamedTuple):
    """The file was replaced; the new one starts at offset `base`."""

    base: int | None
    next_offset: int  # offset of the first unread row

    def __str__(self) -> str:
        if self.base is None:
            return "-- a new file, whose header is damaged"
        if self.base >= self.next_offset:
            return f"-- every group is done, the file was reset; it continues at {self.base}"
        return f"-- the file was rewritten without the rows before {self.base}"


Seen = Record | bytes | Reset  # a row, a damaged line, a new file


class Follower:
    """Reads complete lines of the file at the path and of the files that replace it. Read-only."""

    def __init__(self, path: Path, lines: int) -> None:
        """Open the file, a little before its last `lines` lines."""
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._header = self._read_header()
        self._rest = b""
        self._next = 0  # a rewritten file begins with rows already seen
        start = os.fstat(self._descriptor).st_size - lines * LINE_BYTES
        self._is_cut = start > 0  # the first line is incomplete
        os.lseek(self._descriptor, max(start, 0), os.SEEK_SET)

    def close(self) -> None:
        os.close(self._descriptor)

    def read(self) -> Iterator[Seen]:
        """Everything unread, up to the end of the newest file."""
        while True:
            replaced = self._is_replaced()  # checked first, so the old file is then read completely
            yield from self._rows()
            if not replaced:
                return
            self._descriptor, old = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC), self._descriptor
            os.close(old)
            self._rest = b""
            before, self._header = self._header, self._read_header()
            if before and self._header and before.log_id != self._header.log_id:
                self._next = 0  # another log with its own offsets
            yield Reset(self._header.base if self._header else None, self._next)

    def _rows(self) -> Iterator[Record | bytes]:
        while chunk := os.read(self._descriptor, CHUNK_BYTES):
            *lines, rest = (self._rest + chunk).split(b"\n")
            self._rest = rest[-LONGEST_LINE:]
            if self._is_cut and lines:
                del lines[0]
                self._is_cut = False
            for line in lines:
                record = parse_line(line)
                if record is None:
                    if not line.startswith(MAGIC):
                        yield line
                elif record.offset >= self._next:
                    self._next = record.offset + 1
                    yield record

    def _read_header(self) -> Header | None:
        return parse_header(os.pread(self._descriptor, LONGEST_LINE, 0).partition(b"\n")[0])

    def _is_replaced(self) -> bool:
        try:
            now, opened = self._path.stat(), os.fstat(self._descriptor)
        except FileNotFoundError:
            return False
        return (now.st_ino, now.st_dev) != (opened.st_ino, opened.st_dev)


def run(args: list[str]) -> int:
    """Show the last rows and follow until Ctrl-C.

    Raises:
        NothingToFollow: there is no log yet, or it may not be read.
    """
    parser = shell.parser("tail", "Show rows as they come in; Ctrl-C stops it.")
    parser.add_argument("--lines", type=int, default=LINES, metavar="N", help=f"rows to show first ({LINES})")
    parser.add_argument("--no-follow", action="store_true", help="show the rows and exit")
    options = parser.parse_args(args)
    chosen = settings.load(options.config)
    if chosen.is_http_center:
        raise SettingsError("log.url", 'is "none": there is no log here; the page shows what boxes deliver')
    if chosen.is_center:
        raise SettingsError("log.url", "names a topic of a Kafka cluster, whose own tools show it")
    if options.lines < 0:
        parser.error("--lines must not be negative")
    path = chosen.paths.data / LOG_FILE
    try:
        follower = Follower(path, options.lines)
    except OSError as error:
        raise NothingToFollow(f"cannot read {path}: {error.strerror}") from error
    try:
        _show(follower, chosen, options.lines, follow=not options.no_follow)
    except KeyboardInterrupt:
        return 0
    finally:
        follower.close()
    return 0


def _show(follower: Follower, chosen: Settings, lines: int, *, follow: bool) -> None:
    console = shell.console()
    names = _names(chosen)
    for last in deque((seen for seen in follower.read() if not isinstance(seen, Reset)), maxlen=lines):
        console.print(describe(last, chosen.site.zone, names), soft_wrap=True)
    pause = threading.Event()
    while follow:
        for seen in follower.read():
            console.print(describe(seen, chosen.site.zone, names), soft_wrap=True)
        pause.wait(LOOK_S)


def _names(chosen: Settings) -> dict[str, str]:
    """Names of the registered sensors; empty while the database is down."""
    try:
        with closing(database.Database(chosen, "tail")) as connection, connection.transaction() as cursor:
            cursor.execute("SELECT sensor, name FROM SENSOR_TB WHERE site = %s", (chosen.site.id,))
            return dict(cursor.fetchall())
    except DatabaseDown:
        return {}


def describe(seen: Seen, zone: ZoneInfo, names: dict[str, str]) -> Text:
    """Text for what was read; a damaged line is shown raw, made harmless."""
    if isinstance(seen, Reset):
        return Text(str(seen), "dim")
    if isinstance(seen, bytes):
        return Text(f"damaged line: {shell.printable(seen.decode('ascii', 'backslashreplace'))}", "red")
    record = seen
    try:
        row = parse_payload(record.payload)
    except RowRefused as refused:
        return Text(f"{record.offset} {refused}: {shell.printable(record.payload)}", "red")
    name = names.get(row.sensor, "")
    who = f"{row.sensor} {shell.printable(name)}" if name else row.sensor
    text = Text.assemble(
        (f"{record.offset:>9}  ", "dim"),
        f"{local_text(row.minute, zone)}  ",
        (f"{who:<16}", "bold"),
        f" {_value(row.flow)} m3/h {_value(row.pressure)} bar",
        (f"  {row.samples:>3} readings", "dim"),
    )
    for words, style in _flag_words(row):
        text.append(f"  {words}", style)
    return text


def _value(value: float | None) -> str:
    return f"{'no value' if value is None else format(value, '.2f'):>8}"


def _flag_words(row: Row) -> list[tuple[str, str]]:
    """The meanings of the flags with the colour of their severity; an unknown letter is shown as it is."""
    words = []
    for channel, letters in (("flow", row.flow_flags), ("pressure", row.pressure_flags)):
        found = flags.explain(channel, letters)
        words += [(f"{channel} {flag.method}: {flag.meaning}", shell.STYLES.get(flag.severity, "")) for flag in found]
        if len(found) < len(letters) - letters.count(flags.CLEAR):
            words.append((f"{channel} flags {letters}", "yellow"))
    return words
