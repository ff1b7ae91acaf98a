"""Backtest: learn criteria up to a day, run the real detector over the following months, and repeat.

Used for the folder of labelled events, the database, and the preview of new criteria.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from common.errors import CriteriaUnusable
from common.night import DEFAULT_HOURS, ReportHours
from outliers.calendar import Occasions, spans
from outliers.criteria import Criteria
from outliers.findings import Finding
from outliers.learn.build import History, build
from outliers.learn.exclude import Taught
from outliers.learn.return_level import Floats
from outliers.rules import REBUILD_DAYS
from outliers.watch.detector import Detector
from outliers.watch.planned import Planned

DAY_ROWS = 1440
OnRow = Callable[[int, Detector], None]  # called after each row with its minute and the detector


def judge(
    rows: History,
    detector: Detector,
    known: Occasions,
    look: OnRow | None = None,
    clean: History | None = None,
) -> Iterator[Finding]:
    """Run a detector over raw `rows`; yields its verdicts, with planned work applied.

    Args:
        clean: the rows for learning criteria; rows that must not be learnt from are removed from it.
    """
    planned, works = Planned(), known.at(detector.sensor)
    taught = None if clean is None else Taught(clean)
    for place, (flow, pressure) in enumerate(zip(given(rows.flow), given(rows.pressure), strict=True)):
        minute = rows.first + place
        verdict = planned.step(minute, detector.step(minute, flow, pressure), works)
        if taught is not None:
            taught.row(minute, verdict.flow_flags, verdict.pressure_flags)
        if look is not None:
            look(minute, detector)
        yield from verdict.findings


def rehearse(
    history: History,
    prior: Criteria,
    learn_end: int,
    zone: ZoneInfo,
    *,
    known: Occasions,
    alarms_per_month: float,
    hours: ReportHours = DEFAULT_HOURS,
    look: OnRow | None = None,
    clean: History | None = None,
) -> Iterator[Finding]:
    """Learn up to minute `learn_end`, detect, learn again every three months; yields the findings from then on.

    Args:
        history: raw rows, including flagged ones.
        prior: the physical limits.
        clean: the same span without rows that must not be learnt from; modified here. None: start with all rows.
    """

    current, state = prior, None
    end = history.first + len(history.flow)
    if clean is None:
        clean = History(history.first, history.flow.copy(), history.pressure.copy())
    for begins, ends in spans(known.at(prior.sensor), history.first, end):
        clean.flow[begins - history.first : ends - history.first] = float("nan")
        clean.pressure[begins - history.first : ends - history.first] = float("nan")
    for first in range(learn_end, end, REBUILD_DAYS * DAY_ROWS):
        past = clean.span(history.first, first)
        try:
            new = build(past, zone, prior, known.holidays, alarms_per_month=alarms_per_month, hours=hours)
            current = replace(new, version=current.version + 1)
        except CriteriaUnusable as error:
            print(f"{prior.sensor}: {error}; the criteria stay", file=sys.stderr)
        detector = Detector(prior.sensor, current, zone, state, known.holidays)
        part = history.span(first, min(end, first + REBUILD_DAYS * DAY_ROWS))
        yield from judge(part, detector, known, look, clean)
        state = detector.state()


def given(values: Floats) -> Sequence[float | None]:
    """The values as the detector expects them: None for no value."""
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN
