"""Charts from the database: the same question at the same moment is answered once, and only so many wait at a time."""

import asyncio
import json
import time
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from common.database import Database
from common.errors import ChartsBusy, DatabaseDown, HydrologError
from server.connections import network
from server.db_thread import DatabaseThread

FRESH_S = 2.0  # real seconds that an answer is given to all who ask the same; the page asks each five
MAX_CHARTS = 16  # different questions waiting or kept: some 100 KB and at most a second each
MAX_OF_ADDRESS = 8  # a browser has six connections
RETRY_AFTER_S = 2

Json = dict[str, Any]


class _Found(NamedTuple):
    content: Json
    body: bytes  # the same as JSON


class _Asked(NamedTuple):
    answer: "asyncio.Task[_Found]"
    until_s: float
    address: str


class Charts:
    """The questions of the last seconds and their answers."""

    def __init__(self, desk: DatabaseThread) -> None:
        self._desk = desk
        self._asked: dict[Hashable, _Asked] = {}

    async def answer(
        self, request: Request, question: Hashable, work: Callable[[Database], Json], fresh_s: float = FRESH_S
    ) -> Response:
        """The answer to `question` as JSON, by `work` unless it is known."""
        try:
            found = await self._found(request, question, work, fresh_s)
        except (ChartsBusy, DatabaseDown) as problem:
            return unanswered(problem)
        return Response(found.body, media_type="application/json")

    async def content(
        self, request: Request, question: Hashable, work: Callable[[Database], Json], fresh_s: float = FRESH_S
    ) -> Json:
        """The same as values.

        Raises:
            ChartsBusy: too many are asked for at once.
            DatabaseDown: the database does not answer.
        """
        return (await self._found(request, question, work, fresh_s)).content

    async def _found(
        self, request: Request, question: Hashable, work: Callable[[Database], Json], fresh_s: float
    ) -> _Found:
        address = network(request.state.address)
        now_s = time.monotonic()
        self._forget(now_s)
        asked = self._asked.get(question)
        if asked is None:
            if not self._has_room(address):
                raise ChartsBusy
            task = asyncio.ensure_future(self._desk.ask(lambda database: _rendered(work(database))))
            asked = self._asked[question] = _Asked(task, now_s + fresh_s, address)
        return await asyncio.shield(asked.answer)

    def _forget(self, now_s: float) -> None:
        for question, asked in list(self._asked.items()):
            if asked.answer.done() and (now_s > asked.until_s or asked.answer.exception() is not None):
                del self._asked[question]

    def _has_room(self, address: str) -> bool:
        if len(self._asked) >= MAX_CHARTS:
            known = next((question for question, asked in self._asked.items() if asked.answer.done()), None)
            if known is None:
                return False
            del self._asked[known]
        waiting = [asked for asked in self._asked.values() if asked.address == address and not asked.answer.done()]
        return len(waiting) < MAX_OF_ADDRESS


def unanswered(problem: HydrologError) -> Response:
    """The answer while there is none."""
    return JSONResponse({"error": str(problem)}, 503, headers={"Retry-After": str(RETRY_AFTER_S)})


def _rendered(content: Json) -> _Found:
    return _Found(content, json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
