"""Evaluates a night's quietest hour: a WATCH, or a LEAK if the whole day's use does not contradict it."""

from outliers.criteria import NightUse
from outliers.findings import End
from outliers.flicker import SteadyFlow, denies
from outliers.rules import CREEP_CUT, MAX_AGE_H, NIGHT_PROOF_H, NIGHT_PROOF_SHARE
from outliers.watch.active import Leak
from outliers.watch.evidence import CREEP, JUMP, Change, Evidence, LeakEvidence, Numbers, ended
from outliers.watch.expectation import Expectation
from outliers.watch.night_minimum import NightResult

STEADY_MIN = 180  # before the end of the night: the span whose flicker is used


def night_evidence(minute: int, result: NightResult, use: NightUse) -> list[Evidence]:
    """Whether the night that ends at UTC `minute` was high or back to usual, by each of two rules."""
    seen = []
    for rule, score, limit in ((JUMP, result.score, use.jump), (CREEP, result.creep, use.creep)):
        if score > limit:
            since = minute - 1440 * min(result.nights_up, 14)
            seen.append(Evidence(rule, Change.BEGAN, minute, since, _numbers(result, use)))
        elif score < limit / 2:
            seen.append(ended(rule, minute, End.USUAL))
    return seen


def _numbers(result: NightResult, use: NightUse) -> Numbers:
    return {
        "night_m3h": result.flow_m3h,
        "usual_m3h": result.reference_m3h,
        "spread_m3h": use.spread_m3h,
        "nights": max(1, result.nights_up),
    }


def night_leak(
    high: Evidence, result: NightResult, expected: Expectation, *, steady: SteadyFlow | None, strictness: float
) -> LeakEvidence | None:
    """The leak indicated by a high night, if the day and the flicker support it.

    Args:
        high: the result of `night_evidence`.
        steady: the unexplained steady flow of the last `STEADY_MIN`.
        strictness: times the limit.
    """
    proof = expected.tracker.rise(NIGHT_PROOF_H, MAX_AGE_H, fair=True)
    if proof.score < NIGHT_PROOF_SHARE * expected.use.long_score * strictness:
        return None
    rise = (result.flow_m3h - result.reference_m3h) / expected.use.mean_m3h
    if denies(proof.steady, rise) or denies(steady, rise):
        return None
    size = max(proof.size, min(result.score, CREEP_CUT) * 0.3 * proof.error)
    return LeakEvidence(Leak("NIGHT", high.minute, proof.since * 60, size, size), high.numbers)
