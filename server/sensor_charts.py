"""One sensor's charts in a span of time: measured, forecast, flags, incidents, planned work and nights."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from starlette.requests import Request
from starlette.responses import Response

from common.clock import minute_of
from common.database import Database
from common.messages import words
from common.night import NightClock, minute_of_day
from common.point import Point
from server import explain, incident_archive, incident_list, planned, queries, spans
from server.charts import Charts
from server.current import Current
from server.spans import SpanAsked, Window

TIMEOUT_S = 15.0
FRESH_S = 60.0  # real seconds; a newer row is another question

Json = dict[str, Any]


class ChartAsked(NamedTuple):
    """A question: its answer stays the same until the sensor has a new row, forecast or flag (`version`)."""

    sensor: str
    name: str
    version: str
    asked: SpanAsked
    language: str


class SensorCharts:
    """Answers for the page of a sensor and for its charts."""

    def __init__(self, charts: Charts, current: Current) -> None:
        self._charts = charts
        self._current = current
        self._settings = current.settings

    async def content(self, request: Request, wanted: ChartAsked) -> Json:
        """The values.

        Raises:
            DatabaseDown: no answer.
            ChartsBusy: too many charts are asked for at once.
        """
        return await self._charts.content(request, wanted, lambda database: self._read(database, wanted), FRESH_S)

    async def answer(self, request: Request, wanted: ChartAsked) -> Response:
        """The same as JSON."""
        return await self._charts.answer(request, wanted, lambda database: self._read(database, wanted), FRESH_S)

    def window(self, wanted: SpanAsked) -> Window:
        return spans.window(wanted, self._settings.site.zone, self._current.clock.now())

    def _read(self, database: Database, wanted: ChartAsked) -> Json:
        now, sensor = self._current.clock.now(), wanted.sensor
        point, zone = Point(self._settings.site.id, sensor), self._settings.site.zone
        seen = spans.window(wanted.asked, zone, now)
        bounds = spans.steps(seen, zone, now)
        length = seen.end - seen.first
        with database.transaction(TIMEOUT_S) as cursor:
            before = queries.steps(cursor, point, spans.earlier(bounds, zone)) if wanted.asked.compare else None
            return {
                "sensor": sensor,
                "start": seen.first.timestamp(),
                "end": seen.end.timestamp(),
                "now": now.timestamp(),
                "step_s": int(seen.shape.step.total_seconds()),
                "series": queries.filled(bounds, queries.steps(cursor, point, bounds)),
                "before": None if before is None else queries.filled(bounds, before),
                "forecast": queries.forecast(
                    cursor,
                    point,
                    seen.first - spans.HOUR,
                    seen.end if length < spans.FEW_HOURS else seen.first,
                    now,
                ),
                "spells": queries.spells(cursor, point.site, [sensor], seen.first, seen.end)
                if length < spans.FEW_MARKS
                else [],
                "incidents": self._incidents(cursor, wanted, seen, now),
                "works": planned.works(self._current.calendar.now(), sensor, seen.first, seen.end),
                "night": explain.last_night(cursor, point, now.date()) if seen.now else None,
                "nights": self._nights(cursor, point, min(now, seen.end - timedelta(minutes=1))),
            }

    def _incidents(self, cursor: psycopg.Cursor[Any], wanted: ChartAsked, seen: Window, now: datetime) -> list[Json]:
        minute, zone = minute_of(now), self._settings.site.zone
        found = incident_archive.of_sensor(cursor, self._settings, wanted.sensor, (seen.first, seen.end), minute)
        return [incident_list.mark(each, wanted.name, words(wanted.language), zone, minute) for each in found]

    def _nights(self, cursor: psycopg.Cursor[Any], point: Point, at: datetime) -> list[Json]:
        """The ten-minute means of the latest night that had begun, and of the night before."""
        night = self._settings.night
        clock = NightClock(self._settings.site.zone, minute_of_day(night.start), minute_of_day(night.end))
        return [
            {
                "start": int(first.timestamp()),
                "end": int(last.timestamp()),
                "windows": queries.night(cursor, point, first, last),
            }
            for first, last in clock.begun(at)
        ]


def wanted(entry: Json, asked: SpanAsked, language: str) -> ChartAsked:
    """The question about a sensor of the state."""
    return ChartAsked(entry["sensor"], entry["name"], entry["version"], asked, words(language).language)
