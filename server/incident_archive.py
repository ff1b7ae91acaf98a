"""Incidents of any age: those of the file, which works without the database, and all earlier ones that it holds."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from psycopg import Cursor

from common.clock import minute_start
from common.database import Database, statement
from common.errors import DatabaseDown
from common.row import SENSOR_ID
from common.settings import Settings
from incidents import acts, reading, table
from incidents.incident import KINDS, Incident
from incidents.reading import Known
from server.paging import Paged, page_asked, paged

ROWS = 30  # incidents on one page of the list
MOST_LISTED = 3000  # beyond these, a month has to be chosen
MOST_DRAWN = 200  # on one chart
LONGEST_ID = 200
ASK_S = 10.0
FIRST, LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

_MONTH = re.compile(r"(2[01]\d\d)-(0[1-9]|1[0-2])", re.ASCII)


class Sought(NamedTuple):
    """Which incidents are asked for; empty for all. `month`: "2024-08"."""

    month: str = ""
    sensor: str = ""
    kind: str = ""
    page: int = 1

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The month's ends."""
        found = _MONTH.fullmatch(self.month)
        if not found:
            return FIRST, LAST
        year, month = int(found[1]), int(found[2])
        first = datetime(year, month, 1, tzinfo=zone)
        return first, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)

    def fits(self, incident: Incident, zone: ZoneInfo) -> bool:
        first, end = self.span(zone)
        return self.sensor in ("", incident.sensor) and self.kind in ("", incident.kind) and _up(incident, first, end)


class Found(NamedTuple):
    """One page of the list.

    Attributes:
        known: what is on the page.
        total: of all that were asked for; at most `MOST_LISTED` of the database.
        whole: whether the database has answered.
        problem: what is wrong with the file; empty if nothing is.
    """

    known: Paged[Known]
    total: int
    whole: bool
    problem: str


def sought(query: Mapping[str, str]) -> Sought:
    """What is not understood counts as not asked."""
    month, sensor, kind = (query.get(name, "").strip() for name in ("month", "sensor", "kind"))
    return Sought(
        month if _MONTH.fullmatch(month) else "",
        sensor if SENSOR_ID.fullmatch(sensor) else "",
        kind if kind in KINDS else "",
        page_asked(query),
    )


def find(database: Database, settings: Settings, name: str, minute: int) -> Known | None:
    """One incident; None if there is none, as far as the database answers."""
    if not name or len(name) > LONGEST_ID or "\0" in name:
        return None
    data = settings.paths.data
    found = next((each for each in reading.load(data, minute).known if each.incident.id == name), None)
    if found is not None:
        return found
    try:
        with database.transaction(ASK_S) as cursor:
            return next(iter(_stored(cursor, settings, [name], minute)), None)
    except DatabaseDown:
        return None


def listed(database: Database, settings: Settings, wanted: Sought, minute: int) -> Found:
    """One page of those that are asked for: those that are up, then the newest."""
    zone = settings.site.zone
    of_file = reading.load(settings.paths.data, minute)
    here = {each.incident.id: each for each in of_file.known if wanted.fits(each.incident, zone)}
    newer = {each.incident.id for each in of_file.known}
    first, end = wanted.span(zone)
    values = {"site": settings.site.id, "sensor": wanted.sensor, "kind": wanted.kind, "from": first, "to": end}
    try:
        with database.transaction(ASK_S) as cursor:
            cursor.execute(statement("incident_ids"), values | {"most": MOST_LISTED})
            older = [name for (name,) in cursor.fetchall() if name not in newer]
            names = paged([*here, *older], wanted.page, ROWS)
            away = [name for name in names.shown if name not in here]
            there = here | {each.incident.id: each for each in _stored(cursor, settings, away, minute)}
    except DatabaseDown:
        return Found(paged([*here.values()], wanted.page, ROWS), len(here), False, of_file.problem)
    known = [there[name] for name in names.shown if name in there]
    return Found(Paged(known, names.page, names.pages), len(here) + len(older), True, of_file.problem)


def of_sensor(
    cursor: Cursor[Any], settings: Settings, sensor: str, span: tuple[datetime, datetime], minute: int
) -> list[Known]:
    """A sensor's incidents that were up in a span of time, those that are up first; at most `MOST_DRAWN`."""
    first, end = span
    of_file = reading.load(settings.paths.data, minute).known
    newer = {each.incident.id for each in of_file}
    here = [each for each in of_file if each.incident.sensor == sensor and _up(each.incident, first, end)]
    values = {"site": settings.site.id, "sensor": sensor, "kind": "", "from": first, "to": end, "most": MOST_DRAWN}
    older = [name for (name,) in cursor.execute(statement("incident_ids"), values) if name not in newer]
    return [*here, *_stored(cursor, settings, older, minute)][:MOST_DRAWN]


def _up(incident: Incident, first: datetime, end: datetime) -> bool:
    ended = LAST if incident.ended is None else minute_start(incident.ended)
    return minute_start(incident.began) < end and ended >= first


def _stored(cursor: Cursor[Any], settings: Settings, names: Sequence[str], minute: int) -> list[Known]:
    """Incidents of the database, with what people did: the archive copies the newest acts some time later."""
    site = settings.site.id
    earlier = [one for one in table.load(cursor, site, names) if one.signs]
    done = {act.id: act for act in (*table.load_acts(cursor, site, names), *acts.load(settings.paths.data).known)}
    return reading.known(earlier, done.values(), minute)
