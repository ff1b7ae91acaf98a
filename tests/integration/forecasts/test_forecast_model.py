"""Training, prediction, files, intervals: on small made-up districts, nothing depends on speed."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from with_torch import torch

from common import forecast_file
from common.errors import ModelUnusable
from common.folder import FORECAST_FILE, MODELS_FOLDER
from common.weather import WeatherHour
from forecaster import artifact, conformal
from forecaster.backtest import Wanted, forecasts, learnt
from forecaster.compose import compose, hours_ahead
from forecaster.dataset import HourlyHistory, Series
from forecaster.fit import fit, judge
from forecaster.forward import quantiles
from forecaster.gather import gather
from forecaster.level_jump import recovered
from forecaster.model import Network
from forecaster.panel import panel_of
from forecaster.predict import REVIEW_GAIN, Model, Part, forecast
from forecaster.site_weather import KnownWeather
from forecaster.train import Block
from forecaster.weekly_profile import base_of

SEOUL, ROME = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Rome")
FIRST = np.datetime64("2024-01-01T00", "h")
QUICK = [Block(24, 40, 64)]


def district(days: int, seed: int = 0, names: tuple[str, ...] = ("001",)) -> HourlyHistory:
    """Flow with a day and a week, and a shared deviation that lasts some hours: something that can be learnt."""
    random = np.random.default_rng(seed)
    hours = np.arange(24 * days)
    lines, series = [], []
    for name in names:
        drift = np.zeros(len(hours))
        for t in range(1, len(hours)):
            drift[t] = 0.97 * drift[t - 1] + random.normal(0, 0.3)
        flow = 20 + 6 * np.sin(2 * np.pi * hours / 24) + 2 * np.sin(2 * np.pi * hours / 168) + drift
        lines += [flow, 5 - 0.05 * flow + random.normal(0, 0.01, len(hours))]
        series += [Series(name, "flow"), Series(name, "pressure")]
    return HourlyHistory(FIRST, tuple(series), np.stack(lines))


def flows(history: HourlyHistory) -> HourlyHistory:
    return replace(history, series=history.series[::2], y=history.y[::2])


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(district(90), until_row=24 * 90, horizon=24, version="20240401T000000", blocks=QUICK)


def test_a_trained_model_beats_the_seasonal_naive_and_its_interval_holds(model: Model) -> None:
    error, naive, covered = judge(model, [district(90)], 24 * 76)
    assert error < 0.9 * naive
    assert 0.8 <= covered <= 0.97


def test_a_new_sensor_works_at_once(model: Model) -> None:
    new = district(60, seed=5, names=("new",))
    error, naive, _ = judge(model, [new], 24 * 46)
    assert error < naive


def test_nothing_after_an_origin_moves_a_forecast(model: Model) -> None:
    """Corrupt the future in every way: gaps, huge values, another level. Same forecast, to the bit."""
    history = district(80, seed=1, names=("001", "new"))
    origins, leads = np.array([24 * 70 - 1, 24 * 70 + 5]), np.arange(1, 25)
    made = forecast(model, history, origins[:1], leads)
    for wrong in (np.nan, 1e6, 0.0):
        y = history.y.copy()
        y[:, origins[0] + 1 :] = wrong
        again = forecast(model, replace(history, y=y), origins[:1], leads)
        for name in ("value", "low", "high"):
            np.testing.assert_array_equal(getattr(made, name), getattr(again, name))


@pytest.mark.parametrize("wrong", [777.0, np.nan])
def test_a_backtest_does_not_look_after_its_origins(wrong: float) -> None:
    """Overlapping origins, a sensor that was replaced, holidays; the future of one origin is spoilt for all series."""
    history = flows(district(100, names=("001", "002")))
    history = replace(history, holidays=frozenset([int(FIRST.astype("datetime64[D]").astype(int)) + 92]))
    history.y[0, 24 * 91 :] = 3 * history.y[0, 24 * 91 :] + 40
    until, spoilt = 24 * 90, 24 * 95 - 1
    origin = np.tile(np.arange(24 * 93 - 1, 24 * 97, 8), 2)
    names = np.repeat(["001", "002"], len(origin) // 2)
    wanted = Wanted(tuple(names), origin, origin + 1, origin + 24)
    y = history.y.copy()
    y[:, spoilt + 1 :] = wrong
    both = history, replace(history, y=y)
    tables = [forecasts(learnt(h, until, 24, blocks=[Block(24, 2, 16)]), h, wanted) for h in both]
    before = np.repeat(origin <= spoilt, 24)
    past = history.until(spoilt + 1)
    assert recovered(past) is not past
    assert tables[0][before].equals(tables[1][before])
    assert not tables[0][~before].equals(tables[1][~before])
    assert (tables[0].low <= tables[0].high).all()


def test_a_backtest_recovers_from_a_replaced_sensor_as_the_product_does() -> None:
    history = flows(district(100))
    history.y[0, 24 * 91 :] = 3 * history.y[0, 24 * 91 :] + 40
    origin = np.array([24 * 95 - 1])
    wanted = Wanted(("001",), origin, origin + 1, origin + 24)
    table = forecasts(learnt(history, 24 * 90, 24, blocks=[Block(24, 20, 32)]), history, wanted)
    truth = history.y[0, 24 * 95 : 24 * 96]
    assert np.abs(table.forecast - truth).mean() < 0.2 * truth.mean()


def test_one_training_serves_forecasts_with_weather_and_without() -> None:
    """Weather changes the interval that was found with it, and no value of a forecast without."""
    history = flows(district(130))
    heat = 20 + 8 * np.sin(np.arange(history.rows) / 60)
    history.y[0] += 3 * np.exp((heat - 20) / 6)
    hours = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=row) for row in range(history.rows)]
    weather = KnownWeather([WeatherHour(hours[0], h, t, 0.0) for h, t in zip(hours, heat.tolist(), strict=True)], UTC)
    origin = np.array([24 * 120 - 1, 24 * 122 - 1])
    wanted = Wanted(("001",) * 2, origin, origin + 1, origin + 24)
    with_, without = (learnt(history, 24 * 120, 24, weather=w, blocks=[Block(24, 2, 16)]) for w in (weather, None))
    told, told_by_less = (forecasts(model, history, wanted).forecast for model in (with_, without))
    np.testing.assert_array_equal(told, told_by_less)
    assert (forecasts(with_, history, wanted, weather).forecast != told).all()


def test_weights_do_not_look_past_train_until() -> None:
    history = district(90)
    until = 24 * 80
    y = history.y.copy()
    y[:, until:] = np.nan
    made = [
        fit(h, until_row=until, horizon=24, version="v", blocks=[Block(24, 2, 16)])
        for h in (history, replace(history, y=y))
    ]
    first, second = (m.parts[0].networks[0] for m in made)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    np.testing.assert_array_equal(made[0].stretch, made[1].stretch)


def test_too_little_history_is_said() -> None:
    with pytest.raises(ValueError, match="days of history"):
        fit(district(20), until_row=24 * 20, horizon=24, version="v")


def test_a_model_survives_its_file(model: Model, tmp_path: Path) -> None:
    artifact.save(tmp_path, model)
    again = artifact.load(tmp_path, model.version)
    history = district(80)
    origins, leads = np.array([24 * 80 - 1]), np.arange(1, 25)
    one, two = (forecast(m, history, origins, leads) for m in (model, again))
    np.testing.assert_array_equal(one.value, two.value)
    np.testing.assert_array_equal(one.high, two.high)


def test_a_damaged_file_gives_way_to_the_one_before(model: Model, tmp_path: Path) -> None:
    artifact.save(tmp_path, model)
    artifact.save(tmp_path, replace(model, version="20240402T000000"))
    path = tmp_path / MODELS_FOLDER / "20240402T000000.npz"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(ModelUnusable, match="damaged"):
        artifact.load(tmp_path, "20240402T000000")
    found = artifact.newest(tmp_path)
    assert found is not None and found.version == model.version


def test_weights_of_other_inputs_are_refused(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two inputs that changed places leave all shapes as they were."""
    artifact.save(tmp_path, model)
    hour, shared, lead = artifact.INPUTS
    monkeypatch.setattr(artifact, "INPUTS", [hour, shared, [lead[1], lead[0], *lead[2:]]])
    with pytest.raises(ModelUnusable, match="inputs"):
        artifact.load(tmp_path, model.version)


