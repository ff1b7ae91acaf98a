"""Loads recorded minutes into the archive: CSV ``time,flow,pressure`` (local time, m3/h, bar) into REAL_VAL_TB.

The text goes to Postgres unchanged (COPY into a temporary table, with the session in the site's zone) and from there
into the monthly partitions, piece by piece. An interrupted load can simply be repeated.

The repeated hour in autumn: the first pass is summer time; the second begins where the file's times go back. A file
with the hour only once means the first pass. Times skipped in spring do not exist: such rows are skipped and counted.
Times with a UTC offset are exact.
"""

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, cast
from zoneinfo import ZoneInfo

import psycopg

from common.database import statement
from common.errors import HydrologError
from common.logging_setup import quoted

HEADER = b"time,flow,pressure"
PIECE_BYTES = 2 * 1024 * 1024  # about 80,000 rows: at most a second between two updates of the progress bar
_LOCAL = re.compile(rb"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:00)?,")  # a time without an offset

_RAW_TABLE = """
CREATE TEMPORARY TABLE IF NOT EXISTS history_piece
(time timestamptz NOT NULL, flow double precision, pressure double precision)
"""
_LOOK = """
SELECT count(*), count(*) FILTER (WHERE time <> date_trunc('minute', time)),
       array(SELECT DISTINCT date_trunc('month', time, 'UTC') FROM history_piece) FROM history_piece
"""
_KEEP_OLD = "ON CONFLICT (sensor, time) DO NOTHING"  # nearly doubles the time of an insert, so used only if needed


class HistoryRefused(HydrologError):
    """The file does not contain recorded minutes."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of loading a file."""

    read: int  # rows in the file
    added: int  # rows not yet in the archive
    skipped: int  # rows at times skipped by a clock change


Progress = Callable[[int, int], None]  # bytes read so far, rows added so far


def load_file(
    connection: psycopg.Connection[Any], sensor: str, path: Path, zone: ZoneInfo, progress: Progress = lambda *_: None
) -> Loaded:
    """Load one sensor's file, plain or ``.gz``; committed piece by piece.

    Raises:
        HistoryRefused: wrong header, an invalid line, or a time that is not a whole minute.
        OSError, psycopg.OperationalError: the file or the database failed.
    """
    wall_clock = WallClock(zone)
    read = added = 0
    with _opened(path) as (file, position):
        header = file.readline().removeprefix(b"\xef\xbb\xbf").strip()
        if header != HEADER:
            raise HistoryRefused(f"{path}: the first line must be {HEADER.decode()}, is {quoted(header)}")
        for piece in _pieces(file):
            rows = wall_clock.resolve(piece)
            added += _load_piece(connection, sensor, path, zone, rows, first_line=read)
            read += _lines(piece)
            progress(position(), added)
    return Loaded(read, added, wall_clock.skipped)


def _load_piece(
    connection: psycopg.Connection[Any], sensor: str, path: Path, zone: ZoneInfo, rows: bytes, *, first_line: int
) -> int:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_RAW_TABLE)
        cursor.execute("TRUNCATE history_piece")
        cursor.execute("SELECT set_config('timezone', %s, true)", [zone.key])
        try:
            with cursor.copy("COPY history_piece FROM STDIN (FORMAT csv)") as copy:
                copy.write(rows)
            cursor.execute(_LOOK)
        except psycopg.DataError as error:
            where = error.diag.context or ""
            raise HistoryRefused(f"{path}, after row {first_line:,}: {quoted(f'{error} {where}')}") from error
        found = cursor.fetchone()
        assert found is not None
        _, uneven, months = found
        if uneven:
            raise HistoryRefused(f"{path}, after row {first_line:,}: {uneven:,} times are not whole minutes")
        for month in months:
            cursor.execute("SELECT real_val_partition(%s)", [month])
        values = {"sensor": sensor, "first_line": first_line}
        try:
            with connection.transaction():
                cursor.execute(statement("history_insert"), values)
        except psycopg.errors.UniqueViolation:  # some rows exist: they are not changed
            cursor.execute(statement("history_insert") + _KEEP_OLD, values)
        return cursor.rowcount


def _lines(piece: bytes) -> int:
    return piece.count(b"\n") + (not piece.endswith(b"\n"))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """The file's text, and a function for the number of bytes read from disk."""
    with path.open("rb") as raw:
        if path.suffix != ".gz":
            yield raw, raw.tell
            return
        with gzip.GzipFile(fileobj=raw) as text:
            yield cast(IO[bytes], text), raw.tell


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The rest of the file in pieces of complete lines."""
    while piece := file.read(PIECE_BYTES):
        yield piece + file.readline()


@lru_cache(maxsize=1024)
def changed_minutes(day: str, zone: ZoneInfo) -> dict[str, str]:
    """The local minutes ("HH:MM") of a day that occur twice ("twice") or never ("never")."""
    start = datetime.fromisoformat(day)
    changed: dict[str, str] = {}
    if start.replace(tzinfo=zone).utcoffset() == (start + timedelta(days=1)).replace(tzinfo=zone).utcoffset():
        return changed
    for minute in range(24 * 60):
        local = (start + timedelta(minutes=minute)).replace(tzinfo=zone)
        before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
        if before is not None and after is not None and before != after:
            changed[f"{local:%H:%M}"] = "twice" if before > after else "never"
    return changed


class WallClock:
    """Adds the UTC offset to rows of a repeated hour, and skips rows of a skipped hour."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._last = ("", "")  # day and minute of the last row in a repeated hour
        self._second_pass = False
        self.skipped = 0

    def resolve(self, piece: bytes) -> bytes:
        """The piece with unambiguous times."""
        days = {line[:10] for line in piece.splitlines()}
        if not any(self._changed(day) for day in days):
            return piece
        return b"".join(self._line(line) for line in piece.splitlines(keepends=True))

    def _changed(self, day: bytes) -> dict[str, str]:
        try:
            return changed_minutes(day.decode("ascii"), self._zone)
        except ValueError:  # not a date (also years out of range): Postgres reports it with the line
            return {}

    def _line(self, line: bytes) -> bytes:
        if not (match := _LOCAL.match(line)):
            return line
        day, minute = match[1].decode("ascii"), match[2].decode("ascii")
        kind = self._changed(match[1]).get(minute)
        if kind is None:
            return line
        if kind == "never":
            self.skipped += 1
            return b""
        self._second_pass = self._last[0] == day and (self._second_pass or minute <= self._last[1])
        self._last = (day, minute)
        local = datetime.fromisoformat(f"{day}T{minute}").replace(tzinfo=self._zone, fold=int(self._second_pass))
        return local.isoformat().encode("ascii") + line[match.end() - 1 :]
