"""What the forecasts of a site keep from hour to hour: the hours of each sensor, and what follows the truth.

In a center the next hour may be another process's: there it is in the database. On a box one process makes all of them:
it keeps the hours in memory, and what follows the truth in a file of `models/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from common import files
from common.database import Database, statement
from common.folder import MODELS_FOLDER
from common.settings import SiteSettings
from forecaster.dataset import FloatArray
from forecaster.intervals import Intervals

INTERVALS = "intervals.json"
NUMBER = "<f4"  # a mean of an hour is not known better


class KeptHours(NamedTuple):
    """The hours of a sensor.

    Attributes:
        first: the first one, counted on the site's wall clock.
        y: flow and pressure from there on, NaN where missing. [2, hours]
        through: the site's rows of before had come when they were kept.
        read_at: when all of them were made from minutes.
    """

    first: int
    y: FloatArray
    through: datetime
    read_at: datetime


class Kept(Protocol):
    """Where a site's are kept."""

    def hours(self, sensors: Sequence[str]) -> dict[str, KeptHours]:
        """Of those of the sensors that have any."""

    def keep_hours(self, hours: Mapping[str, KeptHours]) -> None:
        """In place of those kept before."""

    def intervals(self) -> Intervals: ...

    def keep_intervals(self, intervals: Intervals) -> None: ...


class KeptHere:
    """Of the only site, by the only process that forecasts."""

    def __init__(self, data: Path) -> None:
        self._path = data / MODELS_FOLDER / INTERVALS
        self._hours: dict[str, KeptHours] = {}
        self._intervals: Intervals | None = None

    def hours(self, sensors: Sequence[str]) -> dict[str, KeptHours]:
        return {name: self._hours[name] for name in sensors if name in self._hours}

    def keep_hours(self, hours: Mapping[str, KeptHours]) -> None:
        self._hours |= hours

    def intervals(self) -> Intervals:
        if self._intervals is None:
            try:
                text = self._path.read_text("utf-8")
            except (OSError, UnicodeDecodeError):
                text = ""
            self._intervals = Intervals(text)
        return self._intervals

    def keep_intervals(self, intervals: Intervals) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(self._path, intervals.text.encode() + b"\n")


class KeptInDatabase:
    """Of a site of a center, in the transaction of whoever holds the site."""

    def __init__(self, database: Database, site: SiteSettings) -> None:
        self._database = database
        self._site = site

    def hours(self, sensors: Sequence[str]) -> dict[str, KeptHours]:
        values = {"site": self._site.id, "sensors": list(sensors), "zone": self._site.timezone}
        with self._database.transaction() as cursor:
            cursor.execute(statement("forecast_kept"), values, binary=True)
            return {
                name: KeptHours(first, np.stack([np.frombuffer(one, NUMBER) for one in both]), through, read_at)
                for name, first, *both, through, read_at in cursor.fetchall()
            }

    def keep_hours(self, hours: Mapping[str, KeptHours]) -> None:
        rows = [self._row(name, kept) for name, kept in hours.items()]
        with self._database.transaction() as cursor:
            cursor.executemany(statement("forecast_keep"), rows)

    def _row(self, sensor: str, kept: KeptHours) -> dict[str, object]:
        flow, pressure = (one.astype(NUMBER).tobytes() for one in kept.y)
        numbers = {"first": kept.first, "flow": flow, "pressure": pressure}
        times = {"through": kept.through, "read_at": kept.read_at}
        return {"site": self._site.id, "zone": self._site.timezone, "sensor": sensor, **numbers, **times}

    def intervals(self) -> Intervals:
        with self._database.transaction() as cursor:
            row = cursor.execute(statement("forecast_intervals"), {"site": self._site.id}).fetchone()
        return Intervals(row[0] if row else "")

    def keep_intervals(self, intervals: Intervals) -> None:
        with self._database.transaction() as cursor:
            cursor.execute(statement("forecast_keep_intervals"), {"site": self._site.id, "intervals": intervals.text})
