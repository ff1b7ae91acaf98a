"""Part of `hydrolog check`: the clock, what keeps it, and whether the group waits for that at boot."""

from datetime import datetime, timedelta
from pathlib import Path

from cli.shell import printable
from common import health, time_service
from common.clock import minute_start
from common.folder import CLOCK_CONFIRMED_FILE, LOG_FILE
from common.settings import Settings
from log import mark

OLDEST_CLOCK = 2020  # a box without a battery starts in 1970 or 2000
# Units that end when the clock is set: with chrony, systemd-timesyncd, ntpsec.
WAITERS = ("chrony-wait.service", "systemd-time-wait-sync.service", "ntpsec-wait.service", "ntp-wait.service")


def problem(chosen: Settings, now: datetime, *, in_step: bool) -> str:
    """Why the clock is not taken, and what to do; empty if it is."""
    said = _said_by_the_producer(chosen)
    return _of_a_new_producer(chosen, now, in_step=in_step) if said is None else said


def _said_by_the_producer(chosen: Settings) -> str | None:
    """Why the running producer does not take this clock; empty if it does, None if none runs."""
    from situation.snapshot import alive

    state = health.load_all(chosen.paths.data).get("producer") or {}
    counters = state.get("counters")
    said = counters.get("clock") if isinstance(counters, dict) else None
    if said is None or not alive(state):
        return None
    return "" if said == "trusted" else f": {printable(state.get('problem') or 'see hydrolog status')}"


def _of_a_new_producer(chosen: Settings, now: datetime, *, in_step: bool) -> str:
    """Why a producer would not take this clock, and what to do; empty if it would."""
    from producer.site_time import MOST_AHEAD_S

    known = mark.load(chosen.paths.data)
    closed = minute_start(known.closed_through) if known else None
    if now.year < OLDEST_CLOCK:
        return ": the clock was never set; set it, or start a time service (chrony)"
    if closed and now < closed - timedelta(minutes=2):
        last = closed.astimezone(chosen.site.zone).isoformat(sep=" ", timespec="minutes")
        advice = "set the clock, or if it is right: hydrolog clock confirm --go-on"
        return f", but minute {last} is closed already; {advice}"
    confirmed = in_step or (chosen.paths.data / CLOCK_CONFIRMED_FILE).exists()
    if confirmed or (closed and now < closed + timedelta(seconds=MOST_AHEAD_S)):
        return ""
    if closed is None and ((chosen.paths.data / LOG_FILE).exists() or not time_service.installed()):
        return ""  # the log's rows speak for it, or nobody else ever will
    why = "long after the last row" if closed else "nothing speaks for it yet"
    return f": {why}; readings wait for a time service, a meter's clock or a person: hydrolog clock confirm"


def time_service_says(in_step: bool | None) -> str:
    """Text about the time service; its absence is no fault, because a box without a network has none."""
    if in_step:
        return "synchronised: it keeps the clock, and its time is trusted"
    if in_step is None:
        return "unknown whether one keeps the clock; a clock jump must be confirmed: hydrolog clock confirm"
    return (
        "none keeps the clock (is chrony installed, is there a network? chronyc tracking); "
        "until one does, a clock jump must be confirmed: hydrolog clock confirm"
    )


def at_boot(root: Path = Path("/")) -> str:
    """Whether the group waits at boot until the clock is set: `time-sync.target` alone waits for nothing."""
    if not (root / "run/systemd/system").is_dir():
        return ""
    if any(next((root / "etc/systemd/system").glob(f"*.wants/{name}"), None) for name in WAITERS):
        return "; at boot the group waits for it"
    return "; at boot nothing waits for it, so readings may wait; with chrony: sudo systemctl enable chrony-wait"
