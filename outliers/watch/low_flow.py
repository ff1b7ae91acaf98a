"""VALUE, downwards: for days less flow than usual. No leak; a closed valve, a large user gone, or the meter."""

from typing import TYPE_CHECKING

from outliers.flow_shift import Shift
from outliers.rules import MAX_AGE_H as RECENT_H
from outliers.watch.hourly import GONE_SHARE, OVER_SCORE
from outliers.watch.incident import LOW

if TYPE_CHECKING:
    from outliers.watch.detector import Detector

AGE_H = 24  # a day: a holiday is over by then
LEAST_SIZE = 0.05  # of the mean flow
MARGIN = 1.15  # over a LEAK's limit: use that falls back from a busy week is no news
LEAST_SCORE = 4.5  # the hours alone have heavier tails than with the texture, which a LEAK's limit rests on
STAYS = 0.7  # share of the limit
CLEAR_ERRORS = 3.0  # that the meter's scale must be sure by, to say that it is right


def looked(detector: "Detector", minute: int) -> None:
    """An hour is over: has the flow been below its usual for days, or come back to it?"""
    value, judge = detector.value, detector.judge
    assert value is not None
    limit = max(MARGIN * value.use.long_score, LEAST_SCORE)
    fall = value.tracker.fall(AGE_H, RECENT_H, textured=False)  # people who are away take their texture with them
    if LOW.code in detector.incident.watches:
        if fall.score < STAYS * limit:
            judge.clear_watch(minute, LOW, "flow is back at its usual, or has become it")
        return
    rise = value.tracker.rise(1, AGE_H)
    over = rise.score > OVER_SCORE and rise.size > GONE_SHARE * -fall.size
    if fall.score > limit and -fall.size > LEAST_SIZE and not over:
        mean = value.use.mean_m3h
        reason = (
            f"since about {detector.local(fall.since * 60)} flow is {-fall.size * mean:.3g} ± {fall.error * mean:.2g} "
            f"m3/h below the usual ({-fall.size:.0%} of the mean flow)"
        )
        reason += _why(detector, fall)
        judge.watch(LOW, minute, since=fall.since * 60, reason=reason, value=fall.score, limit=limit)


def _why(detector: "Detector", fall: Shift) -> str:
    """What the pressure says: if the meter made the fall up, each m3/h that it still shows costs more."""
    off = detector.scale.since(fall.since * 60) if detector.scale is not None else None
    if off is None or CLEAR_ERRORS * off.error > -fall.size:
        return "; not confirmable by pressure: closed valve, large user gone, or the meter"
    if off.size < GONE_SHARE * fall.size:
        return f"; each m3/h costs more pressure than usual, as if the meter read {-off.size:.0%} too little"
    return "; the pressure answers to it as usual, so the meter is right: closed valve, large user gone"
