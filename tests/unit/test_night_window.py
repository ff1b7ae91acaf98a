"""The windows of a night: the right UTC minutes, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import minute_of, minute_start
from common.errors import SettingsError
from common.night import ReportHours, report_hours
from common.settings import load
from nightflow.window import Night, Plan, plan_of, ready_through

ROME = ZoneInfo("Europe/Rome")
SEOUL = ZoneInfo("Asia/Seoul")


def plan(zone: ZoneInfo, start: int = 22 * 60, end: int = 5 * 60, report: tuple[int, int] = (120, 240)) -> Plan:
    return Plan(zone, start, end, ReportHours(report[0], report[1] - report[0]))


def local(night: Night, zone: ZoneInfo) -> list[str]:
    return [minute_start(window).astimezone(zone).strftime("%H:%M") for window in night.windows]


def test_an_ordinary_night_has_the_windows_of_the_legacy_table() -> None:
    night = plan(SEOUL).night(date(2024, 8, 27))
    names = local(night, SEOUL)
    assert (names[0], names[1], names[-1], len(names)) == ("22:00", "22:10", "04:50", 42)
    assert minute_start(night.windows[0]) == datetime(2024, 8, 26, 13, 0, tzinfo=UTC)
    # The report's hours 02:00-04:00: windows 02:10 (02:01..02:10) to 04:00.
    assert minute_start(night.report[0]).astimezone(SEOUL).strftime("%H:%M") == "02:10"
    assert minute_start(night.report[-1]).astimezone(SEOUL).strftime("%H:%M") == "04:00"
    assert len(night.report) == 12


def test_the_spring_night_is_an_hour_shorter() -> None:
    night = plan(ROME).night(date(2024, 3, 31))  # 02:00 becomes 03:00
    names = local(night, ROME)
    assert len(names) == 36
    assert names[-1] == "04:50"
    assert not [name for name in names if name.startswith("02")]
    assert minute_start(night.end) == datetime(2024, 3, 31, 3, 0, tzinfo=UTC)
    assert len(night.report) == 6  # one real hour between 02:00 and 04:00


def test_the_autumn_night_is_an_hour_longer_and_each_window_is_ten_real_minutes() -> None:
    night = plan(ROME).night(date(2024, 10, 27))  # 03:00 becomes 02:00
    names = local(night, ROME)
    assert len(names) == 48
    assert names.count("02:30") == 2
    assert len(set(night.windows)) == 48
    assert len(night.report) == 18


def test_an_end_inside_the_doubled_hour_takes_both() -> None:
    night = plan(ROME, end=150, report=(60, 150)).night(date(2024, 10, 27))
    assert minute_start(night.end) == datetime(2024, 10, 27, 1, 30, tzinfo=UTC)  # 02:30 the second time
    assert len(night.windows) == 33


def test_a_start_that_is_skipped_is_when_the_old_clock_would_have_shown_it() -> None:
    night = plan(ROME, start=150, end=300, report=(180, 300)).night(date(2024, 3, 31))
    assert minute_start(night.windows[0]) == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)  # 03:30 by the new clock


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
def test_zones_off_the_hour_keep_to_their_own_clock(zone: str) -> None:
    night = plan(ZoneInfo(zone)).night(date(2024, 6, 15))
    names = local(night, ZoneInfo(zone))
    assert (names[0], names[-1], len(names)) == ("22:00", "04:50", 42)


def test_a_start_between_tenth_minutes_begins_with_the_next_tenth() -> None:
    names = local(plan(SEOUL, start=22 * 60 + 3).night(date(2024, 8, 27)), SEOUL)
    assert names[0] == "22:10"


def test_a_night_that_begins_after_midnight() -> None:
    night = plan(SEOUL, start=60, end=300).night(date(2024, 8, 27))
    assert minute_start(night.windows[0]).astimezone(SEOUL) == datetime(2024, 8, 27, 1, 0, tzinfo=SEOUL)
    assert len(night.windows) == 24


ZONES = st.sampled_from(
    ["Europe/Rome", "Asia/Seoul", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"]
)
DAYS = st.dates(date(2000, 1, 1), date(2035, 12, 31))
CLOCK = st.integers(0, 24 * 60 - 1)


@given(ZONES, DAYS, CLOCK, CLOCK)
def test_windows_tile_the_night(zone: str, day: date, start: int, end: int) -> None:
    """Every minute of the night's windows is in exactly one of them, and nights do not overlap."""
    if start == end:
        return
    any_plan = plan(ZoneInfo(zone), start, end)
    night, following = any_plan.night(day), any_plan.night(day + timedelta(days=1))
    minutes = [minute for window in night.windows for minute in range(window - 9, window + 1)]
    assert len(minutes) == len(set(minutes))
    if minutes:
        assert minutes == list(range(minutes[0], minutes[-1] + 1))
        assert night.last_window < night.end <= night.last_window + 10
    if night.windows and following.windows and (end - start) % (24 * 60) <= 20 * 60:
        assert night.last_window < following.windows[0]
    for window in night.windows:
        assert minute_start(window).astimezone(ZoneInfo(zone)).minute % 10 == 0


