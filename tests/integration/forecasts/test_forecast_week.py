"""The forecast for the week: the lines beside its networks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped

from forecaster import artifact, linear
from forecaster.dataset import HourlyHistory, Series
from forecaster.fallback import units_of
from forecaster.features import SPAN
from forecaster.fit import fit, refresh
from forecaster.gather import gather
from forecaster.panel import Panel, panel_of
from forecaster.predict import Model, forecast
from forecaster.train import Block

WEEK = [Block(24, 5, 32), Block(168, 5, 32)]
LEADS = np.arange(1, 169)
UNTIL = 24 * 90


def district(days: int) -> HourlyHistory:
    """Two flows about a day's shape whose level drifts."""
    random = np.random.default_rng(0)
    hours = np.arange(24 * days)
    y = np.empty((2, len(hours)))
    for line in range(2):
        level = np.convolve(random.normal(0, 0.2, len(hours) + 400), 0.99 ** np.arange(400), "valid")[: len(hours)]
        y[line] = 20 + 6 * np.sin(2 * np.pi * hours / 24) + level + random.normal(0, 0.3, len(hours))
    return HourlyHistory(np.datetime64("2024-01-01T00", "h"), (Series("a", "flow"), Series("b", "flow")), y)


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(district(90), until_row=UNTIL, horizon=168, version="20240401T000000", blocks=WEEK)


def panel(history: HourlyHistory) -> Panel:
    return panel_of(history, units_of(history.y))


def learnt(of: Panel, until_row: int) -> linear.Lines:
    return linear.learn(of, 168, until_row=until_row, seed=0)


def test_a_line_finds_what_is_linear_and_what_is_a_series_own() -> None:
    """Residuals that nothing in the past tells, only the hour: alike in both series, and with opposite signs."""
    made = panel(district(200))
    noise = np.random.default_rng(1).normal(0, 1, made.z.shape)
    alike, opposite = made.calendar[0, :, 0], made.calendar[0, :, 1] * np.array([[1], [-1]])
    planted = replace(made, z=(noise + alike + opposite).astype(np.float32), seen=np.ones_like(made.seen))
    lines = learnt(planted, 24 * 200)
    series, origin = (a.ravel() for a in np.meshgrid([0, 1], np.arange(24 * 40, 24 * 190, 37), indexing="ij"))
    batch = gather(planted, series, origin, np.tile(LEADS[24:], (len(series), 1)))
    target = SPAN + origin[:, None] + LEADS[24:]
    wanted = (alike + opposite)[series[:, None], target]
    off, of_the_other = (np.std(linear.answer(lines, batch, which) - wanted) for which in (series + 1, 2 - series))
    assert off < 0.3  # of a standard deviation of 1 that can be told
    assert of_the_other > 1.2 * off


def test_lines_use_nothing_at_or_past_their_end() -> None:
    history = district(90)
    changed = history.y.copy()
    changed[:, 24 * 80 :] += 100.0
    before, after = (panel_of(replace(history, y=y), units_of(history.y)) for y in (history.y, changed))
    np.testing.assert_array_equal(learnt(before, 24 * 80), learnt(after, 24 * 80))


def test_nothing_after_an_origin_moves_a_forecast_for_the_week(model: Model) -> None:
    history = district(100)
    origin = np.array([24 * 88 + 5])
    made = forecast(model, history, origin, LEADS)
    for wrong in (np.nan, 1e6):
        y = history.y.copy()
        y[:, origin[0] + 1 :] = wrong
        again = forecast(model, replace(history, y=y), origin, LEADS)
        np.testing.assert_array_equal(made.value, again.value)


def test_the_lines_count_past_the_day_only(model: Model) -> None:
    history, origin = district(100), np.array([24 * 92])
    assert model.parts[0].lines is None and model.parts[1].lines is not None
    moved = replace(model.parts[1], lines=model.parts[1].lines + np.float32(1))
    made, other = (forecast(m, history, origin, LEADS).value for m in (model, with_week(model, moved)))
    np.testing.assert_array_equal(made[..., :24], other[..., :24])
    assert np.abs(other - made)[..., 24:].min() > 0


def with_week(model: Model, part: object) -> Model:
    return replace(model, parts=(model.parts[0], part))  # type: ignore[arg-type]


def test_the_lines_survive_the_file(model: Model, tmp_path: Path) -> None:
    artifact.save(tmp_path, model)
    read = artifact.load(tmp_path, model.version)
    assert read.parts[0].lines is None
    np.testing.assert_array_equal(read.parts[1].lines, model.parts[1].lines)


def test_the_lines_learn_the_held_out_weeks_too(model: Model) -> None:
    newer = refresh(model, district(90), until_row=UNTIL, blocks=WEEK)
    assert not np.array_equal(newer.parts[1].lines, model.parts[1].lines)  # type: ignore[arg-type]
