"""Turns figures into a state and a word: for processes, the newest row, and sensors.

Pure. Ages are in site seconds; `speed` is 1, or the factor of a demo, in which the few real seconds from the line to
the page are many site seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from common import verdict
from common.clock import FUTURE_S
from outliers.flags import FAULT, LEAK, PLANNED, SUPPLY, WATCH

OK, WARN, BAD = "ok", "warn", "bad"

QUIET_S = 90.0  # real seconds: longer than any step except training
STALLED_S = 900.0  # real seconds: longer than a training run
PROBLEM_BAD_S = 300.0  # real seconds: a restart of another process is over by then
ROW_LATE_S = 180.0  # twice a minute plus its lateness and its way through the log
ROW_LOST_S = 900.0  # a batch and a half without a row: the line must be checked
DISK_FULL_BYTES = 100_000_000  # writing files and Postgres will soon fail
PIPELINE_S = 20.0  # most real seconds from the line to the page in normal operation

# In place of a severity: the database is down.
IN_THE_LOG = "in the log"
OF_THE_FUTURE = "row of the future"
_SENSOR_WORDS = {
    LEAK: (BAD, "leak suspected", verdict.LEAK),
    FAULT: (WARN, "meter fault", verdict.FAULT),
    SUPPLY: (WARN, "supply changed", verdict.WATCH),
    WATCH: (WARN, "watch", verdict.WATCH),
    PLANNED: (OK, "planned work", verdict.GOOD),
    IN_THE_LOG: (WARN, IN_THE_LOG, verdict.WATCH),
    OF_THE_FUTURE: (BAD, OF_THE_FUTURE, verdict.TROUBLE),
}
_WORST = {OK: 0, WARN: 1, BAD: 2}


@dataclass(frozen=True, slots=True)
class StatusWord:
    """`state` is ok, warn or bad; `word` is readable from two metres; `detail` says more; `kind` is the verdict's."""

    state: str
    word: str
    detail: str = ""
    kind: str = verdict.GOOD


def worst(verdicts: list[StatusWord]) -> str:
    return max((verdict.state for verdict in verdicts), key=_WORST.__getitem__, default=OK)


def time_of(value: object) -> datetime | None:
    """A time in a health file; None for any other value."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return time if time and time.tzinfo else None


def age_words(seconds: float) -> str:
    """An age as text."""
    if seconds < 60:
        return f"{max(0, int(seconds))} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} days"


def process(health: Mapping[str, Any] | None, alive: bool, now: datetime, speed: float) -> StatusWord:
    """The state of a process from its health file; running without progress is bad."""
    found = _process(health, alive, now, speed)
    return replace(found, kind={OK: verdict.GOOD, WARN: verdict.WATCH, BAD: verdict.TROUBLE}[found.state])


def _process(health: Mapping[str, Any] | None, alive: bool, now: datetime, speed: float) -> StatusWord:
    if health is None:
        return StatusWord(BAD, "not started", "it has published no state since this box was started")
    problem = str(health.get("problem") or "")
    if not alive:
        return StatusWord(BAD, "stopped", problem or "its process has ended; supervisord should have started another")
    if problem:
        return _waiting(problem, time_of(health.get("problem_since")), now, speed)
    return _by_progress(health, now, speed)


def _waiting(problem: str, since: datetime | None, now: datetime, speed: float) -> StatusWord:
    if since is None:
        return StatusWord(WARN, "waiting", problem)
    lasted_s = (now - since).total_seconds()
    state = BAD if lasted_s > PROBLEM_BAD_S * speed else WARN
    return StatusWord(state, "waiting", f"{problem} (for {age_words(lasted_s)})")


def _by_progress(health: Mapping[str, Any], now: datetime, speed: float) -> StatusWord:
    success = time_of(health.get("last_success"))
    began = success or time_of(health.get("started"))
    if began is None:
        return StatusWord(WARN, "unreadable", "its health file cannot be understood")
    idle_s = (now - began).total_seconds()
    if idle_s > STALLED_S * speed:
        return StatusWord(BAD, "stalled", f"no progress for {age_words(idle_s)}")
    if idle_s > QUIET_S * speed:
        return StatusWord(WARN, "busy", f"no progress for {age_words(idle_s)}")
    return StatusWord(OK, "running") if success else StatusWord(WARN, "starting")


def newest_row(newest: datetime | None, now: datetime, speed: float, quiet_minutes: int = 0) -> StatusWord:
    """Whether the newest row (the start of its minute) is fresh; `quiet_minutes` without one are as they should be."""
    if newest is None:
        return StatusWord(BAD, "no rows yet", "no row of a registered sensor has been archived", verdict.SILENT)
    age_s = row_age_s(newest, now)
    slack_s = PIPELINE_S * speed + 60 * quiet_minutes
    if age_s <= ROW_LATE_S + slack_s:
        return StatusWord(OK, "fresh")
    if age_s <= ROW_LOST_S + slack_s:
        return StatusWord(WARN, "late", f"nothing for {age_words(age_s)}", verdict.WATCH)
    advice = f"nothing for {age_words(age_s)}; see to the meter, the cable and the producer"
    return StatusWord(BAD, "no data", advice, verdict.SILENT)


def slack(speed: float) -> timedelta:
    """By how much the newest row may be ahead of a clock that was read before the row was."""
    return timedelta(seconds=FUTURE_S + PIPELINE_S * speed)


def future(newest: datetime, now: datetime) -> StatusWord:
    """There is a row of the future: silence shows in the rows up to now, and this must end."""
    ahead = age_words((newest - now).total_seconds())
    return StatusWord(
        BAD,
        "rows of the future",
        f"a clock that was wrong made rows up to {newest.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {ahead} ahead; if the "
        "clock of this box is right, type: hydrolog clock confirm --go-on",
        verdict.TROUBLE,
    )


def row_age_s(newest: datetime, now: datetime) -> float:
    """Site seconds since the end of the row's minute, never negative."""
    return max(0.0, (now - newest).total_seconds() - 60.0)


def sensor(fresh: StatusWord, severity: str | None) -> StatusWord:
    """One word for a sensor: silence first, then its findings."""
    if fresh.state != OK:
        return fresh
    if severity is None:
        return StatusWord(OK, "normal")
    state, word, kind = _SENSOR_WORDS.get(severity.lower(), (WARN, "flagged", verdict.WATCH))
    return StatusWord(state, word, kind=kind)
