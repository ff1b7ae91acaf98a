"""One model over several sites: each series beside its own site's others, by its own site's holidays and clock."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped

from forecaster import artifact
from forecaster.dataset import HourlyHistory, Series, on_the_same_rows
from forecaster.fallback import DAY, WEEK, Units, units_of
from forecaster.fit import fit, judge, refresh
from forecaster.gather import Batch, gather
from forecaster.panel import panel_of, panel_of_sites
from forecaster.predict import forecast
from forecaster.train import Block

DAYS = 90
QUICK = [Block(1, 20, 64), Block(24, 20, 64)]
LEADS = np.arange(1, 25)


def site(name: str, *sensors: str, first: str = "2024-01-01T00", days: int = DAYS, seed: int = 0) -> HourlyHistory:
    """A day's shape and what all sensors of a site have in common."""
    random = np.random.default_rng(seed)
    hours = np.arange(24 * days)
    common = np.convolve(random.normal(0, 1, len(hours) + 48), np.exp(-np.arange(49) / 12), "valid")
    lines = [20 + 6 * np.sin(2 * np.pi * hours / 24) + common + random.normal(0, 0.3, len(hours)) for _ in sensors]
    series = tuple(Series(sensor, "flow", name) for sensor in sensors)
    return HourlyHistory(np.datetime64(first, "h"), series, np.stack(lines))


def units(*histories: HourlyHistory) -> Units:
    return Units.joined(units_of(history.y) for history in histories)


def test_a_series_inputs_are_the_same_alone_and_beside_other_sites() -> None:
    """Holidays, other sensors and the partner are the site's own, also where another site has the same sensor."""
    north = replace(site("north", "001", "002"), holidays=frozenset({19_800, 19_810}))
    pressure = replace(north.series[0], channel="pressure")
    north = replace(north, series=(*north.series, pressure), y=np.concatenate([north.y, 0.1 * north.y[:1]]))
    south = site("south", "001", "002", seed=1)
    together = panel_of_sites([north, south], units(north, south))
    for history, begin in ((north, 0), (south, 3)):
        alone = panel_of(history, units_of(history.y))
        lines = np.arange(len(history.series))
        origin, leads = np.full(len(lines), 24 * 80), np.tile(LEADS, (len(lines), 1))
        one, other = gather(alone, lines, origin, leads), gather(together, lines + begin, origin, leads)
        for name in Batch._fields:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_sites_of_other_zones_and_lengths_lie_on_the_same_rows() -> None:
    early, late = site("seoul", "001", first="2024-01-01T05"), site("rome", "001", days=30, first="2024-03-01T22")
    both = on_the_same_rows([early, late])
    assert {h.first for h in both} == {early.first} and len({h.rows for h in both}) == 1
    for before, after in zip((early, late), both, strict=True):
        rows = int((before.first - after.first).astype(int)) + np.arange(before.rows)
        np.testing.assert_array_equal(after.y[:, rows], before.y)
        assert np.isfinite(after.y).sum() == before.y.size
    assert both[1].rows == late.rows + (late.first - early.first).astype(int)


def test_one_model_serves_all_its_sites_and_a_new_one(tmp_path: Path) -> None:
    sites = [site(name, "001", "002", seed=n) for n, name in enumerate(("a", "b", "c"))]
    model = fit(*sites, until_row=24 * DAYS, horizon=24, version="20240401T000000", blocks=QUICK)
    error, naive, _ = judge(model, sites, 24 * (DAYS - 14))
    assert error < 0.9 * naive
    model = refresh(model, *sites, until_row=24 * DAYS, blocks=QUICK)
    artifact.save(tmp_path, model)
    read = artifact.newest(tmp_path)
    assert read is not None
    assert read.series == tuple(s for one in sites for s in one.series)
    new = site("d", "001", seed=9)
    for history in (sites[1], new):
        made = forecast(read, history, np.array([24 * 80]), LEADS)
        week_ago = history.y[:, 24 * 80 + LEADS - WEEK]
        truth = history.y[:, 24 * 80 + LEADS]
        assert np.isfinite(made.value).all()
        assert np.abs(made.value[:, 0] - truth).mean() < np.abs(week_ago - truth).mean()


@pytest.mark.parametrize("others", [1, 4])
def test_what_is_forecast_of_a_site_does_not_depend_on_the_others(others: int) -> None:
    sites = [site(f"s{n}", "001", seed=n) for n in range(others + 1)]
    model = fit(*sites, until_row=24 * DAYS, horizon=24, version="v", blocks=[Block(24, 2, 32)])
    alone = forecast(model, sites[0], np.array([24 * 80]), LEADS)
    assert model.places(sites[0].series).tolist() == [0]
    assert model.places(sites[1].series).tolist() == [1]
    assert model.places((Series("001", "flow", "elsewhere"),)).tolist() == [-1]
    assert np.isfinite(alone.value).all()


def test_nothing_past_the_end_is_learnt_of_any_site() -> None:
    sites = [site(name, "001", seed=n) for n, name in enumerate("ab")]
    later = [replace(one, y=np.concatenate([one.y[:, : DAY * 70], one.y[:, DAY * 70 :] + 50], axis=1)) for one in sites]
    made = [
        fit(*each, until_row=DAY * 70, horizon=24, version="v", blocks=[Block(24, 2, 32)]) for each in (sites, later)
    ]
    for name, weight in made[0].parts[0].networks[0].items():
        np.testing.assert_array_equal(weight, made[1].parts[0].networks[0][name])
    np.testing.assert_array_equal(made[0].stretch, made[1].stretch)


def test_weights_of_before_there_were_sites_know_the_series_of_the_box(tmp_path: Path) -> None:
    old = site("", "001")
    artifact.save(tmp_path, fit(old, until_row=old.rows, horizon=24, version="v", blocks=[Block(24, 1, 8)]))
    read = artifact.newest(tmp_path)
    assert read is not None
    assert read.at_home("site-1").places((Series("001", "flow", "site-1"),)).tolist() == [0]
