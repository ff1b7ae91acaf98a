"""A database with a registered sensor, and a nightflow that a test steps by hand."""

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from common.clock import FixedClock, minute_of, minute_start
from common.runner import Context
from common.settings import Settings
from nightflow.step import NightFlow

EVENING = datetime(2024, 8, 26, 13, 0, tzinfo=UTC)  # 22:00 in Seoul
FIRST = minute_of(EVENING)
TWO = FIRST + 4 * 60  # 02:00 in Seoul: window T of it ends the ten minutes from 01:51 on
MORNING = EVENING + timedelta(hours=7)
NIGHT = date(2024, 8, 27)
MakeSettings = Callable[..., Settings]


class Site:
    """A database with one registered sensor, and a nightflow at whose archive the test turns."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.url = url
        self.archived: int | None = None
        self.connection = psycopg.connect(url, autocommit=True)
        self.register("001")
        self.nightflow = self.start()

    def start(self, settings: Settings | None = None) -> NightFlow:
        context = Context(settings or self.settings, FixedClock(EVENING), threading.Event(), "nightflow")
        return NightFlow(context, lambda: self.archived)

    def close(self) -> None:
        self.nightflow.close()
        self.connection.close()

    def register(self, sensor: str) -> None:
        self.connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES (%s)", (sensor,))

    def rows(self, minutes: Iterable[int], sensor: str = "001", flow: float | None = 8.0, flags: str = "0000") -> None:
        with self.connection.cursor() as cursor:
            listed = list(minutes)
            for minute in {listed[0], listed[-1]}:
                cursor.execute("SELECT real_val_partition(%s)", (minute_start(minute),))
            cursor.executemany(
                "INSERT INTO REAL_VAL_TB (sensor, time, flow, pressure, samples, flow_flags, log_id, log_offset)"
                " VALUES (%s, %s, %s, 4.0, 60, %s, 'log', %s)",
                [(sensor, minute_start(minute), flow, flags, minute) for minute in listed],
            )

    def window(self, minute: int, sensor: str = "001") -> dict[str, Any] | None:
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            cursor.execute(
                "SELECT * FROM NIGHT_FLOW_VAL_TB WHERE sensor = %s AND time = %s", (sensor, minute_start(minute))
            )
            return cursor.fetchone()

    def count(self) -> int:
        row = self.connection.execute("SELECT count(*) FROM NIGHT_FLOW_VAL_TB").fetchone()
        assert row
        return int(row[0])

    def report(self, night: date = NIGHT, sensor: str = "001") -> dict[str, Any] | None:
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            cursor.execute("SELECT * FROM NIGHT_REPORT_TB WHERE sensor = %s AND night = %s", (sensor, night))
            return cursor.fetchone()
