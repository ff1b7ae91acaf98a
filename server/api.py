"""The data of the page as JSON, and the same state for monitoring."""

import re
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from common.database import Database
from common.night import NightClock, minute_of_day
from common.row import SENSOR_ID
from common.version import NAME
from outliers import flags
from server import explain, facts, metrics, planned, queries
from server.charts import Charts
from server.current import Current
from server.db_thread import DatabaseThread
from server.explain import SpellRequest
from server.languages import language_of

CHART_TIMEOUT_S = 15.0
SHOWN_NIGHTS = 60
_SECONDS = re.compile(r"\d{1,10}", re.ASCII)  # until the year 2286
# Hours back -> hours ahead and the width of one point: at most about 1,500 points per line.
SPANS = {
    6: (3, timedelta(minutes=1)),
    24: (6, timedelta(minutes=1)),
    72: (12, timedelta(minutes=5)),
    168: (24, timedelta(minutes=10)),
}

Json = dict[str, Any]


class Api:
    """The endpoints for programs, all read-only."""

    def __init__(self, charts: DatabaseThread, current: Current) -> None:
        self._charts = Charts(charts)
        self._current = current
        self._settings = current.settings
        self._clock = current.clock
        self._metrics_of: Json | None = None  # the state that the metrics are of
        self._metrics = ""

    async def state(self, request: Request) -> Response:
        return JSONResponse(await self._current.state(request.query_params.get("language", "")))

    async def healthz(self, _request: Request) -> Response:
        state = await self._current.state()
        found = state["verdict"]
        lines = [f"verdict: {found['kind']}", *(_line(problem) for problem in found["problems"])]
        lines += [f"shelved: {_line(problem)}" for problem in found["shelved"]]
        lines = [*([] if found["act"] else ["ok"]), *lines, f"{NAME} {state['version']}"]
        return PlainTextResponse("".join(f"{line}\n" for line in lines), 503 if found["act"] else 200)

    async def metrics(self, _request: Request) -> Response:
        state = await self._current.state()
        if self._metrics_of is not state:
            found = await self._current.ask(lambda database: facts.read(database, self._settings, self._clock))
            self._metrics_of, self._metrics = state, metrics.render(state, found)
        return Response(self._metrics, media_type=metrics.MEDIA_TYPE)

    async def sensor(self, request: Request) -> Response:
        """One sensor's charts: measured, forecast, flags, and its last two nights."""
        sensor = request.query_params.get("sensor", "")
        hours = _hours(request)
        if hours is None or not SENSOR_ID.fullmatch(sensor):
            return _bad_request("sensor must be a sensor id and hours one of " + ", ".join(map(str, SPANS)))
        if refused := await self._unknown(sensor):
            return refused
        question = ("sensor", sensor, hours)
        return await self._charts.answer(
            request, question, lambda database: self._sensor_charts(database, sensor, hours)
        )

    async def incidents(self, request: Request) -> Response:
        """The incidents that are up and the newest of the others, in the reader's language."""
        language = language_of(request.query_params, request.headers, self._settings.site.language)
        return JSONResponse(await self._current.incidents(language), headers={"Vary": "Accept-Language"})

    async def finding(self, request: Request) -> Response:
        """The data that explains one sign of an incident."""
        spell = _spell(request)
        if spell is None:
            return _bad_request("sensor, channel, method, start and end must be those of a chart of an incident")
        if refused := await self._unknown(spell.sensor):
            return refused
        settings = self._settings

        def ask(database: Database) -> Json:
            site = explain.AskedAt(
                settings.paths.data, settings.site.zone, self._current.calendar.now(), self._clock.now()
            )
            with database.transaction(CHART_TIMEOUT_S) as cursor:
                return explain.explain(cursor, spell, site)

        return await self._charts.answer(request, spell, ask)

    async def nights(self, request: Request) -> Response:
        """A sensor's nights, oldest first."""
        sensor = request.query_params.get("sensor", "")
        if not SENSOR_ID.fullmatch(sensor):
            return _bad_request("sensor must be a sensor id")
        if refused := await self._unknown(sensor):
            return refused
        tomorrow = self._clock.now().astimezone(self._settings.site.zone).date() + timedelta(days=1)

        def ask(database: Database) -> Json:
            with database.transaction(CHART_TIMEOUT_S) as cursor:
                return {"sensor": sensor, "nights": explain.nights(cursor, sensor, tomorrow, SHOWN_NIGHTS)}

        return await self._charts.answer(request, ("nights", sensor), ask)

    def _sensor_charts(self, database: Database, sensor: str, hours: int) -> Json:
        now = self._clock.now()
        ahead_h, step = SPANS[hours]
        start, end = now - timedelta(hours=hours), now + timedelta(hours=ahead_h)
        night = self._settings.night
        spans = NightClock(self._settings.site.zone, minute_of_day(night.start), minute_of_day(night.end)).begun(now)
        with database.transaction(CHART_TIMEOUT_S) as cursor:
            return {
                "sensor": sensor,
                "start": start.timestamp(),
                "end": end.timestamp(),
                "now": now.timestamp(),
                "step_s": int(step.total_seconds()),
                "series": queries.series(cursor, sensor, start, end, step),
                "forecast": queries.forecast(cursor, sensor, start - timedelta(hours=1), end, now),
                "spells": queries.spells(cursor, [sensor], start, end),
                "works": planned.works(self._current.calendar.now(), sensor, start, end),
                "night": explain.last_night(cursor, sensor, now.date()),
                "nights": [
                    {
                        "start": int(first.timestamp()),
                        "end": int(last.timestamp()),
                        "windows": queries.night(cursor, sensor, first, last),
                    }
                    for first, last in spans
                ],
            }

    async def _unknown(self, sensor: str) -> Response | None:
        """The answer for a sensor that is not registered: it costs no place among the charts."""
        state = await self._current.state()
        if state["database"]:
            return JSONResponse({"error": state["database"]}, 503, headers={"Retry-After": "5"})
        known = any(entry["sensor"] == sensor for entry in state["sensors"])
        return None if known else JSONResponse({"error": "no such sensor is registered"}, 404)


def _line(problem: Json) -> str:
    """A problem of the state with its code, for people who read /healthz and programs that look for one."""
    return f"{problem['line']} [{problem['code']}]"


def _hours(request: Request) -> int | None:
    text = request.query_params.get("hours", "24")
    return int(text) if text in map(str, SPANS) else None


def _spell(request: Request) -> SpellRequest | None:
    """The line named in a request; None if it is invalid."""
    asked = request.query_params
    sensor, channel, method, start, end = (asked.get(name, "") for name in SpellRequest._fields)
    places = channel in flags.CHANNELS and method in flags.METHODS and SENSOR_ID.fullmatch(sensor)
    if not places or not all(_SECONDS.fullmatch(text) for text in (start, end)) or int(start) > int(end):
        return None
    return SpellRequest(sensor, channel, method, int(start), int(end))


def _bad_request(problem: str) -> Response:
    return JSONResponse({"error": problem}, 400)
