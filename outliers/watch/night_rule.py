"""Evaluates a night's quietest hour: a WATCH unless it was use, and a LEAK if the hours of the days support it."""

from outliers.criteria import NightUse
from outliers.findings import End
from outliers.flicker import SteadyFlow, denies
from outliers.rules import CREEP_CUT, MAX_AGE_H, NIGHT_PROOF_H, NIGHT_PROOF_SHARE
from outliers.shift import Shift
from outliers.watch.active import ActiveFindings, Leak
from outliers.watch.evidence import CREEP, JUMP, Change, Evidence, LeakEvidence, Numbers, ended
from outliers.watch.expectation import Expectation
from outliers.watch.night_minimum import NightResult
from outliers.watch.night_shift import Rise

ALONE_SCORE = 6.0  # of nights that have risen, if nothing is known to leak: then uses may explain them
CLEAR_SCORE = 4.0  # of the part of a rise that the known leaks do not explain
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


def night_proof(result: NightResult, expected: Expectation, steady: SteadyFlow | None) -> Shift | None:
    """What the hours say of a high night; None if the flicker shows that it was use.

    Args:
        steady: the unexplained steady flow of the last `STEADY_MIN`.
    """
    proof = expected.tracker.rise(NIGHT_PROOF_H, MAX_AGE_H, fair=True)
    rise = (result.flow_m3h - result.reference_m3h) / expected.use.mean_m3h
    return None if denies(proof.steady, rise) or denies(steady, rise) else proof


def night_leak(high: Evidence, result: NightResult, proof: Shift, *, limit: float) -> LeakEvidence | None:
    """The leak indicated by a high night, if the hours support it.

    Args:
        high: the result of `night_evidence`.
        proof: that of `night_proof`.
        limit: VALUE's for old starts.
    """
    if proof.score < NIGHT_PROOF_SHARE * limit:
        return None
    size = max(proof.size, min(result.score, CREEP_CUT) * 0.3 * proof.error)
    return LeakEvidence(Leak("NIGHT", high.minute, proof.since * 60, size, size), high.numbers)


def shift_leak(
    minute: int, rise: Rise, active: ActiveFindings, steady: SteadyFlow | None, mean_m3h: float
) -> LeakEvidence | None:
    """The leak that began since the nights have risen, beside those that are known since then; None if there is none.

    Args:
        steady: the unexplained steady flow of the last `STEADY_MIN`.
    """
    raised = rise.since - 1440  # after a short baseline the shift may have begun a night earlier
    new = [leak for leak in (active.leak, active.more) if leak is not None and leak.raised >= raised]
    known_m3h = sum(leak.size for leak in new) * mean_m3h
    size_m3h = rise.rise_m3h - known_m3h
    if size_m3h < max(CLEAR_SCORE * rise.error_m3h, known_m3h) or denies(steady, size_m3h / mean_m3h):
        return None
    if active.leak is None and rise.score < ALONE_SCORE * active.strictness(minute):
        return None
    since, size = max(rise.since, rise.first - 1440), size_m3h / mean_m3h
    numbers = {
        "night_m3h": rise.before_m3h + rise.rise_m3h,
        "usual_m3h": rise.before_m3h,
        "spread_m3h": rise.error_m3h,
        "nights": rise.nights,
    }
    return LeakEvidence(Leak("NIGHT", minute, since, size, size), numbers)
