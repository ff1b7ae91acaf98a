"""The page's endpoints: its files, its data as JSON, and the same state for monitoring."""

import asyncio
import gzip
import hashlib
import re
import time
from datetime import timedelta
from importlib import resources
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from common.clock import Clock, minute_of
from common.database import Database
from common.night import NightClock, minute_of_day
from common.row import SENSOR_ID
from common.settings import Settings
from common.version import NAME
from incidents import reading
from outliers import flags
from outliers.calendar import CalendarFile
from server import explain, facts, incident_list, metrics, planned, queries
from server.charts import Charts
from server.db_thread import DatabaseThread
from server.door import NOTHING_HERE
from server.explain import SpellRequest
from server.languages import language_of
from server.state import in_language, read

STATE_FOR_S = 1.0  # real seconds that one reading of the state is shared by all requests
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

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class _File(NamedTuple):
    media_type: str
    body: bytes
    gzipped: bytes
    etag: str


class Page:
    """The endpoints of the page, all read-only."""

    def __init__(self, charts: DatabaseThread, state: DatabaseThread, settings: Settings, clock: Clock) -> None:
        self._charts = Charts(charts)
        self._desk = state
        self._settings = settings
        self._clock = clock
        self._calendar = CalendarFile(settings.paths.data, settings.site.zone)
        self._files = _load_files()
        self._state: Json = {}
        self._state_until_s = -1.0
        self._metrics_of: Json | None = None  # the state that the metrics are of
        self._metrics = ""
        self._incidents: dict[str, tuple[float, Json]] = {}  # language -> until when it is given, and what
        self._one_at_a_time = asyncio.Lock()

    async def index(self, request: Request) -> Response:
        return self._file(request, "index.html")

    async def static(self, request: Request) -> Response:
        return self._file(request, request.path_params["name"])

    async def state(self, request: Request) -> Response:
        state = await self._read_state()
        language = request.query_params.get("language", "")
        return JSONResponse(in_language(state, language) if language else state)

    async def healthz(self, _request: Request) -> Response:
        state = await self._read_state()
        found = state["verdict"]
        lines = [f"verdict: {found['kind']}", *(_line(problem) for problem in found["problems"])]
        lines += [f"shelved: {_line(problem)}" for problem in found["shelved"]]
        lines = [*([] if found["act"] else ["ok"]), *lines, f"{NAME} {state['version']}"]
        return PlainTextResponse("".join(f"{line}\n" for line in lines), 503 if found["act"] else 200)

    async def metrics(self, _request: Request) -> Response:
        state = await self._read_state()
        if self._metrics_of is not state:
            found = await self._desk.ask(lambda database: facts.read(database, self._settings, self._clock))
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
        site = self._settings.site
        language = language_of(request.query_params, request.headers, site.language)
        names = {entry["sensor"]: entry["name"] for entry in (await self._read_state())["sensors"]}
        minute = minute_of(self._clock.now())

        def look() -> Json:
            known = reading.load(self._settings.paths.data, minute)
            return incident_list.shown(known, names, language, site.zone, minute)

        async with self._one_at_a_time:
            until_s, answer = self._incidents.get(language, (-1.0, {}))
            if time.monotonic() >= until_s:
                answer = await asyncio.to_thread(look)
                self._incidents[language] = (time.monotonic() + STATE_FOR_S, answer)
        return JSONResponse(answer, headers={"Vary": "Accept-Language"})

    async def finding(self, request: Request) -> Response:
        """The data that explains one sign of an incident."""
        spell = _spell(request)
        if spell is None:
            return _bad_request("sensor, channel, method, start and end must be those of a chart of an incident")
        if refused := await self._unknown(spell.sensor):
            return refused
        settings = self._settings

        def ask(database: Database) -> Json:
            site = explain.AskedAt(settings.paths.data, settings.site.zone, self._calendar.now(), self._clock.now())
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
                "works": planned.works(self._calendar.now(), sensor, start, end),
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
        state = await self._read_state()
        if state["database"]:
            return JSONResponse({"error": state["database"]}, 503, headers={"Retry-After": "5"})
        known = any(entry["sensor"] == sensor for entry in state["sensors"])
        return None if known else JSONResponse({"error": "no such sensor is registered"}, 404)

    async def _read_state(self) -> Json:
        async with self._one_at_a_time:
            if time.monotonic() >= self._state_until_s:
                self._state = await self._desk.ask(self._read)
                self._state_until_s = time.monotonic() + STATE_FOR_S
            return self._state

    def _read(self, database: Database) -> Json:
        calendar = planned.calendar(self._calendar.now(), self._clock.now())
        return read(database, self._settings, self._clock) | {"calendar": calendar}

    def _file(self, request: Request, name: str) -> Response:
        file = self._files.get(name)
        if file is None:
            return PlainTextResponse(NOTHING_HERE, 404)
        headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.gzipped, media_type=file.media_type, headers=headers | {"Content-Encoding": "gzip"})
        return Response(file.body, media_type=file.media_type, headers=headers)


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


def _load_files() -> dict[str, _File]:
    """The files of the page by name."""
    files = {}
    for entry in resources.files("server").joinpath("page").iterdir():
        body = entry.read_bytes()
        media_type = _TYPES.get(entry.name.rpartition(".")[2], "application/octet-stream")
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        files[entry.name] = _File(media_type, body, gzip.compress(body, 6, mtime=0), etag)
    return files
