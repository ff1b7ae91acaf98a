"""The one place that decides how a site is: from a snapshot of the data folder, and what the database adds."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from common.clock import minute_start
from common.retry import REFUSED_IN_A_ROW
from common.settings import Settings
from common.verdict import CERTIFICATE_ENDS, FAULT, GOOD, KINDS, LEAK, TROUBLE, WATCH, Problem, Value, Verdict, verdict
from incidents.life import Stage
from incidents.reading import Known
from outliers import flags
from situation import rows, site_work, topic
from situation.processes import MOST_TEXT, expected_roles, of_processes, time_of
from situation.rows import SensorRow, Stored
from situation.snapshot import Snapshot

DISK_FULL_BYTES = 100_000_000  # writing files and Postgres will soon fail
CERTIFICATE_DAYS = 30  # before its end: time to renew it, also for who is away
BACKLOG_MIN = 120  # minutes that a group may be behind: a long step and a short outage are over by then
WEATHER_LATE_S = 3600.0  # an outage of the source: it is tried again six times in an hour
FRESH_MIN = 1440  # minutes for which an unregistered sensor is news: noise may look like one
ARCHIVE, SENDER = "archive", "consumer-server"
DOUBTED = ("unset", "stepped", "ahead")  # states of the producer's clock
JOINED = "joined"  # value of an incident that is told with another one, whose id it is
OUTAGE = "outage"  # code of an incident in which flow and pressure have fallen together
# Severity of a sign or a flag -> kind of the verdict and code.
_KINDS = {flags.LEAK: LEAK, flags.FAULT: FAULT, flags.SUPPLY: WATCH, flags.WATCH: WATCH, flags.PLANNED: GOOD}
_KINDS[OUTAGE] = FAULT  # somebody must look: both instruments show what they never show, and say so in the rows


@dataclass(frozen=True, slots=True)
class Judged:
    """How everything is, also what is good; `arrival`: of each sensor, whether its rows come."""

    rows: Problem
    arrival: Mapping[str, Problem]
    sensors: Mapping[str, Problem]
    processes: Mapping[str, Problem]
    verdict: Verdict


def judge(look: Snapshot, settings: Settings, stored: Stored | None = None, keep: Collection[str] = ()) -> Judged:
    """The verdict on a site, and what it rests on.

    Args:
        look: the data folder.
        stored: what the database adds; None if it is not asked.
        keep: unregistered sensors whose silence counts however long it lasts.
    """
    stored = stored or Stored()
    newest = rows.newest_rows(look, stored, keep)
    future = rows.of_future(look, stored)
    meters = {sensor: time for sensor, time in newest.items() if sensor not in settings.zones}
    many = Problem(GOOD, rows.SITE, "many-sites")
    site = many if settings.is_center else rows.of_site(look, meters, settings)
    arrival = {
        sensor: rows.of_sensor(sensor, time, _row(stored, sensor).name, look, settings)
        for sensor, time in meters.items()
    }
    arrival |= {
        zone.name: rows.of_zone(
            zone, newest[zone.name], look, settings, arrival=arrival, name=_row(stored, zone.name).name
        )
        for zone in settings.zones.values()
        if zone.name in newest
    }
    told = list(of_incidents(look, stored))
    none = bool(future) and not any(meters.values())  # that there never was a row would be untrue
    # If all are silent, each sensor by itself says no more.
    apart = [each for each in arrival.values() if each.code != "future-row"] if none or site.code == "fresh" else [site]
    processes = of_processes(look, expected_roles(settings, look.processes))
    alone = (each for each in told if JOINED not in each.values)
    found = (*future, *apart, *alone, *processes.values(), *_of_box(look, settings, stored))
    shelved = [problem for problem in told if "shelved_by" in problem.values]
    sensors = {
        sensor: _worst([status, *(each for each in told if each.subject == sensor)])
        for sensor, status in arrival.items()
    }
    return Judged(site, arrival, sensors, processes, verdict(found, shelved))


def of_incidents(look: Snapshot, stored: Stored) -> Iterator[Problem]:
    """The incidents that are up; while there is no file of them, the flags of the newest rows."""
    if look.incidents.complete:
        for known in look.incidents.known:
            if known.incident.ended is None and known.life.stage is not Stage.CLOSED:
                yield _of_incident(known, look, _row(stored, known.incident.sensor).name)
        return
    for sensor, row in stored.sensors.items():
        if row.severity is not None:
            code = row.severity.lower() if row.severity.lower() in _KINDS else flags.WATCH
            yield Problem(_KINDS[code], sensor, code, _known(name=row.name, reason=row.reason))


def _of_incident(known: Known, look: Snapshot, name: str) -> Problem:
    incident, life = known
    code = OUTAGE if incident.outage else incident.severity
    values = _known(name=name, incident=incident.id, rule=incident.leading.code, channel=incident.channel)
    if incident.joined:
        values[JOINED] = incident.joined
    values["lasted_s"] = 60 * incident.minutes(look.minute)
    if incident.size is not None and incident.kind == flags.LEAK:
        values |= {"size_m3h": incident.size.flow_m3h, "error_m3h": incident.size.error_m3h}
    if life.stage is Stage.SHELVED and life.until is not None:
        left_s = max(0.0, (minute_start(life.until) - look.now).total_seconds())
        shelved: dict[str, Value] = {"shelved_by": life.by, "shelved_s": left_s, "shelved": code}
        return Problem(GOOD, incident.sensor, "shelved", values | shelved)
    if life.stage is Stage.ACKNOWLEDGED and life.at is not None:
        ago_s = max(0.0, (look.now - life.at).total_seconds())
        values |= {"acknowledged_by": life.by, "acknowledged_s": ago_s}
    return Problem(_KINDS[code], incident.sensor, code, values)


def _of_box(look: Snapshot, settings: Settings, stored: Stored) -> Iterator[Problem]:
    """Problems of parts of the box."""
    free, size, lag = look.disk_free, look.log_bytes, look.lag(ARCHIVE)
    if stored.down:
        values = _known(reason=stored.down) | ({} if lag is None else {"rows": lag})
        yield Problem(TROUBLE, "database", "no-database", values)
    if free is not None and free < DISK_FULL_BYTES:
        yield Problem(TROUBLE, "disk", "disk-full", {"free_bytes": free})
    if size is not None and size > settings.log.warn_bytes:
        yield Problem(TROUBLE, "log", "log-large", {"log_bytes": size})
    if any(position.problem for position in look.groups.values()):
        yield Problem(TROUBLE, "groups", "groups-unknown")
    if look.counters("producer").get("clock") in DOUBTED:
        yield Problem(TROUBLE, "clock", "clock-doubted")
    if look.incidents.problem:
        damaged = WATCH if look.incidents.complete else TROUBLE
        yield Problem(damaged, "incidents", "acts-damaged" if look.incidents.complete else "incidents-damaged")
    yield from _of_certificate(look)
    yield from _of_delivery(look)
    if settings.weather.url:
        yield from _of_weather(look)
    yield from topic.of_partitions(stored.topic)
    yield from topic.of_readers(look.counters("consumer-archive"))
    yield from site_work.of_work(stored.work)
    yield from _backlogs(look, settings, stored)
    for sensor, newest in stored.unregistered.items():
        if rows.row_age_s(newest, look.now) < 60 * FRESH_MIN:
            yield Problem(WATCH, sensor, "unregistered")


def _of_certificate(look: Snapshot) -> Iterator[Problem]:
    """That browsers will refuse the page soon, or do already."""
    ends_s = look.counters("server").get(CERTIFICATE_ENDS)
    if isinstance(ends_s, int):
        left_s = ends_s - look.now.timestamp()
        if left_s < CERTIFICATE_DAYS * 86400:
            values: dict[str, Value] = {"left_s": left_s} if left_s > 0 else {"ended_s": -left_s}
            yield Problem(TROUBLE, "certificate", "certificate-ends", values)


def _of_delivery(look: Snapshot) -> Iterator[Problem]:
    """What the server refuses. That it is away is the sender's own problem."""
    counters = look.counters(SENDER)
    status, refused = counters.get("last_status"), counters.get("refused_in_a_row")
    if status in (401, 403):
        yield Problem(TROUBLE, "delivery", "token-refused", {"status": status})
    elif isinstance(refused, int) and refused >= REFUSED_IN_A_ROW:
        yield Problem(TROUBLE, "delivery", "rows-refused", {"refused": refused})


