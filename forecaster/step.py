"""A box: is an hour's forecast due, are the rows before it in? Then make it, store it, publish it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from common import forecast_file
from common.clock import minute_of
from common.database import Database
from common.forecast_file import ForecastLine
from common.settings import Settings
from forecaster import holidays, store
from forecaster.dataset import start_of_hour
from forecaster.kept import KeptHere
from forecaster.models import Models
from forecaster.site_hour import HOUR, SiteHour
from forecaster.site_weather import WeatherReader
from forecaster.trainer import Trainer, next_due
from log import mark
from log.roles import committed
from outliers.calendar import CalendarFile

CATCH_UP_H = forecast_file.KEEP_H  # hours that were missed are made up for as long as the file would keep them
ARCHIVE = "archive"


class Forecaster:
    """The worker of the forecaster process. `step(now)` makes at most one hour's forecast."""

    def __init__(self, settings: Settings, trainer: Trainer | None, *, patient: bool = True) -> None:
        """`patient`: wait for the last minute of the hour to be archived. Without a trainer nothing is trained."""
        self._settings = settings
        self._trainer = trainer
        self._patient = patient
        self._data = settings.paths.data
        self._site, self._zone = settings.site.id, settings.site.zone
        self._database = Database(settings, "forecaster")
        self._hours = SiteHour(
            self._database,
            settings.site,
            KeptHere(self._data),
            horizon=settings.forecast.horizon_hours,
            weather=WeatherReader(self._data, self._zone),
        )
        self._models = Models(self._data, self._site)
        self._calendar = CalendarFile(self._data, self._zone, settings.zones)
        self._lines: list[ForecastLine] | None = None
        self._made: set[datetime] = set()

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Make the forecast that is due, if any.

        Raises:
            DatabaseDown: it is made when the database is back."""
        current = self._hour(now)
        if self._lines is None:
            own = store.forecasts(self._database, self._site, "forecast_own", first=current - CATCH_UP_H * HOUR)
            self._made = {line.made_at.astimezone(UTC) for line in own}
            self._lines = forecast_file.select([*forecast_file.read(self._data), *own])
        due = self._due(current)
        if due is None:
            return {"hour": current.isoformat(), "due": 0}
        if due == current and not self._ready(now, current):
            return {"hour": current.isoformat(), "due": 1}
        return self._make(due, now)

    def _hour(self, time_: datetime) -> datetime:
        return start_of_hour(time_, self._zone).astimezone(UTC)

    def _due(self, current: datetime) -> datetime | None:
        """The current hour first, then the newest of those that were missed."""
        for back in range(CATCH_UP_H):
            hour = current - back * HOUR
            if hour not in self._made:
                return hour
        return None

    def _ready(self, now: datetime, hour: datetime) -> bool:
        """Whether all minutes before `hour` are archived; after half of the waiting time what is there must do."""
        if not self._patient or now >= hour + timedelta(seconds=self._settings.forecast.wait_seconds / 2):
            return True
        said = mark.load(self._data)
        if said is None or said.closed_through < minute_of(hour) - 1:
            return False
        archived = committed(self._settings, ARCHIVE)
        return archived is not None and archived >= said.end_offset

    def _make(self, hour: datetime, now: datetime) -> Mapping[str, Any]:
        began_s, current = time.perf_counter(), self._hour(now)
        model = self._models.newest()
        works = self._calendar.now().works
        made = self._hours.make(hour, current, now, model, holidays.of_site(self._data), works=works)
        if made is None:
            return {"hour": hour.isoformat(), "due": 1}
        lines, history = made
        self._made.add(hour)
        self._made = {made for made in self._made if made > hour - 2 * CATCH_UP_H * HOUR}
        if lines:
            self._publish(lines, current)
        seconds = round(time.perf_counter() - began_s, 3)
        training = self._trainer.look(now, lambda: next_due(self._data, now, history)) if self._trainer else {}
        return {"hour": hour.isoformat(), "due": 0, "lines": len(lines), "seconds": seconds, **training}

    def _publish(self, lines: list[ForecastLine], current: datetime) -> None:
        # A forecast of the future was made by a clock that was ahead.
        known = [line for line in self._lines or [] if line.made_at <= current]
        self._lines = forecast_file.select([*known, *lines])
        forecast_file.write(self._data, self._lines, self._zone)

    def close(self) -> None:
        """End a training of ours and the connection."""
        if self._trainer:
            self._trainer.close()
        self._database.close()
