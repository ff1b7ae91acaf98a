"""The forecasts of all sites of a center: each site and hour by one process, whatever becomes of the others."""

import contextlib
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from database_site import away
from forecast_center import HOUR, NOON, TRAINED, Center
from waiting import wait_for

from common.errors import DatabaseDown
from forecaster import center as center_process
from forecaster import center_sites
from forecaster.center import PATIENCE, CenterForecaster
from forecaster.holidays import numbered
from forecaster.hours import AT_ONCE

SECOND = timedelta(seconds=1)


@pytest.fixture
def center(database_url: str, tmp_path: Path) -> Iterator[Center]:
    with contextlib.closing(Center(database_url, tmp_path)) as made:
        yield made


def until_done(worker: CenterForecaster, now: datetime) -> dict[str, object]:
    """Steps at one time until a step finds nothing to do."""
    counters = dict(worker.step(now))
    while (again := dict(worker.step(now))) != counters:
        counters = again
    return counters


def test_two_processes_make_each_sites_hour_once(center: Center) -> None:
    sites = [f"s{number:02}" for number in range(12)]
    center.add(*sites)
    center.fill(*sites)
    center.connection.execute(TRAINED, (NOON,))
    both = [center.process(name, "run") for name in ("one", "two")]
    wait_for(lambda: center.made() == dict.fromkeys(sites, 24), "all forecasts")
    for process in both:
        process.send_signal(signal.SIGTERM)
    said = [process.communicate(timeout=120)[0] for process in both]
    made = Counter(
        word for one in said for line in one.splitlines() for word in line.split() if word.startswith("site=")
    )
    assert made == {f"site={site}": 1 for site in sites}


def test_a_process_killed_in_mid_forecast_leaves_nothing_half_and_its_site_to_the_next(center: Center) -> None:
    center.add("north", "south")
    center.fill("north", "south")
    center.connection.execute(TRAINED, (NOON,))
    with psycopg.connect(center.url) as holding:
        holding.execute("LOCK TABLE PRED_VAL_TB IN EXCLUSIVE MODE")
        killed = center.process("one", "run")
        center.wait_until_somebody_waits()
        killed.kill()
        killed.wait()
    other = center.worker()
    wait_for(lambda: bool(other.step(NOON + timedelta(minutes=5))) and len(center.made()) == 2, "both sites")
    assert center.made() == {"north": 24, "south": 24}


def test_a_late_site_holds_up_nobody_and_is_forecast_when_its_rows_are_there(center: Center) -> None:
    center.add("late", through=NOON - 2 * HOUR)
    center.add("good")
    center.fill("good")
    center.fill("late", until=NOON - 2 * HOUR)
    worker = center.worker()
    until_done(worker, NOON + SECOND)
    assert set(center.made()) == {"good"}
    center.fill("late", days=1 / 12)
    center.connection.execute(
        "UPDATE SITE_TB SET closed_through = %s WHERE site = 'late'", (NOON - timedelta(minutes=1),)
    )
    until_done(worker, NOON + timedelta(minutes=4))
    assert set(center.made()) == {"good", "late"}


def test_after_a_while_what_is_there_of_a_late_site_must_do(center: Center) -> None:
    center.add("late", through=NOON - 2 * HOUR)
    center.fill("late", until=NOON - 2 * HOUR)
    worker = center.worker()
    until_done(worker, NOON + PATIENCE - SECOND)
    assert center.made() == {}
    until_done(worker, NOON + PATIENCE)
    assert center.made() == {"late": 24}
    until_done(worker, NOON + PATIENCE + timedelta(minutes=20))
    assert center.rows("SELECT count(*) FROM PRED_VAL_TB") == [(24,)]


def test_each_site_by_its_own_clock(center: Center) -> None:
    """In Kolkata an hour begins half an hour later; in Rome the day's shape is another one."""
    center.add("seoul")
    center.add("rome", zone="Europe/Rome")
    center.add("kolkata", zone="Asia/Kolkata")
    for site, zone in {"seoul": "Asia/Seoul", "rome": "Europe/Rome", "kolkata": "Asia/Kolkata"}.items():
        center.fill(site, days=20, zone=zone, noise=0.0)
    until_done(center.worker(), NOON + SECOND)
    half = NOON - timedelta(minutes=30)
    assert (center.made(NOON), center.made(half)) == ({"seoul": 24, "rome": 24}, {"kolkata": 24})
    for site, zone in {"seoul": "Asia/Seoul", "rome": "Europe/Rome", "kolkata": "Asia/Kolkata"}.items():
        query = "SELECT extract(hour FROM hour AT TIME ZONE %s), flow FROM PRED_VAL_TB WHERE site = %s"
        found = np.array(center.rows(query, zone, site), dtype=float)
        assert len(found) == 24
        np.testing.assert_allclose(found[:, 1], 10 + 5 * np.sin(2 * np.pi * found[:, 0] / 24), atol=1e-3)


def test_an_hour_follows_the_other_and_a_restart_makes_none_twice(center: Center) -> None:
    center.add("a")
    center.fill("a", until=NOON + 2 * HOUR)
    first = center.worker("one")
    until_done(first, NOON)
    made_at = center.rows("SELECT xmin::text FROM PRED_VAL_TB")
    second = center.worker("two")
    until_done(second, NOON + timedelta(minutes=10))
    assert center.rows("SELECT xmin::text FROM PRED_VAL_TB") == made_at
    closed = "UPDATE SITE_TB SET closed_through = %s"
    center.connection.execute(closed, (NOON + timedelta(minutes=59),))
    until_done(second, NOON + HOUR)
    assert center.made(NOON + HOUR) == {"a": 24}


