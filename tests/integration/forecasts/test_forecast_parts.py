"""Which part of the model answers which hour ahead."""

from dataclasses import replace

import numpy as np
import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped

from forecaster.dataset import HourlyHistory, Series
from forecaster.fallback import units_of
from forecaster.fit import MUCH, blocks_for, fit, refresh
from forecaster.panel import panel_of
from forecaster.predict import Model, residuals
from forecaster.train import Block

BLOCKS = [Block(last, 2, 16) for last in (1, 4, 12, 24)]
LEADS = np.arange(1, 25)


@pytest.mark.parametrize(
    ("horizon", "pairs", "lasts"),
    [
        (24, MUCH, [1, 4, 12, 24]),
        (24, MUCH - 1, [1, 24]),
        (168, MUCH, [1, 4, 12, 24, 168]),
        (12, MUCH, [1, 4, 12]),
        (6, MUCH, [1, 4, 6]),
        (1, MUCH, [1]),
    ],
)
def test_near_hours_have_parts_of_their_own_once_there_is_history_for_them(
    horizon: int, pairs: int, lasts: list[int]
) -> None:
    blocks = blocks_for(horizon, pairs)
    assert [b.last for b in blocks] == lasts
    assert all(b.steps > 0 for b in blocks)
    steps_a_lead = [b.steps for b in blocks if b.last <= 24]
    assert steps_a_lead == sorted(steps_a_lead, reverse=True), "the nearer, the longer it is learnt"


@pytest.mark.parametrize(
    ("pairs", "members"),
    [
        (MUCH - 1, [1, 1, 1]),  # a single sensor-year should not take longer to learn
        (MUCH, [2, 2, 2, 2, 2]),
    ],
)
def test_some_sensors_have_two_networks(pairs: int, members: list[int]) -> None:
    assert [b.members for b in blocks_for(168, pairs)] == members


@pytest.mark.parametrize("horizon", [2, 3, 5, 13])
def test_the_last_part_of_a_short_horizon_is_learnt_as_long_as_its_neighbours(horizon: int) -> None:
    pairs = 2 * MUCH
    steps = {b.last: b.steps for b in blocks_for(24, pairs)}
    own = blocks_for(horizon, pairs)[-1].steps
    assert steps[min(last for last in steps if last > horizon)] < own
    assert own < steps[max(last for last in steps if last < horizon)]


def history() -> HourlyHistory:
    random = np.random.default_rng(0)
    return HourlyHistory(
        np.datetime64("2024-01-01T00", "h"), (Series("a", "flow"),), random.normal(10, 1, (1, 24 * 60))
    )


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(history(), until_row=24 * 60, horizon=24, version="v", blocks=BLOCKS)


def test_each_hour_is_answered_by_the_shortest_part_that_reaches_it(model: Model) -> None:
    past, origins = history(), np.array([24 * 50, 24 * 55 + 7])
    panel = panel_of(past, units_of(past.y))
    together = residuals(model, panel, past, origins, LEADS)
    first = 0
    for part in model.parts:
        alone = residuals(replace(model, parts=(part,)), panel, past, origins, LEADS)
        here = slice(first, first := part.last)
        np.testing.assert_allclose(together[:, :, here], alone[:, :, here], rtol=1e-4, atol=1e-5)


def test_weights_with_fewer_parts_are_refreshed_as_they_are(model: Model) -> None:
    """A history that has grown past the bound asks for more parts than the weights in hand have."""
    day = replace(model, parts=model.parts[-1:])
    again = refresh(day, history(), until_row=24 * 60, blocks=BLOCKS)
    assert [p.last for p in again.parts] == [24]
