"""Incidents and acts as rows of INCIDENT_TB and INCIDENT_ACT_TB. Every statement is safe to repeat."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from psycopg import Cursor

from common.clock import minute_if_known, minute_of, minute_start, start_if_known
from common.database import statement
from common.logging_setup import quoted
from common.state_file import StateUnusable, convert, parse
from incidents.acts import Act
from incidents.incident import Before, Incident, Sign, Size
from incidents.life import Life

SLICE_ROWS = 10_000  # rows of OUTLIER_TB that are named at once: a leak of a week has as many, and less than a second

T = TypeVar("T")

_log = logging.getLogger(__name__)


class IncidentRow(msgspec.Struct, frozen=True):
    """A row of INCIDENT_TB; the fields are its columns."""

    site: str
    id: str
    sensor: str
    kind: str
    severity: str
    channel: str
    began: datetime
    raised: datetime
    ended: datetime | None
    size_m3h: float | None
    size_error_m3h: float | None
    size_at: datetime | None
    largest_m3h: float | None
    volume_m3: float | None
    returned: int
    signs: list[Sign]
    before: list[Before]
    stage: str
    by: str | None
    at: datetime | None
    until: datetime | None
    cause: str | None
    joined: str = ""


class ActRow(msgspec.Struct, frozen=True):
    """A row of INCIDENT_ACT_TB."""

    site: str
    id: str
    incident: str
    at: datetime
    by: str
    act: str
    until: datetime | None
    cause: str | None
    text: str


def row(site: str, incident: Incident, life: Life) -> IncidentRow:
    """The row of an incident of the site `site`."""
    size = incident.size
    return IncidentRow(
        site=site,
        id=incident.id,
        sensor=incident.sensor,
        kind=incident.kind,
        severity=incident.severity,
        channel=incident.channel,
        began=minute_start(incident.began),
        raised=minute_start(incident.raised),
        ended=start_if_known(incident.ended),
        size_m3h=size.flow_m3h if size else None,
        size_error_m3h=size.error_m3h if size else None,
        size_at=minute_start(size.minute) if size else None,
        largest_m3h=incident.largest_m3h,
        volume_m3=incident.volume_m3,
        returned=incident.returned,
        signs=incident.signs,
        before=incident.before,
        stage=life.stage,
        by=life.by or None,
        at=life.at,
        until=start_if_known(life.until),
        cause=life.cause,
        joined=incident.joined,
    )


def incident(found: IncidentRow) -> Incident:
    """The incident of a row."""
    size = None
    if found.size_at is not None and found.size_m3h is not None and found.size_error_m3h is not None:
        size = Size(minute_of(found.size_at), found.size_m3h, found.size_error_m3h)
    return Incident(
        found.id,
        found.site,
        found.sensor,
        found.kind,
        minute_of(found.began),
        minute_of(found.raised),
        minute_if_known(found.ended),
        size,
        found.largest_m3h,
        found.volume_m3,
        found.signs,
        found.before,
        found.returned,
        found.joined,
    )


def store(cursor: Cursor[Any], rows: Sequence[IncidentRow]) -> int:
    """Insert or change incidents; the number that were new or had changed."""
    cursor.execute(statement("incident_store").encode(), {"rows": _json(rows)})
    return cursor.rowcount


def store_acts(cursor: Cursor[Any], site: str, done: Iterable[Act]) -> None:
    """Insert acts that are not there yet."""
    rows = [
        ActRow(site, act.id, act.incident, act.at, act.by, act.do, start_if_known(act.until), act.cause, act.text)
        for act in done
    ]
    cursor.execute(statement("incident_store_acts").encode(), {"rows": _json(rows)})


def load(cursor: Cursor[Any], site: str, ids: Sequence[str] | None = None) -> list[Incident]:
    """The site's incidents; only those with one of the `ids`, if these are given.
    A row that somebody has changed so that it is no incident is left out, and logged.
    """
    cursor.execute(statement("incident_rows").encode(), {"site": site, "ids": None if ids is None else [*ids]})
    return [*_parsed(cursor, lambda text: incident(parse(text, IncidentRow)))]


def load_acts(cursor: Cursor[Any], site: str, ids: Sequence[str] | None = None) -> list[Act]:
    """What people did, about all of the site's incidents or those with one of the `ids`.
    A row that somebody has changed so that it is no act is left out, and logged.
    """
    cursor.execute(statement("incident_act_rows").encode(), {"site": site, "ids": None if ids is None else [*ids]})
    return [*_parsed(cursor, lambda text: _act(parse(text, ActRow)))]


def name_outliers(cursor: Cursor[Any], site: str, sensors: Iterable[str], first: datetime) -> bool:
    """Write their incident into rows of OUTLIER_TB that have none, from `first` on; False if some may be left."""
    values = {"site": site, "sensors": [*sensors], "first": first, "most": SLICE_ROWS}
    cursor.execute(statement("incident_of_outliers").encode(), values)
    return cursor.rowcount == 0


def _parsed(cursor: Cursor[Any], one: Callable[[bytes], T]) -> Iterator[T]:
    for (text,) in cursor.fetchall():
        try:
            yield one(text.encode())
        except StateUnusable as error:
            _log.warning("incident_row_unreadable problem=%s", quoted(error))


def _act(found: ActRow) -> Act:
    whole = {
        "id": found.id,
        "incident": found.incident,
        "at": found.at,
        "by": found.by,
        "do": found.act,
        "until": minute_if_known(found.until),
        "cause": found.cause,
        "text": found.text,
    }
    return convert(whole, Act)


def _json(rows: Sequence[msgspec.Struct]) -> str:
    return msgspec.json.encode(rows).decode()
