"""The state of the whole box as one JSON value: from the health files, the log's positions and the database.

The page, /healthz and /metrics all show this one value, so they cannot disagree.
"""

import logging
import shutil
from datetime import UTC, datetime
from typing import Any

from common import health, processes
from common.clock import Clock, ScaledClock
from common.database import Database
from common.errors import DatabaseDown
from common.logging_setup import quoted
from common.settings import Settings
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
    """Whether the process that wrote this health file still runs."""
    pid = state.get("pid")
    return processes.alive(pid) if isinstance(pid, int) and pid > 0 else True


def read(database: Database, settings: Settings, clock: Clock) -> Json:
    """Everything except the charts; without a database its part is empty and `database` says why."""
    now, speed = clock.now(), speed_of(clock)
    until = now + status_words.slack(speed)
    stored: Json = {"sensors": [], "future": None, "unregistered": [], "received": None}
    problem = ""
    try:
        with database.transaction(STATE_TIMEOUT_S) as cursor:
            stored["sensors"] = queries.sensors(cursor, until)
            stored["future"] = queries.future(cursor, until)
            stored["unregistered"] = queries.unregistered(cursor)
            stored["received"] = queries.received(cursor)
    except DatabaseDown as down:
        problem = str(down)
    apart = [datetime.fromtimestamp(entry["newest"], UTC) for entry in stored["unregistered"]]
    newest_of_all = max([stored["future"] or until, *apart])
    future = newest_of_all if newest_of_all > until else None
    newest = max((entry["newest"] for entry in stored["sensors"] if entry["newest"]), default=None)
    quiet = settings.line.modbus.quiet_minutes
    fresh = status_words.newest_row(newest, now, speed, quiet)
    if future:
        fresh = status_words.future(future, now)
    if problem:
        fresh = status_words.StatusWord(status_words.BAD, "no database", problem)
    return {
        "version": version(),
        "site": settings.site.id,
        "zone": settings.site.timezone,
        "now": now.timestamp(),
        "speed": speed,
        "database": problem,
        "newest": {"at": _seconds(newest), "age_s": _age_s(newest, now)} | _words(fresh),
        "processes": _processes(settings, now, speed),
        "future": _seconds(future),
        "sensors": [_sensor(entry, now, speed, quiet) for entry in stored["sensors"]],
        "unregistered": stored["unregistered"],
        "received": stored["received"],
        "disk_free": _disk_free(settings),
    } | _groups(settings)


def _disk_free(settings: Settings) -> int | None:
    """Free bytes for this user on the data folder's disk."""
    try:
        return shutil.disk_usage(settings.paths.data).free
    except OSError:
        return None


def _processes(settings: Settings, now: datetime, speed: float) -> list[Json]:
    states = health.load_all(settings.paths.data)
    expected = expected_roles(settings)
    found = []
    for role in [*expected, *sorted(set(states) - set(expected))]:
        state = states.get(role)
        verdict = status_words.process(state, state is not None and alive(state), now, speed)
        success = status_words.time_of(state.get("last_success")) if state else None
        counters = state.get("counters") if state else None
        found.append(
            {
                "role": role,
                "version": str(state.get("version", "")) if state else "",
                "success": _seconds(success),
                "counters": counters if isinstance(counters, dict) else {},
            }
            | _words(verdict)
        )
    return found


def _groups(settings: Settings) -> Json:
    """The lag of each consumer group in rows; None if unknown, and why."""
    known = mark.load(settings.paths.data)
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
    verdict = status_words.sensor(fresh, entry["severity"])
    shown = {key: entry[key] for key in ("sensor", "name", "flow", "pressure", "channel", "version")}
    reason = entry["reason"] or "" if fresh.state == status_words.OK else verdict.detail
    return shown | {"newest": _seconds(newest), "age_s": _age_s(newest, now)} | _words(verdict) | {"detail": reason}


def _age_s(newest: datetime | None, now: datetime) -> float | None:
    return status_words.row_age_s(newest, now) if newest else None


def _seconds(time: datetime | None) -> int | None:
    return int(time.timestamp()) if time else None


def _words(verdict: status_words.StatusWord) -> Json:
    return {"state": verdict.state, "word": verdict.word, "detail": verdict.detail}


def well(state: Json) -> tuple[bool, list[str]]:
    """Whether everything is well, and the problems, one line each."""
    troubles = [f"newest row: {state['newest']['word']}: {state['newest']['detail']}"]
    if state["newest"]["state"] == status_words.OK:
        troubles = []
    troubles += [
        f"{process['role']}: {process['word']}: {process['detail']}"
        for process in state["processes"]
        if process["state"] == status_words.BAD
    ]
    if state["disk_free"] is not None and state["disk_free"] < status_words.DISK_FULL_BYTES:
        troubles.append(f"disk: full: only {state['disk_free'] / 1e6:.0f} MB are free; make room")
    return not troubles, troubles
