"""Planned work and holidays as people write them: what is understood, what is named as wrong; the rest stands."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from common.clock import minute_of
from outliers import calendar
from outliers.calendar import Work

SEOUL, ROME = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Rome")


def write(tmp_path: Path, text: str | bytes, name: str = "planned.txt") -> Path:
    folder = tmp_path / "criteria"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def utc(*parts: int) -> int:
    return minute_of(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    "line",
    [
        "001  2024-09-17 09:00  2024-09-17 12:30  flushing, North Street",
        "001 2024-09-17T09:00 2024-09-17T12:30 flushing,   North Street",
        "001\t2024-09-17 9:00\t12:30\tflushing, North Street",
        "  001 2024-09-17 09:00 to 12:30 flushing, North Street  ",
        "001 2024-09-17 09:00 - 2024-09-17 12:30 flushing, North Street",
    ],
)
def test_a_work_may_be_written_as_people_do(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, f"# what\n\n{line}\r\n")
    works, problems = calendar.planned(path, SEOUL)
    assert problems == ()
    assert works == (Work("001", utc(2024, 9, 17, 0, 0), utc(2024, 9, 17, 3, 30), "flushing, North Street", 3),)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("001 2024-09-17 flushing", "must be SENSOR"),
        ("001 2024-09-17 09:00 2024-09-17 12:30", "must be SENSOR"),
        ("001 2024-09-31 09:00 2024-10-01 12:30 flushing", "not a valid date or time"),
        ("001 2024-09-17 25:00 2024-09-18 12:30 flushing", "not a valid date or time"),
        ("001 2024-09-17 12:30 2024-09-17 09:00 flushing", "not after the beginning"),
        ("001 2024-09-17 09:00 2025-09-17 12:30 flushing", "longer than 31 days"),
        ("0\x1b01 2024-09-17 09:00 2024-09-17 12:30 flushing", "neither a sensor id"),
        ("001 2024-09-17 09:00 2024-09-17 12:30 " + "x" * 81, "at most 80"),
        ("001 2024-09-17 09:00 2024-09-17 12:30 \x1b[2J", "printable"),
        ("001 0001-01-01 00:00 0001-01-01 01:00 flushing", "date is out of range"),
    ],
)
def test_a_wrong_line_is_named_and_the_rest_stands(tmp_path: Path, line: str, why: str) -> None:
    good = "all 2024-10-02 22:00 2024-10-03 04:00 pump test"
    works, problems = calendar.planned(write(tmp_path, f"{good}\n{line}\n{good}\n"), SEOUL)
    assert [work.line for work in works] == [1, 3]
    (problem,) = problems
    assert problem.startswith("planned.txt line 2: ") and why in problem
    assert "\x1b" not in problem and "\n" not in problem


def test_bytes_that_are_no_text_cost_only_their_line(tmp_path: Path) -> None:
    works, problems = calendar.planned(
        write(tmp_path, b"\xff\xfe\x00\n001 2024-09-17 09:00 10:00 repair\n\xc3\x28 2024\n"), SEOUL
    )
    assert ([work.what for work in works], len(problems)) == (["repair"], 2)


def test_a_folder_in_the_place_of_the_file_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "criteria" / "planned.txt").mkdir(parents=True)
    assert calendar.load(tmp_path, SEOUL).problems[0].startswith("planned.txt cannot be read")


def test_holidays_may_have_names_and_a_wrong_one_costs_itself(tmp_path: Path) -> None:
    days, problems = calendar.holidays_of(
        write(tmp_path, "2024-09-17 Chuseok\n# spring\nnext Tuesday\n2024-12-25\n", "holidays.txt")
    )
    assert days == {date(2024, 9, 17), date(2024, 12, 25)}
    assert problems[0].startswith("holidays.txt line 3: must be a date")


def test_the_hour_that_comes_twice_is_inside_on_both_ends(tmp_path: Path) -> None:
    path = write(tmp_path, "001 2024-10-27 02:30 2024-10-27 02:45 repair\n001 2024-03-31 02:30 03:30 repair\n")
    (autumn, spring), problems = calendar.planned(path, ROME)
    assert problems == ()
    assert (autumn.first, autumn.end) == (utc(2024, 10, 27, 0, 30), utc(2024, 10, 27, 1, 45))
    assert (spring.first, spring.end) == (utc(2024, 3, 31, 0, 30), utc(2024, 3, 31, 1, 30))  # 02:30 never was


def test_nothing_is_planned_without_files(tmp_path: Path) -> None:
    assert calendar.load(tmp_path, SEOUL) == calendar.Occasions()


def test_the_stamp_changes_when_a_file_is_edited_in_place(tmp_path: Path) -> None:
    before = calendar.stamp(tmp_path)
    path = write(tmp_path, "2024-09-17\n", "holidays.txt")
    between = calendar.stamp(tmp_path)
    with path.open("a") as file:
        file.write("2024-09-18\n")
    assert len({before, between, calendar.stamp(tmp_path)}) == 3


def test_works_of_a_sensor_and_their_spans() -> None:
    mine, other, both = Work("001", 10, 20, "a"), Work("002", 10, 20, "b"), Work("all", 5, 12, "c")
    known = calendar.Occasions((mine, other, both))
    assert known.at("001") == [both, mine]
    assert calendar.spans(known.at("001"), 8, 15) == [(8, 12), (10, 15)]
    assert calendar.spans(known.at("001"), 20, 30) == []
