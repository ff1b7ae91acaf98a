"""The forecaster's own training on a real Postgres, and the forecasts of what it learnt."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped
from forecast_site import HOUR, NOON, Site, current

from common import weather
from common.database import Database
from common.folder import MODELS_FOLDER
from common.weather import WeatherHour
from forecaster import artifact, store
from forecaster.dataset import HourlyHistory
from forecaster.fit import fit
from forecaster.kept import KeptHere
from forecaster.online import OnlineCorrections
from forecaster.step import Forecaster
from forecaster.train import Block
from forecaster.trainer import Trainer, command_of
from forecaster.training import TrainingOutcome, run_training

SEOUL = ZoneInfo("Asia/Seoul")


def test_a_trained_model_takes_over_and_a_damaged_one_gives_way(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecaster.fit.blocks_for", lambda *_: [Block(24, 60, 64)])
    site.fill(NOON - timedelta(days=60), NOON + 2 * HOUR, noise=30.0)
    site.register("002")
    site.fill(NOON - timedelta(days=10), NOON + 2 * HOUR, sensor="002")
    database = Database(site.settings, "test")
    outcome = run_training(site.settings, database, NOON)
    database.close()
    assert outcome.accepted, outcome.line()
    assert outcome.model < outcome.naive
    assert 0.8 < outcome.coverage <= 1.0
    forecaster = site.forecaster()
    forecaster.step(NOON)
    label = f"lstm-{outcome.version}"
    assert {line.model for line in current(site, NOON)} == {label}
    path = site.data / MODELS_FOLDER / f"{outcome.version}.npz"
    path.write_bytes(path.read_bytes()[:-100])
    fresh = site.forecaster()
    fresh.step(NOON + HOUR)
    assert {line.model for line in current(site, NOON + HOUR)} == {"mean-4w", "naive-168h"}


def test_forecast_and_training_see_the_weather_known_at_their_hour(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def look(history: HourlyHistory) -> None:
        assert history.weather
        seen.append(float(history.weather.temperature[history.row(NOON.astimezone(SEOUL))]))

    def training(_data: Path, sites: list[HourlyHistory], _version: str, **_: object) -> TrainingOutcome:
        look(*sites)
        return TrainingOutcome("v", 0, 0.0, 1.0, 1.0, None, None, 1.0, None, "")

    def hour(history: HourlyHistory, *_: object, **__: object) -> list[object]:
        look(history)
        return []

    monkeypatch.setattr("forecaster.site_hour.compose", hour)
    monkeypatch.setattr("forecaster.training.train_and_judge", training)
    site.fill(NOON - timedelta(days=2), NOON)
    forecast = WeatherHour(NOON - timedelta(hours=30), NOON, 18.0, None)
    weather.add(site.data, [forecast, replace(forecast, made_at=NOON - HOUR / 2, temperature_c=20.0)], NOON)
    forecaster = site.forecaster()
    forecaster.step(NOON)
    forecaster.step(NOON)  # makes up the hour before, when less was known
    weather.add(site.data, [replace(forecast, made_at=NOON, temperature_c=25.0)], NOON)
    database = Database(site.settings, "test")
    run_training(site.settings, database, NOON)
    database.close()
    assert seen == [20.0, 18.0, 25.0]


def test_an_hour_that_has_come_is_counted_against_its_forecasts(site: Site) -> None:
    first = NOON - timedelta(days=60)
    site.fill(first, NOON + 2 * HOUR, noise=30.0)
    database = Database(site.settings, "test")
    past = store.history(database, site.settings.site, ["001"], first, NOON)
    database.close()
    model = fit(past, until_row=past.rows, horizon=24, version="v", blocks=[Block(24, 1, 8)])
    artifact.save(site.data, model)
    forecaster = site.forecaster()
    forecaster.step(NOON)
    forecaster.step(NOON + HOUR)
    now, before = (
        KeptHere(site.data).intervals().followed(model, past.series),
        OnlineCorrections.start(model, past.series),
    )
    assert (now.stretch != before.stretch).any(1).all(), "flow and pressure of the hour before"


def test_training_runs_in_a_child_that_does_not_hold_up_the_step(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(site.data))
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", database_url)
    monkeypatch.setenv("HYDROLOG_FORECAST__HORIZON_HOURS", "1")  # learnt soonest
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    site.fill(now - timedelta(days=50), now, noise=30.0)
    trainer = Trainer(command_of(None))
    forecaster = Forecaster(site.settings, trainer, patient=False)
    site.made.append(forecaster)
    assert forecaster.step(now)["training"] == 1
    deadline = time.monotonic() + 600
    while not artifact.versions(site.data) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert artifact.newest(site.data) is not None
    assert forecaster.step(now + HOUR)["lines"] == 24
    assert current(site, now + HOUR)[0].model.startswith("lstm-")
