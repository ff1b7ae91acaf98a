"""What the data folder of a box says at one instant: read once, then judged. It never asks the database."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from common import false_rows, health, processes, time_service
from common.clock import FUTURE_S, Clock, ScaledClock, SystemClock, minute_of
from common.folder import LOG_FILE
from common.logging_setup import quoted
from common.row import SENSOR_ID
from common.settings import Settings
from incidents import reading
from incidents.reading import Incidents
from log import mark
from log.mark import Mark
from log.roles import Position, positions
from outliers import calendar
from outliers.calendar import Work

PIPELINE_S = 20.0  # most real seconds from the line to the page in normal operation

_log = logging.getLogger(__name__)
_said: dict[str, str] = {}  # the last problem logged, by event


@dataclass(frozen=True, slots=True)
class Process:
    """What a process has published; `ended_s`: real seconds since it was last seen, None while it runs."""

    state: Mapping[str, Any]
    ended_s: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One instant of a box.

    Attributes:
        now: the site's time.
        speed: 1, or the factor of a demo, in which few real seconds are many site seconds.
        mark: None if there is none.
        log_bytes, disk_free: None if not known.
        groups: how far each group has come.
        processes: by role, of all that have published something.
        works: the planned work.
    """

    now: datetime
    speed: float = 1.0
    mark: Mark | None = None
    log_bytes: int | None = None
    disk_free: int | None = None
    groups: Mapping[str, Position] = field(default_factory=dict)
    processes: Mapping[str, Process] = field(default_factory=dict)
    incidents: Incidents = field(default_factory=Incidents)
    works: tuple[Work, ...] = ()

    @property
    def minute(self) -> int:
        return minute_of(self.now)

    @property
    def until(self) -> datetime:
        """The latest time of a row that is not of the future: the clock may have been read before the row was."""
        return self.now + timedelta(seconds=FUTURE_S + PIPELINE_S * self.speed)

    def lag(self, group: str) -> int | None:
        """The rows of the log that a group has not committed; None if that is not known."""
        position = self.groups.get(group)
        if self.mark is None or position is None or position.offset is None:
            return None
        return max(0, self.mark.end_offset - position.offset)

    def counters(self, role: str) -> Mapping[str, Any]:
        """What a running process counts."""
        process = self.processes.get(role)
        found = process.state.get("counters") if process and process.ended_s is None else None
        return found if isinstance(found, dict) else {}


def take(settings: Settings, clock: Clock) -> Snapshot:
    """The box now."""
    data, now = settings.paths.data, clock.now()
    return Snapshot(
        now,
        speed_of(clock),
        _mark(data),
        _size(data / LOG_FILE),
        _disk_free(data),
        positions(settings, settings.log.groups),
        _processes(data),
        reading.load(data, minute_of(now)),
        calendar.load(data, settings.site.zone).works,
    )


def speed_of(clock: Clock) -> float:
    return clock.speed if isinstance(clock, ScaledClock) else 1.0


def alive(state: Mapping[str, Any]) -> bool:
    """Whether the process that wrote this health file still runs: its id may belong to another one since a boot."""
    pid, then, now = state.get("pid"), state.get("boot"), time_service.boot_id()
    if then and now and then != now:
        return False
    return processes.alive(pid) if isinstance(pid, int) and pid > 0 else True


def clock_offsets_s(producer: Mapping[str, Any]) -> dict[str, float]:
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


def _mark(data: Path) -> Mark | None:
    """The mark, without minutes that people have said to be of a wrong clock: the producer may not have closed others
    since."""
    known = mark.load(data)
    for span in false_rows.load(data) if known else ():
        if known and span.log_id == known.log_id and known.end_offset <= span.end_offset:
            closed = {sensor: min(minute, span.last) for sensor, minute in known.sensors.items()}
            known = replace(known, sensors=closed)
    return known


def _processes(data: Path) -> dict[str, Process]:
    found = {}
    for role, state in health.load_all(data).items():
        ended_s = None if alive(state) else _age_s(health.folder(data) / f"{role}.json")
        found[role] = Process(state, ended_s)
    return found


def _age_s(path: Path) -> float:
    """Real seconds since the file was written: a process that runs writes it each second. Never negative."""
    try:
        return max(0.0, SystemClock().now().timestamp() - path.stat().st_mtime)
    except OSError:
        return 0.0


def _disk_free(data: Path) -> int | None:
    """Free bytes for this user on the data folder's disk."""
    try:
        return shutil.disk_usage(data).free
    except OSError:
        return None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def log_problems(look: Snapshot) -> None:
    """Log once what is wrong with files, in the words of those who read them."""
    said = {f"group_unreadable group={group}": each.problem for group, each in look.groups.items() if each.problem}
    if look.incidents.problem:
        said["incidents_unreadable"] = reading.for_log(look.incidents)
    for event, problem in said.items():
        if _said.get(event) != problem:
            _log.warning("%s problem=%s", event, quoted(problem))
    _said.clear()
    _said.update(said)
