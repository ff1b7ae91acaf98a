"""School holidays: what a file may say, and that a finding which begins in them says so, and nothing else changes."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from common.clock import minute_of
from common.messages import words
from incidents import reasons
from incidents.incident import Sign
from outliers import calendar, findings_text
from outliers.findings import CLEAR, RAISE, Finding, Note
from outliers.school import SchoolHoliday, holidays_in, noted

SEOUL = ZoneInfo("Asia/Seoul")
SUMMER = SchoolHoliday(date(2024, 7, 22), date(2024, 8, 16), "여름방학")


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "criteria").mkdir(exist_ok=True)
    path = tmp_path / "criteria" / "school.txt"
    path.write_text(text)
    return path


def finding(since: str, method: str = "VALUE", state: str = RAISE) -> Finding:
    """One that began at this time of UTC, and was raised a day later."""
    began = minute_of(datetime.fromisoformat(since).replace(tzinfo=UTC))
    return Finding("001", began + 1440, began, "flow", method, "LEAK", "leak", "leak", state, notes=["pressure-agrees"])


@pytest.mark.parametrize(
    "line",
    ["2024-07-22  2024-08-16  여름방학", "2024-07-22 ~ 2024-08-16 여름방학", "20240722 to 20240816 여름방학"],
)
def test_a_span_may_be_written_as_people_do(tmp_path: Path, line: str) -> None:
    assert holidays_in(write(tmp_path, f"# 방학\n{line}\n")) == ((SUMMER,), ())


def test_what_an_editor_of_korean_windows_wrote_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    lines = ["2024-07-22  2024-08-16  여름방학\r\n".encode("cp949"), "2025-01-01  2025-01-31  겨울방학\n".encode()]
    path.write_bytes(b"".join(lines))
    assert [each.name for each in holidays_in(path)[0]] == ["여름방학", "겨울방학"]
    (path.parent / "planned.txt").write_bytes("001 2024-09-17 09:00 12:30 세척 작업\n".encode("cp949"))
    assert [work.what for work in calendar.load(tmp_path, SEOUL).works] == ["세척 작업"]


@pytest.mark.parametrize("name", ["여름\u202e방학", "여름\x1b[2J", "여" * 100_000])
def test_a_name_in_a_file_can_be_shown(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, f"2024-07-22 2024-08-16 {name}\n")
    (path.parent / "holidays.txt").write_text(f"2024-07-22 {name}\n")
    for shown in (holidays_in(path)[0][0].name, *calendar.named_holidays(path.parent / "holidays.txt")[0].values()):
        assert shown.startswith("여") and shown.isprintable() and len(shown) <= 80


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2024-07-22", "must be YYYY-MM-DD YYYY-MM-DD NAME"),
        ("2024-07-22 2024-08-32", "not a valid date"),
        ("2024-08-16 2024-07-22", "The last day is before the first"),
        ("2024-07-22 2025-08-16", "longer than 130 days"),
    ],
)
def test_a_wrong_line_is_named_and_the_rest_stands(tmp_path: Path, line: str, why: str) -> None:
    write(tmp_path, f"{line}\n2024-07-22 2024-08-16 여름방학\n")
    known = calendar.load(tmp_path, SEOUL)
    assert known.school == (SUMMER,)
    assert why in known.problems[0] and "school.txt line 1" in known.problems[0]
    assert known.holidays == frozenset()  # they are no Sundays


def test_a_change_of_the_file_is_seen(tmp_path: Path) -> None:
    follow = calendar.CalendarFile(tmp_path, SEOUL)
    assert follow.now().school == ()
    write(tmp_path, "2024-07-22 2024-08-16 여름방학\n")
    assert follow.now().school == (SUMMER,)


@pytest.mark.parametrize(
    ("since", "inside"),
    [
        ("2024-07-21T14:59", False),
        ("2024-07-21T15:00", True),  # midnight in Seoul
        ("2024-08-16T14:59", True),
        ("2024-08-16T15:00", False),
    ],
)
def test_what_begins_in_them_says_so(since: str, inside: bool) -> None:
    [told] = noted([finding(since)], [SUMMER], SEOUL)
    assert told.notes == ["pressure-agrees", *(["school-holiday"] if inside else [])]


def test_what_is_no_use_of_water_or_no_beginning_stays_as_it_is() -> None:
    others = (finding("2024-08-01T00:00", "SYSTEM"), finding("2024-08-01T00:00", state=CLEAR))
    assert noted(others, [SUMMER], SEOUL) == others


def test_it_is_read_in_both_languages() -> None:
    [told] = noted([finding("2024-08-01T00:00")], [SUMMER], SEOUL)
    assert findings_text.text(told).endswith("; it began in the school holidays")
    assert Note.SCHOOL_HOLIDAY in told.notes
    sign = Sign(told.code, told.method, told.channel, told.severity, told.since, told.minute, notes=told.notes)
    assert "it began in the school holidays" in reasons.why(sign, words("en"))
    assert "방학 중에 시작됨" in reasons.why(sign, words("ko"))