def test_weights_of_the_version_before_are_read(model: Model, tmp_path: Path) -> None:
    """They named no inputs, and had more networks in a part and parts that are no longer asked together."""
    network = model.parts[0].networks[0]
    old = replace(model, parts=(Part(1, (network,) * 3), Part(4, (network,)), Part(24, (network,) * 4)))
    path = artifact.save(tmp_path, old)
    with np.load(path) as arrays:
        kept = dict(arrays)
    meta = json.loads(kept["meta"].tobytes())
    del meta["inputs"]
    assert meta["shape"] == [27, 97, 36, 48, 128, 64, 4] and meta["parts"] == [[1, 1, 3], [1, 4, 1], [1, 24, 4]]
    np.savez(path, **{**kept, "meta": np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)})
    path.with_suffix(".sha256").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    read = artifact.load(tmp_path, model.version)
    origins, leads = np.array([24 * 80 - 1]), np.arange(1, 25)
    made, again = (forecast(m, district(80), origins, leads).value for m in (model, read))
    np.testing.assert_allclose(made, again, rtol=1e-6)


def test_old_versions_go(model: Model, tmp_path: Path) -> None:
    for day in range(1, 7):
        artifact.save(tmp_path, replace(model, version=f"2024040{day}T000000"))
    assert artifact.versions(tmp_path) == [f"2024040{day}T000000" for day in (6, 5, 4)]
    assert len(list((tmp_path / MODELS_FOLDER).iterdir())) == 6


