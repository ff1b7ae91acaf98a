"""What /metrics tells beside the state: incidents, the last night, the disk, the clock. The page has no use for it."""

import shutil
from datetime import timedelta
from typing import NamedTuple

from common import time_service
from common.clock import Clock, minute_of
from common.database import Database, statement
from common.errors import DatabaseDown
from common.settings import Settings
from incidents import reading
from incidents.reading import Incidents

NIGHTS_TIMEOUT_S = 5.0
LAST_NIGHT = timedelta(days=1)


class LastNight(NamedTuple):
    """The last reported night of a sensor; None = not known.

    Attributes:
        flow_m3h: the minimum night flow.
        leakage_m3h: its leakage, where the night use was set by the utility. An estimate is no measurement.
    """

    sensor: str
    flow_m3h: float | None
    leakage_m3h: float | None


class Facts(NamedTuple):
    """See the module.

    Attributes:
        quiet_s: seconds without a row that are as they should be.
        disk_bytes: the size of the data folder's disk; None if it cannot be asked.
        in_step: whether a time service keeps the clock; None if nobody knows.
    """

    incidents: Incidents
    nights: tuple[LastNight, ...]
    quiet_s: float
    disk_bytes: int | None
    in_step: bool | None


def read(database: Database, settings: Settings, clock: Clock) -> Facts:
    """All of it; without the database no nights."""
    now = clock.now()
    try:
        disk_bytes = shutil.disk_usage(settings.paths.data).total
    except OSError:
        disk_bytes = None
    try:
        with database.transaction(NIGHTS_TIMEOUT_S) as cursor:
            asked = {"site": settings.site.id, "since": now.astimezone(settings.site.zone).date() - LAST_NIGHT}
            nights = tuple(LastNight(*row) for row in cursor.execute(statement("metrics_nights"), asked))
    except DatabaseDown:
        nights = ()
    return Facts(
        incidents=reading.load(settings.paths.data, minute_of(now)),
        nights=nights,
        quiet_s=settings.line.quiet_minutes * 60.0,
        disk_bytes=disk_bytes,
        in_step=time_service.in_step(),
    )


def incident_counts(incidents: Incidents) -> dict[tuple[str, str, str, str], int]:
    """How many are up, by sensor, kind, severity and stage; what is joined to another one counts there."""
    counts: dict[tuple[str, str, str, str], int] = {}
    for incident, life in incidents.known:
        if incident.ended is None and not incident.joined:
            key = (incident.sensor, incident.kind, incident.severity, str(life.stage))
            counts[key] = counts.get(key, 0) + 1
    return counts


def leak_sizes(incidents: Incidents) -> dict[str, float]:
    """The extra flow at each sensor, m3/h: of the leaks that are up and whose size is known."""
    sizes: dict[str, float] = {}
    for incident, _life in incidents.known:
        if incident.ended is None and incident.size is not None:
            sizes[incident.sensor] = sizes.get(incident.sensor, 0.0) + incident.size.flow_m3h
    return sizes