@given(ZONES, DAYS, st.integers(0, 3 * 24 * 60), st.integers(0, 3 * 24 * 60))
def test_nights_between_two_minutes_are_those_with_a_window_there(zone: str, day: date, shift: int, span: int) -> None:
    any_plan = plan(ZoneInfo(zone))
    first = minute_of(datetime(day.year, day.month, day.day, tzinfo=UTC)) + shift
    found = list(any_plan.nights(first, first + span))
    expected = [
        night
        for offset in range(-2, 10)
        if (night := any_plan.night(day + timedelta(days=offset))).windows
        and any(first <= window <= first + span for window in range(night.windows[0], night.last_window + 1))
    ]
    assert found == expected


def test_ready_waits_for_arrival_and_at_most_the_grace() -> None:
    at = datetime(2024, 8, 26, 13, 1, 30, tzinfo=UTC)  # minute 13:00 is over
    over = minute_of(at) - 1
    assert ready_through(at, None, 60) == over - 1  # 13:00 waits until 13:02:00
    assert ready_through(at + timedelta(seconds=30), None, 60) == over
    assert ready_through(at, over - 5, 60) == over - 1
    assert ready_through(at, over, 60) == over
    assert ready_through(at, over + 90, 60) == over  # a mark from the future opens no minute that is not over


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"start": "22:00", "end": "22:00"}, "night.end"),
        ({"start": "22:00", "end": "22:05"}, "night.end"),
        ({"report_start": "12:00"}, "night.report_start"),
        ({"report_end": "05:10"}, "night.report_end"),
        ({"report_start": "04:05"}, "night.report_end"),  # 04:20 to 04:50, and 05:00 is not a window of the night
        ({"report_start": "04:00", "report_end": "02:00"}, "night.report_end"),
    ],
)
def test_times_that_make_no_night_name_their_key(keys: dict[str, str], named: str) -> None:
    environ = {f"HYDROLOG_NIGHT__{key.upper()}": value for key, value in keys.items()}
    with pytest.raises(SettingsError) as refused:
        plan_of(load(None, environ))
    assert refused.value.key == named


@pytest.mark.parametrize(
    ("keys", "hours"),
    [
        ({}, (0, 290)),
        ({"end": "06:00"}, (0, 300)),
        ({"start": "01:30", "end": "04:00"}, (90, 140)),  # a night without the default hours keeps what it has of them
        ({"report_start": "02:00", "report_end": "04:00"}, (120, 120)),
        ({"report_start": "01:55", "report_end": "04:09"}, (120, 120)),  # whole windows
        ({"report_start": "23:00", "report_end": "02:00"}, (1380, 180)),
    ],
)
def test_the_reports_hours_are_whole_windows_of_the_night(keys: dict[str, str], hours: tuple[int, int]) -> None:
    chosen = load(None, {f"HYDROLOG_NIGHT__{key.upper()}": value for key, value in keys.items()})
    assert report_hours(chosen.night) == hours
    night = plan_of(chosen).night(date(2024, 8, 27))
    assert len(night.report) * 10 == hours[1]
    assert set(night.report) <= set(night.windows)
