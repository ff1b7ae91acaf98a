"""The forecaster on a real Postgres: what it writes and when. Nothing here needs PyTorch, and it is not loaded."""

import argparse
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from forecast_site import HOUR, NOON, Site, current, untrained

from common import forecast_file
from common.clock import FixedClock, minute_of
from common.database import Database
from common.errors import DatabaseDown
from common.folder import CRITERIA_FOLDER, FORECAST_FILE, GROUPS_FOLDER
from common.forecast_file import ForecastLine
from common.runner import Context
from common.settings import Settings, SiteSettings
from forecaster import artifact, store
from forecaster.__main__ import _forecaster
from forecaster.compose import compose
from forecaster.dataset import HourlyHistory
from forecaster.step import Forecaster
from log import mark
from log.commits import CommitFile
from log.mark import Mark
from outliers.calendar import PLANNED
from outliers.outage import row_is_dry

MakeSettings = Callable[..., Settings]
# The process as it is on a machine without PyTorch.
WITHOUT_PYTORCH = "import sys; sys.modules['torch'] = None; from forecaster.__main__ import main; sys.exit(main())"


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


def test_a_forecast_of_a_clock_that_was_ahead_gives_way(site: Site) -> None:
    site.fill(NOON - timedelta(days=2), NOON)
    ahead = NOON + timedelta(days=4 * 365)
    line = forecast_file.ForecastLine("001", ahead, ahead, 8.0, None, 7.0, 9.0, None, None, "mean")
    forecast_file.write(site.data, [line], ZoneInfo("Asia/Seoul"))
    site.forecaster().step(NOON + timedelta(seconds=3))
    assert len(current(site, NOON)) == 24
    assert current(site, ahead) == []


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


def test_the_flow_is_what_the_minutes_say(site: Site) -> None:
    """The first forecast of a perfectly regular sensor is its mean, not off by an hour or a zone."""
    site.fill(NOON - timedelta(days=30), NOON, noise=0.0)
    site.forecaster().step(NOON)
    for line in current(site, NOON):
        local = line.hour.astimezone(site.settings.site.zone)
        weekday = (local.weekday() + 1) % 7
        expected = 10 + 5 * math.sin(2 * math.pi * local.hour / 24) + 2 * math.sin(2 * math.pi * weekday / 7)
        assert line.flow == pytest.approx(expected, abs=0.01)


def without_pytorch(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"HYDROLOG_PATHS__DATA": str(site.data), "HYDROLOG_DATABASE__URL": site.url}
    command = [sys.executable, "-c", WITHOUT_PYTORCH, *arguments]
    return subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("has_model", "label"), [(True, "lstm-v"), (False, "naive-168h")])
def test_without_pytorch_the_weights_that_are_there_or_the_fallback_forecast(
    site: Site, has_model: bool, label: str
) -> None:
    site.fill(NOON - timedelta(days=60 if has_model else 8), NOON)
    if has_model:
        artifact.save(site.data, untrained("v"))
    ended = without_pytorch(site, "run", "--once", "--at", NOON.isoformat())
    assert ended.returncode == 0, ended.stderr
    assert current(site, NOON)[0].model == label


def test_a_training_without_pytorch_says_what_is_missing(site: Site) -> None:
    ended = without_pytorch(site, "train")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("training needs PyTorch")


