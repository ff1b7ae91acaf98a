"""The nights of all sites of a center: each when it is complete, by its own clock, by one of many processes."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from database_site import away
from night_center import MINUTE, NightCenter
from night_site import EVENING, MORNING, NIGHT, MakeSettings, Site
from waiting import wait_for

from common.errors import DatabaseDown
from common.site_claims import LATE, OVERDUE
from nightflow.all_sites import LOOK_EVERY
from server import queries
from situation.site_work import WorkState

DAY = timedelta(days=1)
DAYTIME = EVENING - timedelta(hours=12)  # 10:00 in Seoul
WHOLE = 290  # accepted minutes of a night in the report's hours, a sensor
SITES = 12


@pytest.fixture
def center(database_url: str, tmp_path: Path) -> Iterator[NightCenter]:
    with contextlib.closing(NightCenter(database_url, tmp_path)) as made:
        yield made


def test_a_night_is_reported_when_the_site_is_complete_and_waits_for_no_other(center: NightCenter) -> None:
    for site in ("late", "prompt"):
        center.add(site)
        center.delivered(site, DAYTIME, MORNING - timedelta(hours=1))
    worker = center.worker()
    worker.step(MORNING - timedelta(hours=1))
    assert center.reports() == {}, "the night is not over"
    center.delivered("prompt", MORNING - timedelta(hours=1), MORNING + MINUTE)
    worker.step(MORNING + MINUTE)
    assert center.reports() == {("prompt", NIGHT): WHOLE}
    now = MORNING + timedelta(hours=2)
    counters = worker.step(now)
    assert center.reports() == {("prompt", NIGHT): WHOLE}
    assert (counters["sites"], counters["sites_due"]) == (2, 0)
    center.delivered("late", MORNING - timedelta(hours=1), MORNING + MINUTE)
    worker.step(now + LOOK_EVERY)
    assert center.reports() == {("prompt", NIGHT): WHOLE, ("late", NIGHT): WHOLE}
    assert center.windows("late")[-42:] == [True] * 42


def test_a_site_that_stopped_is_reported_with_what_is_there_and_again_when_the_rest_has_come(
    center: NightCenter,
) -> None:
    center.add("a")
    stopped = EVENING + timedelta(hours=5)
    center.delivered("a", DAYTIME, stopped)
    worker = center.worker()
    worker.step(MORNING + 2 * MINUTE)
    assert center.reports() == {}
    worker.step(MORNING + LATE + MINUTE)
    assert center.reports() == {("a", NIGHT): 179}
    for days in range(1, 4):
        worker.step(MORNING + days * DAY + LATE + MINUTE)
    assert worker.step(MORNING + 3 * DAY + LATE + 2 * MINUTE)["sites_late"] == 1
    center.delivered("a", stopped, MORNING + 4 * DAY + MINUTE)
    counters = worker.step(MORNING + 4 * DAY + 2 * MINUTE)
    assert center.reports() == {("a", NIGHT + n * DAY): WHOLE for n in range(5)}
    assert counters["sites_late"] == 0


def test_a_site_without_marks_is_waited_for(center: NightCenter) -> None:
    center.add("old")
    center.rows("old", DAYTIME, MORNING)
    worker = center.worker()
    worker.step(MORNING + LATE - timedelta(minutes=20))
    assert center.reports() == {}
    worker.step(MORNING + LATE)
    assert center.reports() == {("old", NIGHT): WHOLE}
    center.delivered("old", MORNING, MORNING + DAY)
    worker.step(MORNING + DAY)
    assert center.reports() == {("old", NIGHT): WHOLE, ("old", NIGHT + DAY): WHOLE}, "it has marks now"


@pytest.mark.parametrize(
    ("day", "windows", "minutes"),
    [(date(2024, 3, 31), 36, 230), (date(2024, 10, 27), 48, 350), (date(2024, 6, 15), 42, WHOLE)],
)
def test_each_site_has_the_night_of_its_own_clock(center: NightCenter, day: date, windows: int, minutes: int) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    for site, zone in (("rome", "Europe/Rome"), ("seoul", None)):
        center.add(site, zone)
        center.delivered(site, noon - DAY, noon)
    worker = center.worker()
    worker.step(noon - timedelta(hours=11))  # 10:00 in Seoul, 03:00 or earlier in Rome
    assert center.reports() == {("seoul", day): WHOLE}
    worker.step(noon)
    assert center.reports() == {("seoul", day): WHOLE, ("rome", day): minutes}
    assert center.windows("rome") == [True] * windows


def test_a_center_makes_the_same_reports_as_the_box(
    center: NightCenter, database_url: str, settings_for: MakeSettings
) -> None:
    center.add("far")
    settings = settings_for(database__url=database_url)
    with contextlib.closing(Site(settings, database_url)) as box:
        for site in (settings.site.id, "far"):
            for sensor, flow in (("001", 8.0), ("002", 30.0)):
                center.rows(site, EVENING - 12 * DAY, MORNING, sensor=sensor, flow=flow)
        center.connection.execute(
            "UPDATE REAL_VAL_TB SET flow_flags = 'R000' WHERE sensor = '002' AND extract(minute FROM time) < 20"
        )
        box.nightflow.step(MORNING + MINUTE)
        center.closed("far", MORNING)
        center.worker().step(MORNING + MINUTE)
    for table in ("NIGHT_FLOW_VAL_TB", "NIGHT_REPORT_TB"):
        query = f"SELECT to_jsonb(made) - 'site' FROM {table} AS made WHERE site = %s ORDER BY 1"
        here, far = (
            center.connection.execute(query.encode(), (site,)).fetchall() for site in (settings.site.id, "far")
        )
        assert len(here) > 20
        assert far == here


def test_a_new_site_gets_its_earlier_nights_and_the_others_do_not_wait_for_them(
    center: NightCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nightflow.all_sites.WORK_S", 0.0)  # a step is one look, and then pieces by hand
    monkeypatch.setattr("nightflow.site_nights.PIECE_S", 0.0)  # of a night each
    worker = center.worker()
    center.add("new")
    center.delivered("new", EVENING - 25 * DAY, MORNING)
    worker.step(MORNING)
    for nights in range(1, 4):
        assert worker._work(MORNING)
        assert len(center.reports()) == nights
    center.add("small")
    center.delivered("small", EVENING, MORNING)
    worker.step(MORNING + LOOK_EVERY)
    worker._work(MORNING + LOOK_EVERY)
    worker._work(MORNING + LOOK_EVERY)
    assert ("small", NIGHT) in center.reports()
    pieces = [worker._work(MORNING + LOOK_EVERY) for _ in range(40)]
    assert pieces[-1] is False
    assert center.reports() == {("small", NIGHT): WHOLE} | {("new", NIGHT - n * DAY): WHOLE for n in range(26)}


def test_a_site_that_is_taken_away_is_left_alone(center: NightCenter) -> None:
    center.add("a")
    worker = center.worker()
    assert worker.step(EVENING)["sites"] == 1
    center.connection.execute("DELETE FROM SITE_TB")
    center.rows("a", EVENING - DAY, MORNING)
    assert worker.step(MORNING + DAY)["sites"] == 0
    assert center.reports() == {}


def test_a_sensor_that_is_registered_later_gets_its_earlier_nights(center: NightCenter) -> None:
    center.add("a")
    center.delivered("a", EVENING - 5 * DAY, MORNING)
    worker = center.worker()
    worker.step(MORNING)
    center.rows("a", EVENING - 5 * DAY, MORNING, sensor="002")
    center.delivered("a", MORNING, MORNING + DAY)
    worker.step(MORNING + DAY)
    assert center.reports()["a", NIGHT - 4 * DAY] == 2 * WHOLE


def test_what_people_change_of_a_sensor_makes_the_last_nights_anew(center: NightCenter) -> None:
    center.add("a")
    center.delivered("a", EVENING - 9 * DAY, MORNING)
    worker = center.worker()
    worker.step(MORNING)
    change = "UPDATE SENSOR_TB SET night_use = 2, changed_at = %s"
    center.connection.execute(change, (MORNING + MINUTE,))
    counters = worker.step(MORNING + 2 * MINUTE)
    assert counters["renewed"] == 8
    assert worker.step(MORNING + 3 * MINUTE)["renewed"] == 8, "once"
    uses = "SELECT count(*) FILTER (WHERE night_use = 2), count(*) FROM NIGHT_REPORT_TB"
    assert center.connection.execute(uses).fetchone() == (8, 10)


def test_reports_of_an_earlier_definition_are_made_anew(center: NightCenter) -> None:
    center.add("a")
    center.delivered("a", EVENING - 14 * DAY, MORNING)
    worker = center.worker()
    worker.step(MORNING)
    center.connection.execute("UPDATE NIGHT_REPORT_TB SET definition = 1")
    center.connection.execute("UPDATE SITE_WORK_TB SET next_at = %s, state = state - 'definition'", (MORNING,))
    for minutes in range(3):
        worker.step(MORNING + minutes * MINUTE)
    assert center.connection.execute("SELECT DISTINCT definition FROM NIGHT_REPORT_TB").fetchall() == [(2,)]


def test_a_site_whose_night_is_refused_holds_up_no_other_and_is_tried_again(
    center: NightCenter, caplog: pytest.LogCaptureFixture
) -> None:
    for site in ("a", "bad", "c"):
        center.add(site)
        center.delivered(site, EVENING, MORNING)
    refuse = "ALTER TABLE NIGHT_REPORT_TB ADD CONSTRAINT refused CHECK (site <> 'bad')"
    center.connection.execute(refuse.encode())
    worker = center.worker()
    worker.step(MORNING)
    assert {site for site, _ in center.reports()} == {"a", "c"}
    assert "refused" in caplog.text
    assert worker.step(MORNING + LOOK_EVERY)["sites_failed"] == 1
    center.connection.execute("ALTER TABLE NIGHT_REPORT_TB DROP CONSTRAINT refused")
    worker.step(MORNING + timedelta(hours=1))
    assert ("bad", NIGHT) in center.reports()
    assert worker.step(MORNING + timedelta(hours=2))["sites_failed"] == 0


def test_a_clock_that_was_years_ahead_for_a_moment_costs_no_night(center: NightCenter) -> None:
    center.add("a")
    center.rows("a", DAYTIME, MORNING)
    worker = center.worker()
    worker.step(datetime.now(UTC) + timedelta(days=3650))
    worker.step(MORNING + LATE + MINUTE)
    assert center.reports() == {("a", NIGHT): WHOLE}


def test_what_nobody_does_is_seen_by_the_server(center: NightCenter) -> None:
    for site in ("a", "late"):
        center.add(site)
        center.delivered(site, DAYTIME, MORNING - timedelta(hours=2))
    worker = center.worker()
    worker.step(MORNING)
    center.closed("a", MORNING)
    worker._look(MORNING)  # and then it ends

    def seen(now: datetime) -> WorkState:
        with center.connection.transaction(), center.connection.cursor() as cursor:
            (state,) = queries.site_work(cursor, now)
        return state

    assert seen(MORNING + OVERDUE - MINUTE) == WorkState("nights", sites=2, overdue=0, failed=0, late=0)
    assert seen(MORNING + OVERDUE) == WorkState("nights", sites=2, overdue=1, failed=0, late=0)
    assert seen(MORNING + LATE) == WorkState("nights", sites=2, overdue=1, failed=0, late=1)
    worker.step(MORNING + LATE)
    assert seen(MORNING + LATE) == WorkState("nights", sites=2, overdue=0, failed=0, late=1)


def test_what_an_other_version_noted_is_no_trouble(center: NightCenter) -> None:
    center.add("a")
    center.delivered("a", EVENING, MORNING)
    worker = center.worker()
    worker.step(EVENING)
    center.connection.execute("""UPDATE SITE_WORK_TB SET state = '{"sensors": 5, "more": "x"}'""")
    worker.step(MORNING + MINUTE)
    assert center.reports() == {("a", NIGHT): WHOLE}


def test_a_database_that_was_away_costs_nothing(center: NightCenter, postgres_url: str) -> None:
    center.add("a")
    center.delivered("a", EVENING, MORNING)
    worker = center.worker()
    with away(postgres_url, center.url), pytest.raises(DatabaseDown):
        worker.step(MORNING)
    center.connection.close()
    center.connection = psycopg.connect(center.url, autocommit=True)
    worker.step(MORNING)
    assert center.reports() == {("a", NIGHT): WHOLE}


@pytest.mark.parametrize("processes", [2, 4])
def test_real_processes_report_each_night_once_although_one_is_killed_in_the_middle(
    center: NightCenter, processes: int
) -> None:
    """It is stopped in the middle of the first site's report by a lock that the test holds."""
    sites = [f"s{number:02}" for number in range(SITES)]
    for site in sites:
        center.add(site)
        center.delivered(site, EVENING - 2 * DAY, MORNING)
    center.count_writes()
    center.connection.execute(
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF new.site = 's00' THEN PERFORM pg_advisory_xact_lock_shared(1); END IF; RETURN new; END $$;"
        "CREATE TRIGGER hold BEFORE INSERT ON NIGHT_REPORT_TB FOR EACH ROW EXECUTE FUNCTION hold()"
    )
    center.connection.execute("SELECT pg_advisory_lock(1)")
    is_held = "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    running = []
    try:
        running.append(center.process("p0", MORNING))
        wait_for(lambda: center.connection.execute(is_held).fetchone() == (True,), "a process in the first site")
        running += [center.process(f"p{number}", MORNING) for number in range(1, processes)]
        wait_for(lambda: {site for site, _ in center.reports()} == set(sites[1:]), "the other sites")
        assert center.connection.execute(is_held).fetchone() == (True,)
        running[0].kill()
        center.connection.execute("SELECT pg_advisory_unlock(1)")
        wait_for(lambda: {site for site, _ in center.reports()} == set(sites), "the site of the killed one")
    finally:
        for process in running:
            process.kill()
            process.wait(60)
    expected = {(site, NIGHT - n * DAY) for site in sites for n in range(3)}
    assert center.reports().keys() <= expected
    assert set(center.written().values()) == {1}
    assert {site for site, night in center.reports() if night == NIGHT} == set(sites)
