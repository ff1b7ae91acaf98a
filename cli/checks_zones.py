"""Whether the zones of the settings get their minutes: each of their meters must be there, and be read each minute."""

from collections.abc import Iterator
from datetime import datetime

from cli.check_result import CheckResult
from cli.shell import printable
from common.clock import local_text
from common.settings import Settings
from common.zones import Zone
from log import mark
from log.mark import Mark


def zones(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """One line for each zone; nothing without zones."""
    known = mark.load(chosen.paths.data)
    for zone in chosen.zones.values():
        problem = _problem(zone, known, chosen)
        text = problem or f"{zone.formula}; {_newest(zone, known, chosen)}"
        yield CheckResult(not problem, f"zone {zone.name}", printable(text))


def _problem(zone: Zone, known: Mark | None, chosen: Settings) -> str:
    from producer.zones import WAIT_MIN

    poll_s = chosen.line.poll_seconds
    if poll_s > 60:
        return f"its meters are polled every {poll_s:g} s, but a zone needs each of them each minute; poll more often"
    closed = known.sensors if known else {}
    heard = [sensor for sensor in zone.signs if sensor in closed]
    if not heard:
        return ""
    never = [sensor for sensor in zone.signs if sensor not in closed]
    if never:
        return f"no row of {', '.join(never)} in the last days; correct zones.{zone.name}, or see hydrolog line meters"
    newest = max(closed[sensor] for sensor in heard)
    behind = [sensor for sensor in heard if closed[sensor] < newest - WAIT_MIN]
    if behind:
        return (
            f"no sums, because {', '.join(behind)} is more than {WAIT_MIN} minutes behind the other meters: silent, or "
            "with a wrong clock; see hydrolog status"
        )
    return ""


def _newest(zone: Zone, known: Mark | None, chosen: Settings) -> str:
    minute = known.sensors.get(zone.name) if known else None
    if minute is None:
        return "no sum yet"
    return f"last sum {local_text(minute, chosen.site.zone)}"
