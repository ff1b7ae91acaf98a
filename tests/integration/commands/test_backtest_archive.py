"""`hydrolog backtest outliers` on the database's own rows: what would have been raised, as page, table and words."""

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from archive_rows import store
from html_page import fetched_by
from outlier_site import MEAN_M3H, START, history

from cli import backtest_outliers as command
from cli import shell
from cli.__main__ import main
from common.clock import FixedClock, minute_start
from common.settings import Settings

DAYS, JUDGED = 74, 10
BEGIN, END = 70 * 1440 + 600, 70 * 1440 + 900  # minutes of a leak
MakeSettings = Callable[..., Settings]


@pytest.fixture(scope="module")
def ten_weeks(filled_url: str) -> None:
    """A sensor with ten weeks of rows, the last of them with a leak of five hours."""
    rows = history(DAYS, seed=2)
    before = (rows.flow[BEGIN:END] / MEAN_M3H) ** 1.85
    rows.flow[BEGIN:END] += 0.4 * MEAN_M3H
    rows.pressure[BEGIN:END] -= 0.3 * ((rows.flow[BEGIN:END] / MEAN_M3H) ** 1.85 - before)
    store(
        filled_url,
        rows,
        "INSERT INTO SENSOR_TB (sensor) VALUES ('001'), ('silent')",
        lambda place, _: "00L0" if BEGIN + 52 <= place < END else "0000",
    )


@pytest.fixture
def site(ten_weeks: None, database_url: str, settings_for: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    now = minute_start(START + DAYS * 1440) + timedelta(seconds=42)
    monkeypatch.setattr(shell, "site_clock", lambda _: FixedClock(now))
    settings = settings_for(database__url=database_url, site__timezone="UTC")
    for name, value in (("DATABASE__URL", database_url), ("SITE__TIMEZONE", "UTC")):
        monkeypatch.setenv(f"HYDROLOG_{name}", value)
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(settings.paths.data))
    return settings


def judge(out: Path, *more: str) -> int:
    return command.run(["--days", str(JUDGED), "--out", str(out), *more])


def test_a_page_of_its_own_shows_the_leak_with_its_reason_and_asks_no_other_host(
    site: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "past.html"
    assert judge(out) == 0
    printed = capsys.readouterr()
    assert "raised over the last 10 days with alarms_per_month = 0.3" in printed.out
    said = re.search(r"2022-03-21 (?:10:5|11:0)\d 001 LEAK: flow (\S+) m3/h above its forecast", printed.out)
    assert said and float(said[1]) == pytest.approx(0.4 * MEAN_M3H, rel=0.4)
    page = out.read_text()
    assert "<td>LEAK LEAK</td>" in page and "m3/h above its forecast" in page
    assert '"name":"expected"' in page and '"symbol":"diamond"' in page
    assert fetched_by(page) == []


def test_the_knob_is_tried_without_being_taken(site: Settings, tmp_path: Path) -> None:
    found = {}
    for knob in ("0.01", "5"):
        out = tmp_path / f"{knob}.csv"
        assert judge(out, "--alarms-per-month", knob) == 0
        with out.open(newline="") as file:
            found[knob] = [line for line in csv.DictReader(file) if line["state"] == "raise"]
    leaks = {knob: next(one["numbers"] for one in lines if one["code"] == "LEAK") for knob, lines in found.items()}
    limits = {knob: float(leak.split("limit_m3h=")[1].split()[0]) for knob, leak in leaks.items()}
    assert limits["0.01"] > limits["5"]
    assert not (site.paths.data / "criteria").exists()


def test_planned_work_and_hostile_words_are_shown_as_text(site: Settings, tmp_path: Path) -> None:
    (site.paths.data / "criteria").mkdir()
    (site.paths.data / "criteria" / "planned.txt").write_text(
        "001 2022-03-21 09:55 2022-03-21 15:05 </script><b onload=alert(1)>\n"
    )
    out = tmp_path / "past.html"
    assert judge(out) == 0
    page = out.read_text()
    assert "PLANNED LEAK" in page and "<td>LEAK LEAK</td>" not in page
    assert "<b onload" not in page and "&lt;b onload" in page


def test_what_cannot_be_judged_says_so_in_one_line(
    site: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        (["--sensor", "silent"], "No registered sensor has a row"),
        (["--out", str(tmp_path / "no" / "past.csv")], "--out: cannot write"),
    ):
        out = ["--out", str(tmp_path / "x.csv")] if "--out" not in words else []
        assert main(["backtest", "outliers", "--days", "3", *out, *words]) in (1, 2)
        assert capsys.readouterr().err.splitlines()[-1].startswith(said)
