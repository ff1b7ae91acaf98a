"""Rows into Postgres: one transaction, safe to repeat."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Cursor, sql

from common.clock import minute_start
from common.database import statement
from common.row import Row
from consumer.outliers import Outlier

_ROWS = statement("archive_rows")
_OUTLIERS = statement("archive_outliers")
_REAL, _UNREGISTERED = (
    sql.SQL(_ROWS).format(table=sql.Identifier(name)) for name in ("real_val_tb", "unregistered_val_tb")
)

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
