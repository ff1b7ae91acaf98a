"""A chart for a terminal: the means of one channel as blocks, against what was forecast."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from psycopg import Cursor

from common.clock import minute_start
from common.database import statement
from common.messages import Catalogue, message
from common.point import Point
from common.settings import SiteSettings
from incidents.incident import Incident

HEIGHT = 12  # lines
MOST_COLUMNS = 96
BEFORE, AFTER = 180, 60  # minutes around the incident
STEPS = (5, 10, 15, 20, 30, 60, 120, 180, 360, 720, 1440)  # minutes of a column
UNITS = {"flow": "m³/h", "pressure": "bar"}
NAMES = {"flow": message("flow"), "pressure": message("pressure")}

Values = list[float | None]


def chart(
    cursor: Cursor[Any], site: SiteSettings, incident: Incident, minute: int, words: Catalogue, *, width: int
) -> list[str]:
    """The lines of a chart of the hours around an incident, as known at UTC `minute`; none without values.

    Raises:
        DatabaseDown: no answer.
    """
    channel = "pressure" if incident.channel == "pressure" else "flow"
    columns = max(20, min(width - 9, MOST_COLUMNS))
    end = max(incident.began + AFTER, minute if incident.ended is None else min(minute, incident.ended + AFTER))
    asked = end - incident.began + BEFORE
    step = next((step for step in STEPS if step * columns >= asked), math.ceil(asked / columns / 1440) * 1440)
    first = (incident.began - BEFORE) // step * step
    count = math.ceil((end - first) / step)
    measured, expected = _values(
        cursor, Point(site.id, incident.sensor), channel, range(first, first + count * step, step)
    )
    if all(value is None for value in measured):
        return []
    marks = [" "] * count
    for moment in (incident.began, incident.ended):
        if moment is not None:
            marks[min(count - 1, (moment - first) // step)] = "▲"
    times = [f"{minute_start(at).astimezone(site.zone):%m-%d %H:%M}" for at in (first, first + count * step)]
    below = {
        "█": f"{words.say(NAMES[channel])}, {UNITS[channel]}",
        "▒": words.say("above the forecast"),
        "·": words.say("below it"),
        "▲": words.say("began") if incident.ended is None else words.say("began, ended"),
    }
    legend = "   ".join(f"{mark} {meaning}" for mark, meaning in below.items())
    return [
        *plot(measured, expected, from_zero=channel == "flow"),
        " " * 8 + "".join(marks),
        " " * 8 + times[0] + times[1].rjust(max(12, count - len(times[0]))),
        " " * 8 + legend,
    ]


def plot(measured: Sequence[float | None], expected: Sequence[float | None], *, from_zero: bool) -> list[str]:
    """A line for each level, the highest first, with its value in front. A column without a value stays empty."""
    there = [value for value in (*measured, *expected) if value is not None and math.isfinite(value)]
    low, high = min(there), max(there)
    low = min(0.0, low) if from_zero else low - (high - low or 1.0) / HEIGHT
    size = (high - low or 1.0) / HEIGHT
    lines = []
    for line in reversed(range(HEIGHT)):
        level = low + (line + 0.5) * size
        label = f"{low + (line + 1) * size:7.2f}" if line % 3 == 2 else " " * 7
        cells = (_cell(value, usual, level) for value, usual in zip(measured, expected, strict=True))
        lines.append(f"{label} {''.join(cells)}".rstrip())
    return lines


def _cell(value: float | None, usual: float | None, level: float) -> str:
    expected = usual is not None and level <= usual
    if value is not None and level <= value:
        return "█" if usual is None or expected else "▒"
    return "·" if value is not None and expected else " "


def _values(cursor: Cursor[Any], point: Point, channel: str, starts: range) -> tuple[Values, Values]:
    """The mean of each step, and the mean of the forecasts of its hours that were made when these began."""
    first, end = minute_start(starts.start), minute_start(starts.stop)
    span = {**point._asdict(), "from": first - timedelta(hours=1), "to": end}
    place = {"flow": 1, "pressure": 2}[channel]
    cursor.execute(statement("page_series").encode(), {**span, "step": timedelta(minutes=starts.step)})
    means = {int(row[0]) // 60: row[place] for row in cursor.fetchall()}
    cursor.execute(statement("page_forecast").encode(), {**span, "made_at": end})
    hours = {int(row[0]) // 60: row[{"flow": 1, "pressure": 4}[channel]] for row in cursor.fetchall()}
    measured = [means.get(start) for start in starts]
    expected = [_mean([hours.get(at // 60 * 60) for at in range(start, start + starts.step, 5)]) for start in starts]
    return measured, expected


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
