"""What the pressure says by itself: pump, valve or gauge moved it (SUPPLY), or an instrument drifts (FAULT)."""

from typing import TYPE_CHECKING

from outliers.rules import HEADLOSS
from outliers.watch.incident import DRIFT, METER, SUPPLY, Leak, Wrong
from outliers.watch.meter_scale_watch import BACK_SIZE, LARGEST_SIZE, Off
from outliers.watch.pressure_witness import AGREES, Answer

if TYPE_CHECKING:
    from outliers.watch.detector import Detector

LEAST_BAR = 0.5  # of a pressure that a share is taken of
SURELY = 3.0  # errors of the meter's scale
STILL = 0.75  # share of the size above which the newest hours measure the same wrong scale anew


def measured(detector: "Detector", minute: int, shown: float, flow: float, pressure: float) -> None:
    """A good minute of both: `shown` by the flow meter, `flow` as it is believed, m3/h."""
    supply, use, flow_use = detector.supply, detector.criteria.pressure_use, detector.criteria.use
    if supply is None or use is None or flow_use is None:
        return
    cost, above = (flow / flow_use.mean_m3h) ** HEADLOSS, pressure - detector.still
    if detector.scale is not None:
        detector.scale.row(cost if shown == flow else (shown / flow_use.mean_m3h) ** HEADLOSS, above)
    residual = above - use.slope_bar * cost
    if detector.witness is not None:
        detector.witness.row(residual)
    if detector.texture is not None:
        detector.texture.bar(pressure)
    news = supply.step(minute, residual)
    if news:
        supplied(detector, minute, news)


def supplied(detector: "Detector", minute: int, news: str) -> None:
    """The pressure stepped by itself ("step"), or is back."""
    supply = detector.supply
    assert supply is not None
    away = supply.fast - supply.half_day
    if news == "step":
        reason = f"pressure {away:+.2f} bar against its last half day, not by the flow: pump, valve or gauge"
        detector.report(SUPPLY, minute, raised=True, reason=reason, value=away, limit=supply.use.step_bar)
    else:
        detector.report(SUPPLY, minute, raised=False, reason="pressure is steady")


def drifted(detector: "Detector", minute: int) -> None:
    """An hour is over: has the day's pressure left its band, or come back?"""
    supply = detector.supply
    assert supply is not None
    if detector.incident.wrong is not None and not supply.drifting:
        return  # what the flow costs is not known well enough
    news = supply.drift()
    if news is None:
        return
    if not news:
        detector.report(DRIFT, minute, raised=False, reason="pressure is back at its criterion")
        return
    away, limit = supply.day - supply.use.level_bar, supply.use.drift_bar
    reason = f"pressure sits {away:+.2f} bar off its criterion for a day, limit {limit:.2f}, without a step"
    detector.report(DRIFT, minute, raised=True, reason=reason, value=away, limit=limit)


def scaled(detector: "Detector", minute: int) -> None:
    """Some hours are over: does the flow meter still read in its scale, or in it again?"""
    scale, wrong = detector.scale, detector.incident.wrong
    assert scale is not None
    if wrong is None:
        off = scale.found(_gauge(detector))
        if off is not None:
            _blame(detector, minute, off, "")
        return
    now = scale.newest(wrong.size)
    if now is None:
        return
    share = now.size / wrong.size
    if share < BACK_SIZE:
        detector.incident.wrong = None
        detector.judge.rescale(now.since, -wrong.size)
        scale.forget()
        reason = "the pressure answers to the flow as usual again"
        detector.report(METER, minute, raised=False, reason=reason, since=wrong.raised)
    elif share > STILL:
        detector.judge.rescale(minute, now.size - wrong.size)
        wrong.size = now.size


def blamed(detector: "Detector", leak: Leak, answer: Answer, share: float) -> bool:
    """Whether the meter reads more and nothing leaks; it is a fault then.

    The pressure's level has to have moved by a `share` of what that would make it, and its answer to the flow to agree.
    """
    scale = detector.scale
    known = detector.incident.wrong is not None
    if scale is None or known or not answer.meter or answer.found <= share * answer.due:
        return False
    off = scale.since(leak.since)
    if off is None or off.size < AGREES * leak.size or off.score < SURELY or off.size > LARGEST_SIZE:
        return False
    fell = answer.due - answer.found
    _blame(detector, leak.raised, off, f"; it should have fallen by {answer.due:.2f} bar, fell {fell:.2f}")
    return True


def _gauge(detector: "Detector") -> float:
    """By what share the scale seems off because the pressure's does: a gauge that drifts scales its answers too."""
    supply = detector.supply
    if supply is None or not supply.drifting:
        return 0.0
    return abs(supply.day - supply.use.level_bar) / max(detector.still, LEAST_BAR) / HEADLOSS


def _blame(detector: "Detector", minute: int, off: Off, more: str) -> None:
    detector.judge.not_believed(minute, off.since, off.size)
    detector.incident.wrong = Wrong(minute, off.size)
    detector.judge.rescale(off.since, off.size)
    much = "much" if off.size > 0 else "little"
    reason = (
        f"since about {detector.local(off.since)} the pressure answers to the flow as if the meter read "
        f"{abs(off.size):.0%} ± {off.error:.1%} too {much}{more}"
    )
    limit = detector.criteria.scale.limit * off.error if detector.criteria.scale else 0.0
    detector.report(METER, minute, raised=True, reason=reason, since=off.since, value=off.size, limit=limit)
