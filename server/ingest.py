"""POST /v1/batches: authentication, limits and answers.

The answer is 200 only after the rows are safe where they are kept. Every other answer means that nothing of the batch
was stored; the table in docs/engineers/receiver.md says what the sender should do.
"""

import asyncio
import logging
import math
import zlib
from collections import Counter
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from common.batch_mark import HEADER, BatchMark, from_header
from common.clock import Clock, minute_of
from common.logging_setup import quoted
from server.batch import BatchKey, BatchRefused, NotKept, StoredBatch, lines_of, parse_key
from server.credentials import Credentials
from server.quotas import Quotas
from server.site_tokens import TokensUnusable

MAX_BODY_BYTES = 1024 * 1024  # ten minutes of a thousand sensors; after a 413 the sender halves its batch
MOST_SITES = 1000  # whose silence is noticed
MOST_OF_SITE = 8  # batches at a time, half of the places in front of a database: a box sends one
BODY_TIMEOUT_S = 30.0  # a slower body blocks a place that others need
RETRY_AFTER_S = 5  # rows cannot be kept now, or all places are taken: try again soon
SPREAD_S = 25  # and not all boxes in the same second, each always in its own
MEDIA_TYPE = "text/tab-separated-values"

_log = logging.getLogger(__name__)


class Keeper(Protocol):
    """Where the rows go.

    Attributes:
        room_bytes: of bodies that are in memory at a time.
        least_bytes: what a body counts at least.
    """

    room_bytes: int
    least_bytes: int

    async def keep(self, key: BatchKey, lines: list[bytes], mark: BatchMark | None) -> StoredBatch:
        """Store the rows of a batch, a line each; on return they are safe. The whole batch or nothing.

        Raises:
            BatchRefused: it cannot be taken as it is.
            NotKept: nothing is known to be stored.
        """


class Ingest:
    """The endpoint; `counters` are published with the process's health."""

    def __init__(self, keeper: Keeper, credentials: Credentials, quotas: Quotas, clock: Clock) -> None:
        self._keeper, self._credentials, self._quotas, self._clock = keeper, credentials, quotas, clock
        self.heard: dict[str, int] = {}  # site -> UTC minute of its last request, also of one that was not taken
        self._free_bytes = keeper.room_bytes
        self._taking: Counter[str] = Counter()  # batches that are read or stored, by site
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
        except TokensUnusable as error:
            return self._later("", "the tokens of sites cannot be read", str(error))
        except ClientDisconnect:
            return self._later("", "the body ended early")  # the sender is gone

    async def _admitted(self, request: Request) -> Response:
        holder = self._credentials.holder(request.headers.get("authorization", ""))
        request.scope["state"]["trusted"] = True  # from now on nobody takes its place
        _check_form(request)
        key = parse_key(request.headers.get("idempotency-key", ""))
        self._credentials.check(holder, key.site)
        if key.site in self.heard or len(self.heard) < MOST_SITES:
            self.heard[key.site] = minute_of(self._clock.now())
        if wait_s := self._quotas.wait_s(key.site, self._clock.monotonic()):
            return self._later(key.site, "more rows than this site may deliver in a minute", status=429, wait_s=wait_s)
        size = max(self._keeper.least_bytes, _announced(request))
        if self._taking[key.site] >= MOST_OF_SITE:
            return self._later(key.site, "too many batches of this site at once")
        if size > self._free_bytes:
            return self._later(key.site, "too many batches at once")
        self._free_bytes -= size
        self._taking[key.site] += 1
        try:
            return await self._taken(request, key)
        except NotKept as error:
            return self._later(key.site, str(error), error.why)
        finally:
            self._free_bytes += size
            self._taking[key.site] -= 1
            if not self._taking[key.site]:
                del self._taking[key.site]

    async def _taken(self, request: Request, key: BatchKey) -> Response:
        lines = lines_of(await _read_body(request), key)
        done = await self._keeper.keep(key, lines, _mark(request, key))
        self._quotas.took(key.site, len(lines), self._clock.monotonic())
        self.counters.update(batches=1, stored=done.stored, repeated=done.repeated)
        return _answer(200, {"stored": done.stored, "repeated": done.repeated})

    def _later(self, site: str, problem: str, logged: str = "", status: int = 503, wait_s: float = 0.0) -> Response:
        """Not now; each site comes again at a time of its own, so that not all come at once."""
        self.counters["postponed"] += 1
        if logged:
            _log.warning("postponed problem=%s", quoted(logged))
        after_s = max(RETRY_AFTER_S, math.ceil(wait_s)) + zlib.crc32(site.encode()) % SPREAD_S
        return _answer(status, {"error": problem}, {"Retry-After": str(after_s)})


def _mark(request: Request, key: BatchKey) -> BatchMark | None:
    """What the batch says of its place. It is an addition: one that cannot be right is no reason to refuse rows."""
    mark = from_header(request.headers.get(HEADER, ""))
    return mark if mark is not None and mark.first <= key.first else None


def _check_form(request: Request) -> None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BatchRefused(415, "the body must not be compressed")
    media_type, _, parameter = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != MEDIA_TYPE or parameter.strip().lower() not in ("", "charset=utf-8"):
        raise BatchRefused(415, f"Content-Type must be {MEDIA_TYPE}; charset=utf-8")
    if _announced(request) > MAX_BODY_BYTES:
        raise _too_large()


def _announced(request: Request) -> int:
    """The size of the body, the largest one if the header does not say."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else MAX_BODY_BYTES


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


def _answer(status: int, content: dict[str, int | str], headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(content, status, headers=headers)
