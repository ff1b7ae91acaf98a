"""The night that is shown."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from common.night import NightClock

NOW = datetime(2024, 8, 26, 7, 33, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "first"),
    [
        ("2024-08-26T03:00+09:00", "Asia/Seoul", "2024-08-25T22:00+09:00/2024-08-26T05:00+09:00"),
        ("2024-08-26T16:33+09:00", "Asia/Seoul", "2024-08-25T22:00+09:00/2024-08-26T05:00+09:00"),
        ("2024-08-26T22:00+09:00", "Asia/Seoul", "2024-08-26T22:00+09:00/2024-08-27T05:00+09:00"),
        ("2024-03-31T12:00+02:00", "Europe/Berlin", "2024-03-30T22:00+01:00/2024-03-31T05:00+02:00"),  # six hours
        ("2024-10-27T12:00+01:00", "Europe/Berlin", "2024-10-26T22:00+02:00/2024-10-27T05:00+01:00"),  # eight hours
    ],
)
def test_the_night_that_began_last(now: str, zone: str, first: str) -> None:
    nights = NightClock(ZoneInfo(zone), 22 * 60, 5 * 60).begun(datetime.fromisoformat(now))
    start, end = (datetime.fromisoformat(text) for text in first.split("/"))
    assert nights[0] == (start, end)
    assert nights[1][1].astimezone(ZoneInfo(zone)).date() == start.astimezone(ZoneInfo(zone)).date()


def test_a_night_inside_one_day() -> None:
    nights = NightClock(ZoneInfo("UTC"), 60, 5 * 60).begun(NOW)
    assert [f"{start:%d %H}-{end:%d %H}" for start, end in nights] == ["26 01-26 05", "25 01-25 05"]


def test_a_night_that_ends_in_the_skipped_hour_ends_where_the_reports_night_does() -> None:
    clock = NightClock(ZoneInfo("Europe/Rome"), 22 * 60, 2 * 60 + 30)  # at 02:00 it becomes 03:00
    start, end = clock.begun(datetime(2024, 3, 31, 7, tzinfo=UTC))[0]
    assert (start, end) == (datetime(2024, 3, 30, 21, tzinfo=UTC), datetime(2024, 3, 31, 1, 30, tzinfo=UTC))
