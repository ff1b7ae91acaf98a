"""Planned work for the page. Pure."""

from datetime import datetime
from typing import Any

from common.clock import minute_of
from outliers.calendar import Occasions, Work

SHOWN_AHEAD_MIN, SHOWN_AFTER_MIN = 7 * 1440, 1440
MOST_SHOWN = 20

Json = dict[str, Any]


def works(known: Occasions, sensor: str, start: datetime, end: datetime) -> list[Json]:
    """Planned work at a sensor between two times."""
    return [
        _shown(work)
        for work in known.at(sensor)
        if work.first * 60 < end.timestamp() and work.end * 60 > start.timestamp()
    ]


def calendar(known: Occasions, now: datetime) -> Json:
    """The works from yesterday to a week ahead, and the lines that could not be read."""
    minute = minute_of(now)
    near = [w for w in known.works if w.first <= minute + SHOWN_AHEAD_MIN and w.end >= minute - SHOWN_AFTER_MIN]
    return {
        "works": [_shown(work) for work in sorted(near, key=lambda work: work.first)[:MOST_SHOWN]],
        "problems": list(known.problems[:MOST_SHOWN]),
    }


def _shown(work: Work) -> Json:
    return {"sensor": work.sensor, "first": work.first * 60, "end": work.end * 60, "what": work.what}
