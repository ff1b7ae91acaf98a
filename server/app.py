"""The HTTP application: its routes, and the headers of every answer."""

import logging

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import DatabaseDown
from common.logging_setup import quoted
from server.ingest import Ingest
from server.pages import Page

# Scripts and styles only from this server, nothing from elsewhere, no inline code: a name that contains HTML stays text
# even if the page has a bug.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_log = logging.getLogger(__name__)


def build(ingest: Ingest, page: Page) -> ASGIApp:
    """The application of one process."""
    routes = [
        Route("/v1/batches", ingest.__call__, methods=["POST"]),
        Route("/", page.index),
        Route("/static/{name}", page.static),
        Route("/api/state", page.state),
        Route("/api/sensor", page.sensor),
        Route("/api/flags", page.flags),
        Route("/api/finding", page.finding),
        Route("/api/nights", page.nights),
        Route("/healthz", page.healthz),
        Route("/metrics", page.metrics),
    ]
    return _Headers(Starlette(routes=routes, exception_handlers={DatabaseDown: _database_down}))


async def _database_down(_request: Request, error: Exception) -> Response:
    _log.warning("unanswered problem=%s", quoted(str(error)))
    return PlainTextResponse("the database does not answer\n", 503, {"Retry-After": "5"})


class _Headers:
    """Adds the headers; by default answers are not cached."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
