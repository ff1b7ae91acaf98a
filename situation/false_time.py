"""Rows of the future, which a wrong clock made: how many there are, and moving them to `set_aside/`.

Nothing is lost: what leaves the database is first on disk as CSV, one file a table, and so are the log's rows.
"""

import itertools
import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from common import database, false_rows
from common.clock import FUTURE_S, minute_start
from common.errors import DatabaseDown, RowRefused
from common.false_rows import FalseSpan
from common.files import sync_folder
from common.folder import LOG_FILE, SET_ASIDE_FOLDER
from common.logging_setup import quoted
from common.row import parse_payload
from common.settings import Settings
from log import mark
from log.segment import LogFile

ROWS = ("real_val_tb", "unregistered_val_tb")
FROM_BOXES = ("second_val_tb", "site_pred_val_tb")  # what else the sites that deliver here have sent
_DELIVERS = sql.SQL("site IN (SELECT site FROM SITE_TB)")
# What is made of them -> the column that a wrong clock makes too late.
DERIVED = {
    "outlier_tb": "time",
    "night_flow_val_tb": "time",
    "night_report_tb": "night",
    "pred_val_tb": "made_at",
}
MOVE_S = 600.0  # real seconds: a year of rows of a false time

Cursor = psycopg.Cursor[Any]


def closed(chosen: Settings, now: datetime) -> datetime:
    """The newest closed minute, says the producer's mark; now if there is none."""
    known = mark.load(chosen.paths.data)
    return minute_start(known.closed_through) if known else now


def newest(chosen: Settings, now: datetime) -> datetime:
    """The newest minute that is closed or in the database.

    Raises:
        DatabaseDown: only what is closed is known.
    """
    found = [closed(chosen, now)]
    connection = database.Database(chosen, "clock")
    try:
        with connection.transaction() as cursor:
            for table in ROWS:
                text = sql.SQL("SELECT max(time) FROM {} WHERE time > {} AND (site = {} OR {})")
                which = text.format(sql.Identifier(table), now, chosen.site.id, _DELIVERS)
                found += [time for (time,) in cursor.execute(which) if time]
    finally:
        connection.close()
    return max(found)


def set_aside_rows(chosen: Settings, last: int, now: datetime, folder: Path) -> Iterator[tuple[Path, int]]:
    """From now on no consumer takes the log's rows after minute `last`; the file with them, and their number.

    Nothing if no minute after `now` is closed: the producer has gone on meanwhile, and what it writes now is right.

    Raises:
        OSError: the folder cannot be written.
    """
    known = mark.load(chosen.paths.data)
    if known is None or minute_start(known.closed_through) <= now + timedelta(seconds=FUTURE_S):
        return
    if not chosen.is_center and (chosen.paths.data / LOG_FILE).exists():
        span = FalseSpan(known.log_id, known.end_offset, last)
        yield from _copy_of_the_log(chosen.paths.data, span, folder)
        false_rows.add(chosen.paths.data, span)


def set_aside_stored(chosen: Settings, now: datetime, folder: Path) -> Iterator[tuple[Path, int]]:
    """Move the same rows, what was made of them and all of the site's rows after `now` out of the database; also rows
    after `now` that other sites have delivered here.

    Raises:
        OSError: the folder cannot be written.
        DatabaseDown: the database keeps its rows.
    """
    spans = false_rows.load(chosen.paths.data)
    connection = database.Database(chosen, "clock")
    first = min([now, *(minute_start(span.last + 1) for span in spans[-1:])])
    try:
        with connection.transaction(MOVE_S) as cursor:
            rows_of_all = sql.SQL(" OR ").join([_own(chosen, _of_spans(spans, now)), _delivered(now)])
            which = dict.fromkeys(ROWS, rows_of_all) | dict.fromkeys(FROM_BOXES, _delivered(now))
            which |= {table: _own(chosen, _from(column, first)) for table, column in DERIVED.items()}
            moved = [_move(cursor, table, rows, folder) for table, rows in which.items()]
    except psycopg.Error as error:
        raise DatabaseDown(f"the database keeps its rows: {quoted(str(error).strip())}") from error
    finally:
        connection.close()
    for path, rows in moved:
        yield from _kept(path, rows)


def new_folder(data: Path, now: datetime) -> Path:
    """Where rows are set aside: a folder of its own, also of two in one second."""
    parent, name = data / SET_ASIDE_FOLDER, f"{now:%Y%m%dT%H%M%SZ}"
    parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(2):
        folder = parent / name
        try:
            folder.mkdir()
            break
        except FileExistsError:
            name = f"{now:%Y%m%dT%H%M%SZ}-{number}"
    sync_folder(parent)
    return folder


def _copy_of_the_log(data: Path, span: FalseSpan, folder: Path) -> Iterator[tuple[Path, int]]:
    path, rows = folder / "server_data.tsv", 0
    source = LogFile.open(data / LOG_FILE, os.O_RDONLY)
    try:
        with path.open("w", encoding="utf-8") as copy:
            for line in source.lines(source.rows_start, source.size()):
                if line.record and _is_false(span, line.record.offset, line.record.payload):
                    copy.write(f"{line.record.offset}\t{line.record.payload}\n")
                    rows += 1
            _sync(copy)
    finally:
        source.close()
    yield from _kept(path, rows)


def _is_false(span: FalseSpan, offset: int, payload: str) -> bool:
    try:
        return span.has(span.log_id, offset, parse_payload(payload).minute)
    except RowRefused:
        return False


def _move(cursor: Cursor, table: str, which: sql.Composable, folder: Path) -> tuple[Path, int]:
    """Rows first to the disk, then out of the table."""
    name, path = sql.Identifier(table), folder / f"{table}.csv"
    cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(name))
    copy = sql.SQL("COPY (SELECT * FROM {} AS stored WHERE {}) TO STDOUT WITH (FORMAT csv, HEADER)")
    with path.open("wb") as file:
        with cursor.copy(copy.format(name, which)) as rows:
            for block in rows:
                file.write(block)
        _sync(file)
    cursor.execute(sql.SQL("DELETE FROM {} AS stored WHERE {}").format(name, which))
    return path, cursor.rowcount


def _own(chosen: Settings, which: sql.Composable) -> sql.Composed:
    """Of the points of several sites only the own ones."""
    return sql.SQL("(site = {} AND ({}))").format(sql.Literal(chosen.site.id), which)


def _delivered(now: datetime) -> sql.Composed:
    """Rows after now of the sites that deliver here."""
    return sql.SQL("({} AND {})").format(_DELIVERS, _from("time", now))


def _from(column: str, first: datetime) -> sql.Composed:
    return sql.SQL("{} >= {}").format(sql.Identifier(column), sql.Literal(first))


def _of_spans(spans: Sequence[FalseSpan], now: datetime) -> sql.Composed:
    """Rows of the spans, and rows after now."""
    row = sql.SQL("(log_id = {} AND log_offset < {} AND time > {})")
    each = [row.format(span.log_id, span.end_offset, minute_start(span.last)) for span in spans]
    return sql.SQL(" OR ").join([_from("time", now), *each])


def _kept(path: Path, rows: int) -> Iterator[tuple[Path, int]]:
    if rows:
        yield path, rows
    else:
        path.unlink()


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())
