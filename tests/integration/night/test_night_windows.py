"""Means of ten minutes on a real Postgres: which are written, when, and what becomes of them when rows come late."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from night_site import EVENING, FIRST, MORNING, MakeSettings, Site

from common.clock import minute_of, minute_start
from common.errors import DatabaseDown
from log import mark
from log.mark import Mark


def test_the_first_window_averages_its_own_ten_minutes(site: Site) -> None:
    site.rows(range(FIRST - 20, FIRST - 9), flow=100.0)
    for minute in range(FIRST - 9, FIRST + 1):
        site.rows([minute], flow=float(minute - FIRST + 9))
    site.rows(range(FIRST + 1, FIRST + 5), flow=100.0)
    site.nightflow.step(EVENING + timedelta(minutes=5))
    found = site.window(FIRST)
    assert found
    assert (found["flow"], found["pressure"]) == (pytest.approx(4.5), pytest.approx(4.0))
    assert (found["minutes"], found["flow_minutes"], found["complete"]) == (10, 10, True)
    assert site.count() == 1


def test_a_window_waits_for_the_mark_and_the_archive(site: Site) -> None:
    site.rows(range(FIRST - 30, FIRST + 1))
    just_after = EVENING + timedelta(minutes=1, seconds=10)
    mark.store(site.settings.paths.data, Mark(FIRST - 1, 40, "log"))
    site.archived = 40
    site.nightflow.step(just_after)
    assert site.window(FIRST) is None  # the producer has not closed minute T
    mark.store(site.settings.paths.data, Mark(FIRST, 41, "log"))
    site.nightflow.step(just_after)
    assert site.window(FIRST) is None  # it has, but the archive has not passed its row
    site.archived = 41
    site.nightflow.step(just_after)
    found = site.window(FIRST)
    assert found
    assert found["complete"]


def test_after_the_grace_what_is_there_is_stored_as_incomplete(site: Site) -> None:
    site.rows(range(FIRST - 30, FIRST - 2))
    site.nightflow.step(EVENING + timedelta(seconds=119))
    assert site.window(FIRST) is None
    site.nightflow.step(EVENING + timedelta(seconds=120))
    found = site.window(FIRST)
    assert found
    assert (found["minutes"], found["complete"]) == (7, False)


def test_a_late_row_makes_its_window_be_computed_again(site: Site) -> None:
    site.rows(range(FIRST - 30, FIRST - 2), flow=8.0)
    site.nightflow.step(EVENING + timedelta(minutes=2))
    site.rows(range(FIRST - 2, FIRST + 1), flow=18.0)
    counters = site.nightflow.step(EVENING + timedelta(minutes=3))
    found = site.window(FIRST)
    assert found
    assert (found["minutes"], found["complete"], found["flow"]) == (10, True, pytest.approx(11.0))
    assert counters["windows_again"] == 1


def test_an_empty_flow_counts_as_a_minute_but_not_as_a_value(site: Site) -> None:
    site.rows(range(FIRST - 9, FIRST - 4), flow=None)
    site.rows(range(FIRST - 4, FIRST + 1), flow=6.0)
    site.nightflow.step(EVENING + timedelta(minutes=5))
    found = site.window(FIRST)
    assert found
    assert (found["flow"], found["minutes"], found["flow_minutes"], found["complete"]) == (6.0, 10, 5, True)


def test_faulty_values_stay_in_the_means(site: Site) -> None:
    site.rows(range(FIRST - 9, FIRST + 1), flow=500.0, flags="R000")
    site.nightflow.step(EVENING + timedelta(minutes=5))
    found = site.window(FIRST)
    assert found
    assert found["flow"] == 500.0


def test_a_silent_sensor_has_empty_windows_for_a_day_and_a_new_one_none_before_its_first_row(site: Site) -> None:
    site.rows(range(FIRST - 120, FIRST - 60))
    site.register("new")
    site.nightflow.step(MORNING)
    found = site.window(FIRST + 60)
    assert found
    assert (found["flow"], found["minutes"], found["complete"]) == (None, 0, False)
    assert site.window(FIRST + 60, "new") is None
    report = site.report()
    assert report
    assert (report["hour_flow"], report["good_minutes"]) == (None, 0)
    site.nightflow.step(MORNING + timedelta(days=2))
    assert site.window(FIRST + 2 * 24 * 60) is None  # nothing for over a day: nobody waits for it any more


def test_all_missing_nights_are_caught_up_after_an_outage(site: Site) -> None:
    site.rows(range(FIRST - 10 * 1440, FIRST + 430))
    site.nightflow.step(MORNING)
    assert site.count() == 11 * 42
    assert len(list(site.connection.execute("SELECT FROM NIGHT_REPORT_TB"))) == 11


def test_a_sensor_registered_later_gets_its_earlier_nights(site: Site) -> None:
    site.rows(range(FIRST - 10 * 1440, FIRST + 430), sensor="late")
    site.nightflow.step(MORNING)
    assert site.count() == 0
    site.register("late")
    site.nightflow.step(MORNING + timedelta(minutes=2))
    assert site.count() > 10 * 42


def test_an_archive_that_was_far_behind_fills_old_windows(site: Site) -> None:
    old = FIRST - 5 * 1440
    site.rows([old - 60])
    mark.store(site.settings.paths.data, Mark(FIRST, 9000, "log"))
    site.archived = 10
    site.nightflow.step(EVENING + timedelta(minutes=5))
    found = site.window(old)
    assert found
    assert found["minutes"] == 0
    site.rows(range(old - 30, FIRST + 1))
    site.archived = 9000
    site.nightflow.step(EVENING + timedelta(minutes=6))
    found = site.window(old)
    assert found
    assert found["complete"]


def test_windows_whose_rows_were_deleted_keep_their_means(site: Site) -> None:
    site.rows(range(FIRST - 9, FIRST + 1))
    site.nightflow.step(EVENING + timedelta(minutes=5))
    site.connection.execute("DELETE FROM REAL_VAL_TB WHERE time < %s", (minute_start(FIRST - 3),))
    site.nightflow.step(EVENING + timedelta(minutes=9))
    found = site.window(FIRST)
    assert found
    assert found["minutes"] == 10


@pytest.mark.parametrize(
    ("day", "windows"), [(date(2024, 3, 31), 36), (date(2024, 10, 27), 48), (date(2024, 6, 15), 42)]
)
def test_a_night_with_a_clock_change(roman_site: Site, day: date, windows: int) -> None:
    site = roman_site
    noon = minute_of(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    site.rows(range(noon - 1440, noon))
    site.nightflow.step(minute_start(noon - 60))
    rows = list(site.connection.execute("SELECT complete, minutes FROM NIGHT_FLOW_VAL_TB"))
    assert rows == [(True, 10)] * windows
    report = site.report(day)
    assert report
    assert report["good_minutes"] == {36: 230, 48: 350, 42: 290}[windows]


def test_a_step_while_the_database_is_down_raises_and_the_next_one_catches_up(
    site: Site, settings_for: MakeSettings
) -> None:
    site.rows(range(FIRST - 9, FIRST + 1))
    down = settings_for(database__url="postgresql://127.0.0.1:1/none")
    with contextlib.closing(site.start(down)) as nightflow, pytest.raises(DatabaseDown):
        nightflow.step(EVENING + timedelta(minutes=5))
    site.nightflow.step(EVENING + timedelta(hours=3))
    found = site.window(FIRST)
    assert found
    assert found["complete"]
