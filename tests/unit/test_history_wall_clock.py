"""The wall clock's two odd hours, in the piece-wise text that goes to the database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.history import WallClock

ROME = ZoneInfo("Europe/Rome")


def _wall(start: datetime, minutes: int) -> list[bytes]:
    """What a logger that writes the wall clock writes from a UTC time on."""
    times = ((start + timedelta(minutes=i)).astimezone(ROME) for i in range(minutes))
    return [f"{time:%Y-%m-%d %H:%M},1,2\n".encode() for time in times]


def _utc(row: bytes) -> datetime:
    time = datetime.fromisoformat(row.split(b",")[0].decode())
    return (time if time.tzinfo else time.replace(tzinfo=ROME)).astimezone(UTC)


@given(cut=st.integers(0, 240))
def test_a_twice_shown_hour_comes_out_as_the_minutes_that_went_in(cut: int) -> None:
    start = datetime(2023, 10, 28, 23, 0, tzinfo=UTC)  # 01:00 summer time, two hours before the change
    rows = _wall(start, 240)
    clock = WallClock(ROME)
    out = b"".join(clock.resolve(b"".join(part)) for part in (rows[:cut], rows[cut:])).splitlines()
    assert [_utc(row) for row in out] == [start + timedelta(minutes=i) for i in range(240)]
    assert clock.skipped == 0


def test_an_hour_that_the_file_shows_once_is_summer_time() -> None:
    rows = [f"2023-10-29 02:{minute:02d},1,2\n".encode() for minute in range(60)]
    out = WallClock(ROME).resolve(b"".join(rows)).splitlines()
    assert out[0] == b"2023-10-29T02:00:00+02:00,1,2"
    assert out[-1] == b"2023-10-29T02:59:00+02:00,1,2"


def test_each_autumn_begins_with_its_first_pass() -> None:
    rows = b"2022-10-30 02:10,1,2\n2022-10-30 02:05,1,2\n2023-10-29 02:00,1,2\n"
    out = [row.split(b",")[0][-6:] for row in WallClock(ROME).resolve(rows).splitlines()]
    assert out == [b"+02:00", b"+01:00", b"+02:00"]


def test_times_that_never_were_are_left_out_and_counted() -> None:
    rows = b"2023-03-26 01:59,1,2\n2023-03-26 02:00,1,2\n2023-03-26 02:59:00,1,2\n2023-03-26 03:00,1,2\n"
    clock = WallClock(ROME)
    assert clock.resolve(rows) == b"2023-03-26 01:59,1,2\n2023-03-26 03:00,1,2\n"
    assert clock.skipped == 2


@pytest.mark.parametrize(
    "text", [b"2023-03-26T02:30+02:00,1,2\n", b"2023-10-29 02:30Z,1,2\n", b"nonsense\n", b"\xff,1\n"]
)
def test_what_has_an_offset_or_is_no_time_is_left_to_the_database(text: bytes) -> None:
    assert WallClock(ROME).resolve(text + b"2023-10-29 05:00,1,2\n").startswith(text)
