"""The recent hourly history, kept in memory and brought up to date from the database before each forecast."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from common.database import Database
from common.settings import SiteSettings
from forecaster import store
from forecaster.dataset import LEAK_MASK_H, HourlyHistory, Series, hour_number, start_of_hour

REACH = timedelta(weeks=26)  # what the base looks back on: older weeks have all but faded
OVERLAP = timedelta(hours=LEAK_MASK_H + 1)  # read again each time: late rows, and where a leak's spell began
GRACE = timedelta(hours=48)  # a sensor that has been silent for longer does not make all be read from its end


class HourReader:
    """`until(hour)` gives the history up to an hour; only what may have changed is read."""

    def __init__(self, database: Database, site: SiteSettings) -> None:
        self._database = database
        self._site, self._zone = site, site.zone
        self._history = HourlyHistory(np.datetime64(0, "h"), (), np.empty((0, 0)))
        self._last: dict[str, datetime] = {}

    def until(self, hour: datetime) -> HourlyHistory:
        """Rows of the registered sensors from REACH before `hour` (aware, start of a local hour) to before it.

        Raises:
            DatabaseDown: nothing is changed then."""
        spans = [s for s in store.sensors(self._database, self._site.id, hour - REACH) if s.first < hour]
        names = [span.sensor for span in spans]
        known = [name for name in names if name in self._last]
        new = [name for name in names if name not in self._last]
        parts = [self._history]
        if known:
            live = [t for name in known if (t := self._last[name]) > hour - GRACE]
            parts.append(self._read(known, min([*live, hour]) - OVERLAP, hour))
        if new:
            parts.append(self._read(new, hour - REACH, hour))
        self._history = self._laid_over(parts, names, hour)
        self._last = {span.sensor: min(span.last, hour) for span in spans}
        return self._history

    def _read(self, names: list[str], first: datetime, hour: datetime) -> HourlyHistory:
        start = start_of_hour(first, self._zone)
        return store.history(self._database, self._site, names, start, hour)

    def _laid_over(self, parts: list[HourlyHistory], names: list[str], hour: datetime) -> HourlyHistory:
        """The parts' rows on one grid from REACH before the hour to before it; the later part counts."""
        first, end = (hour_number(t.astimezone(self._zone)) for t in (hour - REACH, hour - timedelta(minutes=1)))
        series = tuple(Series(name, channel) for name in names for channel in store.CHANNELS)
        y = np.full((len(series), end + 1 - first), np.nan)
        for part in parts:
            own = {s: i for i, s in enumerate(part.series)}
            shift = part.row(np.datetime64(first, "h").item())
            columns = np.arange(max(0, -shift), min(y.shape[1], part.rows - shift))
            for line, there in ((i, own[s]) for i, s in enumerate(series) if s in own):
                y[line, columns] = part.y[there, columns + shift]
        return HourlyHistory(np.datetime64(first, "h"), series, y)