def test_a_replaced_meter_is_recovered_from_within_days(model: Model) -> None:
    history = district(90)
    y = history.y.copy()
    jump = 24 * 87
    y[0, jump:] = 3 * y[0, jump:] + 40
    made_at = datetime(2024, 3, 31, tzinfo=SEOUL)
    history = replace(history, y=y)
    truth = y[0, -24:]
    for moved in (None, model):
        lines = compose(history, made_at, SEOUL, horizon=24, model=moved)
        error = np.mean([abs(line.flow - t) for line, t in zip(lines, truth, strict=True) if line.flow is not None])
        assert error < 0.2 * truth.mean(), moved


def test_a_burst_of_a_day_moves_nothing() -> None:
    history = district(60)
    y = history.y.copy()
    y[0, -24:] += 60
    kept = replace(history, y=y)
    assert recovered(kept) is kept


def test_gaps_degrade_to_the_fallback_and_say_so(model: Model) -> None:
    history = district(60)
    y = history.y.copy()
    y[0, -24 * 10 :] = np.nan
    lines = compose(replace(history, y=y), datetime(2024, 3, 1, tzinfo=SEOUL), SEOUL, horizon=24, model=model)
    assert {line.model for line in lines} == {f"mean-4w/{model.label}"}
    assert all(line.flow is not None and line.pressure is not None for line in lines)


@pytest.mark.parametrize(
    ("made_at", "leads"),
    [
        (datetime(2024, 3, 31, 0, tzinfo=ROME), [1, 2, 4, 5]),  # 00, 01, 03, 04: two is left out
        (datetime(2024, 10, 27, 1, tzinfo=ROME), [1, 2, 2, 3]),  # 01, 02, 02 again, 03
    ],
)
def test_hours_around_summer_time_are_an_hour_apart(made_at: datetime, leads: list[int]) -> None:
    hours = hours_ahead(made_at.astimezone(UTC), 4, ROME)
    assert [h.lead for h in hours] == leads
    assert [b.start - a.start for a, b in pairwise(hours)] == [timedelta(hours=1)] * 3


def test_tracking_brings_any_interval_to_ninety_percent() -> None:
    """Forty intervals side by side, from far too narrow to far too wide."""
    random = np.random.default_rng(1)
    stretch, missed = np.repeat(np.geomspace(0.4, 4.0, 40)[:, None], 6, axis=1), []
    for _ in range(1500):
        missed.append(np.abs(random.normal(size=stretch.shape)) > 1.645 * stretch)
        stretch = conformal.track(stretch, missed[-1].astype(float))
    np.testing.assert_allclose(np.mean(missed[500:], axis=0), 0.1, atol=0.02)


def test_calibration_reaches_ninety_percent_per_series() -> None:
    random = np.random.default_rng(1)
    truth = random.normal(0, [[[1.0]], [[3.0]]], (2, 400, 2))
    zero, one = np.zeros_like(truth), np.ones_like(truth)
    lead = np.array([1, 24])
    stretch = conformal.calibrate(conformal.ratio(truth, zero - 1, zero, one), lead)
    for series in range(2):
        half = stretch[series, conformal.block_of(lead)]
        assert (np.abs(truth[series]) <= half).mean() == pytest.approx(0.9, abs=0.02)
    assert stretch[2, 0] > stretch[0, 0], "an unknown series gets the width of all"


