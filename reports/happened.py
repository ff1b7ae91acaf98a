"""What happened in a month, and what people did: incidents with their acts, and the audit."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from psycopg import Cursor

from common import audit
from common.audit import Entry
from common.clock import minute_of
from common.database import statement
from incidents import acts, reading, table
from incidents.acts import Act
from incidents.incident import Incident
from incidents.reading import Known
from reports.month import Month

MOST_INCIDENTS = 3000  # of a month: more than that is an instrument that nobody looks after
# Not the water's: who may log in, and what stands with the incidents already.
NOT_TOLD = ("login", "logout", "user-", "incident-")


class Deed(NamedTuple):
    """What somebody did: about an incident, or something that is in the audit."""

    at: datetime
    by: str
    what: Act | Entry


def incidents(
    cursor: Cursor[Any], data: Path | None, site: str, month: Month, now: datetime, *, sensor: str | None
) -> list[Known]:
    """The incidents that were up in the month, the newest first. The file's version of an incident is the newer one."""
    first, until = minute_of(month.start), min(minute_of(month.end), minute_of(now) + 1)
    asked = {"site": site, "sensor": sensor or "", "kind": "", "from": month.start, "to": month.end}
    cursor.execute(statement("incident_ids"), asked | {"most": MOST_INCIDENTS})
    names = [name for (name,) in cursor.fetchall()]
    earlier = [one for one in table.load(cursor, site, names) if one.signs]
    newer = reading.stored(data).incidents if data else ()
    found = {one.id: one for one in (*earlier, *newer)}
    here = [one for one in found.values() if sensor in (None, one.sensor) and _was_up(one, first, until)]
    recorded = table.load_acts(cursor, site, [one.id for one in here])
    done = {act.id: act for act in (*recorded, *(acts.load(data).known if data else ()))}
    return reading.known(here, done.values(), minute_of(now))


def _was_up(incident: Incident, first: int, until: int) -> bool:
    return incident.began < until and (incident.ended is None or incident.ended >= first)


def deeds(cursor: Cursor[Any], data: Path | None, site: str, month: Month, known: Iterable[Known]) -> list[Deed]:
    """What people did in the month, oldest first."""
    cursor.execute(statement("report_audit"), {"site": site, "first": month.start, "until": month.end})
    names = [column.name for column in cursor.description or ()]
    stored = [msgspec.convert(dict(zip(names, row, strict=True)), Entry) for row in cursor.fetchall()]
    entries = {entry.id: entry for entry in (*stored, *(audit.load(data)[0] if data else ()))}
    told = [Deed(one.at, one.by, one) for one in entries.values() if not one.what.startswith(NOT_TOLD)]
    told += [Deed(act.at, act.by, act) for one in known for act in one.life.acts]
    return sorted((one for one in told if month.start <= one.at < month.end), key=lambda one: one.at)