def test_sites_come_and_go(center: Center) -> None:
    center.add("old")
    center.fill("old")
    worker = center.worker()
    until_done(worker, NOON)
    center.add("new")
    center.fill("new", days=0.2)
    assert center.rows("SELECT site FROM FORECAST_HOURS_TB") == [("old",)]
    center.connection.execute("DELETE FROM SITE_TB WHERE site = 'old'")
    center.connection.execute("UPDATE SITE_TB SET closed_through = %s", (NOON + HOUR,))
    assert until_done(worker, NOON + HOUR)["sites"] == 1
    assert center.made(NOON + HOUR) == {"new": 24}
    assert center.rows("SELECT site FROM FORECAST_HOURS_TB") == [("new",)]
    assert {label for (label,) in center.rows("SELECT model FROM PRED_VAL_TB WHERE site = 'new'")} == {
        "mean",
        "naive-24h",
    }
    until_done(worker, NOON + timedelta(days=7, hours=2))
    assert center.made(NOON + timedelta(days=7, hours=2)) == {}, "not heard of for a week"


def test_a_site_without_a_row_costs_nothing_and_is_no_trouble(center: Center) -> None:
    center.add("empty", "good")
    center.fill("good")
    until_done(center.worker(), NOON)
    assert center.made() == {"good": 24}


def test_a_large_site_is_read_in_portions_that_no_other_waits_for(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    center.add("large", "small")
    center.fill("large", "small", days=0.2)
    sensors = [f"x{number:02}" for number in range(AT_ONCE + 5)]
    for sensor in sensors:
        center.connection.execute("INSERT INTO SENSOR_TB (site, sensor) VALUES ('large', %s)", (sensor,))
        center.fill("large", days=0.2, sensor=sensor)
    monkeypatch.setattr(center_process, "STEP_S", 0.0)  # one piece a step
    worker = center.worker()
    worker.step(NOON)
    assert center.made() == {}
    assert center.rows("SELECT count(*) FROM FORECAST_HOURS_TB") == [(AT_ONCE,)]
    worker.step(NOON)
    assert center.made() == {"small": 24}, "the large one goes on behind it"
    worker.step(NOON)
    assert center.made() == {"small": 24, "large": 24 * (len(sensors) + 1)}


def test_the_next_process_reads_only_what_may_have_changed(center: Center) -> None:
    center.add("a")
    center.fill("a", days=30, noise=0.0)
    until_done(center.worker("one"), NOON)
    center.connection.execute("DELETE FROM REAL_VAL_TB WHERE time < %s", (NOON - timedelta(days=5),))
    center.fill("a", days=1 / 24, until=NOON + HOUR, noise=0.0)
    center.connection.execute("UPDATE SITE_TB SET closed_through = %s", (NOON + HOUR,))
    until_done(center.worker("two"), NOON + HOUR)
    assert set(center.rows("SELECT model FROM PRED_VAL_TB WHERE made_at = %s", NOON + HOUR)) == {("mean-4w",)}


def test_the_database_may_be_away(center: Center, postgres_url: str, database_url: str) -> None:
    center.add("a")
    center.fill("a")
    worker = center.worker()
    with away(postgres_url, database_url), pytest.raises(DatabaseDown):
        worker.step(NOON)
    with contextlib.closing(Center(database_url, center.folder)) as again:
        until_done(worker, NOON)
        assert again.made() == {"a": 24}


def test_what_the_database_refuses_of_a_site_holds_up_no_other(center: Center) -> None:
    center.add("bad", "good")
    center.fill("bad", "good")
    center.connection.execute("ALTER TABLE PRED_VAL_TB ADD CHECK (site <> 'bad')")
    counters = until_done(center.worker(), NOON)
    assert center.made() == {"good": 24}
    assert counters["sites_failed"] == 0, "counted at the next look"
    assert until_done(center.worker("two"), NOON + SECOND)["sites_failed"] == 1


def test_each_site_has_the_holidays_of_its_country_and_the_centers_own(center: Center) -> None:
    settings = center.settings(site__country="KR")
    (settings.paths.data / "criteria").mkdir()
    (settings.paths.data / "criteria" / "holidays.txt").write_text("2024-08-27  the works' own day\n")
    sites = {
        zone: center_sites.as_settings(settings.site, "a", ZoneInfo(zone)) for zone in ("Asia/Seoul", "Europe/Rome")
    }
    own = numbered([date(2024, 8, 27)])
    chuseok = numbered([date(2024, 9, 17)])
    found = {
        zone: center_sites.holidays_of(settings.site, site, settings.paths.data, NOON) for zone, site in sites.items()
    }
    assert found["Europe/Rome"] == own
    assert found["Asia/Seoul"] >= own | chuseok


def test_a_site_that_is_ahead_of_the_clock_is_forecast_once_an_hour(center: Center) -> None:
    center.add("ahead", through=NOON + 2 * HOUR)
    center.fill("ahead", until=NOON + 2 * HOUR)
    worker = center.worker()
    until_done(worker, NOON)
    written = center.rows("SELECT xmin::text FROM PRED_VAL_TB")
    until_done(worker, NOON + timedelta(minutes=1))
    assert center.rows("SELECT xmin::text FROM PRED_VAL_TB") == written
    until_done(worker, NOON + HOUR)
    assert center.made(NOON + HOUR) == {"ahead": 24}


@pytest.mark.parametrize("ahead", [3, 3650])
def test_a_clock_that_was_days_or_years_ahead_for_a_moment_costs_no_hour(center: Center, ahead: int) -> None:
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    center.add("a", through=hour)
    center.connection.execute("UPDATE SITE_TB SET heard_at = now()")
    center.fill("a", until=hour)
    worker = center.worker()
    until_done(worker, now + timedelta(days=ahead))
    until_done(worker, now)
    assert center.made(hour) == {"a": 24}
