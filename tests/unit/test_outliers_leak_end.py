"""A LEAK goes on until the water is back: ordinary falls of the use do not end it, and a repair does."""

import pytest
from msgspec import structs
from outlier_site import DAY, LEARN_DAYS, MEAN_M3H, START, UTC, burst, detect, history

from outliers.criteria import Criteria
from outliers.watch.detector import Detector

BEGIN, REPAIRED = 2 * DAY + 9 * 60, 10 * DAY + 9 * 60
SLOW_MIN = 3 * 60  # a repair shows within these


@pytest.mark.parametrize(
    ("kind", "share", "seed"), [("learnt", 0.06, 14), ("learnt", 0.10, 14), ("restless", 0.10, 17)]
)
def test_a_leak_is_up_from_its_raise_to_its_repair(
    kind: str, share: float, seed: int, request: pytest.FixtureRequest
) -> None:
    criteria: Criteria = request.getfixturevalue(kind)
    rows = history(14, seed=seed, first=START + LEARN_DAYS * DAY, restless=0.15 if kind == "restless" else 0.0)
    burst(rows, BEGIN, REPAIRED, share)
    found, _ = detect(criteria, rows)
    leaks = [(one.state, one.minute - rows.first) for one in found if one.code == "LEAK"]
    assert [state for state, _ in leaks] == ["raise", "clear"]
    assert BEGIN < leaks[0][1] < REPAIRED - 4 * DAY
    assert REPAIRED <= leaks[1][1] <= REPAIRED + SLOW_MIN


def test_a_leak_that_has_dwindled_away_ends_too(learnt: Criteria) -> None:
    rows = history(12, seed=5, first=START + LEARN_DAYS * DAY)
    for day in range(1, 8):  # 30 % for a day, then 5 % less every day
        burst(rows, (2 + day) * DAY, (3 + day) * DAY, max(0.0, 0.35 - 0.05 * day))
    found, _ = detect(learnt, rows)
    leaks = [(one.state, (one.minute - rows.first) / DAY) for one in found if one.code == "LEAK"]
    assert leaks[0][0] == "raise" and leaks[0][1] < 4
    assert leaks[-1][0] == "clear" and leaks[-1][1] < 11


def test_the_end_of_a_small_leak_is_not_told_within_minutes(learnt: Criteria) -> None:
    detector = Detector("001", learnt, UTC)
    detector.step(START + LEARN_DAYS * DAY, MEAN_M3H, 4.3)
    assert detector.watch is not None
    steps = detector.watch.steps
    steps.state.base, steps.state.fast = 0.0, -1.5 * steps.watch_limit
    for limits, told in ((0.8, False), (1.2, True)):
        assert (steps.drop(0, limits * steps.watch_limit / MEAN_M3H) is not None) == told


def test_a_state_whose_leak_was_raised_in_the_future_stops_nothing(learnt: Criteria) -> None:
    """A disk has changed a digit of it."""
    detector, rows = Detector("001", learnt, UTC), history(6, seed=5, first=START + LEARN_DAYS * DAY)
    burst(rows, DAY, 6 * DAY, 0.3)
    values = zip(range(rows.first, rows.first + 6 * DAY), rows.flow, rows.pressure, strict=True)
    while detector.log.active.leak is None:
        detector.step(*next(values))
    known = detector.log.active.leak
    detector.log.active.leak = structs.replace(known, raised=known.raised + 10**6)
    detector.log.active.counted += 10**8
    for minute, flow, pressure in values:
        detector.step(minute, flow, pressure)
    assert detector.leak_now() is not None
