"""One-minute rows as the archive holds them, for tests that judge or learn from the database."""

import math
from collections.abc import Callable
from datetime import timedelta

import psycopg

from common.clock import minute_start
from outliers.learn.build import History


def store(
    database_url: str, rows: History, sensors: str, flow_flags: Callable[[int, float], str], sensor: str = "001"
) -> None:
    """Put `rows` into REAL_VAL_TB as those of `sensor`; NaN is no value.

    Args:
        sensors: the INSERT that registers the sensors.
        flow_flags: of a row, from its place and its flow in m3/h.
    """
    days = len(rows.flow) // 1440
    with psycopg.connect(database_url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SET timezone = UTC")
        cursor.execute(sensors.encode())
        for day in range(0, days + 28, 28):
            cursor.execute("SELECT real_val_partition(%s)", (minute_start(rows.first) + timedelta(days=day),))
        with cursor.copy(
            "COPY REAL_VAL_TB (sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)"
            " FROM STDIN"
        ) as copy:
            for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True)):
                moment, flags = minute_start(rows.first + place), flow_flags(place, flow)
                values = (None if math.isnan(value) else value for value in (flow, pressure))
                copy.write_row((sensor, moment, *values, 60, flags, "000", sensor, place))
