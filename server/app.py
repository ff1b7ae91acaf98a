"""The HTTP application: its routes."""

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from common.errors import DatabaseDown
from common.logging_setup import quoted
from server.access import Guard
from server.access.access import Access
from server.access.pages import routes as pages_of_people
from server.alert_pages import AlertPages
from server.api import Api
from server.calendar_pages import CalendarPages
from server.door import NOTHING_HERE, Door
from server.incident_pages import IncidentPages
from server.ingest import Ingest
from server.registry_pages import RegistryPages
from server.report_pages import Make, ReportPages
from server.screens import Screens
from server.static_files import StaticFiles

_log = logging.getLogger(__name__)


def build(
    ingest: Ingest, api: Api, screens: Screens, access: Access, names: frozenset[str], *, make_report: Make
) -> ASGIApp:
    """The application of one process, which answers to `names`."""
    routes = [
        Route("/v1/batches", ingest.__call__, methods=["POST"]),
        Route("/", screens.index),
        Route("/sensor", screens.sensor),
        Route("/prefer", screens.prefer),
        Route("/events", screens.events),
        Route("/static/{name}", StaticFiles().__call__),
        Route("/api/state", api.state),
        Route("/api/sensor", api.sensor),
        Route("/api/incidents", api.incidents),
        Route("/api/finding", api.finding),
        Route("/api/nights", api.nights),
        Route("/healthz", api.healthz),
        Route("/metrics", api.metrics),
        *pages_of_people(),
        *IncidentPages(screens).routes(),
        *CalendarPages(screens).routes(),
        *RegistryPages(screens).routes(),
        *AlertPages(screens).routes(),
        *ReportPages(screens, make_report).routes(),
    ]
    app = Starlette(routes=routes, exception_handlers={DatabaseDown: _database_down, HTTPException: _nothing})
    app.router.redirect_slashes = False  # a redirect would go to whatever Host says
    return Door(Guard(app, access, routes), names)


async def _nothing(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = NOTHING_HERE if error.status_code == 404 else "not with this method\n"
    return PlainTextResponse(problem, error.status_code, error.headers)


async def _database_down(_request: Request, error: Exception) -> Response:
    _log.warning("unanswered problem=%s", quoted(str(error)))
    return PlainTextResponse("the database does not answer\n", 503, {"Retry-After": "5"})
