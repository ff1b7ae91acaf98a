"""The review of the last days' forecasts: what of their errors goes into the next ones."""

import numpy as np
import pytest

from forecaster import review

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
