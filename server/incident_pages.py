"""The pages of incidents, and what people do there."""

from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from common import audit
from common.clock import minute_of
from common.messages import message
from incidents import acting
from incidents.acting import Wish
from incidents.acts import MOST_TEXT, Cause, Do
from incidents.incident import KINDS
from incidents.reading import Known
from incidents.sentences import CAUSES, unreadable
from incidents.sentences import KINDS as KIND_WORDS
from server import incident_archive, incident_list, incident_screen
from server.access import Role, may, needs
from server.attempt import DONE, Outcome, attempt
from server.incident_archive import MOST_LISTED
from server.live import Parts
from server.reader import Reader
from server.screens import Screens
from server.state import labels_of, names_of

SHELVES = {"hour": message("1 hour"), "tomorrow": message("until tomorrow 08:00"), "date": message("until:")}

Json = dict[str, Any]


class Typed(NamedTuple):
    """What stands in the form."""

    text: str = ""
    shelf: str = "hour"
    until: str = ""
    cause: str = ""


EMPTY = Typed()


class IncidentPages:
    """The endpoints."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens
        self._current = screens.current
        screens.looks["incident"] = self.now

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/incidents", self.listed),
            Route("/incident", self.incident, methods=["GET"]),
            Route("/incident", self.act, methods=["POST"]),
        ]

    async def listed(self, request: Request) -> Response:
        """Incidents of any age, by month, sensor and kind."""
        reader, settings = self._screens.reader(request), self._current.settings
        state = await self._current.state(reader.words)
        wanted, minute = incident_archive.sought(request.query_params), minute_of(reader.now)
        found = await self._current.ask(lambda database: incident_archive.listed(database, settings, wanted, minute))
        names = names_of(state)
        incidents = [
            incident_list.one(each, names.get(each.incident.sensor, ""), reader.words, reader.zone, minute)
            for each in found.known.shown
        ]
        query = {name: value for name, value in wanted._asdict().items() if value and name != "page"}
        return self._screens.page(
            request,
            "incidents.html",
            reader,
            state,
            incidents=incidents,
            found=found,
            problem=unreadable(found.problem, reader.words),
            wanted=wanted,
            sensors=[
                (sensor, label)
                for sensor, label in ({wanted.sensor: wanted.sensor} | labels_of(state)).items()
                if sensor
            ],
            kinds=[(kind, reader.words.say(KIND_WORDS[kind])) for kind in KINDS],
            query=urlencode(query),
            most=MOST_LISTED,
        )

    async def incident(self, request: Request) -> Response:
        """One incident."""
        done = request.query_params.get("done", "")
        said = incident_screen.DONE[Do(done)] if done in [*Do] else ""
        return await self._answer(request, request.query_params.get("id", ""), said=said)

    @needs(Role.OPERATOR)
    async def act(self, request: Request) -> Response:
        """What somebody does about an incident."""
        form, reader = request.state.form, self._screens.reader(request)
        typed = Typed(*(form.get(name, "") for name in Typed._fields))
        name, do = form.get("id", ""), form.get("do", "")
        known = await self._find(name, reader)
        if known is None or do not in [*Do]:
            return await self._answer(request, name)
        wish = _wish(Do(do), request, typed, reader)

        def first() -> None:
            values = {"incident": known.incident.id, "cause": wish.cause, "text": wish.text}
            audit.record(
                self._current.settings.paths.data,
                wish.by,
                request.state.address,
                f"incident-{do}",
                **{key: value for key, value in values.items() if value},
            )

        def work() -> None:
            data, earlier = self._current.settings.paths.data, known.life.acts
            acting.act(data, known.incident, earlier, wish, reader.now, first=first)

        done = await attempt(work, reader)
        if done is not DONE:
            return await self._answer(request, name, done, typed=typed)
        return RedirectResponse(f"incident?id={quote(known.incident.id)}&done={do}", 303)

    async def now(self, request: Request) -> Parts:
        """The live parts of an incident's page."""
        reader = self._screens.reader(request)
        state = await self._current.state(reader.words)
        known = await self._find(request.query_params.get("id", ""), reader)
        if known is None:
            return Parts(state["now"], state["speed"], {})
        incident = incident_screen.shown(known, names_of(state), reader)
        acts = may(request, Role.OPERATOR)
        return Parts(state["now"], state["speed"], incident_screen.parts(incident, reader, acts=acts))

    async def _answer(
        self,
        request: Request,
        name: str,
        done: Outcome = DONE,
        *,
        said: str = "",
        typed: Typed = EMPTY,
    ) -> Response:
        reader = self._screens.reader(request)
        state = await self._current.state(reader.words)
        known = await self._find(name, reader)
        if known is None:
            return self._screens.page(request, "missing.html", reader, state, 404)
        incident, acts = incident_screen.shown(known, names_of(state), reader), may(request, Role.OPERATOR)
        return self._screens.page(
            request,
            "incident.html",
            reader,
            state,
            done.status,
            incident=incident,
            parts=incident_screen.parts(incident, reader, acts=acts),
            acts=acts,
            said=reader.words.say(said) if said else "",
            wrong=done.wrong,
            typed=typed,
            most=MOST_TEXT,
            shelves=[(key, reader.words.say(words)) for key, words in SHELVES.items()],
            causes=[(str(cause), reader.words.say(words)) for cause, words in CAUSES.items()],
            query=urlencode({"screen": "incident", "id": name}),
        )

    async def _find(self, name: str, reader: Reader) -> Known | None:
        settings, minute = self._current.settings, minute_of(reader.now)
        found: Known | None = await self._current.ask(
            lambda database: incident_archive.find(database, settings, name, minute)
        )
        return found


def _wish(do: Do, request: Request, typed: Typed, reader: Reader) -> Wish:
    until = incident_screen.shelf(typed.shelf, typed.until, reader) if do is Do.SHELVE else None
    cause = Cause(typed.cause) if do is Do.CLOSE and typed.cause in [*Cause] else None
    return Wish(do, request.state.user.name, typed.text, until, cause, request.state.form.get("seen", ""))
