"""`sensor_data.csv`: the forecasts for whoever joins them to rows. One line a sensor and forecast hour.

It holds the newest forecast whole, and for the last 48 hours each hour's own forecast (made_at = hour), so that a batch
that is late still finds what was forecast for its hour. Sensor ids cannot begin with a sign that a spreadsheet would
take for a formula, and every other cell is a number, a time or a label of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from common.files import replace
from common.folder import FORECAST_FILE

HEADER = "sensor,made_at,hour,flow,pressure,flow_low,flow_high,pressure_low,pressure_high,model"
KEEP_H = 48  # a batch that is later than this goes with 0 0


@dataclass(frozen=True, slots=True)
class Line:
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


def select(lines: Iterable[Line]) -> list[Line]:
    """What the file keeps: the newest forecast of all hours, and own forecasts of the 48 hours before it."""
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


def format_lines(lines: Iterable[Line], zone: ZoneInfo) -> str:
    """The text of the file, header first; times in the site's zone with their offset."""
    text = [HEADER]
    for line in lines:
        made, hour = (t.astimezone(zone).isoformat(timespec="seconds") for t in (line.made_at, line.hour))
        numbers = (line.flow, line.pressure, line.flow_low, line.flow_high, line.pressure_low, line.pressure_high)
        text.append(",".join([line.sensor, made, hour, *map(_number, numbers), line.model]))
    return "\n".join(text) + "\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def parse_lines(text: str) -> list[Line]:
    """The lines of a file of ours.

    Raises:
        ValueError: another header, or a line that does not fit it."""
    rows = text.splitlines()
    if not rows or rows[0] != HEADER:
        raise ValueError("not a forecast file: another header")
    out = []
    for row in rows[1:]:
        sensor, made, hour, *numbers, model = row.split(",")
        if len(numbers) != 6:
            raise ValueError(f"not a forecast line: {row[:80]!r}")
        flow, pressure, *bounds = (float(n) if n else None for n in numbers)
        low, high, p_low, p_high = bounds
        times = datetime.fromisoformat(made), datetime.fromisoformat(hour)
        out.append(Line(sensor, *times, flow, pressure, low, high, p_low, p_high, model))
    return out


def read(data: Path) -> list[Line]:
    """The file's lines; nothing if it is missing or was spoilt (the next forecast writes it anew)."""
    try:
        return parse_lines((data / FORECAST_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return []


def write(data: Path, lines: Iterable[Line], zone: ZoneInfo) -> None:
    """Replace the file, durably."""
    replace(data / FORECAST_FILE, format_lines(select(lines), zone).encode())
