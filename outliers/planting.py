"""Leaks planted into recorded rows: are they found within the terms of `outliers.detectability`?

The detector runs once over the rows as they are. At each start its state is copied, and a copy goes on with the leak:
a constant flow, which the pressure pays for. A leak counts only until the rows themselves raise a LEAK.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from outliers.backtest import judge
from outliers.calendar import Occasions
from outliers.criteria import Criteria
from outliers.detectability import TERMS_MIN, Weeks, detectability
from outliers.findings import RAISE
from outliers.flags import LEAK
from outliers.learn.build import History
from outliers.rules import HEADLOSS, MAX_AGE_H
from outliers.watch.detector import Detector
from outliers.watch.detector_state import DetectorState, copy_of

WARM_MIN = MAX_AGE_H * 60  # rows before the first start: VALUE looks this far back
STARTS = 48  # two in each hour of the day
SEED = 1
LONGEST_MIN = max(TERMS_MIN)
LEAST_SHARE = 0.5  # of the rows of a term


@dataclass(frozen=True, slots=True)
class Planted:
    """A planted leak.

    Attributes:
        number: of its size.
        start: its first UTC minute.
        size_m3h: its flow.
        promised_m3h: what is found at that moment, one size for each of `TERMS_MIN`.
        found_min: minutes from its start to the LEAK; None: none within the longest term.
        calm_min: minutes from its start for which the rows without it raise no LEAK.
    """

    number: int
    start: int
    size_m3h: float
    promised_m3h: tuple[float, ...]
    found_min: int | None
    calm_min: int

    def found(self, term_min: int) -> bool | None:
        """Whether it was found in time; None if the rows without it would have raised a LEAK in that time."""
        if self.calm_min < term_min:
            return None
        return self.found_min is not None and self.found_min <= term_min


def plant(
    criteria: Criteria,
    rows: History,
    zone: ZoneInfo,
    known: Occasions,
    *,
    sizes_m3h: Sequence[float] = (),
    count: int = STARTS,
) -> Iterator[Planted]:
    """Plant leaks of each size at each start; without sizes, those promised at that moment, one for each term.

    Args:
        rows: as recorded, from `WARM_MIN` before the earliest start.
    """
    begins = sorted(starts(rows, zone, count))
    kept, leaks = _as_recorded(criteria, rows, zone, known, begins)
    for start in begins:
        weeks = Detector(criteria.sensor, criteria, zone, copy_of(kept[start]), known.holidays).weeks()
        promised = _sizes(criteria, weeks, _local(start, zone).hour)
        later = [begin for begin, end in leaks if end > start]
        calm = max(0, min(later) - start) if later else LONGEST_MIN
        for number, size in enumerate(sizes_m3h or promised):
            if not math.isfinite(size):
                continue
            detector = Detector(criteria.sensor, criteria, zone, copy_of(kept[start]), known.holidays)
            part = leaking(rows.span(start, start + LONGEST_MIN), criteria, size)
            yield Planted(number, start, size, promised, _found_min(part, detector, known), calm)


def _sizes(criteria: Criteria, weeks: Weeks, hour: int) -> tuple[float, ...]:
    found = detectability(criteria, weeks)
    return (found.hour_m3h[hour], found.day_m3h, found.nights_m3h) if found else ()


def starts(rows: History, zone: ZoneInfo, count: int = STARTS) -> Iterator[int]:
    """`count` minutes spread evenly over the days, at all hours of the local day; the same for the same rows."""
    first, last = rows.first + WARM_MIN, rows.first + len(rows.flow) - LONGEST_MIN - 1440
    if last <= first:
        return
    chance = random.Random(SEED)
    hours = [number * 24 // count for number in range(count)]
    chance.shuffle(hours)
    for number, hour in enumerate(hours):
        day = first + (last - first) * number // count
        start = day + (hour - _local(day, zone).hour) % 24 * 60 + chance.randrange(60)
        flow = rows.span(start, start + LONGEST_MIN).flow
        if np.isfinite(flow).mean() >= LEAST_SHARE:
            yield start


def leaking(rows: History, criteria: Criteria, size_m3h: float) -> History:
    """The rows with a constant flow added; the pressure falls by the site's own slope."""
    pressure, use = rows.pressure, criteria.use
    if criteria.pressure_use is not None and use is not None:
        before, after = (np.clip(flow / use.mean_m3h, 0, None) for flow in (rows.flow, rows.flow + size_m3h))
        fall = criteria.pressure_use.slope_bar * (after**HEADLOSS - before**HEADLOSS)
        pressure = pressure + np.where(np.isfinite(fall), fall, 0.0)
    return History(rows.first, rows.flow + size_m3h, pressure)


def _as_recorded(
    criteria: Criteria, rows: History, zone: ZoneInfo, known: Occasions, begins: Sequence[int]
) -> tuple[dict[int, DetectorState], list[tuple[int, int]]]:
    """The detector's state before each start, and the begin and end of each LEAK."""
    detector = Detector(criteria.sensor, criteria, zone, None, known.holidays)
    kept: dict[int, DetectorState] = {}
    leaks: list[tuple[int, int]] = []
    open_since: int | None = None
    bounds = [rows.first, *begins, rows.first + len(rows.flow)]
    for first, end in pairwise(bounds):
        for finding in judge(rows.span(first, end), detector, known):
            if finding.severity == LEAK and finding.state == RAISE and open_since is None:
                open_since = finding.minute
            elif finding.severity == LEAK and detector.log.active.leak is None and open_since is not None:
                leaks.append((open_since, finding.minute))
                open_since = None
        kept[end] = detector.state()
    if open_since is not None:
        leaks.append((open_since, bounds[-1]))
    return kept, leaks


def _found_min(rows: History, detector: Detector, known: Occasions) -> int | None:
    for finding in judge(rows, detector, known):
        if finding.severity == LEAK and finding.state == RAISE:
            return finding.minute - rows.first + 1
    return None


def _local(minute: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone)
