"""`hydrolog calendar` on a data folder: what is added can be listed and removed, hand-written lines stay."""

import time
from datetime import datetime
from pathlib import Path

import pytest

from cli import calendar_ as command
from cli.__main__ import main
from cli.calendar_ import NotInCalendar
from common import audit
from common.settings import Settings, load
from outliers import calendar


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return load(None)


def text(site: Settings, name: str = "planned.txt") -> str:
    return (site.paths.data / "criteria" / name).read_text()


def test_work_is_added_listed_and_removed(site: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["add", "001", "2024-09-17 09:00", "2024-09-17T12:30", "flushing,", "North Street"]) == 0
    assert command.run(["add", "all", "2099-10-02 22:00", "2099-10-03 04:00", "pump test"]) == 0
    assert text(site).splitlines()[1:] == [
        "001  2024-09-17 09:00  2024-09-17 12:30  flushing, North Street",
        "all  2099-10-02 22:00  2099-10-03 04:00  pump test",
    ]
    capsys.readouterr()
    assert command.run(["list"]) == 0
    out = capsys.readouterr().out
    assert "flushing, North Street" in out and "over" in out and "to come" in out
    assert command.run(["remove", "2"]) == 0
    assert [work.what for work in calendar.load(site.paths.data, site.site.zone).works] == ["pump test"]


def test_holidays_are_added_and_removed(site: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["add", "holiday", "2024-09-17", "Chuseok"]) == 0
    assert command.run(["add", "holiday", "2024-12-25"]) == 0
    assert command.run(["remove", "2024-09-17"]) == 0
    assert "holidays: 2024-12-25" in capsys.readouterr().out
    assert text(site, "holidays.txt").splitlines()[1:] == ["2024-12-25"]


def test_school_holidays_are_added_once_listed_and_removed(site: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert command.run(["add", "school", "2024-07-22", "2024-08-16", "summer", "holidays"]) == 0
    assert command.run(["add", "school", "2024-12-24", "2025-02-28"]) == 0
    assert "school holidays: 2024-07-22 to 2024-08-16 summer holidays, 2024-12-24 to" in capsys.readouterr().out
    assert command.run(["add", "school", "2024-07-22", "2024-08-23", "high school"]) == 0
    assert main(["calendar", "remove", "school", "2024-07-22"]) == 2
    assert "Several begin on this day" in capsys.readouterr().err
    assert command.run(["remove", "school", "2024-07-22", "2024-08-23"]) == 0
    assert command.run(["remove", "school", "2024-07-22"]) == 0
    assert text(site, "school.txt").splitlines()[1:] == ["2024-12-24  2025-02-28"]
    done = [entry.what for entry in audit.load(site.paths.data)[0]]
    assert done == ["school-added"] * 3 + ["school-removed"] * 2


def test_a_file_of_a_windows_editor_can_be_changed_and_keeps_its_bytes(site: Settings) -> None:
    folder = site.paths.data / "criteria"
    folder.mkdir()
    (folder / "holidays.txt").write_bytes(b"\xef\xbb\xbf2024-09-17 Chuseok\r\n20241003\r\n2024-12-25\r\n")
    assert command.run(["remove", "2024-09-17"]) == 0
    assert command.run(["remove", "2024-10-03"]) == 0
    assert text(site, "holidays.txt") == "2024-12-25\n"
    korean = "001 2024-09-17 09:00 2024-09-17 12:30 관세척".encode("cp949")
    (folder / "planned.txt").write_bytes(korean + b"\n")
    command.run(["add", "002", "2024-09-18 09:00", "2024-09-18 12:30", "flushing"])
    assert (folder / "planned.txt").read_bytes().startswith(korean + b"\n002 ")
    command.run(["remove", "1"])
    assert "관" not in text(site) and audit.load(site.paths.data)[0][-1].what == "work-removed"


def test_adding_twice_is_adding_once(site: Settings) -> None:
    for _ in range(2):
        command.run(["add", "001", "2024-09-17 09:00", "2024-09-17 12:30", "flushing"])
    assert text(site).count("flushing") == 1


def test_what_is_under_way_is_ended_and_each_change_is_written_down(
    site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = datetime(2024, 9, 17, 10, 30, tzinfo=site.site.zone).timestamp()
    monkeypatch.setenv("HYDROLOG_CLOCK", f"1 {time.time()!r} {began!r}")
    monkeypatch.setenv("SUDO_USER", "Kim")
    command.run(["add", "001", "2024-09-17 09:00", "2024-09-17 12:30", "flushing"])
    command.run(["add", "001", "2024-09-18 09:00", "2024-09-18 12:30", "flushing"])
    command.run(["end", "2"])
    with pytest.raises(NotInCalendar, match="not under way"):
        command.run(["end", "3"])
    command.run(["remove", "3"])
    assert text(site).splitlines()[1:] == ["001  2024-09-17 09:00  2024-09-17 10:30  flushing"]
    done = [(entry.by, entry.what) for entry in audit.load(site.paths.data)[0]]
    assert done == [("Kim", what) for what in ("work-planned", "work-planned", "work-ended", "work-removed")]


def test_lines_of_people_stay_and_wrong_ones_are_named(site: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    (site.paths.data / "criteria").mkdir()
    (site.paths.data / "criteria" / "planned.txt").write_text("# ours\nsoon\n")
    assert command.run(["add", "001", "2024-09-17 09:00", "2024-09-17 12:30", "flushing"]) == 1
    assert "planned.txt line 2: must be SENSOR" in capsys.readouterr().err
    assert text(site).startswith("# ours\nsoon\n001  ")


@pytest.mark.parametrize(
    "words",
    [
        ["add", "001", "2024-09-17 09:00"],
        ["add", "001", "soon", "later", "flushing"],
        ["add", "001", "2024-09-17 09:00", "2024-09-17 08:00", "flushing"],
        ["add", "001", "2024-09-17T09:00+09:00", "2024-09-17T10:00+09:00", "flushing"],
        ["add", "0 1", "2024-09-17 09:00", "2024-09-17 10:00", "flushing"],
        ["add", "001", "2024-09-17 09:00", "2024-09-17 10:00", "a\nall 2024-01-01 00:00 2024-01-31 00:00 x\x1b"],
        ["add", "holiday", "2024-02-30"],
        ["add", "holiday", "0024-02-20"],
        ["add", "school", "0024-07-22", "0024-08-16"],
        ["add", "holiday", "2024-02-28", "a\x1b[2J"],
        ["add", "school", "2024-07-22"],
        ["add", "school", "2024-08-16", "2024-07-22"],
        ["add", "school", "2024-07-22", "2025-07-22"],
        ["add", "school", "2024-07-22", "2024-08-16", "a\x1b[2J"],
        ["remove", "school", "2024-07-22"],
        ["remove", "2024-07-22", "2024-07-23"],
        ["remove", "1"],
        ["remove", "2024-09-17"],
        ["remove", "0"],
    ],
)
def test_what_makes_no_sense_changes_nothing(
    site: Settings, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calendar", *words]) == 2
    assert not (site.paths.data / "criteria" / "planned.txt").exists()
    assert not (site.paths.data / "criteria" / "holidays.txt").exists()
    assert not (site.paths.data / "criteria" / "school.txt").exists()
    assert "Traceback" not in capsys.readouterr().err
