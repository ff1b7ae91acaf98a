"""The state of the whole box as one JSON value: from the health files, the log's positions and the database.

The page, /healthz, /metrics and `hydrolog status` all show this one value and its verdict, so they cannot disagree.
"""

import logging
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from common import health, processes, time_service
from common.clock import Clock, ScaledClock, minute_start
from common.clock_words import said_of_meter
from common.database import Database
from common.errors import DatabaseDown
from common.folder import LOG_FILE
from common.logging_setup import quoted
from common.row import SENSOR_ID
from common.settings import Settings
from common.verdict import TROUBLE, Problem, verdict
from common.version import version
from log import mark
from log.roles import positions
from server import queries, status_words

STATE_TIMEOUT_S = 10.0

Json = dict[str, Any]
_log = logging.getLogger(__name__)


def expected_roles(settings: Settings) -> list[str]:
    """The processes of the group, in order of the data flow."""
    consumers = [f"consumer-{group}" for group in settings.log.groups]
    embedded = [] if settings.database.url else ["database"]
    return ["producer", *consumers, "nightflow", "forecaster", "server", *embedded]


def speed_of(clock: Clock) -> float:
    return clock.speed if isinstance(clock, ScaledClock) else 1.0


def alive(state: Json) -> bool:
    """Whether the process that wrote this health file still runs: its id may belong to another one since a boot."""
    pid, then, now = state.get("pid"), state.get("boot"), time_service.boot_id()
    if then and now and then != now:
        return False
    return processes.alive(pid) if isinstance(pid, int) and pid > 0 else True


def read(database: Database, settings: Settings, clock: Clock) -> Json:
    """Everything except the charts, and the verdict on it."""
    now, speed = clock.now(), speed_of(clock)
    known, until = mark.load(settings.paths.data), now + status_words.slack(speed)
    stored = _stored(database, known, until)
    newest = max((entry["newest"] for entry in stored["sensors"] if entry["newest"]), default=None)
    quiet = settings.line.quiet_minutes
    groups = _groups(settings, known)
    states = health.load_all(settings.paths.data)
    clocks = clock_offsets_s(states.get("producer", {}))
    fresh = status_words.newest_row(newest, now, speed, quiet)
    if stored["future"]:
        fresh = status_words.future(stored["future"], now)
    if stored["database"]:
        fresh = _without_database(stored["database"], groups["groups"])
    state = {
        "version": version(),
        "site": settings.site.id,
        "zone": settings.site.timezone,
        "now": now.timestamp(),
        "speed": speed,
        "newest": {"at": _seconds(newest), "age_s": _age_s(newest, now, speed)} | _words(fresh),
        "processes": _processes(settings, states, now, speed),
        "clock_offsets_s": clocks,
        "disk_free": _disk_free(settings),
        "log": _log_file(settings, known),
        **groups,
        **stored,
        "future": _seconds(stored["future"]),
        "sensors": [
            _sensor(entry, now, speed, quiet) | {"clock": said_of_meter(clocks.get(entry["sensor"], 0.0))}
            for entry in stored["sensors"]
        ],
    }
    return state | {"verdict": verdict(_problems(state, settings)).to_json()}


def _stored(database: Database, known: mark.Mark | None, until: datetime) -> Json:
    """What the database knows. While it does not answer, `database` says why, and the sensors are those of the mark.

    Rows after `until` are of the future: `future` is the newest one's time, None if there is none.
    """
    try:
        with database.transaction(STATE_TIMEOUT_S) as cursor:
            unregistered = queries.unregistered(cursor)
            apart = [datetime.fromtimestamp(entry["newest"], UTC) for entry in unregistered]
            newest = max([queries.future(cursor, until) or until, *apart])
            return {
                "database": "",
                "sensors": queries.sensors(cursor, until),
                "future": newest if newest > until else None,
                "unregistered": unregistered,
                "received": queries.received(cursor),
            }
    except DatabaseDown as down:
        sensors = sorted(known.sensors.items()) if known else []
        return {
            "database": str(down),
            "sensors": [_in_the_log(sensor, minute_start(minute), until) for sensor, minute in sensors],
            "future": None,
            "unregistered": [],
            "received": None,
        }


def _in_the_log(sensor: str, newest: datetime, until: datetime) -> Json:
    """What is known of a sensor while the database is down."""
    return {
        **dict.fromkeys(("flow", "pressure", "channel"), None),
        "sensor": sensor,
        "name": "",
        "newest": newest,
        "version": "",
        "severity": status_words.OF_THE_FUTURE if newest > until else status_words.IN_THE_LOG,
        "reason": "no database: only its last closed minute is known",
    }


