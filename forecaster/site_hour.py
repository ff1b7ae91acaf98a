"""The forecast of one hour at one site: from its history, stored; and what follows the truth of the hour before."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from common.database import Database
from common.forecast_file import ForecastLine
from common.settings import SiteSettings
from forecaster import hours, store
from forecaster.compose import compose
from forecaster.dataset import HourlyHistory
from forecaster.kept import Kept
from forecaster.predict import Model
from forecaster.site_weather import WeatherReader
from forecaster.works import without_works
from outliers.calendar import Work

HOUR = timedelta(hours=1)

_log = logging.getLogger(__name__)


class SiteHour:
    """Makes the forecasts of a site."""

    def __init__(
        self,
        database: Database,
        site: SiteSettings,
        kept: Kept,
        *,
        horizon: int,
        weather: WeatherReader | None = None,
    ) -> None:
        """`weather`: without, all hours are forecast as where none is known."""
        self._database = database
        self._site = site
        self._kept = kept
        self._horizon = horizon
        self._weather = weather

    def make(
        self,
        hour: datetime,
        latest: datetime,
        now: datetime,
        model: Model | None,
        holidays: frozenset[int],
        *,
        works: Sequence[Work] = (),
    ) -> tuple[list[ForecastLine], HourlyHistory] | None:
        """The forecast made at `hour` (aware, start of a local hour) and stored, and the history up to `latest`.

        None: the history is still being read; the next call goes on.

        Raises:
            DatabaseDown: nothing is stored then."""
        began_s = time.perf_counter()
        history = hours.recent(self._database, self._site, self._kept, max(hour, latest), now)
        if history is None:
            return None
        history = without_works(replace(history, holidays=holidays), works, self._site.zone)
        if self._weather:
            history = self._weather.onto(history, hour)
        kept = self._kept.intervals()
        followed = kept.followed(model, history.series) if model else None
        zone = self._site.zone
        lines = compose(history, hour, zone, horizon=self._horizon, model=model, followed=followed)
        if lines:
            store.save(self._database, self._site.id, lines)
        if model:
            span = {"first": hour - HOUR, "until": hour}
            told = store.forecasts(self._database, self._site.id, "forecast_for_hours", **span)
            if kept.learn(model, history, hour - HOUR, told, zone):
                self._kept.keep_intervals(kept)
        self._tell(hour, lines, time.perf_counter() - began_s, is_old=hour != latest)
        return lines, history

    def _tell(self, hour: datetime, lines: list[ForecastLine], seconds: float, *, is_old: bool) -> None:
        empty_past = not lines and is_old  # a new box has two days of such hours
        labels = sorted({line.model for line in lines})
        _log.log(
            logging.DEBUG if empty_past else logging.INFO,
            "forecast site=%s hour=%s sensors=%d models=%s seconds=%.3f",
            self._site.id,
            hour.astimezone(self._site.zone).isoformat(),
            len({line.sensor for line in lines}),
            ",".join(labels) or "-",
            seconds,
        )
