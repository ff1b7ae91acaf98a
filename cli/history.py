"""Loads recorded values of a described file into the archive, REAL_VAL_TB.

The whole file is read and checked first, into a temporary table; then one transaction writes all of it. So a refused
file, an interrupted load and a lost database leave the archive as it was, and a load can simply be repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from cli.recorded import table
from cli.recorded.description import PLAIN, Description, zone_of
from cli.recorded.problems import HistoryRefused
from cli.recorded.reader import Piece, Reader
from cli.recorded.step import Steps
from common.clock import SystemClock
from common.database import statement
from common.point import Point

PAGES = 1024  # of the temporary table in one statement: about 100,000 rows, two seconds
_POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01
_RECORD = np.dtype(
    [("fields", ">i2")]
    + [part for name in ("row", "time") for part in ((f"{name}_size", ">i4"), (name, ">i8"))]
    + [part for name in ("flow", "pressure") for part in ((f"{name}_size", ">i4"), (name, ">f8"))]
)
_COPY_HEAD, _COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"  # no flags, no extension
_TABLE = """
DROP TABLE IF EXISTS pg_temp.history_rows;
CREATE TEMPORARY TABLE history_rows (row bigint, time timestamptz, flow double precision, pressure double precision)
"""
_KEEP_OLD = (
    "ON CONFLICT (site, sensor, time) DO NOTHING"  # nearly doubles the time of an insert, so used only if needed
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of loading a file."""

    read: int  # rows with a time
    minutes: int  # minutes or steps that they make
    added: int  # of those, not yet in the archive
    skipped: int  # rows at times skipped by a clock change
    left_out: int  # rows of totals
    bad: int  # rows whose quality is not good
    codes: int  # values that were fault codes
    repeated: int  # rows that share a minute with another one
    steps: Steps


Progress = Callable[[int, int], None]  # bytes read so far, rows read so far


def load_file(
    connection: psycopg.Connection[Any],
    point: Point,
    path: Path,
    zone: ZoneInfo,
    progress: Progress = lambda *_: None,
    *,
    described: Description = PLAIN,
) -> Loaded:
    """Load one sensor's file, through a connection that commits each statement by itself.

    Raises:
        HistoryRefused: the file is not as described, contradicts itself, or knows the future.
        OSError, EOFError, psycopg.OperationalError: the file or the database failed.
    """
    reader = Reader(path, described, zone, SystemClock().now())
    steps = Steps()
    connection.execute(_TABLE.encode())
    with table.rows(path, described) as (rows, position), connection.cursor() as cursor:
        with cursor.copy("COPY history_rows FROM STDIN (FORMAT binary)") as copy:
            copy.write(_COPY_HEAD)
            for piece in reader.pieces(rows):
                steps.add(piece.at)
                copy.write(_records(piece))
                progress(position(), reader.read)
            copy.write(_COPY_END)
        if not steps.ordered:
            _refuse_contradiction(cursor, path, described, zone)
        _move_to_starts(cursor, path, described, steps)
        for month in steps.months():
            cursor.execute("SELECT real_val_partition(%s)", [month])
        with connection.transaction():
            minutes, added = _insert(connection, point, steps, described)
    left = (reader.skipped, reader.left_out, reader.bad, reader.codes)
    return Loaded(reader.read, minutes, added, *left, steps.rows - minutes, steps)


def _records(piece: Piece) -> bytes:
    records = np.empty(len(piece.rows), dtype=_RECORD)
    records["fields"] = 4
    for name in ("row", "time", "flow", "pressure"):
        records[f"{name}_size"] = 8
    records["row"], records["time"] = piece.rows, piece.at - _POSTGRES_EPOCH_US
    records["flow"], records["pressure"] = piece.flow, piece.pressure
    return records.tobytes()


def _refuse_contradiction(cursor: psycopg.Cursor[Any], path: Path, described: Description, site: ZoneInfo) -> None:
    found = cursor.execute(statement("history_contradiction")).fetchone()
    if found is None:
        return
    earlier, row, time, *values = found
    counted = "counter" if described.total_column else "flow"
    pairs = ((counted, values[0], values[1]), ("pressure", values[2], values[3]))
    different = " and ".join(
        f"{name} {old:g} and {new:g}" for name, old, new in pairs if None not in (old, new) and old != new
    )
    raise HistoryRefused(
        f"{path}, rows {earlier} and {row}: both are {time.astimezone(zone_of(described, site)):%Y-%m-%d %H:%M:%S}, "
        f"with different values ({different or 'one of them has none'}); keep the right one"
    )


def _move_to_starts(cursor: psycopg.Cursor[Any], path: Path, described: Description, steps: Steps) -> None:
    """Give rows with the time of their step's end that of its start, which may lie in the month before."""
    if described.stamp == "start":
        return
    if not steps.usual:
        rows = "lie less than a minute apart" if steps.usual == 0 else "have no regular distance"
        raise HistoryRefused(
            f'{path}: stamp = "end", but the rows {rows}, so it is not known where they start; remove stamp'
        )
    cursor.execute("UPDATE history_rows SET time = time - make_interval(mins => %s)", [steps.usual])
    cursor.execute("SELECT real_val_partition(min(time)) FROM history_rows")


def _insert(connection: psycopg.Connection[Any], point: Point, steps: Steps, described: Description) -> tuple[int, int]:
    """Write the rows of the temporary table; returns how many minutes or steps they are, and how many were new."""
    cursor = connection.cursor()
    if not steps.simple or described.total_column:
        given = {"counter": bool(described.total_column), "most": described.most_m3h, "step": steps.minutes}
        cursor.execute(statement("history_insert_steps"), {**point._asdict(), **given})
        added = cursor.rowcount
        found = cursor.execute("SELECT count(DISTINCT date_trunc('minute', time)) FROM history_rows").fetchone()
        assert found is not None
        return int(found[0]), added
    found = cursor.execute("SELECT pg_relation_size('history_rows') / 8192").fetchone()
    assert found is not None
    added = 0
    for first in range(0, found[0], PAGES):
        values = {**point._asdict(), "from": first, "to": first + PAGES}
        try:
            with connection.transaction():
                cursor.execute(statement("history_insert"), values)
        except psycopg.errors.UniqueViolation:  # some rows exist: they are not changed
            cursor.execute(statement("history_insert") + _KEEP_OLD, values)
        added += cursor.rowcount
    return steps.rows, added
