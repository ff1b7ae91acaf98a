"""The tracker and the return levels: sizes and scores that can be trusted."""

import math

import msgspec
import numpy as np
import pytest

from outliers.flow_shift import ShiftTracker
from outliers.growth import Growth
from outliers.hour_model import HourModel
from outliers.learn.return_level import daily_maxima, return_level, spread
from outliers.rules import MAX_AGE_H
from outliers.shift import Constant
from outliers.tracker_state import TrackerState

MODEL = HourModel(hour_memory=0.7, day_memory=0.97, day_variance=0.0001, level_variance=1e-6, spread=(0.03,) * 24)


def walk(hours: int, leak: float = 0.0, since: int = 0, seed: int = 3) -> ShiftTracker:
    """A tracker after `hours` of use that moves as the model says, with a leak (share of the mean) added."""
    random = np.random.default_rng(seed)
    tracker, short, day = ShiftTracker(MODEL), 0.0, 0.0
    own = 0.03**2 - 0.0001
    for hour in range(hours):
        short = 0.7 * short + random.normal(0, math.sqrt(0.95 * own * (1 - 0.49)))
        day = 0.97 * day + random.normal(0, math.sqrt(0.0001 * (1 - 0.97**2)))
        night = 1.5 if hour % 24 < 6 else 0.9  # a constant flow weighs more where the profile is low
        ratio = short + day + random.normal(0, math.sqrt(0.05 * own)) + (leak * night if hour >= since else 0.0)
        tracker.on_hour(hour, hour % 24, ratio, night)
    return tracker


def test_a_leak_is_sized_and_dated() -> None:
    shift = walk(500, leak=0.10, since=440).rise(12, 384)
    assert shift.score > 5
    assert shift.size == pytest.approx(0.10, abs=3 * shift.error)
    assert abs(shift.since - 440) <= 8


def test_ordinary_use_scores_as_its_errors_say() -> None:
    scores = [walk(300, seed=seed).rise(24, 48) for seed in range(40)]
    assert max(shift.score for shift in scores) < 4.5
    assert np.median([shift.score for shift in scores]) < 2


def test_of_two_starts_that_score_alike_the_old_one_says_more() -> None:
    tracker = walk(500, leak=0.10, since=260)
    plain, fair = tracker.rise(48, 384), tracker.rise(48, 384, fair=True)
    assert plain.since == fair.since
    age = 500 - fair.since
    assert age > 150
    assert fair.score**2 == pytest.approx(plain.score**2 + 2 * math.log(age / 48))


def test_no_score_is_no_shift_however_old() -> None:
    tracker = walk(500, leak=-0.2, since=100)
    assert tracker.rise(48, 384, fair=True).score == 0


def test_what_is_accepted_is_not_found_again() -> None:
    tracker = walk(500, leak=0.10, since=440)
    shift = tracker.rise(12, 384)
    tracker.absorb([Constant(shift.since, shift.size, 0.0)])
    assert tracker.rise(0, MAX_AGE_H).score == 0
    assert abs(tracker.expected_ratio(0)) < 0.06


@pytest.mark.parametrize("began", [0.0, 0.25, 0.95])
def test_a_leak_that_began_within_an_hour_is_taken_out_in_part(began: float) -> None:
    quiet, leaky = walk(440), walk(440)
    for hour in range(440, 443):
        night = 1.5 if hour % 24 < 6 else 0.9
        there = 1.0 - began if hour == 440 else 1.0
        quiet.on_hour(hour, hour % 24, 0.0, night)
        leaky.on_hour(hour, hour % 24, 0.02 * there * night, night)
    leaky.absorb([Constant(440 + began, 0.02, 0.0)])
    assert leaky.expected_ratio(0) == pytest.approx(quiet.expected_ratio(0), abs=1e-4)
    assert leaky.state.short == pytest.approx(quiet.state.short, abs=1e-3)


def test_the_number_of_starts_is_bounded() -> None:
    assert len(walk(1500).state.starts) < 40


def test_a_gap_of_weeks_is_passed_in_a_moment() -> None:
    tracker = walk(100)
    tracker.on_hour(100 + 5000, 3, 0.01, 1.0)
    assert tracker.state.hour == 5100
    assert tracker.rise(1, MAX_AGE_H).score < 4


