"""Series that a model has not learnt, taken up from their own weeks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped

from forecaster import adopt, artifact, backtest
from forecaster.dataset import HourlyHistory, Series
from forecaster.features import LEAD, SHARED
from forecaster.fit import fit
from forecaster.gather import gather
from forecaster.online import OnlineCorrections
from forecaster.panel import panel_of
from forecaster.predict import Model, forecast, units_for
from forecaster.train import Block

UNTIL = 24 * 150
LEADS = np.arange(1, 25)


def district(*names: str, own: float = 0.0) -> HourlyHistory:
    """A day's shape and a drift; with `own`, each hour is off to the other side of the hour before as well."""
    hours = np.arange(24 * 180)
    lines = []
    for number, _ in enumerate(names):
        random = np.random.default_rng(number + int(10 * own))
        drift = np.convolve(random.normal(0, 0.3, len(hours) + 200), 0.97 ** np.arange(200), "valid")[: len(hours)]
        alternate = np.convolve(random.normal(0, own, len(hours) + 50), (-0.95) ** np.arange(50), "valid")
        lines.append(20 + 6 * np.sin(2 * np.pi * hours / 24) + drift + alternate[: len(hours)])
    return HourlyHistory(np.datetime64("2024-01-01T00", "h"), tuple(Series(n, "flow") for n in names), np.stack(lines))


@pytest.fixture(scope="module")
def model() -> Model:
    blocks = [Block(1, 20, 64), Block(24, 20, 64), Block(168, 10, 64)]
    return fit(district("a", "b"), until_row=UNTIL, horizon=168, version="20240601T000000", blocks=blocks)


@pytest.fixture(scope="module")
def new() -> HourlyHistory:
    return district("new", own=1.0)


@pytest.fixture(scope="module")
def after(model: Model, new: HourlyHistory) -> Model:
    """Once it has taken up the new series."""
    return adopt.adopted(model, new, UNTIL)


def error(model: Model, history: HourlyHistory, leads: np.ndarray) -> float:
    origins = np.arange(UNTIL, 24 * 172, 5)
    made = forecast(model, history, origins, leads)
    return float(np.abs(made.value - history.y[:, origins[:, None] + leads]).mean())


def test_a_series_of_another_kind_is_forecast_better_once_taken_up(
    model: Model, after: Model, new: HourlyHistory
) -> None:
    assert after.series == (*model.series, new.series[0])
    assert error(after, new, LEADS[:1]) < 0.8 * error(model, new, LEADS[:1])


def test_the_series_that_were_learnt_are_forecast_as_before(model: Model, new: HourlyHistory) -> None:
    both = district("a", "b")
    beside = replace(both, series=(*both.series, *new.series), y=np.concatenate([both.y, new.y]))
    after = adopt.adopted(model, beside, UNTIL)
    origins, leads = np.array([UNTIL - 1, UNTIL + 6]), np.arange(1, 169)  # both see the new one in the same units
    made, before = (forecast(m, beside, origins, leads) for m in (after, model))
    np.testing.assert_array_equal(made.value[:2], before.value[:2])
    np.testing.assert_array_equal(made.low[:2], before.low[:2])
    assert np.abs(made.value[2] - before.value[2]).max() > 0


def test_taking_up_looks_at_nothing_past_its_end(model: Model, after: Model, new: HourlyHistory) -> None:
    spoilt = new.y.copy()
    spoilt[:, UNTIL:] = 1e6
    other = adopt.adopted(model, replace(new, y=spoilt), UNTIL)
    assert len(after.series) == 3
    for a, b in zip(after.parts, other.parts, strict=True):
        np.testing.assert_array_equal(a.networks[0]["own_skip.weight"], b.networks[0]["own_skip.weight"])
    np.testing.assert_array_equal(after.parts[2].lines, other.parts[2].lines)
    np.testing.assert_array_equal(after.stretch, other.stretch)
    np.testing.assert_array_equal(after.units.scale, other.units.scale)


def test_its_interval_holds(after: Model, new: HourlyHistory) -> None:
    origins = np.arange(UNTIL, 24 * 178, 5)
    made = forecast(after, new, origins, LEADS).stretched(OnlineCorrections.start(after, new.series).stretch, LEADS)
    truth = new.y[:, origins[:, None] + LEADS]
    assert 0.84 <= np.mean((made.low <= truth) & (truth <= made.high)) <= 0.96


def test_a_line_that_makes_it_worse_is_not_taken(
    model: Model, new: HourlyHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = adopt._line
    monkeypatch.setattr(adopt, "_line", lambda *given: -line(*given))
    assert adopt.adopted(model, new, UNTIL) is model


def test_too_little_history_leaves_a_series_unknown(model: Model, new: HourlyHistory) -> None:
    young = replace(new, y=new.y[:, : 24 * 20])
    assert adopt.adopted(model, young, young.rows) is model
    late = new.y.copy()
    late[:, : UNTIL - 24 * 40] = np.nan  # four weeks of its forty days are held out
    assert adopt.adopted(model, replace(new, y=late), UNTIL) is model


def test_a_model_that_took_up_a_series_survives_its_file(after: Model, new: HourlyHistory, tmp_path: Path) -> None:
    artifact.save(tmp_path, after)
    read = artifact.load(tmp_path, after.version)
    origins, leads = np.array([UNTIL]), np.arange(1, 169)
    made, again = (forecast(m, new, origins, leads) for m in (after, read))
    np.testing.assert_array_equal(made.value, again.value)


def test_without_a_line_it_is_forecast_as_an_unknown_one(model: Model, new: HourlyHistory) -> None:
    panel, leads = panel_of(new, units_for(model, new)), np.arange(1, 169)[None]
    batch = gather(panel, np.array([0]), np.array([UNTIL]), leads)
    for part in model.parts:
        longer = adopt._extended(part, np.zeros((1, SHARED + LEAD), dtype=np.float32))
        added, unknown = (one.answer(batch, np.array([at])) for one, at in ((longer, 3), (part, 0)))
        np.testing.assert_array_equal(added, unknown)


def test_a_backtest_with_weights_of_other_data_takes_its_series_up_before_it_forecasts(
    model: Model, after: Model, new: HourlyHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest, "fit", lambda *_, **__: model)
    monkeypatch.setattr(backtest, "refresh", lambda *_, **__: model)
    origin = np.arange(UNTIL - 1, UNTIL + 48, 24)
    wanted = backtest.Wanted(("new",) * len(origin), origin, origin + 1, origin + 24)
    learnt = backtest.learnt(new, UNTIL, 24, train_on=district("a", "b"), train_on_until=UNTIL)
    table = backtest.forecasts(learnt, new, wanted)
    made = backtest._as_the_product_does(after, new, origin, LEADS, None)
    np.testing.assert_array_equal(table.forecast, made.value.ravel())
