"""The flow of the last day as a small line for each sensor of the list."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from common.database import Database, statement
from common.errors import DatabaseDown
from server.current import Current

HOURS = 24
HOUR = timedelta(hours=1)
KEEP_S = 600.0  # real seconds; a point is an hour
TIMEOUT_S = 10.0
WIDTH, HEIGHT, EDGE = 96, 28, 2  # of the drawing
LEAST_SPREAD = 0.2  # of the highest value: a flow that hardly changes is drawn as a flat line

Values = Sequence[float | None]


class Trend(NamedTuple):
    """A line: its path in a drawing of `WIDTH` times `HEIGHT`, and its lowest and highest value, m3/h."""

    path: str
    low: float
    high: float


class Trends:
    """The trends of the sensors that are looked at, each read once in ten minutes."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._known: dict[str, tuple[float, Trend | None]] = {}  # sensor -> until when, and what

    async def of(self, sensors: Sequence[str]) -> dict[str, Trend]:
        """Those with a value; none while the database does not answer."""
        now_s = time.monotonic()
        missing = [sensor for sensor in sensors if self._known.get(sensor, (-1.0, None))[0] < now_s]
        if missing:
            site, now = self._current.settings.site.id, self._current.clock.now()
            found = await self._current.ask(lambda database: read(database, site, missing, now))
            self._known |= {sensor: (now_s + KEEP_S, line(values)) for sensor, values in found.items()}
        known = {sensor: self._known[sensor][1] for sensor in sensors if sensor in self._known}
        return {sensor: trend for sensor, trend in known.items() if trend is not None}


def read(database: Database, site: str, sensors: Sequence[str], now: datetime) -> dict[str, Values]:
    """The mean flow of the last `HOURS` whole hours of each sensor; nothing while the database does not answer."""
    last = now.replace(minute=0, second=0, microsecond=0)
    bounds = [last - HOUR * back for back in range(HOURS, -1, -1)]
    values = {"site": site, "sensors": list(sensors), "first": bounds[:-1], "after": bounds[1:]}
    try:
        with database.transaction(TIMEOUT_S) as cursor:
            return dict(cursor.execute(statement("page_trends"), values).fetchall())
    except DatabaseDown:
        return {}


def line(values: Values) -> Trend | None:
    """The values as a line that is broken where one is missing; None without any."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    spread = max(high - low, LEAST_SPREAD * abs(high)) or 1.0
    middle = (low + high) / 2
    across = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)

    def point(place: int, value: float) -> str:
        up = (HEIGHT - 2 * EDGE) * (0.5 - (value - middle) / spread)
        return f"{EDGE + across * place:.1f} {EDGE + up:.1f}"

    path, before = "", None
    for place, value in enumerate(values):
        if value is not None:
            path += f"{'M' if before is None else 'L'}{point(place, value)}"
            after = values[place + 1] if place + 1 < len(values) else None
            path += "h0" if before is None and after is None else ""
        before = value
    return Trend(path, low, high)
