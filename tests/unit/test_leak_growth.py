"""The size that is told of a leak is that of now, whether it grows, is throttled or stays as it is."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from outlier_site import DAY, MEAN_M3H, RESTLESS_M3H, UTC, burst, days

from outliers.criteria import Criteria
from outliers.watch.closing import Closing, Said
from outliers.watch.detector import Detector, DetectorState

LAST, BEGIN, SIZED_MIN = 16, DAY + 9 * 60, 60
Told = dict[float, tuple[float, float, float]]  # day -> truth, size and error, m3/h


def course(day: float, turns: float, first: float, later: float, over: float) -> float:
    """`first` until the day `turns`, then to `later` within `over` days; shares of the mean."""
    return first + (later - first) * min(1.0, max(0.0, (day - turns) / over))


def told(criteria: Criteria, share: Callable[[float], float], restart_at: float = -1.0) -> Told:
    """What is told each hour, while a LEAK is up, of a leak that has `share` of the mean at each day since its start.

    `restart_at`: the day at which the detector goes on from its stored state.
    """
    rows, detector, found = days(LAST, restless=RESTLESS_M3H), Detector("001", criteria, UTC), Told()
    for place in range(BEGIN, LAST * DAY, SIZED_MIN):
        burst(rows, place, min(place + SIZED_MIN, LAST * DAY), share((place - BEGIN) / DAY))
    for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True)):
        detector.step(rows.first + place, flow, pressure)
        if place % SIZED_MIN == SIZED_MIN - 1 and detector.log.active.leak is not None:
            now, day = detector.leak_now(), (place - BEGIN) / DAY
            assert now is not None
            found[day] = (share(day) * MEAN_M3H, *now)
            if day - SIZED_MIN / DAY < restart_at <= day:
                kept = msgspec.json.decode(msgspec.json.encode(detector.state()), type=DetectorState)
                detector = Detector("001", criteria, UTC, kept)
    return found


@pytest.mark.parametrize(
    ("turns", "first", "later", "over"),
    [(2.0, 0.10, 0.25, 8.0), (5.0, 0.10, 0.18, 0.01), (5.0, 0.25, 0.14, 0.01)],
    ids=["grows", "steps up", "is throttled"],
)
def test_a_leak_that_changes_is_told_with_its_size_of_now(
    restless: Criteria, turns: float, first: float, later: float, over: float
) -> None:
    found = told(restless, lambda day: course(day, turns, first, later, over))
    late = [one for day, one in found.items() if day > turns + 2.5]
    assert len(late) > 120
    assert np.mean([abs(size - truth) <= 2 * error for truth, size, error in late]) > 0.7
    assert np.mean([size - truth for truth, size, _ in late]) == pytest.approx(0.0, abs=0.04 * MEAN_M3H)
    assert np.mean([error for _, _, error in late]) < 0.2 * max(first, later) * MEAN_M3H


def test_a_leak_that_stays_as_it_is_becomes_certain(restless: Criteria) -> None:
    found = told(restless, lambda _: 0.125)
    days_later = [one for day, one in found.items() if day > 10]
    assert np.mean([abs(size - truth) <= 2 * error for truth, size, error in days_later]) > 0.85
    assert np.mean([error for _, _, error in days_later]) < 0.025 * MEAN_M3H


def test_a_restart_changes_nothing(restless: Criteria) -> None:
    def grows(day: float) -> float:
        return course(day, 2.0, 0.10, 0.25, 8.0)

    assert told(restless, grows, restart_at=5.0) == told(restless, grows)


def test_a_leak_from_before_an_update_is_followed_from_the_next_hour(restless: Criteria) -> None:
    """Its state holds no growth."""
    rows, detector = days(6, restless=RESTLESS_M3H), Detector("001", restless, UTC)
    burst(rows, BEGIN, 6 * DAY, 0.25)
    values = zip(range(rows.first, rows.first + 6 * DAY), rows.flow.tolist(), rows.pressure.tolist(), strict=True)
    while detector.log.active.leak is None:
        detector.step(*next(values))
    assert detector.watch is not None
    detector.watch.expectation.tracker.state.growth = None
    for row in values:
        detector.step(*row)
    size, error = detector.leak_now() or (0.0, 0.0)
    assert abs(size - 0.25 * MEAN_M3H) <= 2 * error < 0.25 * MEAN_M3H


def test_what_was_accepted_is_no_part_of_the_next_leak(restless: Criteria) -> None:
    rows, detector = days(9, restless=RESTLESS_M3H), Detector("001", restless, UTC)
    burst(rows, BEGIN, 9 * DAY, 0.25)
    burst(rows, BEGIN + 4 * DAY, 9 * DAY, 0.30)
    for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True)):
        minute = rows.first + place
        if place == BEGIN + 3 * DAY:
            detector.on_closing(minute, Closing(60 * minute, Said.ACCEPTED, (), up=True))
            assert detector.leak_now() is None
        detector.step(minute, flow, pressure)
    size, error = detector.leak_now() or (0.0, 0.0)
    assert abs(size - 0.30 * MEAN_M3H) <= 2 * error < 0.30 * MEAN_M3H
