"""A replay gives what the live pipeline gives: each recorded minute once, at its value; each night its means."""

import dataclasses
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from rich.console import Console

from cli.replay import FolderTaken, register, replay, run
from common.settings import Settings
from producer import recording

ROME = ZoneInfo("Europe/Rome")
START = datetime(2023, 7, 6, 12, 0)
MINUTES = 2 * 1440
DROPOUT = range(600, 620)  # 22:00 to 22:19 on the first evening


def _recording(folder: Path) -> recording.Recording:
    path = folder / "001.csv"
    lines = ["time,flow,pressure"]
    for i in range(MINUTES):
        values = "," if i in DROPOUT else f"{10 + i % 60 / 10:.1f},3.5"
        lines.append(f"{START + timedelta(minutes=i):%Y-%m-%d %H:%M},{values}")
    path.write_text("\n".join(lines) + "\n")
    return recording.load(path)


def test_every_minute_once_and_every_night_its_means(
    database_url: str, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    chosen = settings_for(site__timezone="Europe/Rome", database__url=database_url)
    chosen = dataclasses.replace(chosen, log=dataclasses.replace(chosen.log, groups=("archive",)))
    register(chosen, ["001"])
    replay(chosen, {"001": _recording(tmp_path)}, Console(file=io.StringIO()))
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT time, flow, pressure, samples FROM REAL_VAL_TB ORDER BY time").fetchall()
        windows = connection.execute(
            "SELECT time, minutes, complete, flow FROM NIGHT_FLOW_VAL_TB ORDER BY time"
        ).fetchall()
    start = START.replace(tzinfo=ROME).astimezone(UTC)
    assert rows == [
        (start + timedelta(minutes=i), float(f"{10 + i % 60 / 10:.1f}"), 3.5, 1)
        for i in range(MINUTES)
        if i not in DROPOUT
    ]
    evening = datetime(2023, 7, 6, 22, 0, tzinfo=ROME)
    assert [window[0] for window in windows] == [
        evening + timedelta(days=day, minutes=10 * i) for day in range(2) for i in range(42)
    ]
    # 22:00 averages 21:51..22:00, 22:10 has no minute, 22:20 has the one of 22:20; all others are whole.
    assert [window[1] for window in windows[:4]] == [9, 0, 1, 10]
    assert [window[2] for window in windows] == [False] * 3 + [True] * 81
    assert windows[3][3] == pytest.approx(sum(10 + i / 10 for i in range(21, 31)) / 10)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(FolderTaken, match="--data"):
        run(["001=missing.csv", "--data", str(tmp_path)])
