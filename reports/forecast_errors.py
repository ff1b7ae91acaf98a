"""How far the forecasts of a month were off, beside the value of the week before. See `forecaster.report`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from common.database import Database
from common.settings import SiteSettings
from forecaster import report, store
from forecaster.dataset import start_of_hour
from forecaster.fallback import WEEK
from reports.month import Month


class ForecastError(NamedTuple):
    """Of the forecasts of one quantity that were made `lead` hours ahead.

    Attributes:
        hours: how many are compared.
        mean: mean absolute error.
        week_before: mean absolute error of the value of a week before, in the same hours.
    """

    sensor: str
    channel: str
    lead: int
    hours: int
    mean: float
    week_before: float

    @property
    def ratio(self) -> float | None:
        """Below 1 the forecast was better than the week before."""
        return self.mean / self.week_before if self.week_before > 0 else None


def read(
    database: Database, site: SiteSettings, month: Month, until: datetime, sensors: Sequence[str]
) -> list[ForecastError]:
    """By sensor, channel and lead; only those that can be compared in at least one hour."""
    first, end = month.start, min(month.end, start_of_hour(until, month.zone))
    wanted = set(sensors)
    lines = store.forecasts(database, site.id, "forecast_leads", first=first, until=end) if first < end else []
    lines = [line for line in lines if line.sensor in wanted]
    names = sorted({line.sensor for line in lines})
    if not names:
        return []
    history = store.history(database, site, names, first - timedelta(hours=WEEK), end)
    return [
        ForecastError(*_series(track), int(track.both.sum()), track.error(), track.naive_error())
        for track in report.tracks(history, lines, history.row(first), month.zone)
        if track.both.any()
    ]


def _series(track: report.Track) -> tuple[str, str, int]:
    return track.series.sensor, track.series.channel, track.lead
