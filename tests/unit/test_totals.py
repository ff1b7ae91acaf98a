"""Totals to rates: what flowed is what the rates add up to, whatever the counter does."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.totals import MOST_GAP_S, Rate, volume_between

ROLLS = 10_000
MOST = 100


@given(st.integers(0, ROLLS - 1), st.lists(st.integers(-MOST, MOST), max_size=200))
def test_the_volumes_add_up_to_what_flowed_however_often_the_counter_rolls_over(first: int, steps: list[int]) -> None:
    true = [first]
    for step in steps:
        true.append(true[-1] + step)
    seen = [total % ROLLS for total in true]
    volumes = [volume_between(before, after, ROLLS, MOST) for before, after in pairwise(seen)]
    for step, volume, after in zip(steps, volumes, seen[1:], strict=True):
        assert volume == step or (volume is None and after == 0 and step < 0)


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.sampled_from([0.0, 1e9]), st.floats(0.001, 1e5))
def test_no_volume_is_more_than_can_have_flowed(before: float, after: float, rolls: float, most: float) -> None:
    volume = volume_between(before, after, rolls, most)
    assert volume is None or abs(volume) <= most


@pytest.mark.parametrize(
    ("before", "after", "rolls", "volume"),
    [
        (100.0, 100.0, 0, 0.0),  # a repeated value
        (100.0, 101.5, 0, 1.5),
        (100.0, 99.0, 0, -1.0),  # back by a little: a flow back
        (9_999.0, 1.0, 10_000, 2.0),  # rolled over
        (1.0, 9_999.0, 10_000, -2.0),  # rolled back
        (9_999.0, 1.0, 0, None),  # does not roll over: it was set
        (5_000.0, 0.0, 10_000, None),  # set to nothing
        (50.0, 0.0, 10_000, None),  # and so from near nothing
        (0.0, 5_000.0, 10_000, None),  # another meter
    ],
)
def test_what_a_step_of_the_counter_means(before: float, after: float, rolls: float, volume: float | None) -> None:
    assert volume_between(before, after, rolls, MOST) == volume


def test_a_rate_needs_two_looks_not_too_far_apart() -> None:
    rate = Rate(0.0, 1000.0)
    assert rate.at(10.0, 100.0) is None
    assert rate.at(10.5, 100.0 + 60) == pytest.approx(30.0)
    assert rate.at(10.5, 100.0 + 60) is None  # no time has passed
    assert rate.at(10.5, 100.0 + 70) == 0.0
    assert rate.at(12.0, 100.0 + 71 + MOST_GAP_S) is None
    assert rate.at(12.1, 100.0 + 81 + MOST_GAP_S) == pytest.approx(36.0)
