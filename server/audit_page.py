"""The page of who did what, for admins: the same as `hydrolog users audit`."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from common import audit, audit_words
from common.audit import Entry
from incidents.sentences import CAUSE_CODES
from server.access import Role, needs
from server.paging import page_asked, paged
from server.reader import Reader
from server.screens import Screens

ROWS = 50  # entries on one page

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
            await current.state(reader.words),
            on_page=on_page,
            entries=[_shown(entry, reader) for entry in on_page.shown],
            damaged=damaged,
        )


def _shown(entry: Entry, reader: Reader) -> Json:
    return {
        "at": entry.at.timestamp(),
        "by": entry.by,
        "address": entry.address,
        "what": audit_words.deed(entry.what, reader.words),
        "values": [*audit_words.shown(entry.values, reader.words, CAUSE_CODES)],
    }
