"""The monthly report on the page: the choice of a month, and its files. One report is made at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from common.logging_setup import quoted
from common.messages import message
from common.row import SENSOR_ID
from reports.child import TYPES, NotMade, file_name
from reports.month import Month, first_day, last_whole
from server.screens import Screens
from server.state import labels_of

BUSY_S = 15  # after so long it is worth trying again
BUSY = message("Another report is being made. Try again in a moment.")
NOT_MADE = message("The report could not be made. The log of hydrolog-server says why.")
NO_MONTH = message("Choose a month that has begun.")

_log = logging.getLogger(__name__)


class Wanted(NamedTuple):
    """One file. `sensor`: only this one; empty for all."""

    month: Month
    kind: str
    language: str
    sensor: str


Make = Callable[[Wanted], bytes]


class ReportPages:
    """The endpoints. `make` may take minutes; it runs in a thread."""

    def __init__(self, screens: Screens, make: Make) -> None:
        self._screens = screens
        self._settings = screens.current.settings
        self._make = make
        self._is_making = False

    def routes(self) -> list[Route]:
        """Where they are."""
        return [Route("/report", self.choice), *(Route(f"/report.{kind}", self._file(kind)) for kind in TYPES)]

    async def choice(self, request: Request) -> Response:
        """Which month, and of which sensor."""
        return await self._answer(request, 200, "")

    def _file(self, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def file(request: Request) -> Response:
            reader = self._screens.reader(request)
            first, sensor = first_day(request.query_params.get("month", "")), request.query_params.get("sensor", "")
            month = Month(first, reader.zone) if first else None
            if month is None or month.start > reader.now or (sensor and not SENSOR_ID.fullmatch(sensor)):
                return await self._answer(request, 422, NO_MONTH)
            if self._is_making:
                return await self._answer(request, 503, BUSY)
            self._is_making = True
            try:
                content = await asyncio.to_thread(self._make, Wanted(month, kind, reader.language, sensor))
            except NotMade as error:
                _log.warning("report_not_made month=%s problem=%s", month, quoted(str(error)))
                return await self._answer(request, 503, NOT_MADE)
            finally:
                self._is_making = False
            name = file_name(self._settings.site.id, month, kind)
            return Response(
                content, media_type=TYPES[kind], headers={"Content-Disposition": f'attachment; filename="{name}"'}
            )

        return file

    async def _answer(self, request: Request, status: int, problem: str) -> Response:
        reader = self._screens.reader(request)
        state = await self._screens.current.state(reader.words)
        asked = request.query_params
        answer = self._screens.page(
            request,
            "report.html",
            reader,
            state,
            status,
            problem=reader.words.say(problem) if problem else "",
            month=asked.get("month", "") or last_whole(reader.now, reader.zone),
            newest=f"{reader.now.astimezone(reader.zone):%Y-%m}",
            sensors=[*labels_of(state).items()],
            chosen=asked.get("sensor", ""),
        )
        if status == 503:
            answer.headers["Retry-After"] = str(BUSY_S)
        return answer
