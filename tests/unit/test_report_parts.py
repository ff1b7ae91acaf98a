"""Parts of the monthly report: days on which the clocks change, axes, and letters that the fonts do not have."""

import sys
import threading
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from common.messages import words
from reports import child
from reports.availability import available
from reports.drawings import nice
from reports.month import Month, first_day, last_whole
from reports.texts import SECTIONS, percent
from reports.typeface import BOLD, drawable

ROME = ZoneInfo("Europe/Rome")
SEOUL = ZoneInfo("Asia/Seoul")
LATER = datetime(2025, 1, 1, tzinfo=UTC)
EARLIER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("first", "day", "minutes"), [((2024, 3), 31, 23 * 60), ((2024, 10), 27, 25 * 60)])
def test_a_day_has_as_many_minutes_as_its_clock(first: tuple[int, int], day: int, minutes: int) -> None:
    month = Month(date(*first, 1), ROME)
    found = available(month, LATER, EARLIER, {date(*first, day): minutes})
    assert found.by_day[date(*first, day)] == 1.0
    assert len(found.by_day) == 31


def test_only_days_that_a_sensor_has_lived_count() -> None:
    month = Month(date(2024, 8, 1), SEOUL)
    since, until = datetime(2024, 8, 10, 3, tzinfo=UTC), datetime(2024, 8, 11, 9, tzinfo=UTC)  # noon, 18:00
    found = available(month, until, since, {date(2024, 8, 10): 360, date(2024, 8, 11): 1080})
    assert found.by_day == {date(2024, 8, 10): 0.5, date(2024, 8, 11): 1.0}
    assert found.share == pytest.approx(1440 / 1800)
    assert available(month, until, None, {}).share is None
    assert available(month, until, LATER, {}).share is None


def test_the_last_whole_month_is_that_of_the_sites_clock() -> None:
    assert str(last_whole(datetime(2024, 8, 31, 14, 59, tzinfo=UTC), SEOUL)) == "2024-07"
    assert str(last_whole(datetime(2024, 8, 31, 15, tzinfo=UTC), SEOUL)) == "2024-08"
    assert first_day("2024-12") == date(2024, 12, 1) and first_day("2024-1") is None
    assert Month(date(2024, 12, 1), SEOUL).after == date(2025, 1, 1)


def test_nothing_is_rounded_up_to_all() -> None:
    assert (percent(1.0), percent(0.99999), percent(0.5)) == ("100.0 %", "99.9 %", "50.0 %")


@pytest.mark.parametrize(("highest", "end"), [(0.0, 1.0), (0.3, 0.4), (6.7, 8.0), (13.2, 20.0), (81.0, 100.0)])
def test_an_axis_ends_at_a_round_number(highest: float, end: float) -> None:
    assert nice(highest) == pytest.approx(end)


def test_a_letter_that_the_fonts_lack_is_never_an_empty_box() -> None:
    assert drawable("Zürich Å 뷁똠 m³ ㎥") == "Zürich A 뷁똠 m³ m3"
    assert drawable("山😀\n") == "??\n"


def test_headings_are_in_the_bold_font() -> None:
    for english in (*SECTIONS, "Leakage report, {month}"):
        said = words("ko").text(english)
        assert said != english and drawable(said, BOLD) == said


def test_without_room_for_a_process_no_report_is_made_and_nothing_falls_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/program")
    with pytest.raises(child.NotMade, match="no process could be started: No such file"):
        child.make(Month(date(2024, 8, 1), SEOUL), "pdf", "en", None, threading.Event())
