"""The wall clock's two odd hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.file_times import EXACT
from common.wall_clock import WallClock

ROME = ZoneInfo("Europe/Rome")
EPOCH = datetime(1970, 1, 1)


def us(moment: datetime) -> int:
    return (moment.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)


def utc(clock: WallClock, *texts: str) -> list[str]:
    """The UTC times of the local ones, without those that do not exist."""
    at, exists = clock.utc(np.array([us(datetime.fromisoformat(text)) for text in texts], dtype=np.int64))
    return [f"{EPOCH + timedelta(microseconds=int(one)):%d %H:%M}" for one in at[exists]]


@given(
    cut=st.integers(0, 240),
    zone=st.sampled_from(["Europe/Rome", "Australia/Lord_Howe", "America/St_Johns", "Asia/Seoul"]),
    newest_first=st.booleans(),
)
def test_a_logger_s_wall_clock_comes_out_as_the_minutes_that_went_in(cut: int, zone: str, newest_first: bool) -> None:
    start = {
        "Europe/Rome": datetime(2023, 10, 28, 23, 0, tzinfo=UTC),
        "Australia/Lord_Howe": datetime(2024, 4, 6, 13, 0, tzinfo=UTC),
        "America/St_Johns": datetime(2024, 11, 3, 2, 30, tzinfo=UTC),
        "Asia/Seoul": datetime(2024, 8, 25, 13, 0, tzinfo=UTC),
    }[zone]
    went_in = [start + timedelta(minutes=i) for i in range(240)]
    if newest_first:
        went_in.reverse()
    local = np.array([us(moment.astimezone(ZoneInfo(zone))) for moment in went_in], dtype=np.int64)
    clock = WallClock(ZoneInfo(zone))
    clock.utc(local[:2])  # learns the direction
    clock = WallClock(ZoneInfo(zone)) if cut > 1 else clock
    parts = [clock.utc(part)[0] for part in (local[:cut], local[cut:]) if len(part)]
    assert np.concatenate(parts).tolist() == [us(moment) for moment in went_in]
    assert clock.skipped == 0


def test_an_hour_that_the_file_shows_once_is_summer_time() -> None:
    assert utc(WallClock(ROME), "2023-10-29T02:00", "2023-10-29T02:59") == ["29 00:00", "29 00:59"]


def test_each_autumn_begins_with_its_first_pass() -> None:
    texts = ("2022-10-30T02:10", "2022-10-30T02:05", "2023-10-29T02:00")
    assert utc(WallClock(ROME), *texts) == ["30 00:10", "30 01:05", "29 00:00"]


def test_hourly_rows_show_the_repeated_hour_twice() -> None:
    texts = ("2023-10-29T01:00", "2023-10-29T02:00", "2023-10-29T02:00", "2023-10-29T03:00")
    assert utc(WallClock(ROME), *texts) == ["28 23:00", "29 00:00", "29 01:00", "29 02:00"]


def test_times_that_never_were_are_left_out_and_counted() -> None:
    clock = WallClock(ROME)
    texts = ("2023-03-26T01:59", "2023-03-26T02:00", "2023-03-26T02:59", "2023-03-26T03:00")
    assert utc(clock, *texts) == ["26 00:59", "26 01:00"]
    assert clock.skipped == 2


@pytest.mark.parametrize("text", ["2023-03-26T02:30", "2023-10-29T02:30", "2023-07-01T00:00"])
def test_an_exact_time_is_left_alone(text: str) -> None:
    exact = us(datetime.fromisoformat(text))
    at, exists = WallClock(ROME).utc(np.array([exact + EXACT, us(datetime(2023, 7, 1, 12))], dtype=np.int64))
    assert at.tolist() == [exact, us(datetime(2023, 7, 1, 10))]
    assert exists.all()
