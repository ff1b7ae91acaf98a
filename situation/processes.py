"""How a process is, by what it publishes: health is progress. Pure; ages are in site seconds, never negative."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from common.settings import Settings
from common.verdict import GOOD, TROUBLE, WATCH, Problem
from situation.snapshot import Process, Snapshot

QUIET_S = 90.0  # real seconds: longer than any step except training
STALLED_S = 900.0  # real seconds: longer than a training run
PROBLEM_BAD_S = 300.0  # real seconds: a restart of another process is over by then
GIVEN_UP_S = 60.0  # real seconds: supervisord starts another within ten
_FOR_SITES = ("nightflow", "forecaster")
MOST_TEXT = 300  # characters of a process's own words


def expected_roles(settings: Settings, published: Collection[str] = ()) -> list[str]:
    """The processes of the group, in order of the data flow.

    In a center with a topic, the one that each machine of it has; but in the data folder of a process that works for
    the sites, only that one, since each has a folder of its own. A center without a log has one folder for all;
    another one, of a process for the sites alone, is that of a further machine.
    """
    embedded = [] if settings.database.url else ["database"]
    if settings.is_http_center:
        is_further = len(published) == 1 and set(published) <= set(_FOR_SITES)
        return [] if is_further else [*_FOR_SITES, "server", *embedded]
    if settings.is_center:
        return [] if set(_FOR_SITES).intersection(published) else ["consumer-archive"]
    consumers = [f"consumer-{group}" for group in settings.log.groups]
    return ["producer", *consumers, *_FOR_SITES, "server", *embedded]


def of_processes(look: Snapshot, expected: list[str]) -> dict[str, Problem]:
    """How each process is: those expected, then those that also published something."""
    roles = [*expected, *sorted(set(look.processes) - set(expected))]
    return {role: process(role, look.processes.get(role), look.now, look.speed) for role in roles}


def process(role: str, published: Process | None, now: datetime, speed: float) -> Problem:
    """How one process is; running without progress is trouble."""
    if published is None:
        return Problem(TROUBLE, role, "not-started")
    state = published.state
    if published.ended_s is not None:
        given_up = published.ended_s > GIVEN_UP_S
        return Problem(TROUBLE, role, "given-up" if given_up else "stopped", {"ended_s": published.ended_s})
    if text := str(state.get("problem") or "")[:MOST_TEXT]:
        why = {"reason": text, "reason_kind": str(state.get("problem_kind") or role)[:MOST_TEXT]}
        return _waiting(role, why, time_of(state.get("problem_since")), now, speed)
    return _by_progress(role, state, now, speed)


def time_of(value: object) -> datetime | None:
    """A time in a health file; None for any other value."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return time if time and time.tzinfo else None


def _waiting(role: str, why: dict[str, str], since: datetime | None, now: datetime, speed: float) -> Problem:
    if since is None:
        return Problem(WATCH, role, "waiting", why)
    lasted_s = max(0.0, (now - since).total_seconds())
    kind = TROUBLE if lasted_s > PROBLEM_BAD_S * speed else WATCH
    return Problem(kind, role, "waiting", {**why, "waiting_s": lasted_s})


def _by_progress(role: str, state: Mapping[str, Any], now: datetime, speed: float) -> Problem:
    success = time_of(state.get("last_success"))
    began = success or time_of(state.get("started"))
    if began is None:
        return Problem(WATCH, role, "unreadable")
    idle_s = max(0.0, (now - began).total_seconds())
    if idle_s > STALLED_S * speed:
        return Problem(TROUBLE, role, "stalled", {"idle_s": idle_s})
    if idle_s > QUIET_S * speed:
        return Problem(WATCH, role, "busy", {"idle_s": idle_s})
    return Problem(GOOD, role, "running") if success else Problem(WATCH, role, "starting")
