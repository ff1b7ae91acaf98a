"""Rows into Postgres: one transaction, safe to repeat."""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import Cursor, sql

from common.clock import minute_start
from common.database import statement
from common.row import Row
from consumer.outliers import Outlier

RETENTION = timedelta(days=365)
SLICE_ROWS = 10_000  # rows deleted per transaction: about ten milliseconds
LOCK_TIMEOUT_MS = 2000  # a backup may read a partition for an hour; then it is dropped tomorrow

# Tables deleted row by row, and their age column. A forecast cannot be checked once its rows are gone.
_OLD_ROWS = {"unregistered_val_tb": "time", "pred_val_tb": "hour", "outlier_tb": "time"}
_PARTITION = re.compile(r"real_val_(\d{4,6})(\d\d)")
_ROWS = statement("archive_rows")
_OUTLIERS = statement("archive_outliers")
_REAL, _UNREGISTERED = (
    sql.SQL(_ROWS).format(table=sql.Identifier(name)) for name in ("real_val_tb", "unregistered_val_tb")
)

_log = logging.getLogger(__name__)

Numbered = tuple[int, Row]  # offset in the log, row


def store(
    cursor: Cursor[Any], site: str, log_id: str, rows: Sequence[Numbered], found: Sequence[Outlier]
) -> Counter[str]:
    """Insert rows of a site and their outliers; returns the number of rows per table.

    Registering a sensor locks SENSOR_TB until its history has moved. Rows wait for that, so none ends up in the table
    of unregistered rows after the move.
    """
    cursor.execute("LOCK TABLE SENSOR_TB IN SHARE MODE")
    names = list({row.sensor for _, row in rows})
    cursor.execute("SELECT sensor FROM SENSOR_TB WHERE site = %s AND sensor = ANY(%s)", (site, names))
    registered = {name for (name,) in cursor.fetchall()}
    known = [numbered for numbered in rows if numbered[1].sensor in registered]
    unknown = [numbered for numbered in rows if numbered[1].sensor not in registered]
    _make_partitions(cursor, known)
    stored: Counter[str] = Counter()
    for name, insert, some in (("archived", _REAL, known), ("unregistered", _UNREGISTERED, unknown)):
        if some:
            cursor.execute(insert, _columns(log_id, some) | {"site": site})
            stored[name] += cursor.rowcount
            stored["repeated"] += len(some) - cursor.rowcount
    if found:
        cursor.execute(_OUTLIERS.encode(), _outlier_columns(found) | {"site": site})
        stored["flagged"] += cursor.rowcount
    return stored


def _make_partitions(cursor: Cursor[Any], rows: Sequence[Numbered]) -> None:
    months: dict[tuple[int, int], datetime] = {}
    for _, row in rows:
        time = minute_start(row.minute)
        months[time.year, time.month] = time
    for time in months.values():
        cursor.execute("SELECT real_val_partition(%s)", (time,))


def _columns(log_id: str, rows: Sequence[Numbered]) -> dict[str, Any]:
    return {
        "log_id": log_id,
        "log_offset": [offset for offset, _ in rows],
        "sensor": [row.sensor for _, row in rows],
        "time": [minute_start(row.minute) for _, row in rows],
        "flow": [row.flow for _, row in rows],
        "pressure": [row.pressure for _, row in rows],
        "samples": [row.samples for _, row in rows],
        "flow_flags": [row.flow_flags for _, row in rows],
        "pressure_flags": [row.pressure_flags for _, row in rows],
    }


def _outlier_columns(found: Sequence[Outlier]) -> dict[str, Any]:
    names = ("sensor", "channel", "method", "code", "severity", "value", "reason")
    columns: dict[str, Any] = {name: [getattr(outlier, name) for outlier in found] for name in names}
    columns["time"] = [minute_start(outlier.minute) for outlier in found]
    return columns


def drop_old(cursor: Cursor[Any], site: str, now: datetime) -> tuple[list[str], bool]:
    """Drop old months of all sites, and older rows of the site; returns the dropped partitions, and whether nothing
    old is left.

    The age is measured from the newest row if that is older than `now`: a clock that jumped ahead must not delete a
    year.
    """
    cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'real_val_tb'::regclass")
    months = {name: found for (name,) in cursor.fetchall() if (found := _PARTITION.fullmatch(name))}
    newest_first = sorted(months, key=lambda name: (int(months[name][1]), months[name][2]), reverse=True)
    newest = _newest_row(cursor, [*newest_first, "unregistered_val_tb"])
    if newest is None:
        return [], True
    oldest_kept = min(now, newest) - RETENTION
    last_month = oldest_kept.year * 12 + oldest_kept.month
    dropped = [name for name in newest_first if int(months[name][1]) * 12 + int(months[name][2]) < last_month]
    deleted = [_delete(cursor, site, table, column, oldest_kept) for table, column in _OLD_ROWS.items()]
    return [name for name in dropped if _drop(cursor, name)], max(deleted) < SLICE_ROWS


def _delete(cursor: Cursor[Any], site: str, table: str, column: str, before: datetime) -> int:
    """Delete a slice of a table's old rows: deleting many at once would take minutes."""
    slice_of = sql.SQL(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY("
        "SELECT ctid FROM {table} WHERE site = %s AND {column} < %s LIMIT {rows}))"
    ).format(table=sql.Identifier(table), column=sql.Identifier(column), rows=SLICE_ROWS)
    cursor.execute(slice_of, (site, before))
    return cursor.rowcount


def _drop(cursor: Cursor[Any], partition: str) -> bool:
    """Drop a partition, unless a long read holds the table: waiting would block everybody else."""
    try:
        with cursor.connection.transaction():
            cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_MS))
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(partition)))
    except psycopg.errors.LockNotAvailable:
        _log.warning("retention_postponed partition=%s somebody reads the table", partition)
        return False
    return True


def _newest_row(cursor: Cursor[Any], partitions: Sequence[str]) -> datetime | None:
    for name in partitions:
        cursor.execute(sql.SQL("SELECT max(time) FROM {}").format(sql.Identifier(name)))
        found = cursor.fetchone()
        if found and found[0] is not None:
            newest: datetime = found[0]
            return newest
    return None
