"""The forecaster on a real Postgres: what it writes and when, from nothing to a trained model."""

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
import torch

from common import forecast_file
from common.clock import minute_of
from common.database import Database
from common.errors import DatabaseDown
from common.folder import FORECAST_FILE, GROUPS_FOLDER, MODELS_FOLDER
from common.settings import Settings
from forecaster import artifact, mix_naive, store
from forecaster.dataset import FloatArray, History
from forecaster.fit import fit
from forecaster.intervals import Intervals
from forecaster.predict import Model
from forecaster.step import Forecaster
from forecaster.train import Block
from forecaster.trainer import Trainer, command_of
from forecaster.training import run_training
from log import mark
from log.commits import CommitFile
from log.mark import Mark

MakeSettings = Callable[..., Settings]
NOON = datetime(2024, 8, 26, 3, 0, tzinfo=UTC)  # 12:00 in Seoul
HOUR = timedelta(hours=1)
SEOUL = ZoneInfo("Asia/Seoul")
torch.set_num_threads(1)

FILL = """
INSERT INTO REAL_VAL_TB (sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)
SELECT %(sensor)s, t,
       10 + 5 * sin(2 * pi() * extract(hour FROM t AT TIME ZONE 'Asia/Seoul') / 24)
          + 2 * sin(2 * pi() * extract(dow FROM t AT TIME ZONE 'Asia/Seoul') / 7) + %(noise)s * (random() - 0.5),
       4 - 0.5 * sin(2 * pi() * extract(hour FROM t AT TIME ZONE 'Asia/Seoul') / 24)
         + 0.02 * %(noise)s * (random() - 0.5),
       60, %(flags)s, '000', 'log', row_number() OVER ()
FROM generate_series(%(first)s::timestamptz, %(until)s::timestamptz - interval '1 minute', interval '1 minute') t
"""


