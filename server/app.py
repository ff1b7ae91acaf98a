"""The HTTP application: its routes."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp

from server.access import Guard
from server.access.access import Access
from server.access.pages import routes as pages_of_people
from server.alert_pages import AlertPages
from server.api import Api
from server.audit_page import AuditPage
from server.calendar_pages import CalendarPages
from server.door import Door
from server.home_screen import manifest
from server.incident_pages import IncidentPages
from server.ingest import Ingest
from server.registry_pages import RegistryPages
from server.report_pages import Make, ReportPages
from server.resending import Resending
from server.screens import Screens
from server.site_pages import SitePages
from server.static_files import StaticFiles
from server.upkeep_pages import UpkeepPages
from server.web import application

LEVEL = 5  # of gzip: 9 takes two to four times as long, and saves less than a hundredth


def places(ingest: Ingest, api: Api, screens: Screens, *, make_report: Make, resending: Resending) -> list[Route]:
    """Every address that there is."""
    files = StaticFiles()
    return [
        Route("/v1/batches", ingest.__call__, methods=["POST"]),
        Route("/", screens.index),
        Route("/sensor", screens.sensor),
        Route("/sensor.csv", api.sensor_file),
        Route("/prefer", screens.prefer),
        Route("/events", screens.events),
        Route("/static/{name}", files.__call__),
        Route("/worker.js", files.worker),
        Route("/manifest.webmanifest", manifest),
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
        *SitePages(screens).routes(),
        *AlertPages(screens).routes(),
        *AuditPage(screens).routes(),
        *ReportPages(screens, make_report).routes(),
        *UpkeepPages(screens, resending).routes(),
    ]


def build(
    ingest: Ingest,
    api: Api,
    screens: Screens,
    access: Access,
    names: frozenset[str],
    *,
    make_report: Make,
    resending: Resending,
) -> ASGIApp:
    """The application of one process, which answers to `names`."""
    routes = places(ingest, api, screens, make_report=make_report, resending=resending)
    # The stream of an open page compresses itself, and static files are compressed already: both pass as they are.
    return Door(GZipMiddleware(Guard(application(routes), access, routes), compresslevel=LEVEL), names)
