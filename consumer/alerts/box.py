"""Alarms about the box itself, from the problems of the verdict: the same that the page shows.

`conditions` names those that are told, `Watch` turns them into events, with patience and hysteresis.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from common.settings import Settings
from common.verdict import SILENT, TROUBLE, Problem
from common.verdict_sentences import PROCESSES
from consumer.alerts.events import BOX, AlertEvent, Key
from outliers.flags import FAULT
from situation.judge import Judged, judge
from situation.snapshot import Snapshot

METHOD = "BOX"
SILENT_SENSOR, SILENT_LINE, IDLE = "BOX-SENSOR", "BOX-LINE", "BOX-IDLE"
CALM_MIN = 5  # minutes without the condition before its alarm ends
IDLE_MIN = 60  # minutes that a process may be in trouble: a training or a short outage elsewhere is over by then
ENDED_MIN = 10  # minutes that a process may be gone: an update takes less
SELF = "consumer-alerts"  # who cannot tell must not wait to be told of it
LOG_KEY: Key = (BOX, "log", "BOX-LOG")
# Problem of the verdict -> code of the event; the codes stay, because they are in messages and in the state.
_CODES = {
    "silent-rows": SILENT_LINE,
    "no-data": SILENT_SENSOR,
    "future-rows": "BOX-CLOCK",
    "clock-doubted": "BOX-CLOCK",
    "log-large": "BOX-LOG",
    "token-refused": "BOX-REFUSED",
    "rows-refused": "BOX-REFUSED",
    "disk-full": "BOX-DISK",
    "certificate-ends": "BOX-CERTIFICATE",
    "incidents-damaged": "BOX-INCIDENTS",
    "groups-unknown": "BOX-GROUPS",
}
# Where the part of the box has another name in an event than in the verdict.
_PLACES = {"silent-rows": "line", "future-rows": "clock", "token-refused": "server", "rows-refused": "server"}


class Condition(NamedTuple):
    since: int  # UTC unix minute
    problem: Problem | None


def conditions(look: Snapshot, settings: Settings, up: Mapping[Key, AlertEvent]) -> dict[Key, Condition]:
    """The problems at this instant that are told.

    Incidents are told elsewhere. A process that was never started and a site without any row yet are being set up.
    """
    silent = [sensor for sensor, _, code in up if code == SILENT_SENSOR]
    judged = judge(look, settings, keep=silent)
    found: dict[Key, Condition] = {}
    for problem in judged.verdict.problems:
        if problem.kind in (SILENT, TROUBLE) and (key := _key(problem)) and not _patient(problem):
            found.setdefault(key, Condition(look.minute - _lasted_min(problem), problem))
    for key, event in up.items():
        if key not in found and _stands(key, look, judged, settings):
            found[key] = Condition(event.since, event.problem)
    return found


def _stands(key: Key, look: Snapshot, judged: Judged, settings: Settings) -> bool:
    """Whether an alarm that is up goes on, though its problem would not raise it now."""
    if key[2] == SILENT_SENSOR:  # also while the whole line is silent, or work was planned afterwards
        return key[0] in judged.arrival and judged.arrival[key[0]].code in ("no-data", "planned")
    if key[2] == SILENT_LINE:
        return judged.rows.code == "silent-rows"
    # The log shrinks in jumps and grows in between: the alarm ends at half the size.
    return key == LOG_KEY and look.log_bytes is not None and look.log_bytes > settings.log.warn_bytes // 2


def _key(problem: Problem) -> Key | None:
    """The key of its event; None if it is not told."""
    if problem.code in PROCESSES and problem.code != "not-started" and problem.subject != SELF:
        return (BOX, problem.subject, IDLE)
    if (code := _CODES.get(problem.code)) is None:
        return None
    if code == SILENT_SENSOR:
        return (problem.subject, "both", code)
    return (BOX, _PLACES.get(problem.code, problem.subject), code)


def _patient(problem: Problem) -> bool:
    """Whether a process may still come back by itself."""
    if problem.code not in PROCESSES:
        return False
    return _lasted_min(problem) <= (ENDED_MIN if "ended_s" in problem.values else IDLE_MIN)


def _lasted_min(problem: Problem) -> int:
    """Minutes for which it has lasted, as far as that is known."""
    lasted = (problem.values.get(name) for name in ("silent_s", "idle_s", "waiting_s", "ended_s"))
    return int(max((value for value in lasted if isinstance(value, int | float)), default=0) // 60)


class Watch:
    """Hysteresis: an alarm is raised at once and ends when the condition has been gone for a while.

    Silence counts only after listening for as long: a box that was off must not report a silent line.
    """

    def __init__(self, started: int) -> None:
        self._started = started
        self._away: dict[Key, int] = {}

    def raised(
        self, found: Mapping[Key, Condition], up: Mapping[Key, AlertEvent], minute: int, patience: int
    ) -> list[AlertEvent]:
        """New alarms at `minute`; silence only after `patience` minutes of listening."""
        listening = minute - self._started >= patience
        return [
            AlertEvent(sensor, channel, METHOD, code, FAULT, condition.since, minute, problem=condition.problem)
            for (sensor, channel, code), condition in found.items()
            if (sensor, channel, code) not in up and (listening or code not in (SILENT_LINE, SILENT_SENSOR, IDLE))
        ]

    def seen(self, found: Mapping[Key, Condition], up: Mapping[Key, AlertEvent]) -> list[AlertEvent]:
        """The alarms that are up, with what is seen of them now."""
        return [
            replace(event, problem=found[key].problem)
            for key, event in up.items()
            if key in found and found[key].problem is not None
        ]

    def over(self, found: Mapping[Key, Condition], up: Mapping[Key, AlertEvent], minute: int) -> list[AlertEvent]:
        """Alarms that have ended."""
        over = []
        for key, event in up.items():
            if event.method != METHOD or key in found:
                self._away.pop(key, None)
            elif minute - self._away.setdefault(key, minute) >= CALM_MIN:
                over.append(event)
                del self._away[key]
        return over
