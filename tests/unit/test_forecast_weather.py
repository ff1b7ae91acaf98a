"""What weather adds to the forecasts: what was known of it, what is learnt from it, and nothing where there is none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from forecast_site import untrained

from common import weather
from common.weather import WeatherHour
from forecaster import artifact, weather_lines
from forecaster.dataset import HourlyHistory, Series, Weather
from forecaster.fallback import DAY, WEEK, units_of
from forecaster.panel import panel_of
from forecaster.predict import Model, forecast
from forecaster.site_weather import KnownWeather, WeatherReader
from forecaster.weather import AHEAD, INPUTS, SOIL_DAYS, inputs_of, wetness

START = datetime(2024, 5, 1, tzinfo=UTC)
ROWS = 170 * DAY
LEADS = np.arange(1, DAY + 1)
ORIGINS = np.array([ROWS - 3 * DAY, ROWS - DAY - 7])


def made_weather() -> Weather:
    random = np.random.default_rng(3)
    days = np.cumsum(random.normal(0, 1.5, 1 + (ROWS + WEEK) // DAY))
    day = 22 + 6 * np.sin(np.arange(len(days)) / 30) + days - np.convolve(days, np.ones(15) / 15, "same")
    rain = np.repeat(random.exponential(1.0, len(days)) * (random.random(len(days)) < 0.3), DAY)
    return Weather(np.repeat(day, DAY)[: ROWS + WEEK], rain[: ROWS + WEEK])


@pytest.fixture(scope="module")
def history() -> HourlyHistory:
    """Two series: the first follows heat, the second does not."""
    sky, random = made_weather(), np.random.default_rng(4)
    bare = HourlyHistory(
        np.datetime64(START.replace(tzinfo=None), "h"),
        (Series("a", "flow"), Series("b", "flow")),
        np.zeros((2, ROWS)),
        weather=sky,
    )
    of_heat = np.nan_to_num(raw_heat(bare))
    usual = 20 + 5 * np.sin(2 * np.pi * np.arange(ROWS) / DAY)
    y = usual + random.normal(0, 0.5, (2, ROWS))
    y[0] += 3 * of_heat
    return replace(bare, y=y)


def raw_heat(history: HourlyHistory) -> np.ndarray:
    day = np.convolve(history.weather.temperature, np.ones(DAY) / DAY)[:ROWS]  # type: ignore[union-attr]
    return np.exp((day - 20) / 6)


@pytest.fixture(scope="module")
def model(history: HourlyHistory) -> Model:
    """Networks that say next to nothing, and lines that have been learnt beside them."""
    bare = untrained("v")
    units = units_of(history.y)
    (network,) = bare.parts[0].networks
    silent = {name: 0 * network[name] for name in ("head.weight", "skip.weight")}
    tables = {
        name: np.zeros((3, network[name].shape[1]), np.float32) for name in ("embedding.weight", "own_skip.weight")
    }
    lines = weather_lines.learn(panel_of(history, units), DAY, until_row=ROWS - 20 * DAY, seed=0)
    part = replace(bare.parts[0], networks=({**network, **silent, **tables},), weather=lines)
    return replace(bare, series=history.series, units=units, parts=(part,), stretch=np.ones((3, 6)))


def test_a_series_that_follows_heat_is_told_better_and_one_that_does_not_is_left_alone(
    history: HourlyHistory, model: Model
) -> None:
    lines = model.parts[0].weather
    assert lines is not None and (lines[0] == 0).all()  # of a series that the model does not know
    origins = np.arange(ROWS - 20 * DAY, ROWS - DAY, DAY)
    truth = history.y[:, origins[:, None] + LEADS]
    with_, without = (
        np.abs(forecast(model, h, origins, LEADS).value - truth).mean((1, 2))
        for h in (history, replace(history, weather=None))
    )
    assert with_[0] < 0.95 * without[0] and with_[1] < 1.01 * without[1]


def test_how_much_of_the_lines_is_added_follows_the_last_weeks_of_each_series() -> None:
    """Series 0 does what they say, 1 has stopped to, 2 does three times as much, of 3 hardly anything is there."""
    random, rows = np.random.default_rng(5), 4000
    told = random.normal(0, 1, 3 * rows + 2).astype(np.float32)
    series = np.r_[np.repeat([0, 1, 2], rows), 3, 3]
    age_h = np.r_[np.tile(np.linspace(0, 300 * DAY, rows), 3), 0, 0]
    true = np.where(series == 1, age_h > 50 * DAY, np.where(series == 2, 3, 1))
    lacks = (told * true + random.normal(0, 0.5, len(told))).astype(np.float32)
    none, does, stopped, more, few = weather_lines.shares(told, lacks, series, age_h.astype(np.int64), 4)
    assert none == 0.0 and more == weather_lines.MOST
    assert does > 0.85 and 0 < stopped < 0.5 and few == pytest.approx(weather_lines.SHARE, abs=0.1)


def test_rain_soaks_the_soil_and_heat_dries_it() -> None:
    hours = 30 * DAY
    cool, hot, rain = np.full(hours, 5.0), np.full(hours, 30.0), np.zeros(hours)
    rain[10 * DAY : 10 * DAY + 5] = 10.0
    in_cool, in_heat = wetness(cool, rain), wetness(hot, rain)
    for wet in (in_cool, in_heat):
        assert wet[10 * DAY + 4] == 1.0 and (np.diff(wet[10 * DAY + 4 :]) < 0).all() and (wet[20 * DAY :] > 0).all()
    assert in_heat[13 * DAY] < 0.4 and in_cool[13 * DAY] > 0.8
    soaking = wetness(hot, rain / 100)
    assert soaking[9 * DAY] < soaking[10 * DAY + 5] < 0.2  # half a millimetre spares nobody the watering


def test_how_wet_the_soil_is_is_not_told_of_little_weather() -> None:
    hours = 30 * DAY
    rain = np.where(np.arange(hours) < 15 * DAY, 0.0, np.nan)
    known = np.isfinite(wetness(np.full(hours, 20.0), rain))
    assert not known[: 5 * DAY].any() and known[SOIL_DAYS * DAY : 15 * DAY].all() and not known[17 * DAY :].any()


def test_hours_without_weather_are_forecast_as_without_any(history: HourlyHistory, model: Model) -> None:
    sky = Weather(*(part.copy() for part in history.weather or ()))
    sky.temperature[ORIGINS[0] + 12 :] = np.nan  # the forecast reaches eleven hours
    blind = replace(model, parts=(replace(model.parts[0], weather=None),))
    some, none = (forecast(m, replace(history, weather=sky), ORIGINS[:1], LEADS).value for m in (model, blind))
    differ = (some != none)[0, 0]
    assert differ[:11].all() and not differ[17:].any()  # a mean of the day bears some missing hours
    nothing = replace(history, weather=Weather(*(np.full(ROWS + WEEK, np.nan) for _ in range(2))))
    for h in (replace(history, weather=None), nothing):
        np.testing.assert_array_equal(
            forecast(model, h, ORIGINS, LEADS).value, forecast(blind, h, ORIGINS, LEADS).value
        )


def test_no_input_sees_more_weather_than_was_known(history: HourlyHistory) -> None:
    """What is after the target changes nothing, nor what is after the origin an input of the time before it."""
    sky = Weather(*(part.copy() for part in history.weather or ()))
    origin, leads = np.array([ROWS - WEEK]), np.array([[24]])
    before = inputs_of(history)
    sky.temperature[ROWS - WEEK + 25 :] = 40.0
    after = inputs_of(replace(history, weather=sky))
    assert before and after
    np.testing.assert_array_equal(before.at(origin, leads), after.at(origin, leads))
    sky.temperature[ROWS - WEEK + 1 :] = 40.0
    later = inputs_of(replace(history, weather=sky))
    assert later
    same = (before.at(origin, leads) == later.at(origin, leads))[0, 0]
    assert same[len(AHEAD) :].all() and not same[0]


def test_weather_that_has_nothing_to_do_with_the_use_is_not_taken(history: HourlyHistory) -> None:
    other = replace(history, series=history.series[1:], y=history.y[1:])
    panel = panel_of(other, units_of(other.y))
    assert weather_lines.learn(panel, DAY, until_row=ROWS - 20 * DAY, seed=0) is None


def test_little_weather_teaches_nothing(history: HourlyHistory) -> None:
    sky = Weather(*(part.copy() for part in history.weather or ()))
    sky.rain[: ROWS - 100 * DAY] = np.nan
    panel = panel_of(replace(history, weather=sky), units_of(history.y))
    assert weather_lines.learn(panel, DAY, until_row=ROWS - 20 * DAY, seed=0) is None


def test_the_lines_are_kept_and_files_without_them_or_with_others_are_read(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact.save(tmp_path, replace(model, version="1"))
    read = artifact.load(tmp_path, "1").parts[0]
    np.testing.assert_array_equal(read.weather, model.parts[0].weather)
    artifact.save(tmp_path, replace(model, version="2", parts=(replace(model.parts[0], weather=None),)))
    assert artifact.load(tmp_path, "2").parts[0].weather is None
    monkeypatch.setattr(artifact, "OF_WEATHER", INPUTS[1:])
    assert artifact.load(tmp_path, "1").parts[0].weather is None


def test_the_newest_word_of_an_hour_counts_of_what_was_known(tmp_path: Path) -> None:
    history = HourlyHistory(np.datetime64("2024-05-01T00", "h"), (), np.empty((0, 48)))
    noon = START + timedelta(hours=60)
    lines = [
        WeatherHour(START + timedelta(hours=47), noon, 30.0, 0.0),
        WeatherHour(START + timedelta(hours=30), noon, 20.0, None),
        WeatherHour(START + timedelta(hours=11), START + timedelta(hours=10), None, 2.0),
    ]
    for at, told in ((29, np.nan), (30, 20.0), (46, 20.0), (48, 30.0)):
        sky = KnownWeather(lines, UTC).onto(history, START + timedelta(hours=at)).weather
        assert sky and len(sky.temperature) == 48 + WEEK
        np.testing.assert_equal(sky.temperature[60], told)
        np.testing.assert_equal([sky.temperature[10], sky.rain[10], sky.rain[11]], [np.nan, 2.0, np.nan])
    assert KnownWeather(lines, UTC).onto(history, START).weather is None
    reader = WeatherReader(tmp_path, UTC)
    assert reader.onto(history, noon).weather is None
    weather.add(tmp_path, lines, noon)
    assert reader.onto(history, noon).weather is not None