def test_state_goes_on_to_the_bit() -> None:
    one = walk(200)
    other = ShiftTracker(MODEL, msgspec.json.decode(msgspec.json.encode(one.state), type=TrackerState))
    for tracker in (one, other):
        tracker.on_hour(200, 8, 0.05, 0.9)
        tracker.on_hour(203, 11, -0.02, 0.9)
    assert one.state == other.state


def test_a_flow_that_stays_has_not_grown_and_one_that_ends_has_shrunk_by_all_of_it() -> None:
    tracker, random = walk(200), np.random.default_rng(8)
    tracker.follow(0.2, 0.1)
    for hours, added in ((240, 0.0), (72, -0.2)):
        first = (tracker.state.hour or 0) + 1
        for hour in range(first, first + hours):
            tracker.on_hour(hour, hour % 24, added + random.normal(0, 0.02), 1.0)
        change, error = tracker.growth() or (0.0, 0.0)
        assert change == pytest.approx(added, abs=0.04)
        assert error < 0.03


def test_an_absurd_hour_leaves_the_growth_finite() -> None:
    tracker = walk(200)
    tracker.follow(0.2, 0.1)
    for hour, ratio in ((200, 1e9), (201, -1e9), (202, None), (900, 0.0)):
        tracker.on_hour(hour, hour % 24, ratio, 1.0)
        assert all(math.isfinite(value) for value in tracker.growth() or (math.nan,))


@pytest.mark.parametrize("put", [-1.0, -1e300, 0.0, 1e300])
def test_a_growth_whose_numbers_a_disk_has_changed_stops_no_hour(put: float) -> None:
    tracker = walk(200)
    tracker.follow(0.2, 0.1)
    constant, walking, walks, pace = msgspec.to_builtins(tracker.state.growth)
    for place in range(30):
        means, cov = [*walking[0]], [[*line] for line in walking[1]]
        (means if place < 5 else cov[place // 5 - 1])[place % 5] = put
        damaged = tracker.twin()
        damaged.state.growth = msgspec.convert((constant, (means, cov), walks, pace), Growth)
        for hour in (200, 201):
            damaged.on_hour(hour, 12, 0.0, 1.0)
            assert damaged.growth() is not None


def test_a_wild_week_asks_for_more() -> None:
    tracker = walk(300)
    before = tracker.stretch()
    for hour in range(300, 468):
        tracker.on_hour(hour, hour % 24, 0.25 if hour % 2 else -0.25, 1.0)
    assert before < 1.2 and tracker.stretch() > 1.8


def test_a_return_level_is_passed_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    maxima = random.gumbel(3.0, 0.5, 182)
    later = random.gumbel(3.0, 0.5, 20_000)
    assert 0.3 / 120 < float((later > return_level(maxima, 120)).mean()) < 3 / 120


def test_a_few_days_of_leak_do_not_move_a_return_level() -> None:
    maxima = np.random.default_rng(6).gumbel(3.0, 0.5, 182)
    spoilt = np.concatenate([maxima[:-4], [40.0, 50.0, 60.0, 70.0]])
    assert return_level(spoilt, 120) == pytest.approx(return_level(maxima, 120), rel=0.05)
    assert return_level(spoilt, 120, rank=3) == 50.0


def test_too_few_days_give_no_limit() -> None:
    assert return_level(np.ones(5), 100) == math.inf


def test_days_without_a_value_have_no_maximum() -> None:
    values = np.array([1.0, 3.0, np.nan, np.nan, 2.0, np.nan])
    assert daily_maxima(values, 2).tolist()[::2] == [3.0, 2.0]
    assert math.isnan(daily_maxima(values, 2)[1])
    assert spread(np.array([np.nan])) == 0.0


def test_a_shift_that_no_hour_has_shown_yet_corrects_nothing() -> None:
    tracker = walk(300)
    before = (tracker.state.level, tracker.state.day, tracker.state.short)
    tracker.absorb([Constant(300, 0.5, 0.0)])
    assert (tracker.state.level, tracker.state.day, tracker.state.short) == before
    assert tracker.rise(1, 48).score == 0.0
