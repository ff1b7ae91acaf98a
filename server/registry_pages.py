"""The pages of registered sensors: operators see what is known of each, admins register, change and remove."""

import asyncio
import functools
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import psycopg
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from common import database, registry
from common.database import Database, statement
from common.errors import DatabaseDown, NoSuchSensor
from common.messages import message
from common.point import Point
from common.refused import local_time
from common.registry import COLUMNS, FIGURES, LABELS, LIMITS, MOST_NAME, NIGHT, PLACE
from server.access import Role, answers, may, needs
from server.attempt import DONE, Outcome, actor, attempt, said, typed
from server.paging import fits, page_asked, paged, searched
from server.reader import Reader
from server.screens import Screens

ROWS = 50  # sensors on one page of the list
TIMEOUT_S = 10.0

NO_ANSWER = message("The database does not answer. Try again later.")
GROUPS = {"limits": LIMITS, "night": NIGHT, "place": PLACE}
SAID = {
    "register": message("The sensor is registered, with all its rows that were kept."),
    "change": message("It is stored."),
    "replaced": message("It is stored. Nights are compared from then on, and limits are learnt anew."),
    "remove": message("The sensor is removed. Its rows stay."),
}

Json = dict[str, Any]
Work = Callable[[psycopg.Cursor[Any]], object]


class RegistryPages:
    """The endpoints."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens
        self._current = screens.current
        self._one_at_a_time = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/sensors", self.listed, methods=["GET"]),
            Route("/sensors", self.register, methods=["POST"]),
            Route("/sensor_values", self.values, methods=["GET"]),
            Route("/sensor_values", self.change, methods=["POST"]),
        ]

    @needs(Role.OPERATOR)
    async def listed(self, request: Request) -> Response:
        """All sensors, and those that send rows without being registered."""
        return await self._list(request, {"sensor": request.query_params.get("sensor", ""), "name": ""})

    @needs(Role.ADMIN)
    async def register(self, request: Request) -> Response:
        """Register a sensor."""
        form, by = typed(request, "sensor", "name"), actor(request)
        sensor = form["sensor"].strip()
        named = {"name": form["name"]} if form["name"].strip() else {}
        point, data = self._point(sensor), self._current.settings.paths.data
        done = await self._do(request, lambda cursor: registry.register_new(cursor, data, by, point, named))
        if done is not DONE:
            return await self._list(request, form, done)
        return RedirectResponse(f"sensor_values?id={quote(sensor)}&done=register", 303)

    @needs(Role.OPERATOR)
    async def values(self, request: Request) -> Response:
        """What is known of one sensor."""
        return await self._one(request, request.query_params.get("id", ""))

    @needs(Role.ADMIN)
    async def change(self, request: Request) -> Response:
        """What an admin changes of one sensor."""
        form, do = request.state.form, request.state.form.get("do", "")
        sensor, fields = form.get("id", ""), typed(request, *COLUMNS, "since")
        work = self._work(do, request, sensor, fields)
        done = await self._do(request, work) if work else DONE
        if done is not DONE:
            return await self._one(request, sensor, fields if do == "change" else {"since": fields["since"]}, done)
        if do == "remove":
            return RedirectResponse("sensors?done=remove", 303)
        return RedirectResponse(f"sensor_values?id={quote(sensor)}&done={do}", 303)

    def _work(self, do: str, request: Request, sensor: str, fields: Mapping[str, str]) -> Work | None:
        reader, data, by = self._screens.reader(request), self._current.settings.paths.data, actor(request)
        known, seen = {column: fields[column] for column in COLUMNS}, request.state.form.get("seen", "")
        point = self._point(sensor)

        def replaced(cursor: psycopg.Cursor[Any]) -> None:
            since = local_time(fields["since"], "since").replace(tzinfo=reader.zone)
            registry.replaced(cursor, data, by, point, since, at=reader.now)

        works: dict[str, Work] = {
            "change": lambda cursor: registry.change(
                cursor, data, by, point, known, at=reader.now, seen=seen, units=reader.units
            ),
            "replaced": replaced,
            "remove": lambda cursor: registry.remove(cursor, data, by, point),
        }
        return works.get(do)

    def _point(self, sensor: str) -> Point:
        return Point(self._current.settings.site.id, sensor)

    async def _do(self, request: Request, work: Work) -> Outcome:
        """One change at a time, each as the owner of the tables, on a connection that is closed after it."""

        def whole() -> None:
            with database.changing(self._current.settings, "page", registry.MOVE_TIMEOUT_S) as cursor:
                work(cursor)

        async with self._one_at_a_time:
            return await attempt(whole, self._screens.reader(request))

    async def _list(self, request: Request, form: Mapping[str, str], done: Outcome = DONE) -> Response:
        reader = self._screens.reader(request)
        state = await self._current.state(reader.words)
        try:
            rows = await self._current.ask(functools.partial(_listed, self._current.settings.site.id))
        except DatabaseDown:
            return answers.refused(request, 503, NO_ANSWER)
        search, registered = searched(request.query_params), [row for row in rows if row["registered"]]
        found = [row for row in registered if fits(search, row["sensor"], row["name"])]
        return self._screens.page(
            request,
            "sensors.html",
            reader,
            state,
            done.status,
            on_page=paged(found, page_asked(request.query_params), ROWS),
            search=search,
            found=len(found),
            all=len(registered),
            unregistered=[row for row in rows if not row["registered"]],
            acts=may(request, Role.ADMIN),
            said=said(request, reader, SAID),
            wrong=done.wrong,
            typed=form,
            most=MOST_NAME,
        )

    async def _one(self, request: Request, sensor: str, form: Mapping[str, str] = {}, done: Outcome = DONE) -> Response:
        reader = self._screens.reader(request)
        state = await self._current.state(reader.words)
        try:
            row = await self._current.ask(functools.partial(_known, self._point(sensor)))
        except DatabaseDown:
            return answers.refused(request, 503, NO_ANSWER)
        except NoSuchSensor:
            return self._screens.page(request, "missing.html", reader, state, 404)
        now = {column: registry.shown(column, value, reader.units) for column, value in row.items()}
        return self._screens.page(
            request,
            "sensor_values.html",
            reader,
            state,
            done.status,
            sensor=sensor,
            now=now,
            seen=registry.version(row),
            fields=[_field(column, label, reader) for column, label in LABELS.items()],
            acts=may(request, Role.ADMIN),
            said=said(request, reader, SAID),
            wrong=done.wrong,
            typed=now | {"since": reader.local_now} | {**form},
            most=MOST_NAME,
        )


def _field(column: str, label: str, reader: Reader) -> Json:
    figure = FIGURES.get(column)
    group = next((name for name, columns in GROUPS.items() if column in columns), "")
    unit = figure.shown_in(reader.units).name if figure else ""
    return {"column": column, "label": reader.words.say(label), "unit": unit, "group": group}


def _listed(site: str, database_: Database) -> list[Json]:
    with database_.transaction(TIMEOUT_S) as cursor:
        keys = ("sensor", "name", "flow_max", "pressure_max", *PLACE, "newest", "registered")
        rows = cursor.execute(statement("sensor_list"), {"site": site})
        return [dict(zip(keys, row, strict=True)) for row in rows]


def _known(point: Point, database_: Database) -> registry.Row:
    with database_.transaction(TIMEOUT_S) as cursor:
        return registry.known(cursor, point)
