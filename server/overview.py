"""The first page: the verdict, the sensors by severity, the incidents, and how the box does. Pure but for one query."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from markupsafe import Markup

from common.database import Database, statement
from common.errors import DatabaseDown
from common.verdict import KINDS, STATES
from server import incident_list
from server.paging import Paged, fits, page_asked, paged, searched
from server.reader import ABSENT, Reader
from server.render import part
from server.site_map import site_map
from server.state import names_of
from server.trends import Trend

ROWS = 50  # sensors on one page of the list
WITH_CHARTS = 4  # so few sensors have their charts on the first page
NIGHTS_BACK = timedelta(days=2)
NIGHTS_TIMEOUT_S = 10.0
LARGE_MAP = 32_000  # characters, of some hundred sensors
SORTS = ("severity", "name", "flow", "pressure", "leakage")

Json = dict[str, Any]


class Asked(NamedTuple):
    """Which part of the list is asked for."""

    search: str = ""
    sort: str = SORTS[0]
    page: int = 1


def asked(query: Mapping[str, str]) -> Asked:
    """What is not understood counts as not asked."""
    sort = query.get("sort", "")
    return Asked(
        searched(query),
        sort if sort in SORTS else SORTS[0],
        page_asked(query),
    )


def leakage(database: Database, site: str, today: date) -> dict[str, Json]:
    """The newest nights by sensor; none while the database does not answer."""
    try:
        with database.transaction(NIGHTS_TIMEOUT_S) as cursor:
            asked_for = {"site": site, "since": today - NIGHTS_BACK}
            rows = cursor.execute(statement("page_leakage"), asked_for).fetchall()
    except DatabaseDown:
        return {}
    keys = ("night", "hour_flow", "leak_flow", "low", "high", "outdated")
    return {row[0]: dict(zip(keys, row[1:], strict=True)) for row in rows}


class Listing(NamedTuple):
    """One page of the list: its rows, how many were found, of how many, and what was asked for."""

    on_page: Paged[Json]
    found: int
    all: int
    wanted: Asked


def listing(state: Json, nights: Mapping[str, Json], wanted: Asked, reader: Reader) -> Listing:
    """The rows that are asked for."""
    rows = [_row(entry, nights.get(entry["sensor"]), reader) for entry in state["sensors"]]
    found = [row for row in rows if fits(wanted.search, row["sensor"], row["name"])]
    found.sort(key=_ORDERS[wanted.sort])
    return Listing(paged(found, wanted.page, ROWS), len(found), len(rows), wanted)


def parts(
    state: Json, incidents: Json, shown: Listing, trends: Mapping[str, Trend], reader: Reader
) -> dict[str, Markup]:
    """The live parts of the page by name."""
    values = {**shown._asdict(), "trends": trends}
    names = names_of(state)
    return {
        "hero": part("parts/hero.html", reader, state=state, look=STATES[state["verdict"]["kind"]]),
        "sensors": part("parts/sensors.html", reader, state=state, **values)
        if state["sensors"] or not state["center"]
        else part("parts/sites.html", reader, sites=state["sites"]),
        "map": part("parts/map.html", reader, map=site_map(state["sensors"])),
        "incidents": part("parts/incidents.html", reader, **incident_list.before_charts(incidents)),
        "calendar": part("parts/calendar.html", reader, calendar=state["calendar"], now=state["now"], names=names),
        "processes": part("parts/processes.html", reader, processes=state["processes"]),
        "unregistered": part("parts/unregistered.html", reader, unregistered=state["unregistered"]),
        "delivery": part("parts/delivery.html", reader, state=state),
    }


def _row(entry: Json, night: Json | None, reader: Reader) -> Json:
    values = entry["values"]
    since_s = next((values[name] for name in ("lasted_s", "silent_s") if name in values), None)
    low, high = leakage_range(night)
    return entry | {
        "label": entry["name"] or entry["sensor"],
        "since": None if since_s is None else reader.age(since_s),
        "leakage": leakage_text(night, reader),
        "leakage_m3h": (low + high) / 2 if low is not None and high is not None else None,
    }


def leakage_range(night: Json | None) -> tuple[float | None, float | None]:
    """The leakage of a night from at least to at most, m3/h."""
    if night is None or night["outdated"]:
        return None, None
    if night["leak_flow"] is not None:
        return night["leak_flow"], night["leak_flow"]
    return night["low"], night["high"]


def leakage_text(night: Json | None, reader: Reader) -> str:
    """One number where the night use is set, else a range."""
    low, high = leakage_range(night)
    if low is None or high is None:
        return ABSENT
    if low == high:
        return reader.figure("flow", low)
    return reader.words.say("{low}–{high}", low=reader.figure("flow", low), high=reader.figure("flow", high))


def _largest_first(name: str) -> Any:
    return lambda row: (row[name] is None, -(row[name] or 0.0), row["sensor"])


_ORDERS = {
    "severity": lambda row: (-KINDS.index(row["kind"]), row["sensor"]),
    "name": lambda row: (row["label"].casefold(), row["sensor"]),
    "flow": _largest_first("flow"),
    "pressure": _largest_first("pressure"),
    "leakage": _largest_first("leakage_m3h"),
}
