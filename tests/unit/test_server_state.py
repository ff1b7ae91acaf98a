"""From figures to colours and words: processes, rows, sensors, nights."""

import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from common import time_service
from common.night import NightClock
from server import state, status_words

NOW = datetime(2024, 8, 26, 7, 33, tzinfo=UTC)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize(
    ("health", "alive", "speed", "state", "word"),
    [
        (None, False, 1, "bad", "not started"),
        ({"last_success": ago(1), "problem": ""}, True, 1, "ok", "running"),
        ({"last_success": ago(1), "problem": ""}, False, 1, "bad", "stopped"),
        ({"last_success": ago(200), "problem": ""}, True, 1, "warn", "busy"),
        ({"last_success": ago(2000), "problem": ""}, True, 1, "bad", "stalled"),  # alive but idle
        ({"last_success": ago(2000), "problem": ""}, True, 60, "ok", "running"),  # 33 real seconds of a demo
        ({"last_success": None, "started": ago(5), "problem": ""}, True, 1, "warn", "starting"),
        ({"last_success": None, "started": ago(5000), "problem": ""}, True, 1, "bad", "stalled"),
        ({"last_success": ago(9), "problem": "no port", "problem_since": ago(9)}, True, 1, "warn", "waiting"),
        ({"last_success": ago(999), "problem": "no port", "problem_since": ago(999)}, True, 1, "bad", "waiting"),
        ({"problem": "unreadable health file"}, True, 1, "warn", "waiting"),
        ({"last_success": "2024-08-26", "started": 7}, True, 1, "warn", "unreadable"),
    ],
)
def test_a_process_is_judged_by_its_progress(
    health: dict[str, object] | None, alive: bool, speed: float, state: str, word: str
) -> None:
    verdict = status_words.process(health, alive, NOW, speed)
    assert (verdict.state, verdict.word) == (state, word)


def test_a_process_of_another_boot_does_not_run_whoever_has_its_number_now() -> None:
    here = {"pid": os.getpid()}
    assert state.alive(here | {"boot": time_service.boot_id()})
    assert not state.alive(here | {"boot": "5a0e7c9e-0000-4000-8000-0123456789ab"})
    assert state.alive(here)  # of a version before, which did not say
    assert not state.alive({"pid": 2**30})


def test_a_problem_is_shown_in_its_own_words() -> None:
    health = {"problem": "the database does not answer", "problem_since": ago(130)}
    assert status_words.process(health, True, NOW, 1).detail == "the database does not answer (for 2 min)"


def test_the_newest_row_is_fresh_late_or_lost() -> None:
    words = [
        status_words.newest_row(NOW - timedelta(seconds=seconds), NOW, 1).word
        for seconds in (-30, 60, 200, 300, 900, 1000)
    ]
    assert words == ["fresh", "fresh", "fresh", "late", "late", "no data"]
    assert status_words.newest_row(NOW - timedelta(seconds=1000), NOW, 60).word == "fresh"  # 17 real seconds of a demo
    assert status_words.newest_row(None, NOW, 1).state == "bad"


def test_a_silent_sensor_is_silent_before_it_is_flagged() -> None:
    fresh = status_words.newest_row(NOW - timedelta(seconds=60), NOW, 1)
    silent = status_words.newest_row(NOW - timedelta(hours=1), NOW, 1)
    assert status_words.sensor(fresh, None).word == "normal"
    assert status_words.sensor(fresh, "LEAK") == status_words.StatusWord("bad", "leak suspected", kind="leak")
    assert status_words.sensor(fresh, "watch").state == "warn"
    assert status_words.sensor(fresh, "SOMETHING NEW").state == "warn"
    assert status_words.sensor(silent, "LEAK").word == "no data"


def test_ages_are_said_as_people_say_them() -> None:
    assert [status_words.age_words(seconds) for seconds in (-5, 59, 60, 3599, 3660, 48 * 3600)] == [
        "0 s",
        "59 s",
        "1 min",
        "59 min",
        "1 h 1 min",
        "2 days",
    ]


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
