"""The page of the box's upkeep: operators confirm its clock, have criteria learnt anew, and have rows sent again."""

import asyncio
import functools
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from common import database, resend_count
from common.audit import Actor
from common.clock import minute_of
from common.folder import CRITERIA_FOLDER, SET_ASIDE_FOLDER
from common.messages import message
from common.refused import NotPossible, Refused, local_time
from common.resend_count import ResendCount
from common.settings import Settings
from outliers import criteria, relearning
from server.access import Role, needs
from server.attempt import DONE, Outcome, actor, attempt, said, typed
from server.paging import page_asked, paged
from server.reader import Reader
from server.resending import Resending, ResendSpan
from server.screens import Screens
from server.state import counters_of
from situation import clock_confirmation
from situation.clock_confirmation import ClockStanding
from situation.judge import DOUBTED

ROWS = 50  # sensors on one page of the list
EVERY_SENSOR = "*"  # no id of a sensor
LOOKED_MIN = 10  # a clock that was looked at longer ago may be another by now
MOST = timedelta(days=7)  # a minute of a thousand sensors each: ten million rows; more by the command
COUNT_S = 20.0
SENDER = "consumer-server"

BEGUN = message("It has begun, and goes on beside. Load this page again to see how it ends.")
SAID = {
    "confirm": message("The clock is confirmed. Readings that have waited are taken within a second."),
    "go-on": message("The clock is confirmed, and the rows of later times are set aside."),
    "learn": message("It is asked for. The night process learns beside its other work."),
    "resend": BEGUN,
    "resend-refused": BEGUN,
}
STALE = message("It is a while since you looked at the clock. See what it is now.")
KEPT = message(
    "The clock is confirmed. The database does not answer and keeps its rows of later times: "
    "confirm once more when it does."
)
NOT_BEFORE = message("The end must be later than the beginning.")
TOO_LONG = message("At most {days} days at once. For more, type at the box: {command}")

Json = dict[str, Any]


class UpkeepPages:
    """The endpoints."""

    def __init__(self, screens: Screens, resending: Resending) -> None:
        self._screens = screens
        self._current = screens.current
        self._settings = screens.current.settings
        self._resending = resending
        self._one_at_a_time = asyncio.Lock()  # each asks the database on a connection of its own

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/upkeep", self.shown, methods=["GET"]),
            Route("/upkeep", self.act, methods=["POST"]),
        ]

    @needs(Role.OPERATOR)
    async def shown(self, request: Request) -> Response:
        """How it is, and what can be done; with a span, what would be sent again."""
        asked = request.query_params
        form = {name: asked.get(name, "")[:40] for name in ("first", "end")}
        counted: list[ResendCount] = []
        done = DONE
        if form["first"] or form["end"]:
            work = functools.partial(self._count, form, self._screens.reader(request), counted)
            done = await self._do(request, work)
        return await self._page(request, form, done, counted=counted[0] if counted else None)

    @needs(Role.OPERATOR)
    async def act(self, request: Request) -> Response:
        """What somebody asks for."""
        reader, do = self._screens.reader(request), request.state.form.get("do", "")
        form = typed(request, "first", "end", "sensor", "seen")
        state = await self._current.state(reader.words)
        work = self._work(do, actor(request), form, [each["sensor"] for each in state["sensors"]], reader)
        done = await self._do(request, work) if work else DONE
        if done is not DONE:
            return await self._page(request, form, done)
        return RedirectResponse(f"upkeep?done={do}" if work else "upkeep", 303)

    def _work(
        self, do: str, by: Actor, form: Mapping[str, str], sensors: list[str], reader: Reader
    ) -> Callable[[], object] | None:
        wanted = sensors if form["sensor"] == EVERY_SENSOR else [name for name in sensors if name == form["sensor"]]
        works: dict[str, Callable[[], object]] = {
            "confirm": lambda: self._confirm(by, form["seen"], go_on=False),
            "go-on": lambda: self._confirm(by, form["seen"], go_on=True),
            "learn": lambda: relearning.ask(self._settings.paths.data, by, wanted, reader.now),
            "resend": lambda: self._resending.start(by, self._span(form, reader)),
            "resend-refused": lambda: self._resending.start(by, None),
        }
        return works.get(do)

    async def _do(self, request: Request, work: Callable[[], object]) -> Outcome:
        async with self._one_at_a_time:
            return await attempt(work, self._screens.reader(request))

    def _confirm(self, by: Actor, seen: str, *, go_on: bool) -> None:
        """`seen`: the minute that the page showed."""
        now = self._current.clock.now()
        if not seen.isascii() or not seen.isdigit() or abs(minute_of(now) - int(seen)) > LOOKED_MIN:
            raise NotPossible(STALE)
        found = clock_confirmation.standing(self._settings, now)
        if clock_confirmation.confirm(self._settings, by, found, go_on=go_on).down:
            raise NotPossible(KEPT)

    def _span(self, form: Mapping[str, str], reader: Reader) -> ResendSpan:
        first, end = (local_time(form[name], name).replace(tzinfo=reader.zone) for name in ("first", "end"))
        if end <= first:
            raise Refused(NOT_BEFORE, "end")
        if end - first > MOST:
            raise Refused(TOO_LONG, "end", days=MOST.days, command="hydrolog resend")
        return ResendSpan(first, end)

    def _count(self, form: Mapping[str, str], reader: Reader, counted: list[ResendCount]) -> None:
        span = self._span(form, reader)
        with database.changing(self._settings, "page", COUNT_S) as cursor:
            counted.append(resend_count.count(cursor, self._current.settings, *span))

    async def _page(
        self, request: Request, form: Mapping[str, str], done: Outcome = DONE, *, counted: ResendCount | None = None
    ) -> Response:
        reader = self._screens.reader(request)
        state = await self._current.state(reader.words)
        on_page = paged(state["sensors"], page_asked(request.query_params), ROWS)
        return self._screens.page(
            request,
            "upkeep.html",
            reader,
            state,
            done.status,
            clock=await asyncio.to_thread(_clock, self._settings, state, reader.now),
            minute=minute_of(reader.now),
            set_aside=SET_ASIDE_FOLDER,
            on_page=on_page,
            learning=await asyncio.to_thread(_learning, self._settings, [each["sensor"] for each in on_page.shown]),
            names={each["sensor"]: each["name"] for each in on_page.shown},
            every_sensor=EVERY_SENSOR,
            sends=bool(self._settings.server.url),
            kept=counters_of(state, SENDER).get("rejected_kept") or 0,
            counted=counted,
            resent=await asyncio.to_thread(self._resending.last),
            under_way=self._resending.under_way,
            days=MOST.days,
            said=said(request, reader, SAID),
            wrong=done.wrong,
            typed=form,
        )


def _clock(settings: Settings, state: Json, now: datetime) -> ClockStanding | None:
    """How the clock stands, if it is doubted or there are rows of the future; None if all is well."""
    if counters_of(state, "producer").get("clock") in DOUBTED or state["future"]:
        return clock_confirmation.standing(settings, now)
    return None


def _learning(settings: Settings, sensors: list[str]) -> Json:
    """The open wish, and of each sensor its criteria and the last run."""
    data = settings.paths.data
    runs = relearning.progress(data).runs
    each = [(sensor, criteria.load(data / CRITERIA_FOLDER, sensor), runs.get(sensor)) for sensor in sensors]
    return {"wish": relearning.open_wish(data), "sensors": each}