def line(sensor: str, made_at: datetime, hour: datetime) -> forecast_file.ForecastLine:
    return forecast_file.ForecastLine(sensor, made_at, hour, 8.1234, None, 7.0, 9.0, None, None, "mean-4w")


def test_the_file_keeps_the_newest_and_two_days_of_own_forecasts(tmp_path: Path) -> None:
    start = datetime(2024, 8, 26, 16, tzinfo=UTC)
    lines = []
    for k in range(60):
        made = start + timedelta(hours=k)
        lines += [line("001", made, made + timedelta(hours=h)) for h in range(24)]
    forecast_file.write(tmp_path, lines, SEOUL)
    again = forecast_file.read(tmp_path)
    newest = start + timedelta(hours=59)
    assert sum(x.made_at == newest for x in again) == 24
    assert sorted(x.hour for x in again if x.made_at == x.hour)[0] == newest - timedelta(hours=48)
    assert len(again) == 48 + 24
    text = (tmp_path / FORECAST_FILE).read_text().splitlines()
    assert text[0] == "sensor,made_at,hour,flow,pressure,flow_low,flow_high,pressure_low,pressure_high,model"
    assert "001,2024-08-29T12:00:00+09:00,2024-08-29T12:00:00+09:00,8.1234,,7.0000,9.0000,,,mean-4w" in text


def test_a_spoilt_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FORECAST_FILE).write_text("sensor,made_at\nrubbish")
    assert forecast_file.read(tmp_path) == []


def test_the_answer_without_pytorch_is_that_of_the_network(model: Model) -> None:
    """Known and unknown series, each weight moved away from its start: what is trained is what forecasts."""
    network = Network.of(model.parts[0].networks[0])
    torch.manual_seed(1)
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    history = district(60)
    panel = panel_of(history, model.units)
    series, origin = np.array([0, 1, 0]), np.array([24 * 40, 24 * 50 + 3, 24 * 55])
    batch = gather(panel, series, origin, np.tile(np.arange(1, 25), (3, 1)))
    known = np.array([1, 2, 0])
    with torch.no_grad():
        trained = network.eval()(*map(torch.from_numpy, (*batch, known)))[..., [0, 2, 4]]
    np.testing.assert_allclose(quantiles(network.weights(), batch, known), trained.numpy(), rtol=1e-4, atol=1e-5)


def test_what_the_last_days_were_off_by_is_followed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a network that says nothing, a third of the last two days' middle error is added, past the first hour."""
    history = district(80)
    origins, leads = np.array([24 * 70 - 1]), np.arange(1, 25)
    monkeypatch.setattr(
        "forecaster.predict.residuals", lambda _m, _p, h, o, n: np.zeros((h.y.shape[0], len(o), len(n), 3))
    )
    plain = forecast(model, history, origins, leads).value
    y = history.y.copy()
    y[0, 24 * 68 : 24 * 70] += 5.0
    moved = forecast(model, replace(history, y=y), origins, leads).value - plain
    base = base_of(history, model.units.scale).level[0]
    errors = [np.median((y[0] - base[: history.rows])[24 * d : 24 * (d + 1)]) for d in (68, 69)]
    before = [np.median((history.y[0] - base[: history.rows])[24 * d : 24 * (d + 1)]) for d in (68, 69)]
    assert moved[0, 0, 0] == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(moved[0, 0, 1:], REVIEW_GAIN * (np.mean(errors) - np.mean(before)), rtol=0.02)
    np.testing.assert_allclose(moved[1], 0.0, atol=1e-6)


def test_a_series_that_is_new_to_the_model_has_an_interval_that_holds() -> None:
    """A noisier district than those learnt: its width is its own from the first forecast on."""
    old, new = flows(district(90)), flows(district(90, seed=3, names=("new",)))
    new = replace(new, y=new.y + np.random.default_rng(0).normal(0, 3, new.y.shape))
    until = 24 * 76
    origin = np.arange(until - 1, 24 * 89, 24)
    wanted = Wanted(("new",) * len(origin), origin, origin + 1, origin + 24)
    model = learnt(new, until, 24, train_on=old, train_on_until=until, blocks=QUICK)
    table = forecasts(model, new, wanted)
    truth = np.concatenate([new.y[0, o + 1 : o + 25] for o in origin])
    assert 0.84 <= np.mean((table.low <= truth) & (truth <= table.high)) <= 0.96
