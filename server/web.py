"""An HTTP application of ours: what no route takes is nothing here, and a silent database is 503."""

import logging
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from common.errors import DatabaseDown
from common.logging_setup import quoted
from server.door import NOTHING_HERE

_log = logging.getLogger(__name__)


def application(routes: Sequence[Route]) -> Starlette:
    """An application with these routes."""
    app = Starlette(routes=routes, exception_handlers={DatabaseDown: _database_down, HTTPException: _nothing})
    app.router.redirect_slashes = False  # a redirect would go to whatever Host says
    return app


async def _nothing(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = NOTHING_HERE if error.status_code == 404 else "not with this method\n"
    return PlainTextResponse(problem, error.status_code, error.headers)


async def _database_down(_request: Request, error: Exception) -> Response:
    _log.warning("unanswered problem=%s", quoted(str(error)))
    return PlainTextResponse("the database does not answer\n", 503, {"Retry-After": "5"})
