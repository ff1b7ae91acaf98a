"""`hydrolog backtest outliers --plant`: from a folder and from the database, as a table of kept promises and a file."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_rows import store
from outlier_site import MEAN_M3H, START, history

from cli import backtest_outliers as command
from cli import shell
from cli.__main__ import main
from common.clock import FixedClock, minute_start
from common.settings import Settings
from outliers import planting

LEARN_DAYS, DAYS = 64, 76
MakeSettings = Callable[..., Settings]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planting.plant, "__kwdefaults__", {"sizes_m3h": (), "count": 4})


@pytest.fixture(scope="module")
def eleven_weeks(filled_url: str) -> None:
    store(filled_url, history(DAYS, seed=2), "INSERT INTO SENSOR_TB (sensor) VALUES ('001')", lambda *_: "0000")


def lines(out: Path) -> list[dict[str, str]]:
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def test_leaks_planted_into_a_folder_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = history(DAYS, seed=2)
    learn_end = minute_start(START + LEARN_DAYS * 1440)
    (tmp_path / "points.csv").write_text(
        f"point,flow_max,pressure_max,learn_end\nP1,500,16,{learn_end:%Y-%m-%d %H:%M:%S}\n"
    )
    with (tmp_path / "P1.csv").open("w") as file:
        file.write("time,flow,pressure\n")
        for place, (flow, pressure) in enumerate(zip(rows.flow, rows.pressure, strict=True)):
            file.write(f"{minute_start(START + place):%Y-%m-%dT%H:%M},{flow},{pressure}\n")
    out = tmp_path / "planted.csv"
    sizes = f"{0.9 * MEAN_M3H},0.01"
    assert command.run(["--data", str(tmp_path), "--plant", sizes, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "promised leaks that became a LEAK in time" in said and "within 5 nights" in said
    large, small = ([one for one in lines(out) if float(one["size_m3h"]) == size] for size in (0.9 * MEAN_M3H, 0.01))
    assert len(large) == len(small) == 4
    assert all(int(one["found_minutes"]) < 1440 for one in large)
    assert {one["found_minutes"] for one in small} == {""}


def test_the_sizes_promised_are_planted_into_the_databases_rows(
    eleven_weeks: None, database_url: str, settings_for: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shell, "site_clock", lambda _: FixedClock(minute_start(START + DAYS * 1440)))
    settings = settings_for(database__url=database_url, site__timezone="UTC")
    for name, value in (("DATABASE__URL", database_url), ("SITE__TIMEZONE", "UTC")):
        monkeypatch.setenv(f"HYDROLOG_{name}", value)
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(settings.paths.data))
    out = tmp_path / "planted.csv"
    assert command.run(["--days", str(DAYS - LEARN_DAYS), "--plant", "promised", "--out", str(out)]) == 0
    told = lines(out)
    assert len(told) == 12 and {one["sensor"] for one in told} == {"001"}
    assert all(one["size_m3h"] in (one["hour_m3h"], one["day_m3h"], one["nights_m3h"]) for one in told)


def test_what_cannot_be_planted_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sizes in ("0", "x", "inf", "-1,2"):
        with pytest.raises(SystemExit) as left:
            main(["backtest", "outliers", f"--plant={sizes}", "--out", str(tmp_path / "a.csv")])
        assert left.value.code == 2 and "sizes in m3/h, or promised" in capsys.readouterr().err
    assert main(["backtest", "outliers", "--plant", "1", "--out", str(tmp_path / "a.html")]) == 2
    assert "FILE.csv" in capsys.readouterr().err
