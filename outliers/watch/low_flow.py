"""VALUE, downwards: less flow than usual for days. Not a leak: a closed valve, a large user gone, or the meter."""

from outliers.findings import End, Note
from outliers.rules import MAX_AGE_H
from outliers.shift import Shift
from outliers.watch.evidence import LOW, Change, Evidence, Numbers, ended
from outliers.watch.expectation import Expectation
from outliers.watch.hourly import GONE_SHARE, OVER_SCORE
from outliers.watch.meter_scale_watch import MeterScaleWatch

AGE_H = 24  # a day: a holiday is over by then
LEAST_SIZE = 0.05  # of the mean flow
MARGIN = 1.15  # times a LEAK's limit: a return to normal after a busy week is not reported
LEAST_SCORE = 4.5  # hours alone have heavier tails than with the flicker, on which a LEAK's limit is based
BACK_SHARE = 0.7  # of the limit: the fall is over below this
CLEAR_ERRORS = 3.0  # standard errors of certainty needed to say that the meter is right


def low_flow(minute: int, expected: Expectation, scale: MeterScaleWatch | None) -> Evidence | None:
    """At the end of an hour: has the flow been below its usual for days, or is it back?"""
    use, tracker = expected.use, expected.tracker
    limit = max(MARGIN * use.long_score, LEAST_SCORE)
    fall = tracker.fall(AGE_H, MAX_AGE_H, with_flicker=False)  # when people leave, their flicker disappears too
    if fall.score < BACK_SHARE * limit:
        return ended(LOW, minute, End.USUAL)
    rise = tracker.rise(1, AGE_H)
    over = rise.score > OVER_SCORE and rise.size > GONE_SHARE * -fall.size
    if fall.score <= limit or -fall.size <= LEAST_SIZE or over:
        return None
    mean = use.mean_m3h
    note, more = _cause(fall, scale)
    numbers = {"fall_m3h": -fall.size * mean, "error_m3h": fall.error * mean, "share": -fall.size, **more}
    return Evidence(LOW, Change.BEGAN, minute, fall.since * 60, numbers, (note,))


def _cause(fall: Shift, scale: MeterScaleWatch | None) -> tuple[Note, Numbers]:
    """What the pressure says: if the meter caused the fall, each remaining m3/h lowers the pressure more."""
    seen = scale.since(fall.since * 60) if scale is not None else None
    if seen is None or CLEAR_ERRORS * seen.error > -fall.size:
        return Note.PRESSURE_UNKNOWN, {}
    if seen.size < GONE_SHARE * fall.size:
        return Note.PRESSURE_BLAMES_METER, {"meter_share": seen.size}
    return Note.PRESSURE_AGREES, {}
