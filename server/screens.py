"""The pages for people: rendered here, readable without a script, and kept alive by `server.live`."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from common.errors import ChartsBusy, DatabaseDown
from common.folder import CRITERIA_FOLDER
from common.logging_setup import quoted
from outliers import criteria
from server import figures, overview, sensor_screen, span_nav, spans
from server.access import changes, forms
from server.access.users import UserRefused, UsersUnusable
from server.current import Current
from server.live import Live, Parts
from server.reader import Reader, reader_of
from server.render import answer, part
from server.sensor_charts import SensorCharts, wanted
from server.spans import SpanAsked
from server.trends import Trends
from server.zone_screen import ZoneParts

NIGHTS_FOR_S = 60.0  # a night is reported once a day
CHOICES_FOR_S = 400 * 86400  # as long as browsers keep a cookie
LONGEST_WAY_BACK = 500

Json = dict[str, Any]
Look = Callable[[Request], Awaitable[Parts]]

_log = logging.getLogger(__name__)


class Screens:
    """The endpoints that answer with HTML."""

    def __init__(self, current: Current, sensor_charts: SensorCharts) -> None:
        self.current = current
        self._sensor_charts = sensor_charts
        self._trends = Trends(current)
        self._zones = ZoneParts(current)
        self._nights: tuple[float, dict[str, Json]] = (-1.0, {})
        self._live = Live()
        self.looks: dict[str, Look] = {
            "overview": self._overview_now,
            "sensor": self._sensor_now,
        }  # live parts by screen

    def reader(self, request: Request) -> Reader:
        site = self.current.settings.site
        return reader_of(request, site.language, site.zone, self.current.clock.now())

    async def index(self, request: Request) -> Response:
        """The overview."""
        reader = self.reader(request)
        state = await self.current.state(reader.words)
        parts = await self._overview(request, reader, state)
        if len(parts["map"]) > overview.LARGE_MAP:
            parts["map"] = Markup()  # the stream brings all parts once more: so it comes once, after the list
        few = len(state["sensors"]) <= overview.WITH_CHARTS and not state["database"]
        wanted = overview.asked(request.query_params)
        query = urlencode({"screen": "overview", "q": wanted.search, "sort": wanted.sort, "page": wanted.page})
        seen = self._sensor_charts.window(SpanAsked(spans.asked(request.query_params).span))
        charts: Json = {
            "charts": state["sensors"] if few else [],
            "chart_query": urlencode(spans.query(seen.asked)),
            "nav": span_nav.nav(seen, {}, reader),
        }
        return self.page(request, "overview.html", reader, state, parts=parts, query=query, **charts)

    async def sensor(self, request: Request) -> Response:
        """One sensor."""
        reader = self.reader(request)
        state = await self.current.state(reader.words)
        entry = sensor_screen.entry(state, request.query_params.get("id", ""))
        if entry is None:
            return self.page(request, "missing.html", reader, state, 404)
        asked = spans.asked(request.query_params)
        seen = self._sensor_charts.window(asked)
        chart_query = spans.query(asked)
        folder = self.current.settings.paths.data / CRITERIA_FOLDER
        learnt = await asyncio.to_thread(criteria.load, folder, entry["sensor"])
        values: Json = {
            "parts": await self._sensor_parts(request, reader, state, entry),
            "sensor": entry,
            "found_here": sensor_screen.found_here(learnt, reader),
            "nav": span_nav.nav(seen, {"id": entry["sensor"]}, reader),
            "chart_query": urlencode(chart_query),
            "query": urlencode({"screen": "sensor", "id": entry["sensor"], **chart_query}),
        }
        return self.page(request, "sensor.html", reader, state, **values)

    async def prefer(self, request: Request) -> Response:
        """Keep the reader's language and units, in cookies and with the user, and go back to where they were chosen.

        A link of another site chooses nothing.
        """
        user, chosen = request.state.user, self.reader(request).choices
        if not forms.is_from_here(request.headers):
            return RedirectResponse(way_back(""), 303)
        if user is not None and user.reads_in != chosen:
            try:
                await asyncio.to_thread(changes.set_reads_in, request.state.access.data, user.name, chosen)
            except (UserRefused, UsersUnusable) as error:
                _log.warning("choice_not_kept problem=%s", quoted(str(error)))  # but in this browser
        back = RedirectResponse(way_back(request.query_params.get("back", "")), 303)
        for name, value in chosen.items():
            back.set_cookie(name, value, max_age=CHOICES_FOR_S, path="", samesite="lax", httponly=True)
        return back

    async def events(self, request: Request) -> Response:
        """The stream that keeps an open page as it is now."""
        look = self.looks.get(request.query_params.get("screen", ""), self._overview_now)
        return await self._live.stream(request, lambda: look(request))

    async def _overview_now(self, request: Request) -> Parts:
        reader = self.reader(request)
        state = await self.current.state(reader.words)
        return Parts(state["now"], state["speed"], await self._overview(request, reader, state))

    async def _sensor_now(self, request: Request) -> Parts:
        reader = self.reader(request)
        state = await self.current.state(reader.words)
        entry = sensor_screen.entry(state, request.query_params.get("id", ""))
        if entry is None:
            return Parts(state["now"], state["speed"], {})
        return Parts(state["now"], state["speed"], await self._sensor_parts(request, reader, state, entry))

    async def _sensor_parts(self, request: Request, reader: Reader, state: Json, entry: Json) -> dict[str, Markup]:
        incidents, nights = await self.current.incidents(reader.words, entry["sensor"]), await self.nights()
        return sensor_screen.parts(entry, incidents, nights, reader) | {
            "zones": await self._zones.part(entry["sensor"], state, nights, reader),
            "figures": await self._figures(request, reader, entry),
        }

    async def _figures(self, request: Request, reader: Reader, entry: Json) -> Markup:
        """The span in words and as a table; an open page's are made anew only when the sensor has something new."""
        kept: tuple[str, Markup] | None = getattr(request.state, "figures", None)
        if kept is not None and kept[0] == entry["version"]:
            return kept[1]
        asked = spans.asked(request.query_params)
        try:
            content = await self._sensor_charts.content(request, wanted(entry, asked, reader.language))
        except (ChartsBusy, DatabaseDown):
            return kept[1] if kept else part("parts/figures.html", reader, figures=None)
        found = figures.figures(content, entry, self._sensor_charts.window(asked), reader)
        shown = part("parts/figures.html", reader, figures=found)
        request.state.figures = (entry["version"], shown)
        return shown

    async def _overview(self, request: Request, reader: Reader, state: Json) -> dict[str, Markup]:
        incidents = await self.current.incidents(reader.words)
        shown = overview.listing(state, await self.nights(), overview.asked(request.query_params), reader)
        trends = await self._trends.of([row["sensor"] for row in shown.on_page.shown])
        return overview.parts(state, incidents, shown, trends, reader)

    async def nights(self) -> dict[str, Json]:
        """The newest night of each sensor."""
        until_s, nights = self._nights
        if time.monotonic() >= until_s:
            site = self.current.settings.site
            local = self.current.clock.now().astimezone(site.zone).date()
            nights = await self.current.ask(lambda database: overview.leakage(database, site.id, local))
            self._nights = (time.monotonic() + NIGHTS_FOR_S, nights)
        return nights

    def page(
        self, request: Request, name: str, reader: Reader, state: Json, status: int = 200, **values: Any
    ) -> Response:
        """A page with what every page of the state shows."""
        here = f"{request.url.path.rpartition('/')[2]}?{request.url.query}".rstrip("?")
        always = {"state": state, "version": state["version"], "here": here}
        return answer(request, name, reader, status, **always, **values)


def way_back(asked: str) -> str:
    """A place of this page, relative; the overview for anything else."""
    place, _, query = asked[:LONGEST_WAY_BACK].partition("?")
    known = place.replace("_", "").isalnum() and place.isascii() and query.isprintable() and query.isascii()
    return (place + (f"?{query}" if query else "")) if known else "."
