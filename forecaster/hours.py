"""The recent hourly history, kept in memory and brought up to date from the database before each forecast."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from common.database import Database
from forecaster import store
from forecaster.dataset import LEAK_MASK_H, HourlyHistory

REACH = timedelta(weeks=26)  # what the base looks back on: older weeks have all but faded
OVERLAP = timedelta(hours=LEAK_MASK_H + 1)  # read again each time: late rows, and where a leak's spell began
GRACE = timedelta(hours=48)  # a sensor that has been silent for longer does not make all be read from its end


class HourReader:
    """`until(hour)` gives the history up to an hour; only what may have changed is read."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database = database
        self._zone = zone
        self._history: HourlyHistory | None = None
        self._last: dict[str, datetime] = {}

    def until(self, hour: datetime) -> HourlyHistory:
        """Rows of the registered sensors from REACH before `hour` (aware, start of a local hour) to before it.

        Raises:
            DatabaseDown: nothing is changed then."""
        spans = [s for s in store.sensors(self._database, hour - REACH) if s.first < hour]
        names = [span.sensor for span in spans]
        known = [name for name in names if name in self._last]
        new = [name for name in names if name not in self._last]
        old, fresh = self._history, hour - REACH
        if old is None or not known:
            known, new = [], names
        parts = []
        if known and old is not None:
            live = [t for name in known if (t := self._last[name]) > hour - GRACE]
            fresh = min([*live, hour]) - OVERLAP
            changed = store.history(self._database, known, self._zone, self._whole(fresh), hour)
            parts.append(_joined(_selected(old, known), changed))
        if new:
            parts.append(store.history(self._database, new, self._zone, self._whole(hour - REACH), hour))
        self._history = _stacked(parts, names) if parts else None
        self._last = {span.sensor: min(span.last, hour) for span in spans}
        return self._history or HourlyHistory(np.datetime64(0, "h"), (), np.empty((0, 0)))

    def _whole(self, time: datetime) -> datetime:
        """The start of the local hour."""
        return time.astimezone(self._zone).replace(minute=0, second=0, microsecond=0)


def _selected(history: HourlyHistory, names: list[str]) -> HourlyHistory:
    wanted = set(names)
    lines = [i for i, s in enumerate(history.series) if s.sensor in wanted]
    return HourlyHistory(history.first, tuple(history.series[i] for i in lines), history.y[lines])


def _joined(old: HourlyHistory, new: HourlyHistory) -> HourlyHistory:
    """`old` up to the first row of `new`, then `new`; the series of `new` in its order."""
    at = {s: i for i, s in enumerate(old.series)}
    head = int((new.first - old.first).astype(int))
    y = np.full((len(new.series), max(head, 0) + new.rows), np.nan)
    for line, series in enumerate(new.series):
        keep = old.y[at[series], : max(head, 0)]
        y[line, : len(keep)] = keep
    y[:, max(head, 0) :] = new.y
    first = old.first if head > 0 else new.first
    longest = int(REACH.total_seconds() // 3600)
    cut = max(y.shape[1] - longest, 0)
    return HourlyHistory(first + np.timedelta64(cut, "h"), new.series, y[:, cut:])


def _stacked(parts: list[HourlyHistory], names: list[str]) -> HourlyHistory:
    """Parts that end with the same row, side by side, in the order of `names`."""
    rows = max(part.rows for part in parts)
    first = min(part.first for part in parts)
    lines = {}
    for part in parts:
        shift = int((part.first - first).astype(int))
        for i, series in enumerate(part.series):
            line = np.full(rows, np.nan)
            line[shift : shift + part.rows] = part.y[i]
            lines[series] = line
    order = [series for name in names for series in lines if series.sensor == name]
    return HourlyHistory(first, tuple(order), np.stack([lines[series] for series in order]))
