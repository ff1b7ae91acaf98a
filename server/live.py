"""Open pages are kept as they are now: server-sent events with the parts that have changed, compressed as one stream.

Rendering stands once, in the templates; a page's script puts a changed part where the old one was.
"""

import asyncio
import json
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from server.access.guard import still
from server.connections import network

LOOK_EVERY_S = 3.0  # real seconds; rows come each minute
SIGN_OF_LIFE_LOOKS = 8  # a proxy ends a stream that has been silent for a minute
RETRY_MS = 5000  # until a browser asks again for a stream that broke
MOST_LOOKS = 14400  # half a day: the browser asks again, and its session is seen as in use
MOST_STREAMS = 200
MOST_OF_ADDRESS = 40  # behind one proxy or router there are many
LOAD_AGAIN = "event: again\ndata: \n\n"  # the page is asked for anew: it says what its reader may see now
GZIP_WINDOW = 31  # zlib's largest window, as gzip


class Parts(NamedTuple):
    """A page at one moment: the site's time, UTC s, its speed, and the HTML of its parts."""

    now_s: float
    speed: float
    parts: Mapping[str, str]


class Live:
    """The streams that are open."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    async def stream(self, request: Request, look: Callable[[], Awaitable[Parts]]) -> Response:
        """What changes, until the browser leaves or its user is no longer logged in."""
        address = network(request.state.address)
        if self._open.total() >= MOST_STREAMS or self._open[address] >= MOST_OF_ADDRESS:
            return PlainTextResponse("too many pages are open\n", 503, {"Retry-After": "30"})
        request.scope["state"]["streaming"] = True
        headers = {"Content-Encoding": "gzip", "X-Accel-Buffering": "no", "Vary": "Accept-Encoding"}
        events = self._counted(address, _compressed(_events(look, lambda: still(request))))
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def _counted(self, address: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self._open[address] += 1
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            self._open[address] -= 1
            self._open += Counter()  # without those that have none


async def _events(look: Callable[[], Awaitable[Parts]], may_read: Callable[[], bool]) -> AsyncIterator[str]:
    sent: dict[str, str] = {}
    silent = 0
    yield f"retry: {RETRY_MS}\n\n"
    for _ in range(MOST_LOOKS):
        if not may_read():
            yield LOAD_AGAIN
            return
        page = await look()
        changed = {name: html for name, html in page.parts.items() if sent.get(name) != html}
        silent = 0 if changed else silent + 1
        if changed or silent >= SIGN_OF_LIFE_LOOKS:
            silent = 0
            sent |= changed
            content = {"now": page.now_s, "speed": page.speed, "parts": changed}
            yield f"data: {json.dumps(content, ensure_ascii=False)}\n\n"
        await asyncio.sleep(LOOK_EVERY_S)


async def _compressed(events: AsyncIterator[str]) -> AsyncIterator[bytes]:
    """Each event at once; a repeated part costs only what is new in it."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, GZIP_WINDOW)
    async for event in events:
        yield squeeze.compress(event.encode()) + squeeze.flush(zlib.Z_SYNC_FLUSH)
