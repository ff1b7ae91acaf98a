"""POST /v1/batches: authentication, limits and answers.

The answer is 200 only after Postgres has the rows on disk. Every other answer means that nothing of the batch was
stored; the table in docs/engineers/receiver.md says what the sender should do.
"""

import asyncio
import hmac
import logging
from collections import Counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from common.clock import Clock, minute_of
from common.errors import DatabaseDown
from common.logging_setup import quoted
from server.batch import BatchRefused, parse_body, parse_key
from server.db_thread import DatabaseThread
from server.store import store

MAX_BODY_BYTES = 1024 * 1024  # ten minutes of a thousand sensors; after a 413 the sender halves its batch
MAX_POSTS = 8  # bodies in memory at a time
MOST_SITES = 1000  # whose silence is noticed
BODY_TIMEOUT_S = 30.0  # a slower body blocks a place that others need
RETRY_AFTER_S = 5  # the database is down or all places are taken: try again soon
MEDIA_TYPE = "text/tab-separated-values"

_log = logging.getLogger(__name__)


class Ingest:
    """The endpoint; `counters` are published with the process's health."""

    def __init__(self, desk: DatabaseThread, token: str, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self.heard: dict[str, int] = {}  # site -> UTC minute of its last request, also of one that was not taken
        self._token = token.encode("ascii")
        self._posts = 0
        self.counters: Counter[str] = Counter(batches=0, stored=0, repeated=0, refused=0, postponed=0)

    async def __call__(self, request: Request) -> Response:
        """Answer one POST."""
        try:
            return await self._admitted(request)
        except BatchRefused as refused:
            self.counters["refused"] += 1
            _log.warning("refused status=%d problem=%s", refused.status, quoted(str(refused)))
            headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
            return _answer(refused.status, {"error": str(refused), **refused.facts}, headers)
        except DatabaseDown as down:
            self.counters["postponed"] += 1
            _log.warning("postponed problem=%s", quoted(str(down)))
            return _later("the database does not answer; nothing of this batch is stored")
        except ClientDisconnect:
            self.counters["postponed"] += 1
            return _later("the body ended early")  # the sender is gone

    async def _admitted(self, request: Request) -> Response:
        self._check_token(request)
        _check_form(request)
        key = parse_key(request.headers.get("idempotency-key", ""))
        if key.site in self.heard or len(self.heard) < MOST_SITES:
            self.heard[key.site] = minute_of(self._clock.now())
        if self._posts >= MAX_POSTS:
            self.counters["postponed"] += 1
            return _later("too many batches at once")
        self._posts += 1
        try:
            body = await _read_body(request)
            rows = parse_body(body, key)
            done = await self._desk.ask(lambda database: store(database, key, rows))
        finally:
            self._posts -= 1
        self.counters.update(batches=1, stored=done.stored, repeated=done.repeated)
        return _answer(200, {"stored": done.stored, "repeated": done.repeated})

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        # Constant-time comparison.
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode("latin-1"), self._token):
            raise BatchRefused(401, "a bearer token is needed")
        request.scope["state"]["trusted"] = True  # from now on nobody takes its place


def _check_form(request: Request) -> None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BatchRefused(415, "the body must not be compressed")
    media_type, _, parameter = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != MEDIA_TYPE or parameter.strip().lower() not in ("", "charset=utf-8"):
        raise BatchRefused(415, f"Content-Type must be {MEDIA_TYPE}; charset=utf-8")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise _too_large()


async def _read_body(request: Request) -> bytes:
    """The body; never more than the allowed size in memory, whatever the headers say."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise _too_large()
    except TimeoutError as error:
        raise BatchRefused(408, f"the body did not arrive within {BODY_TIMEOUT_S:g} s") from error
    return bytes(body)


def _too_large() -> BatchRefused:
    return BatchRefused(413, f"a batch may have {MAX_BODY_BYTES} bytes", max_bytes=MAX_BODY_BYTES)


def _later(problem: str) -> Response:
    return _answer(503, {"error": problem}, {"Retry-After": str(RETRY_AFTER_S)})


def _answer(status: int, content: dict[str, int | str], headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(content, status, headers=headers)
