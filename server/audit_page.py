"""The page of who did what, for admins: the same as `hydrolog users audit`."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from common import audit, audit_words
from common.audit import Entry
from common.messages import message
from incidents.sentences import CAUSES
from server.access import Role, needs
from server.paging import page_asked, paged
from server.reader import Reader
from server.screens import Screens

ROWS = 50  # entries on one page

WORDS = {
    "login": message("logged in"),
    "login-failed": message("a login failed"),
    "logins-failed": message("more logins failed"),
    "logout": message("logged out"),
    "logout-everywhere": message("logged out everywhere"),
    "user-added": message("made a user"),
    "user-removed": message("removed a user"),
    "user-role": message("set a role"),
    "user-password": message("set a password"),
    "incident-acknowledge": message("acknowledged an incident"),
    "incident-shelve": message("shelved an incident"),
    "incident-close": message("closed an incident"),
    "incident-note": message("wrote a note about an incident"),
    "work-planned": message("planned work"),
    "work-ended": message("ended planned work"),
    "work-removed": message("removed planned work"),
    "holiday-added": message("added a holiday"),
    "holiday-removed": message("removed a holiday"),
    "sensor-registered": message("registered a sensor"),
    "sensor-changed": message("changed a value of a sensor"),
    "sensor-replaced": message("recorded a replaced instrument"),
    "sensor-removed": message("removed a sensor"),
    "alerts-tested": message("sent a test message"),
    "clock-confirmed": message("confirmed the clock"),
    "criteria-wanted": message("asked for new limits"),
    "rows-resent": message("had rows sent again"),
}
CODES = {"cause": {cause.value: words for cause, words in CAUSES.items()}}

Json = dict[str, Any]


class AuditPage:
    """The endpoint."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens

    def routes(self) -> list[Route]:
        """Where it is."""
        return [Route("/audit", self.shown)]

    @needs(Role.ADMIN)
    async def shown(self, request: Request) -> Response:
        """The entries, newest first."""
        reader, current = self._screens.reader(request), self._screens.current
        known, damaged = await asyncio.to_thread(audit.load, current.settings.paths.data)
        on_page = paged(known[::-1], page_asked(request.query_params), ROWS)
        return self._screens.page(
            request,
            "audit.html",
            reader,
            await current.state(reader.language),
            on_page=on_page,
            entries=[_shown(entry, reader) for entry in on_page.shown],
            damaged=damaged,
        )


def _shown(entry: Entry, reader: Reader) -> Json:
    """A code that has no words is shown as it is."""
    words = reader.words.say(WORDS[entry.what]) if entry.what in WORDS else entry.what
    return {
        "at": entry.at.timestamp(),
        "by": entry.by,
        "address": entry.address,
        "what": words,
        "values": [*audit_words.shown(entry.values, reader.words, CODES)],
    }
