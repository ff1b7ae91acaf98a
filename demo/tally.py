"""Compares every minute that was sent with what the receiver holds. Pure counting first, then SQL."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from common.row import parse_payload, parse_time
from log.roles import Log

Key = tuple[int, str]  # UTC minute, sensor
ROUNDING = 0.00061  # rows have three decimals, and a mean of means is rounded differently
STRAY = 0.006  # of the value: if readings of a minute are missing, the mean may be off by the readings' spread
STRAY_LEAST = 0.02  # m3/h and bar: the resolution of a meter


@dataclass(frozen=True, slots=True)
class MinuteValue:
    """One sensor-minute."""

    flow: float | None
    pressure: float | None
    readings: int


@dataclass
class Comparison:
    """Sent against received, by sensor-minute."""

    readings_sent: int = 0
    readings_read: int = 0  # samples in the rows
    minutes_sent: int = 0
    lost: list[Key] = field(default_factory=list)
    repeated: list[Key] = field(default_factory=list)
    wrong: list[Key] = field(default_factory=list)
    unknown: list[Key] = field(default_factory=list)  # received but never sent
    readings_lost: int = 0


def read_truth(lines: Iterable[str]) -> dict[Key, MinuteValue]:
    """The simulator's truth; a minute split by a restart has two lines."""
    truth: dict[Key, MinuteValue] = {}
    for line in lines:
        parts = line.rstrip("\n").split("\t")
        if len(parts) != 6 or parts[0] == "minute":
            continue  # the header; or the last line, cut by a kill
        time, sensor, flow, pressure, readings, _late = parts
        value = MinuteValue(_number(flow), _number(pressure), int(readings))
        key = (parse_time(time), sensor)
        truth[key] = _together(truth[key], value) if key in truth else value
    return truth


def _number(text: str) -> float | None:
    return float(text) if text else None


def _together(one: MinuteValue, other: MinuteValue) -> MinuteValue:
    readings = one.readings + other.readings

    def mean(a: float | None, b: float | None) -> float | None:
        if a is None or b is None:
            return b if a is None else a
        return (a * one.readings + b * other.readings) / readings

    return MinuteValue(mean(one.flow, other.flow), mean(one.pressure, other.pressure), readings)


def compare(
    truth: dict[Key, MinuteValue],
    received: Iterable[tuple[Key, MinuteValue]],
    waiting: set[Key],
    gaps: Sequence[Sequence[int]] = (),
) -> Comparison:
    """Every minute that was sent must be there once, with its value. Only minutes in `gaps` have no truth."""
    sent = {key: value for key, value in truth.items() if not _in_gap(key[0], gaps)}
    result = Comparison(sum(value.readings for value in sent.values()), minutes_sent=len(sent))
    times: Counter[Key] = Counter()
    for key, value in received:
        if _in_gap(key[0], gaps):
            continue
        times[key] += 1
        result.readings_read += value.readings
        if key not in sent:
            result.unknown.append(key)
        elif times[key] == 1:
            result.readings_lost += max(sent[key].readings - value.readings, 0)
            if not _same(sent[key], value):
                result.wrong.append(key)
    result.repeated = sorted(key for key, count in times.items() if count > 1)
    result.lost = sorted(key for key in sent if key not in times and key not in waiting)
    return result


def _in_gap(minute: int, gaps: Sequence[Sequence[int]]) -> bool:
    return any(first <= minute <= last for first, last in gaps)


def _same(sent: MinuteValue, received: MinuteValue) -> bool:
    if received.readings > sent.readings:
        return False
    whole = received.readings == sent.readings
    return _near(sent.flow, received.flow, whole) and _near(sent.pressure, received.pressure, whole)


def _near(sent: float | None, received: float | None, whole: bool) -> bool:
    if sent is None or received is None:
        return sent is received
    return abs(sent - received) <= (ROUNDING if whole else max(STRAY * abs(sent), STRAY_LEAST))


def waiting_rows(log: Log, committed: int) -> set[Key]:
    """The rows in the log not yet confirmed by the receiver."""
    waiting: set[Key] = set()
    offset = max(committed, log.base_offset)
    while records := log.read(offset, 10_000):
        waiting |= {(row.minute, row.sensor) for row in (parse_payload(record.payload) for record in records)}
        offset = records[-1].offset + 1
    return waiting


# The rows that are in the database and in a batch that the receiver has confirmed, and how many of these they are.
RECEIVED = """
    WITH batch AS MATERIALIZED (
        SELECT split_part(key, '/', 2) AS log_id, split_part(split_part(key, '/', 3), '-', 1)::bigint AS first,
               split_part(key, '-', -1)::bigint AS last
        FROM RECEIVED_BATCH_TB)
    SELECT {columns} FROM (
        SELECT log_id, log_offset, time, sensor, flow, pressure, samples, flow_flags, pressure_flags FROM REAL_VAL_TB
        UNION ALL
        SELECT log_id, log_offset, time, sensor, flow, pressure, samples, flow_flags, pressure_flags
        FROM UNREGISTERED_VAL_TB) AS stored
    WHERE EXISTS (
        SELECT FROM batch WHERE batch.log_id = stored.log_id AND stored.log_offset BETWEEN batch.first AND batch.last)
"""


def received_rows(connection: psycopg.Connection[Any]) -> list[tuple[Key, MinuteValue]]:
    """The rows at the reference receiver."""
    columns = "extract(epoch FROM time)::bigint / 60, sensor, flow, pressure, samples"
    rows = connection.execute(RECEIVED.format(columns=columns).encode()).fetchall()
    return [
        ((int(minute), sensor), MinuteValue(flow, pressure, samples))
        for minute, sensor, flow, pressure, samples in rows
    ]


def counts(connection: psycopg.Connection[Any], from_s: float, to_s: float) -> dict[str, Any]:
    """Counts from the database, from the first start to the last minute sent (site time)."""

    def one(query: str) -> Any:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]

    def between(column: str) -> str:
        return f"{column} BETWEEN to_timestamp({from_s:.0f}) AND to_timestamp({to_s:.0f})"

    models = connection.execute(
        f"SELECT model FROM PRED_VAL_TB WHERE {between('made_at')} GROUP BY model ORDER BY count(*) DESC".encode()
    ).fetchall()
    return {
        "rows_archived": one("SELECT count(*) FROM REAL_VAL_TB WHERE log_id <> 'history'"),
        "rows_unregistered": one("SELECT count(*) FROM UNREGISTERED_VAL_TB"),
        "rows_received": one(RECEIVED.format(columns="count(*)")),
        "rows_sent_again": one("SELECT coalesce(sum(repeated), 0)::bigint FROM RECEIVED_BATCH_TB"),
        "batches": one("SELECT count(*) FROM RECEIVED_BATCH_TB"),
        "outliers": one(f"SELECT count(*) FROM OUTLIER_TB WHERE {between('time')}"),
        "night_windows_complete": one(f"SELECT count(*) FROM NIGHT_FLOW_VAL_TB WHERE complete AND {between('time')}"),
        "night_windows_incomplete": one(
            f"SELECT count(*) FROM NIGHT_FLOW_VAL_TB WHERE NOT complete AND {between('time')}"
        ),
        "forecasts": one(f"SELECT count(DISTINCT (sensor, made_at)) FROM PRED_VAL_TB WHERE {between('made_at')}"),
        "models": [str(row[0]) for row in models],
    }
