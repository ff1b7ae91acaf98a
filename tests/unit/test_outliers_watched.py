"""What is raised as a WATCH: a step that will be a LEAK if it lasts, hours as high as a LEAK's, a night without use."""

from dataclasses import replace

import pytest
from outlier_site import DAY, RESTLESS_M3H, START, UTC, burst, days, detect, raised

from outliers.criteria import Criteria, FlowUse
from outliers.flow_shift import ShiftTracker
from outliers.learn.build import History
from outliers.rules import ORDINARY_H, STEP_BLOCK_ROWS, STEP_WATCH_MIN, WATCH_AGE_H
from outliers.shift import NO_SHIFT, Shift
from outliers.watch.evidence import Change, Evidence
from outliers.watch.expectation import Expectation
from outliers.watch.hourly import Hourly
from outliers.watch.step_change import KEPT_BLOCKS, LARGE, StepWatch

LEAK_LIMIT = 5.0  # m3/h, and the score, since the spread is 1 m3/h


@pytest.fixture
def use(learnt: Criteria) -> FlowUse:
    assert learnt.use is not None
    return replace(
        learnt.use,
        step_spread_m3h=(1.0,) * 168,
        lasting_spread_m3h=(1.0,) * 168,
        step_watch=(3.0,) * 4,
        step_leak=LEAK_LIMIT,
        early_score=5.0,
        watch_score=4.0,
    )


def seen_after(use: FlowUse, size: float) -> int | None:
    """Minutes from a step of this size to its WATCH; None: there is none for two hours."""
    steps = StepWatch(use)
    steps.set_limits(0, 1.0)
    first = START + KEPT_BLOCKS * STEP_BLOCK_ROWS
    for minute in range(START, first):
        steps.on_row(minute, 0.0)
    for rows in range(1, 120):
        if steps.on_row(first + rows, size) is Change.LASTED:
            proof = steps.proof(first + rows, explained_m3h=0.0, steady=None, as_sunday=False, strictness=1.0)
            if steps.watch(first + rows, proof) is not None:
                return rows
    return None


def test_a_step_is_watched_if_it_will_be_a_leak_and_a_large_one_at_once(use: FlowUse) -> None:
    assert seen_after(use, 0.9 * LEAK_LIMIT) is None
    lasted = seen_after(use, 1.25 * LEAK_LIMIT)
    assert lasted is not None and STEP_WATCH_MIN - STEP_BLOCK_ROWS <= lasted <= STEP_WATCH_MIN + STEP_BLOCK_ROWS
    at_once = seen_after(use, 2 * LARGE * LEAK_LIMIT)
    assert at_once is not None and at_once <= STEP_BLOCK_ROWS


class Scores(ShiftTracker):
    """A tracker that has found starts of these scores: within half a day, and before."""

    young = old = 0.0

    def rise(self, youngest_h: int, oldest_h: int, *, with_flicker: bool = True, fair: bool = False) -> Shift:
        scores = [self.young] * (youngest_h < ORDINARY_H) + [self.old] * (oldest_h > ORDINARY_H)
        return Shift(max(scores), 0.1, 0.02, START // 60 - max(youngest_h, WATCH_AGE_H))

    def fall(self, youngest_h: int, oldest_h: int, *, with_flicker: bool = True) -> Shift:
        return NO_SHIFT


@pytest.mark.parametrize(
    ("young", "old", "change"),
    [(4.5, 0.0, None), (5.1, 0.0, Change.BEGAN), (0.0, 4.1, Change.BEGAN), (0.0, 3.9, None), (3.4, 2.7, Change.ENDED)],
)
def test_hours_that_a_use_may_explain_are_watched_from_a_leaks_limit_on(
    use: FlowUse, young: float, old: float, change: Change | None
) -> None:
    expected = Expectation(use, UTC)
    scores = Scores(use.hours)
    scores.young, scores.old = young, old
    expected.tracker = scores
    seen: Evidence | None = Hourly(use).watch(START, expected)
    assert (seen and seen.change) == change


def night(rows: History, share: float, *, flickers: bool) -> History:
    """The rows with more flow in the third night, from 00:30 to 06:00."""
    first, last = 2 * DAY + 30, 2 * DAY + 360
    if flickers:
        more = days(len(rows.flow) // DAY, restless=RESTLESS_M3H, more=share)
        rows.flow[first:last], rows.pressure[first:last] = more.flow[first:last], more.pressure[first:last]
    else:
        burst(rows, first, last, share)
    return rows


def test_a_night_that_was_high_by_use_is_not_watched(restless: Criteria) -> None:
    watched = {}
    for flickers in (True, False):
        rows = night(days(3, restless=RESTLESS_M3H), 0.25, flickers=flickers)
        watched[flickers] = {code for code, _, _ in raised(detect(restless, rows)[0], rows)}
    assert not {"NGT-JUMP", "LEAK"} & watched[True]
    assert {"NGT-JUMP", "LEAK"} & watched[False]


def test_a_night_that_is_high_by_both_rules_is_one_leak(learnt: Criteria) -> None:
    assert learnt.use is not None and learnt.night is not None
    night_use = replace(learnt.night, jump=0.5, creep=0.05)
    quick = replace(
        learnt, night=night_use, use=replace(learnt.use, long_score=3.0, short_score=99.0, early_score=99.0)
    )
    rows = days(6)
    burst(rows, 2 * DAY, len(rows.flow), 0.05)  # too small for PREDICT
    found = [one for one in detect(quick, rows)[0] if one.severity == "leak" and one.state == "raise"]
    assert [(one.code, one.method) for one in found] == [("LEAK", "NIGHT")]
