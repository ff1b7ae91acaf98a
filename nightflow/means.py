"""The night's means in `NIGHT_FLOW_VAL_TB`: mean of minutes T-9..T, and the number of distinct minutes.

They use all raw values, including faulty ones: the table shows the meter's values. The leakage report, which is an
interpretation, excludes faulty ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from common.clock import minute_of, minute_start
from common.database import statement


@dataclass(frozen=True, slots=True)
class StoredMeans:
    """A window that was written."""

    sensor: str
    window: int  # T, UTC minute
    minutes: int
    complete: bool
    again: bool  # it was stored before, from fewer minutes


def store(cursor: psycopg.Cursor[Any], site: str, windows: Iterable[int], now: datetime) -> list[StoredMeans]:
    """Write the windows that are missing or have more rows now; returns the written ones.

    Safe to repeat: a window with the same rows is not written.
    """
    times = [minute_start(window) for window in windows]
    if not times:
        return []
    cursor.execute(statement("night_means"), {"site": site, "windows": times, "now": now})
    return [
        StoredMeans(sensor, minute_of(time), minutes, complete, again)
        for sensor, time, minutes, complete, again in cursor.fetchall()
    ]


def first_row_minute(cursor: psycopg.Cursor[Any], site: str) -> int | None:
    """The oldest minute in REAL_VAL_TB of any registered sensor of a site; None if there is no row."""
    cursor.execute(statement("night_first_row"), {"site": site})
    row = cursor.fetchone()
    return minute_of(row[0]) if row and row[0] is not None else None


def registered(cursor: psycopg.Cursor[Any], site: str) -> frozenset[str]:
    """A site's sensors of SENSOR_TB."""
    cursor.execute("SELECT sensor FROM SENSOR_TB WHERE site = %s", (site,))
    return frozenset(row[0] for row in cursor.fetchall())
