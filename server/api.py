"""The data of the page as JSON, and the same state for monitoring."""

import re
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from common.database import Database
from common.errors import ChartsBusy, DatabaseDown
from common.messages import words
from common.point import Point
from common.row import SENSOR_ID
from common.version import NAME
from outliers import flags
from server import explain, facts, metrics, sensor_screen, span_file, spans
from server.charts import Charts, unanswered
from server.current import Current
from server.explain import SpellRequest
from server.languages import language_of
from server.sensor_charts import ChartAsked, SensorCharts, wanted

CHART_TIMEOUT_S = 15.0
SHOWN_NIGHTS = 60
_SECONDS = re.compile(r"\d{1,10}", re.ASCII)  # until the year 2286

Json = dict[str, Any]


class Api:
    """The endpoints for programs, all read-only."""

    def __init__(self, charts: Charts, sensor_charts: SensorCharts, current: Current) -> None:
        self._charts = charts
        self._sensor_charts = sensor_charts
        self._current = current
        self._settings = current.settings
        self._clock = current.clock
        self._metrics_of: Json | None = None  # the state that the metrics are of
        self._metrics = ""

    async def state(self, request: Request) -> Response:
        language = request.query_params.get("language", "")
        return JSONResponse(await self._current.state(words(language) if language else None))

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
        """One sensor's charts in a span of time: measured, forecast, flags, incidents, and two nights."""
        found = await self._wanted(request)
        return found if isinstance(found, Response) else await self._sensor_charts.answer(request, found)

    async def sensor_file(self, request: Request) -> Response:
        """The same span's values as CSV."""
        found = await self._wanted(request)
        if isinstance(found, Response):
            return found
        try:
            content = await self._sensor_charts.content(request, found)
        except (ChartsBusy, DatabaseDown) as problem:
            return unanswered(problem)
        zone = self._settings.site.zone
        name = span_file.file_name(found.sensor, content, zone, found.asked.span)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(span_file.text(content, zone), media_type="text/csv", headers=headers)

    async def _wanted(self, request: Request) -> ChartAsked | Response:
        """The question about a sensor and a span, or the answer to one that is not understood."""
        query = request.query_params
        asked = spans.asked(query)
        understood = query.get("span", asked.span) == asked.span and query.get("at", "") == asked.at
        understood = understood and (asked.part is not None) == bool(query.keys() & {"from", "until"})
        sensor = query.get("sensor", "")
        if not understood or not SENSOR_ID.fullmatch(sensor):
            return _bad_request(
                f"sensor must be a sensor id, span one of {', '.join(spans.SHAPES)}, at a date or time, from and until "
                "times with an offset, ten minutes to 366 days apart"
            )
        if isinstance(entry := await self._registered(sensor), Response):
            return entry
        language = language_of(query, request.headers, self._settings.site.language)
        return wanted(entry, asked, language)

    async def incidents(self, request: Request) -> Response:
        """The incidents that are up and the newest of the others, in the reader's language."""
        language = language_of(request.query_params, request.headers, self._settings.site.language)
        return JSONResponse(await self._current.incidents(words(language)), headers={"Vary": "Accept-Language"})

    async def finding(self, request: Request) -> Response:
        """The data that explains one sign of an incident."""
        spell = _spell(request)
        if spell is None:
            return _bad_request("sensor, channel, method, start and end must be those of a chart of an incident")
        if isinstance(refused := await self._registered(spell.sensor), Response):
            return refused
        settings = self._settings

        def ask(database: Database) -> Json:
            known, now = self._current.calendar.now(), self._clock.now()
            site = explain.AskedAt(settings.site.id, settings.paths.data, settings.site.zone, known, now)
            with database.transaction(CHART_TIMEOUT_S) as cursor:
                return explain.explain(cursor, spell, site)

        return await self._charts.answer(request, spell, ask)

    async def nights(self, request: Request) -> Response:
        """A sensor's nights, oldest first."""
        sensor = request.query_params.get("sensor", "")
        if not SENSOR_ID.fullmatch(sensor):
            return _bad_request("sensor must be a sensor id")
        if isinstance(refused := await self._registered(sensor), Response):
            return refused
        point = Point(self._settings.site.id, sensor)
        tomorrow = self._clock.now().astimezone(self._settings.site.zone).date() + timedelta(days=1)

        def ask(database: Database) -> Json:
            with database.transaction(CHART_TIMEOUT_S) as cursor:
                nights = explain.nights(cursor, point, tomorrow, SHOWN_NIGHTS)
                return {"sensor": sensor, "nights": nights}

        return await self._charts.answer(request, ("nights", sensor), ask)

    async def _registered(self, sensor: str) -> Json | Response:
        """A sensor in the state, or the answer for one that is not registered: it costs no place among the charts."""
        state = await self._current.state()
        if state["database"]:
            return JSONResponse({"error": state["database"]}, 503, headers={"Retry-After": "5"})
        found = sensor_screen.entry(state, sensor)
        return JSONResponse({"error": "no such sensor is registered"}, 404) if found is None else found


def _line(problem: Json) -> str:
    """A problem of the state with its code, for people who read /healthz and programs that look for one."""
    return f"{problem['line']} [{problem['code']}]"


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
