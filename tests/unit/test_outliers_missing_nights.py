"""Nights may be missing: a leak is taken out of the nights that it was in, and a night keeps its own day."""

import pytest
from outlier_site import DAY, LEARN_DAYS, START, UTC, history

from outliers.criteria import Criteria, NightUse
from outliers.watch.detector import Detector
from outliers.watch.night_minimum import NightMinimum
from outliers.watch.night_shift import NightShift

USUAL = (50.0,) * 20
FRIDAY = 4


def after_nights(*numbers: int, flow: float) -> NightMinimum:
    night = NightMinimum(NightUse(USUAL, 1.0, 3.0, 5.0))
    for number in numbers:
        for minute in range(night.hours.start + 1, night.hours.start + night.hours.minutes + 1):
            night.on_row(number * DAY + minute, minute, flow)
        assert night.on_night_end(0.0) is not None
    return night


def test_a_leak_is_taken_out_of_no_night_before_it() -> None:
    """It began after the third night; then there was none for a week."""
    night = after_nights(0, 1, 2, flow=50.0)
    for minute in range(91, 301):
        night.on_row(10 * DAY + minute, minute, 60.0)
    night.on_night_end(0.0)
    night.rebase(10.0, 3 * DAY, nights=8)
    assert night.state.nights == [50.0] * 24


def test_nights_whose_ends_are_not_known_are_counted_by_days() -> None:
    night = after_nights(0, flow=60.0)
    night.state.nights[-3:-1] = [60.0, 60.0]  # of the archive, or kept by an older version
    night.rebase(10.0, -3 * DAY, nights=3)
    assert night.state.nights == [50.0] * 21


def test_a_night_is_of_its_own_day_whenever_the_next_row_comes(
    learnt: Criteria, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert learnt.night is not None
    rows, kinds = history(6, seed=2, first=START + LEARN_DAYS * DAY), list[tuple[int, int]]()
    monkeypatch.setattr(NightShift, "on_night", lambda _, end, __, kind: kinds.append((end - rows.first, kind)))
    end = 4 * DAY + learnt.night.start + learnt.night.minutes
    detector = Detector("001", learnt, UTC)
    for place in (*range(3 * DAY, end + 1), end + DAY + 60):
        detector.step(rows.first + place, float(rows.flow[place]), float(rows.pressure[place]))
    assert kinds == [(end - DAY, FRIDAY - 1), (end, FRIDAY)]
