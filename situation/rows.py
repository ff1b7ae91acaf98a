"""Whether rows come: the newest row of the site and of each sensor. Pure; ages are in site seconds, never negative."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from common.clock import local_text, minute_start
from common.settings import Settings
from common.verdict import GOOD, SILENT, TROUBLE, WATCH, Problem, Value
from common.zones import Zone
from outliers.calendar import ALL, Work
from situation.site_work import WorkState
from situation.snapshot import PIPELINE_S, Snapshot
from situation.topic import PartitionState

ROW_LATE_S = 180.0  # twice a minute plus its lateness and its way through the log
GONE = timedelta(days=7)  # an unregistered sensor that has been silent for a week has been removed
AFTER_WORK_MIN = 30  # minutes after planned work until a removed meter is back
SITE = "rows"  # the subject of a problem of all rows
_OF_SITE = ("fresh", "late-rows", "silent-rows", "first-rows")
_OF_SENSOR = ("normal", "late", "no-data", "no-rows")


class SensorRow(NamedTuple):
    """A sensor's newest row up to now, None if it has none, and the severity of its newest flags."""

    newest: datetime | None
    name: str = ""
    severity: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database adds to a snapshot.

    Attributes:
        sensors: the registered sensors; or those of the mark, if `registered` is false: the database was not asked, or
            does not answer.
        future: the newest row of the future, and the site that delivered it; empty: the own one.
        unregistered: sensors that nobody registered, and their newest rows.
        topic: the partitions that a center reads.
        work: what a center does for its sites.
        down: why the database does not answer; empty if it does, or was not asked.
    """

    sensors: Mapping[str, SensorRow] = field(default_factory=dict)
    registered: bool = False
    future: datetime | None = None
    unregistered: Mapping[str, datetime] = field(default_factory=dict)
    topic: tuple[PartitionState, ...] = ()
    work: tuple[WorkState, ...] = ()
    down: str = ""
    future_site: str = ""


def newest_rows(look: Snapshot, stored: Stored, keep: Collection[str] = ()) -> dict[str, datetime | None]:
    """Each sensor's newest row up to now, archived or not. `keep`: sensors that stay however long they are silent."""
    found = {sensor: row.newest for sensor, row in stored.sensors.items()}
    for sensor, minute in (look.mark.sensors if look.mark else {}).items():
        closed = minute_start(minute)
        if closed > look.until and not stored.registered:
            found.setdefault(sensor, None)
        elif closed <= look.until and (sensor in found or not stored.registered):
            found[sensor] = max(filter(None, (found.get(sensor), closed)))
    if not stored.registered:
        last = max(filter(None, found.values()), default=look.now)
        found = {key: time for key, time in found.items() if key in keep or time is None or last - time < GONE}
    return dict(sorted(found.items()))


def future_row(look: Snapshot, stored: Stored) -> datetime | None:
    """The newest row of the future; None if there is none."""
    closed = (minute_start(minute) for minute in (look.mark.sensors.values() if look.mark else ()))
    times = (*closed, *stored.unregistered.values(), *filter(None, (stored.future,)))
    newest = max(times, default=look.until)
    return newest if newest > look.until else None


def of_site(look: Snapshot, newest: Mapping[str, datetime | None], set_: Settings) -> Problem:
    """Whether rows come from any sensor."""
    found = newest_row(SITE, max(filter(None, newest.values()), default=None), look, set_)
    if newest and found.kind != GOOD and all(working(sensor, look) for sensor in newest):
        return Problem(GOOD, SITE, found.code, found.values)
    return found


def of_future(look: Snapshot, stored: Stored) -> list[Problem]:
    """The rows of the future, if there are some: silence shows in the rows up to now, and this must end."""
    if (newest := future_row(look, stored)) is None:
        return []
    shown = local_text(newest, UTC) + " UTC"
    ahead_s = (newest - look.now).total_seconds()
    whose = {"site": stored.future_site} if stored.future_site and newest == stored.future else {}
    return [Problem(TROUBLE, SITE, "future-rows", {"newest": shown, "ahead_s": ahead_s, **whose})]


def of_sensor(sensor: str, newest: datetime | None, name: str, look: Snapshot, set_: Settings) -> Problem:
    """Whether a sensor's rows come."""
    closed = look.mark.sensors.get(sensor) if look.mark else None
    if newest is None and closed is not None:  # else it would be the newest
        return Problem(TROUBLE, sensor, "future-row")
    found = newest_row(sensor, newest, look, set_)
    values = {**found.values, **({"name": name} if name else {})}
    if found.kind != GOOD and (work := working(sensor, look)):
        return Problem(GOOD, sensor, "planned", {**values, "reason": work.what})
    return Problem(found.kind, sensor, found.code, values)


def of_zone(
    zone: Zone, newest: datetime | None, look: Snapshot, set_: Settings, *, arrival: Mapping[str, Problem], name: str
) -> Problem:
    """Whether a zone's sums come. If not, one of its meters is why; where that is told, the zone calls nobody.

    `arrival`: of the meters.
    """
    found = newest_row(zone.name, newest, look, set_)
    named: dict[str, Value] = {"name": name} if name else {}
    if found.kind == GOOD:
        return Problem(GOOD, zone.name, found.code, named)
    away = [sensor for sensor in zone.signs if sensor in arrival and arrival[sensor].code != "normal"]
    values: dict[str, Value] = {**found.values, **named, "formula": zone.formula}
    if away:
        values["meters"] = ", ".join(away)
    return Problem(GOOD if away else WATCH, zone.name, "no-sum", values)


def newest_row(subject: str, newest: datetime | None, look: Snapshot, set_: Settings) -> Problem:
    """Whether the newest row (the start of its minute) is fresh; `line.quiet_minutes` without one are as usual."""
    fresh, late, lost, none = _OF_SITE if subject == SITE else _OF_SENSOR
    if newest is None:
        return Problem(SILENT, subject, none)
    age_s = row_age_s(newest, look.now)
    values: dict[str, Value] = {"silent_s": age_s}
    slack_s = PIPELINE_S * look.speed + 60 * set_.line.quiet_minutes
    if age_s > 60 * set_.alerts.silent_minutes + slack_s:
        return Problem(SILENT, subject, lost, values)
    if age_s > ROW_LATE_S + slack_s:
        return Problem(WATCH, subject, late, values)
    return Problem(GOOD, subject, fresh)


def row_age_s(newest: datetime, now: datetime) -> float:
    """Site seconds since the end of the row's minute, never negative."""
    return max(0.0, (now - newest).total_seconds() - 60.0)


def working(sensor: str, look: Snapshot) -> Work | None:
    """The planned work that explains why a sensor is silent."""
    for work in look.works:
        if work.sensor in (ALL, sensor) and work.first <= look.minute < work.end + AFTER_WORK_MIN:
            return work
    return None