def _without_database(problem: str, groups: list[Json]) -> status_words.StatusWord:
    lag = next((group["lag"] for group in groups if group["group"] == "archive"), None)
    wait = f"; {lag:,} rows wait in the log, none is lost" if lag is not None else ""
    return status_words.StatusWord(status_words.BAD, "no database", f"{problem}{wait}", TROUBLE)


def _disk_free(settings: Settings) -> int | None:
    """Free bytes for this user on the data folder's disk."""
    try:
        return shutil.disk_usage(settings.paths.data).free
    except OSError:
        return None


def clock_offsets_s(producer: Json) -> dict[str, float]:
    """Seconds by which each meter's clock is ahead, as far as a running producer says it."""
    counters = producer.get("counters")
    offsets = counters.get("clock_offsets_s") if isinstance(counters, dict) and alive(producer) else None
    if not isinstance(offsets, dict):
        return {}
    return {
        sensor: offset
        for sensor, offset in offsets.items()
        if isinstance(offset, int | float) and SENSOR_ID.fullmatch(sensor)
    }


def _processes(settings: Settings, states: dict[str, Json], now: datetime, speed: float) -> list[Json]:
    expected = expected_roles(settings)
    found = []
    for role in [*expected, *sorted(set(states) - set(expected))]:
        state = states.get(role)
        word = status_words.process(state, state is not None and alive(state), now, speed)
        success = status_words.time_of(state.get("last_success")) if state else None
        counters = state.get("counters") if state else None
        found.append(
            {
                "role": role,
                "version": str(state.get("version", "")) if state else "",
                "success": _seconds(success),
                "counters": counters if isinstance(counters, dict) else {},
            }
            | _words(word)
        )
    return found


def _log_file(settings: Settings, known: mark.Mark | None) -> Json:
    """Its size, None if there is none, and what the mark says of its end."""
    try:
        size = (settings.paths.data / LOG_FILE).stat().st_size
    except OSError:
        size = None
    return {
        "bytes": size,
        "end_offset": known.end_offset if known else None,
        "closed_through": minute_start(known.closed_through).isoformat() if known else None,
    }


def _groups(settings: Settings, known: mark.Mark | None) -> Json:
    """The lag of each consumer group in rows; None if unknown, and why."""
    found, problems = [], set()
    for group, position in positions(settings, settings.log.groups).items():
        if position.problem:
            _log.warning("group_unreadable group=%s problem=%s", group, quoted(position.problem))
            problems.add(position.problem)
        lag = max(0, known.end_offset - position.offset) if known and position.offset is not None else None
        found.append({"group": group, "lag": lag})
    return {"groups": found, "groups_problem": "; ".join(sorted(problems))}


def _sensor(entry: Json, now: datetime, speed: float, quiet_minutes: int) -> Json:
    newest: datetime | None = entry["newest"]
    fresh = status_words.newest_row(newest, now, speed, quiet_minutes)
    word = status_words.sensor(fresh, entry["severity"])
    shown = {key: entry[key] for key in ("sensor", "name", "flow", "pressure", "channel", "version")}
    reason = entry["reason"] or "" if fresh.state == status_words.OK else word.detail
    return shown | {"newest": _seconds(newest), "age_s": _age_s(newest, now, speed)} | _words(word) | {"detail": reason}


def _age_s(newest: datetime | None, now: datetime, speed: float) -> float | None:
    """Site seconds since the end of the newest row's minute; None without one, or if it is of the future."""
    known = newest is not None and newest <= now + status_words.slack(speed)
    return status_words.row_age_s(newest, now) if newest and known else None


def _seconds(time: datetime | None) -> int | None:
    return int(time.timestamp()) if time else None


def _words(word: status_words.StatusWord) -> Json:
    return {"state": word.state, "word": word.word, "detail": word.detail, "kind": word.kind}


def _problems(state: Json, settings: Settings) -> Iterator[Problem]:
    """What is not as it should be, of sensors only if not all are silent."""
    sensors = [(f"sensor {entry['sensor']}", entry) for entry in state["sensors"]]
    rows = [] if sensors and state["newest"]["state"] == status_words.OK else [("newest row", state["newest"])]
    rows += sensors if state["future"] or not rows else []
    for subject, entry in (*rows, *((process["role"], process) for process in state["processes"])):
        if entry["state"] != status_words.OK:
            yield Problem(entry["kind"], subject, entry["word"], entry["detail"])
    free, size = state["disk_free"], state["log"]["bytes"]
    if free is not None and free < status_words.DISK_FULL_BYTES:
        yield Problem(TROUBLE, "disk", "full", f"only {free / 1e6:.0f} MB are free; make room")
    if size is not None and size > settings.log.warn_bytes:
        yield Problem(TROUBLE, "log", "large", f"{size / 1e6:.1f} MB of rows wait: a group lags behind")
    if state["groups_problem"]:
        yield Problem(TROUBLE, "groups", "unknown", f"how far they have come: {state['groups_problem']}")
