"""The review of the last days' forecasts: what of their errors goes into the next ones."""

from dataclasses import replace

import numpy as np
import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped

from forecaster import review
from forecaster.dataset import HourlyHistory, Series
from forecaster.fit import fit
from forecaster.predict import forecast
from forecaster.train import Block

LEADS = np.arange(1, 49)


def test_a_day_that_was_off_is_followed_at_every_lead() -> None:
    off = np.full((1, 1, 2, 24), 2.0)
    off[0, 0, 1] = 1.0
    np.testing.assert_allclose(review.correction(off, LEADS), review.GAIN * 1.5)


def test_an_hour_that_was_off_is_followed_at_that_hour_of_each_day() -> None:
    """Smoothed over three hours, round the clock: the last lead of the day is beside the first."""
    off = np.zeros((1, 1, 2, 24))
    off[..., 0] = 0.9
    added = review.correction(off, LEADS)[0, 0]
    expected = np.zeros(24)
    expected[[23, 0, 1]] = review.HOUR_GAIN * 0.3
    np.testing.assert_allclose(added, np.tile(expected, 2))


def test_a_burst_of_an_hour_counts_no_more_than_its_clip() -> None:
    off = np.zeros((1, 1, 2, 24))
    off[..., 5] = 50.0
    assert review.correction(off, LEADS).max() == pytest.approx(review.HOUR_GAIN * review.HOUR_CLIP / 3)


@pytest.mark.parametrize("seen", [0, review.LEAST - 1])
def test_a_day_with_few_truths_says_nothing(seen: int) -> None:
    off = np.full((1, 1, 2, 24), np.nan)
    off[..., :seen] = 3.0
    np.testing.assert_array_equal(review.correction(off, LEADS), 0.0)


def test_gaps_take_nothing_from_the_hours_that_were_seen() -> None:
    off = np.full((1, 1, 2, 24), 1.0)
    off[0, 0, 0, 10:] = np.nan
    off[0, 0, 1] = np.nan
    np.testing.assert_allclose(review.correction(off, LEADS), review.GAIN)


def test_the_networks_of_the_next_hour_take_no_part_in_the_review() -> None:
    """They would double its work for one lead of twenty-four."""
    hours = np.arange(24 * 60)
    flow = 20 + 6 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 1, len(hours))
    history = HourlyHistory(np.datetime64("2024-01-01T00", "h"), (Series("001", "flow"),), flow[None])
    blocks = [Block(1, 2, 32), Block(24, 2, 32)]
    model = fit(history, until_row=history.rows, horizon=24, version="v", blocks=blocks)
    hour = model.parts[0].networks[0]
    off = replace(model.parts[0], networks=({**hour, "head.bias": hour["head.bias"] + np.float32(3)},))
    origin = np.array([history.rows - 30])
    made, other = (
        forecast(m, history, origin, LEADS[:24]).value[0, 0]
        for m in (model, replace(model, parts=(off, model.parts[1])))
    )
    assert abs(other[0] - made[0]) > 1
    np.testing.assert_array_equal(other[1:], made[1:])
