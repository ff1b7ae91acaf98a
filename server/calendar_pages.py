"""The page of planned work and holidays: everybody reads it, operators change it."""

import functools
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from common.audit import Actor
from common.clock import minute_of
from common.folder import CRITERIA_FOLDER
from common.messages import message
from common.messages import words as words_of
from outliers import calendar, planning
from outliers.calendar import ALL, COUNTRY_HOLIDAYS, HOLIDAYS, Work
from outliers.calendar_lines import LONGEST_WHAT
from outliers.planning import TypedSchool, TypedWork
from server.access import Role, may, needs
from server.attempt import DONE, Outcome, actor, attempt, said, typed
from server.paging import page_asked, paged
from server.reader import Reader
from server.screens import Screens
from server.state import labels_of

ROWS = 50  # works on one page of the list
YEAR = timedelta(days=365)
KINDS = {
    "flushing": message("flushing"),
    "repair": message("repair"),
    "tank": message("tank cleaning"),
    "valve": message("valve or pump test"),
    "hydrant": message("hydrant, fire drill"),
    "meter": message("work on the meter"),
}
OTHER = "other"  # the note alone says what it is
SAID = {
    "plan": message("It is planned. Nobody is alarmed meanwhile."),
    "end": message("It is over from now on."),
    "remove": message("It is removed."),
    "holiday": message("The holiday is added."),
    "workday": message("The holiday is removed."),
    "school": message("The school holiday is added."),
    "lessons": message("The school holiday is removed."),
}
_OF_SCHOOL = ("school_first", "school_last", "school_name")
FIELDS = ("sensor", "first", "end", "kind", "note", "day", "name", "entry", *_OF_SCHOOL)

Json = dict[str, Any]
Typed = Mapping[str, str]


class CalendarPages:
    """The endpoints."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens
        self._current = screens.current

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/calendar", self.shown, methods=["GET"]),
            Route("/calendar", self.change, methods=["POST"]),
        ]

    async def shown(self, request: Request) -> Response:
        """What is planned, and the form for more."""
        reader, asked = self._screens.reader(request), request.query_params
        form = dict.fromkeys(FIELDS, "") | {"sensor": asked.get("sensor", ""), "first": reader.local_now}
        return await self._page(request, reader, form)

    @needs(Role.OPERATOR)
    async def change(self, request: Request) -> Response:
        """What somebody changes."""
        reader, form, do = self._screens.reader(request), typed(request, *FIELDS), request.state.form.get("do", "")
        work = self._work(do, actor(request), form, reader)
        done = await attempt(work, reader) if work else DONE
        if done is not DONE:
            return await self._page(request, reader, form, done)
        return RedirectResponse(f"calendar?done={do}" if work else "calendar", 303)

    def _work(self, do: str, by: Actor, form: Typed, reader: Reader) -> Callable[[], None] | None:
        data, zone = self._current.settings.paths.data, reader.zone
        school = TypedSchool(*(form[name] for name in _OF_SCHOOL))
        planned = TypedWork(form["sensor"], form["first"], form["end"], self._what(form))
        works = {
            "plan": functools.partial(planning.plan, data, zone, by, planned),
            "end": functools.partial(planning.end_now, data, zone, by, form["entry"], reader.now),
            "remove": functools.partial(planning.remove, data, zone, by, form["entry"]),
            "holiday": functools.partial(planning.add_holiday, data, by, form["day"], form["name"]),
            "workday": functools.partial(planning.remove_holiday, data, by, form["entry"]),
            "school": functools.partial(planning.add_school, data, by, school),
            "lessons": functools.partial(planning.remove_school, data, by, form["entry"]),
        }
        return works.get(do)

    def _what(self, form: Typed) -> str:
        """The description: the kind in the site's language, as if somebody had written it in the file, and the note."""
        kind = KINDS.get(form["kind"], "")
        words = words_of(self._current.settings.site.language)
        return ", ".join(filter(None, (words.say(kind) if kind else "", form["note"].strip())))

    async def _page(self, request: Request, reader: Reader, form: Typed, done: Outcome = DONE) -> Response:
        state = await self._current.state(reader.words)
        known = self._current.calendar.now()
        minute = minute_of(reader.now)
        works = sorted(known.works, key=lambda work: (work.end <= minute, abs(work.first - minute)))
        words = reader.words
        return self._screens.page(
            request,
            "calendar.html",
            reader,
            state,
            done.status,
            on_page=paged([_shown(work, minute) for work in works], page_asked(request.query_params), ROWS),
            holidays=self._holidays(reader),
            school=[{"first": f"{each.first}", "last": f"{each.last}", "name": each.name} for each in known.school],
            problems=known.problems,
            country=self._current.settings.site.country,
            places={ALL: words.say("all sensors"), **labels_of(state)},
            kinds=[*((kind, words.say(english)) for kind, english in KINDS.items()), (OTHER, words.say("other"))],
            acts=may(request, Role.OPERATOR),
            said=said(request, reader, SAID),
            wrong=done.wrong,
            typed=form,
            most=LONGEST_WHAT,
        )

    def _holidays(self, reader: Reader) -> list[Json]:
        """People's own, and those of the country in the next year."""
        folder, today = self._current.settings.paths.data / CRITERIA_FOLDER, reader.now.astimezone(reader.zone).date()
        own, _ = calendar.named_holidays(folder / HOLIDAYS)
        country, _ = calendar.named_holidays(folder / COUNTRY_HOLIDAYS)
        near = {day: name for day, name in country.items() if today <= day < today + YEAR}
        return [{"day": day.isoformat(), "name": (near | own)[day], "own": day in own} for day in sorted({*near, *own})]


def _shown(work: Work, minute: int) -> Json:
    stage = "over" if work.end <= minute else "now" if work.first <= minute else "to come"
    place = {"sensor": work.sensor, "first": work.first * 60, "end": work.end * 60}
    return place | {"key": planning.key(work), "what": work.what, "stage": stage}
