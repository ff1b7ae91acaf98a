"""The row: one minute of one sensor. The only place that formats or parses its columns.

A row is a line of tab-separated text, ``time sensor flow pressure samples flow_flags pressure_flags``. The log adds an
offset before it and a checksum after it, and does not know the columns.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from common.clock import minute_of, minute_start
from common.errors import RowRefused

SENSOR_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,31}")
MOST_SENSORS = 4096  # a line has tens; more ids are invented ones, and memory must stay bounded
COLUMNS = ("time", "sensor", "flow", "pressure", "samples", "flow_flags", "pressure_flags")
CLEAR_FLOW = "0000"  # SYSTEM VALUE PREDICT NIGHT
CLEAR_PRESSURE = "000"  # SYSTEM VALUE PREDICT

NUMBER = r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?"
_ZONE = "[+-](?:0[0-9]|1[0-5]):[0-5][0-9](?::[0-5][0-9])?"  # none is further from UTC; Postgres takes no other
TIME = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:00(?:{_ZONE}|Z)"
_COUNT_FORM, _FLAG = "[0-9]{1,6}", "[0-9A-Za-z]"
_TIME, _NUMBER, _COUNT = re.compile(TIME), re.compile(NUMBER), re.compile(_COUNT_FORM)
_FLAGS = re.compile(f"{_FLAG}+")
# The expression of a whole payload, for whoever checks many at once. What it takes, `parse_payload` takes, but for the
# time: there is no 30th of February.
FORM = "\t".join(
    (
        TIME,
        SENSOR_ID.pattern,
        f"(?:{NUMBER})?",
        f"(?:{NUMBER})?",
        _COUNT_FORM,
        f"{_FLAG}{{{len(CLEAR_FLOW)}}}",
        f"{_FLAG}{{{len(CLEAR_PRESSURE)}}}",
    )
)
_DECIMALS = 3  # 1 L/h and 1 mbar: finer than any pipe meter


@dataclass(frozen=True, slots=True)
class Row:
    """One minute of one sensor: means of its readings, None if there was no value."""

    minute: int  # UTC minute since 1970
    sensor: str
    flow: float | None  # m3/h
    pressure: float | None  # bar
    samples: int  # readings in the minute
    flow_flags: str = CLEAR_FLOW
    pressure_flags: str = CLEAR_PRESSURE


def format_number(value: float | None, decimals: int = _DECIMALS) -> str:
    """The number with at most `decimals` decimals, without trailing zeros; empty, not 0, for no value."""
    if value is None:
        return ""
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


@lru_cache(maxsize=256)
def format_time(minute: int, zone: ZoneInfo) -> str:
    """The start of the minute in the site's zone, ISO 8601 with its UTC offset."""
    return minute_start(minute).astimezone(zone).isoformat(timespec="seconds")


def format_payload(row: Row, zone: ZoneInfo) -> str:
    """The row's columns, tab-separated, without offset and checksum."""
    return "\t".join(
        (
            format_time(row.minute, zone),
            row.sensor,
            format_number(row.flow),
            format_number(row.pressure),
            str(row.samples),
            row.flow_flags,
            row.pressure_flags,
        )
    )


@lru_cache(maxsize=256)
def parse_time(text: str) -> int:
    """The UTC minute of a row's time column."""
    if not _TIME.fullmatch(text):
        raise RowRefused("time")
    try:
        return minute_of(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise RowRefused("time") from error


def _parse_number(text: str, name: str) -> float | None:
    if text == "":
        return None
    if not _NUMBER.fullmatch(text):
        raise RowRefused(name)
    return float(text)


def parse_payload(text: str) -> Row:
    """Parse a payload.

    Raises:
        RowRefused: the text is not a row; `reason` names the column.
    """
    parts = text.split("\t")
    if len(parts) != len(COLUMNS):
        raise RowRefused("columns")
    time, sensor, flow, pressure, samples, flow_flags, pressure_flags = parts
    if not SENSOR_ID.fullmatch(sensor):
        raise RowRefused("sensor")
    if not _COUNT.fullmatch(samples):
        raise RowRefused("samples")
    if len(flow_flags) != len(CLEAR_FLOW) or not _FLAGS.fullmatch(flow_flags):
        raise RowRefused("flow_flags")
    if len(pressure_flags) != len(CLEAR_PRESSURE) or not _FLAGS.fullmatch(pressure_flags):
        raise RowRefused("pressure_flags")
    return Row(
        parse_time(time),
        sensor,
        _parse_number(flow, "flow"),
        _parse_number(pressure, "pressure"),
        int(samples),
        flow_flags,
        pressure_flags,
    )
