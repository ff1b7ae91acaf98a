"""What the tests of `hydrolog export` share: rows in the database, and the command itself."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from cli.__main__ import main

Minute = tuple[datetime, float | None, float | None]  # time, flow, pressure
_ROWS = (
    "INSERT INTO {} (sensor, time, flow, pressure, samples, flow_flags, log_id, log_offset) "
    "VALUES (%s, %s, %s, %s, 60, %s, 'log', 1)"
)


def register(connection: psycopg.Connection[Any], *sensors: str) -> None:
    for sensor in sensors:
        connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES (%s)", [sensor])


def fill(
    connection: psycopg.Connection[Any],
    sensor: str,
    rows: Sequence[Minute],
    table: str = "REAL_VAL_TB",
    flags: str = "0000",
) -> None:
    """Store minutes of a sensor."""
    with connection.cursor() as cursor:
        for month in {row[0].replace(day=15) for row in rows}:
            cursor.execute("SELECT real_val_partition(%s)", [month])
        cursor.executemany(_ROWS.format(table), [(sensor, *row, flags) for row in rows])


def minutes(first: datetime, count: int) -> list[Minute]:
    """Minutes in a row; each value is another."""
    return [(first + timedelta(minutes=n), n + 0.25, 3 + n / 1000) for n in range(count)]


def told(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """What the command does: its exit code, standard output, standard error."""
    capfd.readouterr()
    try:
        code = main(list(words))
    except SystemExit as left:  # wrong usage
        assert isinstance(left.code, int)
        code = left.code
    sys.stdout.flush()
    out, err = capfd.readouterr()
    return code, out, err
