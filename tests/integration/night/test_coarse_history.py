"""Loaded rows of 5, 15 and 60 minutes: what counts them as history, and what does not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from night_site import FIRST, MORNING, NIGHT, TWO, Site

from cli.history import load_file
from common.clock import minute_start
from common.database import Database
from common.point import Point
from forecaster import store
from outliers.learn.archive import read_history

SEOUL = ZoneInfo("Asia/Seoul")


def write(path: Path, step: int, hours: int, *, gap: tuple[int, int] = (0, 0)) -> Path:
    """Rows from 30 hours before the night on, without the ones of a gap; flow 3 from 02:00 to 03:00, else 8."""
    lines = ["time,flow,pressure"]
    for minute in range(FIRST - 30 * 60, FIRST + (hours - 30) * 60, step):
        if not gap[0] <= minute < gap[1]:
            flow = 3 if FIRST + 240 <= minute < FIRST + 300 else 8
            lines.append(f"{minute_start(minute).astimezone(SEOUL):%Y-%m-%d %H:%M},{flow},4")
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("step", [5, 15, 60])
def test_a_night_of_longer_steps_has_its_windows_and_its_report(site: Site, tmp_path: Path, step: int) -> None:
    loaded = load_file(site.connection, Point("site-1", "001"), write(tmp_path / "a.csv", step, 40), SEOUL)
    assert loaded.steps.minutes == step
    site.nightflow.step(MORNING)
    window = site.window(TWO)  # the ten minutes until 02:00: nine of before, one of the quiet hour
    assert window
    assert (window["minutes"], window["complete"]) == (10, True)
    assert window["flow"] == pytest.approx((9 * 8 + 3) / 10)
    report = site.report(NIGHT)
    assert report
    assert report["hour_flow"] == pytest.approx(3, abs=0.1)
    assert report["good_minutes"] == 290


@pytest.mark.parametrize("step", [1, 5, 15, 60])
def test_hours_of_longer_steps_are_history_for_forecasts(site: Site, tmp_path: Path, step: int) -> None:
    gap = (FIRST + 5 * 60, FIRST + 5 * 60 + max(step, 20))  # 40 of 60 minutes are left: too few
    load_file(site.connection, Point("site-1", "001"), write(tmp_path / "a.csv", step, 40, gap=gap), SEOUL)
    database = Database(site.settings, "test")
    start = minute_start(FIRST + 60)
    history = store.history(database, site.settings.site, ["001"], start, start + timedelta(hours=6))
    database.close()
    np.testing.assert_allclose(history.y[0], [8, 8, 8, 3, np.nan, 8])
    np.testing.assert_allclose(history.y[1], [4, 4, 4, 4, np.nan, 4])


def test_a_row_covers_no_minute_of_the_next_one(site: Site, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 15, 40)
    path.write_text(path.read_text() + f"\n{minute_start(FIRST + 4).astimezone(SEOUL):%Y-%m-%d %H:%M},2,4")
    load_file(site.connection, Point("site-1", "001"), path, SEOUL)
    found = site.connection.execute(
        "SELECT flow, minutes FROM REAL_VAL_TB WHERE time >= %s ORDER BY time LIMIT 3", [minute_start(FIRST)]
    ).fetchall()
    assert found == [(8.0, 4), (2.0, 11), (8.0, 15)]


@pytest.mark.parametrize("step", [1, 5])
def test_criteria_are_learnt_from_rows_of_a_minute_only(site: Site, tmp_path: Path, step: int) -> None:
    load_file(site.connection, Point("site-1", "001"), write(tmp_path / "a.csv", step, 40), SEOUL)
    with site.connection.cursor() as cursor:
        history = read_history(cursor, Point("site-1", "001"), minute_start(FIRST), minute_start(FIRST + 120))
    assert np.isfinite(history.flow).sum() == (120 if step == 1 else 0)


@pytest.mark.parametrize(
    ("step", "usual", "minutes"), [(1, 1, 1), (7, 7, 1), (30, 30, 30), (90, 90, 1), (360, 360, 1), (1440, 1440, 1)]
)
def test_the_step_of_a_file(site: Site, tmp_path: Path, step: int, usual: int, minutes: int) -> None:
    start = datetime(2023, 7, 1, tzinfo=UTC)
    times = [start + timedelta(minutes=step * i) for i in range(20) if i != 7]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time,flow,pressure", *(f"{time:%Y-%m-%d %H:%M}Z,1,1" for time in times)]))
    steps = load_file(site.connection, Point("site-1", "001"), path, SEOUL).steps
    assert (steps.usual, steps.minutes) == (usual, minutes)