class Site:
    """A database with a registered sensor whose minutes the test fills in."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings, self.data = settings, settings.paths.data
        self.connection = psycopg.connect(url, autocommit=True)
        self.made: list[Forecaster] = []
        self.register("001")

    def register(self, sensor: str) -> None:
        self.connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES (%s)", (sensor,))

    def fill(self, first: datetime, until: datetime, **keys: Any) -> None:
        day = first
        while day <= until + timedelta(days=31):
            self.connection.execute("SELECT real_val_partition(%s)", (day,))
            day += timedelta(days=20)
        values = {"sensor": "001", "flags": "0000", "noise": 1.0, "first": first, "until": until, **keys}
        self.connection.execute(FILL, values)

    def forecaster(self, **keys: Any) -> Forecaster:
        self.made.append(Forecaster(self.settings, None, **{"patient": False, **keys}))
        return self.made[-1]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode()).fetchall()

    def close(self) -> None:
        for forecaster in self.made:
            forecaster.close()
        self.connection.close()


@pytest.fixture
def site(settings_for: MakeSettings, database_url: str) -> Iterator[Site]:
    site = Site(settings_for(database__url=database_url), database_url)
    yield site
    site.close()


def current(site: Site, hour: datetime) -> list[forecast_file.Line]:
    return [line for line in forecast_file.read(site.data) if line.made_at == hour]


def test_nothing_is_forecast_of_nothing(site: Site) -> None:
    assert site.forecaster().step(NOON)["lines"] == 0
    assert not (site.data / FORECAST_FILE).exists()


@pytest.mark.parametrize(
    ("history", "label"),
    [
        (timedelta(hours=3), "mean"),
        (timedelta(days=2), "naive-24h"),
        (timedelta(days=8), "naive-168h"),
        (timedelta(days=20), "mean-4w"),
    ],
)
def test_forecasts_step_up_as_history_grows(site: Site, history: timedelta, label: str) -> None:
    site.fill(NOON - history, NOON)
    site.forecaster().step(NOON + timedelta(seconds=3))
    lines = current(site, NOON)
    assert [line.hour for line in lines] == [NOON + k * HOUR for k in range(24)]
    assert {line.model for line in lines[:12]} == {label}
    first = lines[0]
    assert first.flow is not None and first.flow_low is not None and first.flow_high is not None
    assert first.flow_low <= first.flow <= first.flow_high
    assert first.pressure is not None and 3 < first.pressure < 5
    assert site.rows("SELECT count(*), min(made_at), min(hour), max(hour) FROM PRED_VAL_TB") == [
        (24, NOON, NOON, NOON + 23 * HOUR)
    ]


def test_the_hour_waits_until_its_last_minute_is_archived(site: Site) -> None:
    site.fill(NOON - timedelta(days=2), NOON)
    forecaster = site.forecaster(patient=True)
    earlier = NOON - HOUR
    last = minute_of(NOON) - 1
    mark.store(site.data, Mark(last - 1, 10, "log"))
    (site.data / GROUPS_FOLDER).mkdir()
    commit = CommitFile(site.data, "archive", 10)
    assert "lines" not in forecaster.step(NOON + timedelta(seconds=1))
    mark.store(site.data, Mark(last, 11, "log"))
    assert "lines" not in forecaster.step(NOON + timedelta(seconds=2))
    commit.write(11)
    assert forecaster.step(NOON + timedelta(seconds=3))["lines"] == 24
    assert current(site, NOON)
    assert not current(site, earlier)


def test_after_half_of_the_waiting_time_what_is_there_must_do(site: Site) -> None:
    site.fill(NOON - timedelta(days=2), NOON - timedelta(minutes=5))
    forecaster = site.forecaster(patient=True)
    assert "lines" not in forecaster.step(NOON + timedelta(seconds=29))
    assert forecaster.step(NOON + timedelta(seconds=30))["lines"] == 24


def test_missed_hours_are_made_up_from_what_was_known_then(site: Site) -> None:
    site.fill(NOON - timedelta(days=2), NOON - HOUR)
    site.forecaster().step(NOON - HOUR)
    before = current(site, NOON - HOUR)
    site.connection.execute("TRUNCATE PRED_VAL_TB")
    (site.data / FORECAST_FILE).unlink()
    site.fill(NOON - HOUR, NOON + HOUR, noise=500.0)
    forecaster = site.forecaster()
    for _ in range(50):
        forecaster.step(NOON + HOUR + timedelta(minutes=1))
    own = [line for line in forecast_file.read(site.data) if line.made_at == line.hour]
    assert len(own) == 48, "the hours that the file keeps, each once"
    again = site.rows(f"SELECT flow FROM PRED_VAL_TB WHERE made_at = '{NOON - HOUR}' ORDER BY hour")
    assert [flow for (flow,) in again] == pytest.approx([line.flow for line in before], abs=1e-3)


def test_a_restart_makes_no_hour_twice_and_keeps_the_file(site: Site) -> None:
    site.fill(NOON - timedelta(days=2), NOON + HOUR)
    first = site.forecaster()
    while "lines" in first.step(NOON):
        pass
    text = (site.data / FORECAST_FILE).read_text()
    again = site.forecaster()
    assert "lines" not in again.step(NOON + timedelta(minutes=20))
    assert (site.data / FORECAST_FILE).read_text() == text
    again.step(NOON + HOUR)
    own = [line for line in forecast_file.read(site.data) if line.made_at == line.hour]
    assert {line.hour for line in own} >= {NOON, NOON + HOUR}


def test_making_up_an_hour_leaves_the_newest_forecast_whole(site: Site) -> None:
    site.fill(NOON - timedelta(days=2), NOON)
    site.forecaster().step(NOON)
    again = site.forecaster()
    assert again.step(NOON + timedelta(minutes=5))["hour"] == (NOON - HOUR).isoformat()
    assert len(current(site, NOON)) == 24


def test_minutes_that_system_rejects_do_not_reach_the_forecast(site: Site) -> None:
    site.fill(NOON - timedelta(hours=20), NOON - timedelta(hours=2))
    site.connection.execute(
        "UPDATE REAL_VAL_TB SET flow = 900, flow_flags = 'R000' WHERE time < %s", (NOON - 3 * HOUR,)
    )
    site.forecaster().step(NOON)
    lines = current(site, NOON)
    assert all(line.flow is not None and line.flow < 30 for line in lines)


def test_the_database_may_be_away(settings_for: MakeSettings) -> None:
    forecaster = Forecaster(settings_for(database__url="postgresql://127.0.0.1:1/none"), None)
    with pytest.raises(DatabaseDown):
        forecaster.step(NOON)
    forecaster.close()


def test_a_trained_model_takes_over_and_a_damaged_one_gives_way(site: Site) -> None:
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


def test_an_hour_that_has_come_is_held_against_the_guesses_of_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first = NOON - timedelta(days=60)
    site.fill(first, NOON + 2 * HOUR, noise=30.0)
    database = Database(site.settings, "test")
    past = store.history(database, ["001"], SEOUL, first, NOON)
    database.close()
    artifact.save(site.data, fit(past, until_row=past.rows, horizon=24, version="v", blocks=[Block(1, 24, 1, 8)]))
    counted: list[tuple[datetime, FloatArray, FloatArray]] = []

    def learn(_: Intervals, __: Model, history: History, hour: datetime, *___: object, guesses: FloatArray) -> None:
        counted.append((hour, history.y[:, history.row(hour.astimezone(SEOUL)) - 7 * 24], guesses))

    monkeypatch.setattr(Intervals, "learn", learn)
    site.forecaster().step(NOON)
    ((hour, week_ago, guesses),) = counted
    assert hour == NOON - HOUR
    np.testing.assert_array_equal(guesses[:, mix_naive.WEEK_AGO], week_ago)
    assert np.isfinite(guesses).all()


def test_training_runs_in_a_child_that_does_not_hold_up_the_step(
    site: Site, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(site.data))
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", database_url)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    site.fill(now - timedelta(days=50), now, noise=30.0)
    trainer = Trainer(command_of(None), site.data)
    forecaster = Forecaster(site.settings, trainer, patient=False)
    site.made.append(forecaster)
    assert forecaster.step(now)["training"] == 1
    deadline = time.monotonic() + 180
    while not artifact.versions(site.data) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert artifact.newest(site.data) is not None
    made = [forecaster.step(now + HOUR) for _ in range(2)]
    assert made[0]["lines"] == 24
    assert {line.model[:5] for line in current(site, now + HOUR)} == {"lstm-"}


def test_the_flow_is_what_the_minutes_say(site: Site) -> None:
    """The first forecast of a perfectly regular sensor is its mean, not off by an hour or a zone."""
    site.fill(NOON - timedelta(days=30), NOON, noise=0.0)
    site.forecaster().step(NOON)
    for line in current(site, NOON):
        local = line.hour.astimezone(site.settings.site.zone)
        weekday = (local.weekday() + 1) % 7
        expected = 10 + 5 * math.sin(2 * math.pi * local.hour / 24) + 2 * math.sin(2 * math.pi * weekday / 7)
        assert line.flow == pytest.approx(expected, abs=0.01)


def test_the_first_days_of_a_leak_and_faulty_values_are_no_history(site: Site) -> None:
    first, leak = NOON - timedelta(days=8), NOON - timedelta(days=6)
    for begins, until, flags in (
        (first, leak, "0000"),
        (leak, leak + 100 * HOUR, "00L0"),
        (leak + 100 * HOUR, NOON - 2 * HOUR, "0W0J"),
        (NOON - 2 * HOUR, NOON, "S000"),
    ):
        site.fill(begins, until, flags=flags)
    database = Database(site.settings, "test")
    flow, pressure = store.history(database, ["001"], SEOUL, first, NOON).y
    database.close()
    assert np.flatnonzero(np.isnan(flow)).tolist() == [*range(48, 48 + 72), 190, 191]
    assert not np.isnan(pressure).any()
