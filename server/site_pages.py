"""The pages of a center: all sites that deliver here, and what is known of one of them."""

import functools
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from common.clock import FUTURE_S
from common.database import Database, statement
from common.errors import DatabaseDown
from common.messages import message
from common.verdict import STATES
from outliers import flags
from server import delivering
from server.access import Role, answers, needs
from server.paging import fits, page_asked, paged, searched
from server.registry_pages import NO_ANSWER
from server.screens import Screens
from situation.sites import Hearing

ROWS = 50  # sites on one page
MOST_SENSORS = 5000  # of a site on its page
TIMEOUT_S = 10.0
WORDS = {
    Hearing.SILENT: message("silent"),
    Hearing.UNKNOWN: message("not known: the topic is read late"),
    Hearing.HEARD: message("heard"),
    Hearing.GONE: message("silent for more than a week"),
}
SHAPES = {Hearing.SILENT: "silent", Hearing.UNKNOWN: "watch", Hearing.HEARD: "good", Hearing.GONE: "silent"}

Json = dict[str, Any]


class SitePages:
    """The endpoints."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens
        self._current = screens.current

    def routes(self) -> list[Route]:
        """Where they are."""
        return [Route("/sites", self.listed), Route("/site", self.one)]

    @needs(Role.VIEWER)
    async def listed(self, request: Request) -> Response:
        """All sites, the silent ones first."""
        reader = self._screens.reader(request)
        try:
            known = await self._current.ask(
                functools.partial(delivering.read, now=self._current.clock.now(), limit=self._limit)
            )
        except DatabaseDown:
            return answers.refused(request, 503, NO_ANSWER)
        search = searched(request.query_params)
        found = [(site, state) for site, state in known if fits(search, site.site)]
        return self._screens.page(
            request,
            "sites.html",
            reader,
            await self._current.state(reader.words),
            on_page=paged(found, page_asked(request.query_params), ROWS),
            search=search,
            found=len(found),
            all=len(known),
            known=sum(state is not Hearing.GONE for _, state in known),
            silent=sum(state is Hearing.SILENT for _, state in known),
            words={heard: reader.words.say(said) for heard, said in WORDS.items()},
            shapes=SHAPES,
            states=STATES,
        )

    @needs(Role.VIEWER)
    async def one(self, request: Request) -> Response:
        """What is known of one site."""
        reader, name = self._screens.reader(request), request.query_params.get("id", "")
        state = await self._current.state(reader.words)
        try:
            read = functools.partial(delivering.read, now=reader.now, limit=self._limit, only=name)
            found = await self._current.ask(read) if "\0" not in name else []  # no text of Postgres has one
            if not found:
                return self._screens.page(request, "missing.html", reader, state, 404)
            rows = await self._current.ask(functools.partial(_newest, name, reader.now + timedelta(seconds=FUTURE_S)))
        except DatabaseDown:
            return answers.refused(request, 503, NO_ANSWER)
        ((site, heard),) = found
        return self._screens.page(
            request,
            "site.html",
            reader,
            state,
            one=site,
            rows=rows,
            said=reader.words.say(WORDS[heard]),
            shape=SHAPES[heard],
            look=STATES[SHAPES[heard]],
        )

    @property
    def _limit(self) -> timedelta:
        return timedelta(minutes=self._current.settings.alerts.silent_box_minutes)


def _newest(site: str, until: datetime, database: Database) -> list[Json]:
    with database.transaction(TIMEOUT_S) as cursor:
        values = {"site": site, "until": until, "sensors": MOST_SENSORS}
        rows = cursor.execute(statement("site_newest"), values).fetchall()
    keys = ("sensor", "time", "flow", "pressure", "flow_flags", "pressure_flags")
    found = [dict(zip(keys, row, strict=True)) for row in rows]
    for row in found:
        row["flagged"] = set(row["flow_flags"] + row["pressure_flags"]) != {flags.CLEAR}
    return found
