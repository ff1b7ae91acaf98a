"""Alarms about the box itself, from the mark, the size of the log and the health files.

Pure: `conditions` lists the problems at this instant, `Watch` turns them into events, with hysteresis.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from common.logging_setup import quoted
from consumer.alerts.events import BOX, AlertEvent, Key
from consumer.answers import REFUSED_IN_A_ROW
from outliers.calendar import ALL, Work
from outliers.flags import FAULT

METHOD = "BOX"
SILENCES = ("BOX-LINE", "BOX-SENSOR")
AFTER_WORK_MIN = 30  # minutes after planned work until a removed meter is back
CALM_MIN = 5  # minutes without the condition before its alarm ends
IDLE_MIN = 60  # minutes without success: a restart, a training or a short outage elsewhere is over by then
FUTURE_MIN = 2  # a meter's clock may be this fast
FUTURE = (
    "a clock that was wrong made rows of the future, and readings wait; see hydrolog status; "
    "if the box's clock is right now, type: hydrolog clock confirm --go-on"
)
GONE_MIN = 7 * 1440  # a sensor that has been silent for a week when the process starts has been removed
# Processes that are never idle when healthy; not training, and not this process.
ROLES = ("producer", "consumer-archive", "consumer-server", "nightflow", "forecaster", "server", "database")


@dataclass(frozen=True, slots=True)
class BoxSnapshot:
    """The observed state.

    Attributes:
        minute: UTC unix minute now.
        sensors: sensor -> its last closed minute; None without a mark.
        log_bytes: size of the log's file; None if there is none.
        health: role -> its published health.
    """

    minute: int
    sensors: Mapping[str, int] | None
    log_bytes: int | None
    health: Mapping[str, Mapping[str, Any]]


class Condition(NamedTuple):
    since: int  # UTC unix minute
    reason: str


def conditions(
    look: BoxSnapshot, *, up: Mapping[Key, AlertEvent], warn_bytes: int, silent_minutes: int
) -> dict[Key, Condition]:
    """The problems at this instant."""
    found: dict[Key, Condition] = {}
    log_key = (BOX, "log", "BOX-LOG")
    # The alarm ends at half the size: the log shrinks in jumps and grows in between.
    limit = warn_bytes // 2 if log_key in up else warn_bytes
    if look.log_bytes is not None and look.log_bytes > limit:
        size = f"{look.log_bytes / 1e6:.0f} MB of rows wait in the log: a group is behind, see hydrolog status"
        found[log_key] = Condition(look.minute, size)
    if look.sensors:
        past = {sensor: last for sensor, last in look.sensors.items() if last <= look.minute + FUTURE_MIN}
        if past:
            found |= _silences(look.minute, past, silent_minutes, up)
        if len(past) < len(look.sensors):
            found[BOX, "clock", "BOX-CLOCK"] = Condition(look.minute, FUTURE)
    found |= _refused(look)
    for role in ROLES:
        if role in look.health and (condition := _idle(look.minute, look.health[role])):
            found[BOX, role, "BOX-IDLE"] = condition
    return found


def _silences(
    minute: int, sensors: Mapping[str, int], silent_minutes: int, up: Mapping[Key, AlertEvent]
) -> dict[Key, Condition]:
    newest = max(sensors.values())
    if minute - newest > silent_minutes:
        # Single sensors are not named then: the line, the port or the producer is the cause.
        held = {key: Condition(event.since, event.reason) for key, event in up.items() if key[2] == "BOX-SENSOR"}
        return {(BOX, "line", "BOX-LINE"): Condition(newest, "no row from any sensor"), **held}
    return {
        (sensor, "both", "BOX-SENSOR"): Condition(last, "no row of this sensor, while others speak")
        for sensor, last in sensors.items()
        if silent_minutes < newest - last and (newest - last < GONE_MIN or (sensor, "both", "BOX-SENSOR") in up)
    }


def without_planned(
    found: Mapping[Key, Condition], *, up: Mapping[Key, AlertEvent], works: Iterable[Work], minute: int
) -> dict[Key, Condition]:
    """`found` without new silences explained by planned work. Active alarms stay active."""
    working = {work.sensor for work in works if work.first <= minute < work.end + AFTER_WORK_MIN}
    return {
        key: condition
        for key, condition in found.items()
        if key in up or not working or not (key[2] in SILENCES and (ALL in working or key[0] in working))
    }


def _refused(look: BoxSnapshot) -> dict[Key, Condition]:
    counters = look.health.get("consumer-server", {}).get("counters")
    if not isinstance(counters, Mapping):
        return {}
    status, refused = counters.get("last_status"), counters.get("refused_in_a_row")
    if status in (401, 403):
        reason = f"the server refuses the token ({status}): rows wait in the log"
    elif isinstance(refused, int) and refused >= REFUSED_IN_A_ROW:
        reason = f"the server refused {refused} rows in a row, so none is set aside any more: rows wait in the log"
    else:
        return {}
    since = _minute(counters.get("waiting_since"))
    return {(BOX, "server", "BOX-REFUSED"): Condition(since or look.minute, reason)}


def _idle(minute: int, state: Mapping[str, Any]) -> Condition | None:
    last = _minute(state.get("last_success")) or _minute(state.get("started"))
    if last is None or minute - last <= IDLE_MIN:
        return None
    problem = state.get("problem")
    return Condition(last, f"no work done: {quoted(problem) if problem else 'it does not run'}")


def _minute(text: object) -> int | None:
    try:
        return int(datetime.fromisoformat(str(text)).timestamp() // 60)
    except ValueError:
        return None


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
            AlertEvent(sensor, channel, METHOD, code, FAULT, condition.since, minute, condition.reason)
            for (sensor, channel, code), condition in found.items()
            if (sensor, channel, code) not in up and (listening or code not in ("BOX-LINE", "BOX-SENSOR", "BOX-IDLE"))
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