def test_without_pytorch_no_training_is_started(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    context = Context(site.settings, FixedClock(NOON), threading.Event(), "forecaster")
    site.fill(NOON - timedelta(days=50), NOON)
    forecaster = _forecaster(argparse.Namespace(once=False, config=None), context)
    assert isinstance(forecaster, Forecaster)
    site.made.append(forecaster)
    wait = timedelta(seconds=site.settings.forecast.wait_seconds)
    made = forecaster.step(NOON + wait)
    assert made["lines"] == 24 and "training" not in made
    assert "no_training" in caplog.text


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
    flow, pressure = store.history(database, site.settings.site, ["001"], first, NOON).y
    database.close()
    assert np.flatnonzero(np.isnan(flow)).tolist() == [*range(48, 48 + 72), 190, 191]
    assert not np.isnan(pressure).any()


def test_the_hours_of_an_outage_and_those_after_it_are_no_history(site: Site) -> None:
    """As many as the minutes say that `outliers.outage` calls dry; a flow meter that fails alone is no outage."""
    first = NOON - timedelta(days=2)
    site.fill(first, NOON)
    for begins, until, m3h, flow_flags, pressure_flags in (
        (10, 14, 0.4, "R000", "R00"),
        (14, 15, 0.0, "S000", "00P"),
        (30, 32, 0.4, "R000", "000"),
        (36, 37, 8.0, "S000", "00P"),
    ):
        assert row_is_dry(m3h, flow_flags, pressure_flags) == (begins < 30)
        site.connection.execute(
            "UPDATE REAL_VAL_TB SET flow = %s, flow_flags = %s, pressure_flags = %s WHERE time >= %s AND time < %s",
            (m3h, flow_flags, pressure_flags, first + begins * HOUR, first + until * HOUR),
        )
    database = Database(site.settings, "test")
    flow, pressure = store.history(database, site.settings.site, ["001"], first, NOON).y
    database.close()
    assert np.flatnonzero(np.isnan(pressure)).tolist() == [*range(9, 18)]
    assert np.flatnonzero(np.isnan(flow)).tolist() == [*range(9, 18), 30, 31, 36]


def test_what_flowed_during_planned_work_is_no_use(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The forecast is made from the hours without it."""
    site.fill(NOON - timedelta(days=3), NOON)
    zone, seen = site.settings.site.zone, []
    begin = (NOON - 30 * HOUR).astimezone(zone)
    (site.settings.paths.data / CRITERIA_FOLDER).mkdir(exist_ok=True)
    (site.settings.paths.data / CRITERIA_FOLDER / PLANNED).write_text(
        f"001 {begin:%Y-%m-%d %H:%M} {begin + 4 * HOUR:%Y-%m-%d %H:%M} 밸브 교체\n", encoding="utf-8"
    )

    def look(history: HourlyHistory, *args: Any, **keys: Any) -> list[ForecastLine]:
        seen.append(72 - np.flatnonzero(np.isnan(history.y[0, -72:])))
        return compose(history, *args, **keys)

    monkeypatch.setattr("forecaster.site_hour.compose", look)
    site.forecaster().step(NOON)
    assert seen[0].tolist() == [30, 29, 28, 27]


def hours(site: Site, zone: str, first: datetime, until: datetime) -> np.ndarray:
    """The hourly flow from the database."""
    database = Database(site.settings, "test")
    flow: np.ndarray = store.history(database, SiteSettings(timezone=zone), ["001"], first, until).y[0]
    database.close()
    return flow


def test_an_hour_needs_three_quarters_of_its_minutes(site: Site) -> None:
    first = NOON - 3 * HOUR
    site.fill(first, first + timedelta(minutes=45))
    site.fill(first + HOUR, first + HOUR + timedelta(minutes=44))
    site.fill(first + 2 * HOUR, NOON, flags="R000")
    assert np.isfinite(hours(site, "Asia/Seoul", first, NOON)).tolist() == [True, False, False]


def test_the_hour_that_autumn_repeats_is_one_row_and_spring_leaves_one_empty(site: Site) -> None:
    autumn, spring = datetime(2024, 10, 26, 22, tzinfo=UTC), datetime(2024, 3, 30, 23, tzinfo=UTC)
    site.fill(autumn, autumn + 25 * HOUR)
    site.fill(spring, spring + 23 * HOUR)
    long = hours(site, "Europe/Rome", autumn, autumn + 25 * HOUR)
    assert len(long) == 24 and np.isfinite(long).all()
    short = hours(site, "Europe/Rome", spring, spring + 23 * HOUR)
    assert len(short) == 24 and np.flatnonzero(np.isnan(short)).tolist() == [2]
