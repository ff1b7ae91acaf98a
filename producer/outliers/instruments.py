"""What the pressure says by itself: pump, valve or gauge moved it (SUPPLY), or an instrument drifts (FAULT)."""

from typing import TYPE_CHECKING

from producer.outliers.severity import DRIFT, FLOW_DRIFT, SUPPLY

if TYPE_CHECKING:
    from producer.outliers.detector import Detector


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
    news = supply.drift()
    if news is None:
        return
    away, limit = supply.day - supply.use.level_bar, supply.use.drift_bar
    if not news:
        rule = FLOW_DRIFT if supply.of_flow else DRIFT
        detector.report(rule, minute, raised=False, reason="pressure is back at its criterion")
        return
    witness = detector.witness
    supply.of_flow = witness is not None and witness.flow_drifts(away)
    reason = f"pressure sits {away:+.2f} bar off its criterion for a day, limit {limit:.2f}, without a step"
    if supply.of_flow:
        reason += ", and the flow has moved by as much as would explain it: the flow meter drifts"
    rule = FLOW_DRIFT if supply.of_flow else DRIFT
    detector.report(rule, minute, raised=True, reason=reason, value=away, limit=limit)
