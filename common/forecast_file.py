"""`sensor_data.csv`: the forecasts that are joined to rows. One line per sensor and forecast hour.

It holds the newest forecast for all its hours, and for the last 48 hours the forecast made at each hour (made_at =
hour), so a late batch still finds the forecast for its hour. No cell can be read as a formula by a spreadsheet: sensor
ids cannot start with such a character, and all other cells are numbers, times or fixed labels.
"""

from __future__ import annotations

import csv
import io
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from common import files
from common.folder import FORECAST_FILE
from common.logging_setup import quoted
from common.row import SENSOR_ID

VALUES = ("flow", "pressure", "flow_low", "flow_high", "pressure_low", "pressure_high")
HEADER = ",".join(("sensor", "made_at", "hour", *VALUES, "model"))
NEEDED = ("sensor", "made_at", "hour", "flow", "pressure")  # columns that a forecast file must have
LARGEST = 1e9  # m3/h or bar: larger values are not forecasts
KEEP_H = 48  # a batch that is later than this is sent with 0 0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """One forecast of one sensor and hour. Times aware; flow m3/h, pressure bar; None = not forecast."""

    sensor: str
    made_at: datetime
    hour: datetime
    flow: float | None
    pressure: float | None
    flow_low: float | None
    flow_high: float | None
    pressure_low: float | None
    pressure_high: float | None
    model: str

    def channels(self) -> tuple[tuple[Literal["flow", "pressure"], float | None, float | None, float | None], ...]:
        """Value, low and high of each channel."""
        pressure = self.pressure, self.pressure_low, self.pressure_high
        return ("flow", self.flow, self.flow_low, self.flow_high), ("pressure", *pressure)


def select(lines: Iterable[ForecastLine]) -> list[ForecastLine]:
    """The lines that the file keeps: the newest forecast, and the forecasts made at each of the 48 hours before."""
    lines = list(lines)
    if not lines:
        return []
    newest = max(line.made_at for line in lines)
    first = newest - timedelta(hours=KEEP_H)
    kept = {
        (line.sensor, line.made_at, line.hour): line
        for line in lines
        if line.made_at == newest or (line.made_at == line.hour and line.hour >= first)
    }
    return [kept[key] for key in sorted(kept, key=lambda k: (k[1], k[0], k[2]))]


def format_lines(lines: Iterable[ForecastLine], zone: ZoneInfo) -> str:
    """The text of the file, header first; times in the site's zone with their offset."""
    text = [HEADER]
    for line in lines:
        made, hour = (t.astimezone(zone).isoformat(timespec="seconds") for t in (line.made_at, line.hour))
        numbers = (line.flow, line.pressure, line.flow_low, line.flow_high, line.pressure_low, line.pressure_high)
        text.append(",".join([line.sensor, made, hour, *map(_number, numbers), line.model]))
    return "\n".join(text) + "\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def parse_lines(text: str) -> list[ForecastLine]:
    """The forecast lines, in the file's order. Columns are found by name.

    A line with an invalid sensor id, or with a time that is invalid or has no offset, is skipped. A value that is
    missing or impossible for a sensor is None.

    Raises:
        ValueError: the header is not that of a forecast file."""
    table = csv.DictReader(io.StringIO(text))
    try:
        if not set(NEEDED) <= set(table.fieldnames or ()):
            raise ValueError("not a forecast file: another header")
        return [line for cells in table if (line := _line(cells)) is not None]
    except csv.Error as error:
        raise ValueError(f"not a forecast file: {error}") from error


def _line(cells: Mapping[str, str | None]) -> ForecastLine | None:
    sensor, made_at, hour = cells["sensor"] or "", _time(cells["made_at"]), _time(cells["hour"])
    if made_at is None or hour is None or not SENSOR_ID.fullmatch(sensor):
        return None
    flow, pressure, *bounds = (_value(cells.get(name)) for name in VALUES)
    low, high, p_low, p_high = bounds
    return ForecastLine(sensor, made_at, hour, flow, pressure, low, high, p_low, p_high, cells.get("model") or "")


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else None


def _value(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < LARGEST else None


def read(data: Path) -> list[ForecastLine]:
    """The file's lines; empty if it is missing or damaged (the next forecast rewrites it)."""
    try:
        return parse_lines((data / FORECAST_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return []


class ForecastFileFollower:
    """Reads the file again after it was replaced."""

    def __init__(self, data: Path) -> None:
        self._path = data / FORECAST_FILE
        self._seen: files.Stamp | None = None
        self._said = ""

    def refresh(self) -> list[ForecastLine] | None:
        """All lines of a new file; empty if it is missing or unreadable; None if it is unchanged."""
        seen = files.stamp(self._path)
        if seen == self._seen:
            return None
        self._seen = seen
        try:
            return parse_lines(self._path.read_text("utf-8")) if seen else []
        except (OSError, ValueError) as error:
            self._seen = None  # try again next time
            if str(error) != self._said:
                self._said = str(error)
                _log.warning("forecasts_unreadable problem=%s", quoted(error))
            return []


def write(data: Path, lines: Iterable[ForecastLine], zone: ZoneInfo) -> None:
    """Replace the file, durably."""
    files.replace(data / FORECAST_FILE, format_lines(select(lines), zone).encode())
