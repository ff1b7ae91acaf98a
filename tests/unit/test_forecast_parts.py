"""Which part of the model answers which hour ahead."""

from dataclasses import replace

import numpy as np
import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped

from forecaster.dataset import HourlyHistory, Series
from forecaster.fallback import units_of
from forecaster.fit import BETWEEN_FROM, blocks_for, fit, refresh
from forecaster.panel import panel_of
from forecaster.predict import NARROW, Model, residuals
from forecaster.train import Block

BLOCKS = [Block(1, last, 2, 16) for last in (1, 4, 12, 24)]
LEADS = np.arange(1, 25)


@pytest.mark.parametrize(
    ("horizon", "pairs", "lasts"),
    [
        (24, BETWEEN_FROM, [1, 4, 12, 24]),
        (24, BETWEEN_FROM - 1, [1, 24]),
        (168, BETWEEN_FROM, [1, 4, 12, 24, 168]),
        (12, BETWEEN_FROM, [1, 4, 12]),
        (6, BETWEEN_FROM, [1, 4, 6]),
        (1, BETWEEN_FROM, [1]),
    ],
)
def test_near_hours_have_parts_of_their_own_once_there_is_history_for_them(
    horizon: int, pairs: int, lasts: list[int]
) -> None:
    blocks = blocks_for(horizon, pairs)
    assert [b.last for b in blocks] == lasts
    assert all(b.first == 1 and b.steps > 0 for b in blocks)
    steps_a_lead = [b.steps for b in blocks if b.last <= 24]
    assert steps_a_lead == sorted(steps_a_lead, reverse=True), "the nearer, the longer it is learnt"


@pytest.mark.parametrize(
    ("pairs", "members"),
    [
        (BETWEEN_FROM - 1, [1, 1, 1]),  # a single sensor-year should not take longer to learn
        (BETWEEN_FROM, [3, 1, 4, 4, 2]),
        (999_999, [3, 1, 4, 4, 2]),
        (1_000_000, [2, 1, 2, 2, 2]),  # a fleet has enough to learn from
    ],
)
def test_some_sensors_have_more_networks_than_one_and_than_a_fleet(pairs: int, members: list[int]) -> None:
    assert [b.members for b in blocks_for(168, pairs)] == members


@pytest.mark.parametrize("horizon", [2, 3, 5, 13])
def test_the_last_part_of_a_short_horizon_is_learnt_as_long_as_its_neighbours(horizon: int) -> None:
    pairs = 2 * BETWEEN_FROM
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


def test_each_hour_is_answered_by_the_narrowest_part_that_holds_it_and_the_next_one(model: Model) -> None:
    past, origins = history(), np.array([24 * 50, 24 * 55 + 7])
    panel = panel_of(past, units_of(past.y))
    together = residuals(model, panel, past, origins, LEADS)
    alone = {p.last: residuals(replace(model, parts=(p,)), panel, past, origins, LEADS[: p.last]) for p in model.parts}
    wanted = alone[24].copy()
    wanted[:, :, :12] = NARROW * alone[12] + (1 - NARROW) * alone[24][:, :, :12]
    wanted[:, :, :4] = NARROW * alone[4] + (1 - NARROW) * alone[12][:, :, :4]
    wanted[:, :, :1] = alone[1]
    np.testing.assert_allclose(together, wanted, rtol=1e-4, atol=1e-5)


def test_the_week_does_not_answer_for_the_day(model: Model) -> None:
    day, week = model.parts[-1], replace(model.parts[-1], last=168)
    both = replace(model, parts=(day, week))
    assert both.parts_for(24) == [(day, 1.0)]
    assert both.parts_for(25) == [(week, 1.0)]


def test_weights_with_fewer_parts_are_refreshed_as_they_are(model: Model) -> None:
    """A history that has grown past the bound asks for more parts than the weights in hand have."""
    day = replace(model, parts=model.parts[-1:])
    again = refresh(day, history(), until_row=24 * 60, blocks=BLOCKS)
    assert [(p.first, p.last) for p in again.parts] == [(1, 24)]