def _of_weather(look: Snapshot) -> Iterator[Problem]:
    """That the weather's source gives none. The forecasts go on without: nobody need get up for it."""
    counters = look.counters("forecaster")
    text, since = counters.get("weather_problem"), time_of(counters.get("weather_problem_since"))
    if text and since is not None:
        lasted_s = (look.now - since).total_seconds()
        if lasted_s > WEATHER_LATE_S * look.speed:
            why = {"reason": str(text)[:MOST_TEXT], "reason_kind": "weather"}
            yield Problem(WATCH, "weather", "weather-missing", {**why, "lasted_s": lasted_s})


def _backlogs(look: Snapshot, settings: Settings, stored: Stored) -> Iterator[Problem]:
    """Groups that are behind by more than their work explains."""
    behind_min = max(BACKLOG_MIN, 2 * settings.server.every_minutes)
    most = behind_min * max(1, len(look.mark.sensors) if look.mark else 1)
    for group in look.groups:
        lag = look.lag(group)
        if lag is not None and lag > most and not (group == ARCHIVE and stored.down):
            yield Problem(WATCH, group, "backlog", {"rows": lag})


def _worst(found: list[Problem]) -> Problem:
    """The worst; among good ones, the last: that something is planned or shelved says more than normal."""
    return max(reversed(found), key=lambda problem: KINDS.index(problem.kind))


def _row(stored: Stored, sensor: str) -> SensorRow:
    return stored.sensors.get(sensor, SensorRow(None))


def _known(**values: str) -> dict[str, Value]:
    """The values that are not empty."""
    return {key: value for key, value in values.items() if value}
