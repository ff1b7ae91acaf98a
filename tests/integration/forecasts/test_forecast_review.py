"""The review of the last days' forecasts: what of their errors goes into the next ones."""

from dataclasses import replace

import numpy as np
import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped

from forecaster.dataset import HourlyHistory, Series
from forecaster.fit import fit
from forecaster.predict import REVIEW_LEAST, forecast, off_by
from forecaster.train import Block

LEADS = np.arange(1, 25)


def test_a_day_is_off_by_its_middle_error() -> None:
    errors = np.full((2, 24), 2.0)
    errors[0, 5] = 50.0  # a burst of an hour
    errors[1, 10:] = np.nan
    np.testing.assert_array_equal(off_by(errors), [2.0, 2.0])


@pytest.mark.parametrize("seen", [0, REVIEW_LEAST - 1])
def test_a_day_with_few_truths_says_nothing(seen: int) -> None:
    errors = np.full((1, 24), np.nan)
    errors[:, :seen] = 3.0
    assert np.isnan(off_by(errors)).all()


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
        forecast(m, history, origin, LEADS).value[0, 0] for m in (model, replace(model, parts=(off, model.parts[1])))
    )
    assert abs(other[0] - made[0]) > 1
    np.testing.assert_array_equal(other[1:], made[1:])
