"""What a night's quietest hour says: a WATCH, or a LEAK where the whole day's use does not contradict it."""

from typing import TYPE_CHECKING

from outliers.flicker import denies
from outliers.rules import CREEP_CUT as CUT
from outliers.rules import MAX_AGE_H as RECENT_H
from outliers.watch.incident import CREEP, JUMP, Leak, Rule
from outliers.watch.night_minimum import NightResult

if TYPE_CHECKING:
    from outliers.watch.detector import Detector

NIGHT_AGE_H = 24  # a pool is full by then, a pump back
CALM_MIN = 180  # before the end of the night
WITNESS = 0.9  # share of VALUE's own limit at which it supports the night


def over(detector: "Detector", minute: int) -> None:
    """The night window has closed."""
    night, value, incident = detector.night, detector.value, detector.incident
    if night is None or value is None:
        return
    result = night.close(value.offset * value.use.mean_m3h)
    if result is None or incident.leak is not None:
        return
    for rule, score, limit in ((JUMP, result.score, night.use.jump), (CREEP, result.creep, night.use.creep)):
        if score > limit:
            _high(detector, minute, rule, result, (score, limit))
        elif score < limit / 2:
            detector.judge.clear_watch(minute, rule, "night flow is back at its usual")


def _high(detector: "Detector", minute: int, rule: Rule, result: NightResult, passed: tuple[float, float]) -> None:
    """By `rule` the night was high; `passed` are its score and the limit."""
    night, (score, limit) = detector.night, passed
    assert night is not None
    nights = f", {result.nights_up} nights in a row" if result.nights_up > 1 else ""
    reason = f"night flow {result.flow_m3h:.3g} m3/h, usual {result.usual_m3h:.3g} ± {night.use.spread_m3h:.2g}{nights}"
    since = minute - 1440 * min(result.nights_up, 14)
    detector.judge.watch(rule, minute, since=since, reason=reason, value=score, limit=limit)
    leak = _leak(detector, minute, result)
    if leak is not None:
        detector.judge.leak(leak, reason=reason, value=score, limit=limit)


def _leak(detector: "Detector", minute: int, result: NightResult) -> Leak | None:
    """The leak that the night speaks of, if the day and the texture support it."""
    value = detector.value
    assert value is not None
    proof = value.tracker.rise(NIGHT_AGE_H, RECENT_H, fair=True)
    if proof.score < WITNESS * value.use.long_score * detector.incident.strictness(minute):
        return None
    rise = (result.flow_m3h - result.usual_m3h) / value.use.mean_m3h
    if denies(proof.still, rise) or denies(detector.standing(minute - CALM_MIN), rise):
        return None
    size = max(proof.size, min(result.score, CUT) * 0.3 * proof.error)
    return Leak("NIGHT", minute, proof.since * 60, size, size)
