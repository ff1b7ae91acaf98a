"""nightflow on a real Postgres: which windows it writes, when, and what becomes of them when rows come late."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from common import database, mark
from common.cli import night as command
from common.cli import sensors, shell
from common.cli.sensors import NoSuchSensor
from common.clock import FixedClock, minute_of, minute_start
from common.errors import DatabaseDown
from common.log import open_for
from common.mark import Mark
from common.runner import Context
from common.settings import Settings
from nightflow.step import NightFlow

EVENING = datetime(2024, 8, 26, 13, 0, tzinfo=UTC)  # 22:00 in Seoul
FIRST = minute_of(EVENING)
MORNING = EVENING + timedelta(hours=7)
NIGHT = date(2024, 8, 27)
MakeSettings = Callable[..., Settings]


class Site:
    """A database with one registered sensor, and a nightflow at whose archive the test turns."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.url = url
        self.archived: int | None = None
        self.connection = psycopg.connect(url, autocommit=True)
        self.register("001")
        self.nightflow = self.start()

    def start(self, settings: Settings | None = None) -> NightFlow:
        context = Context(settings or self.settings, FixedClock(EVENING), threading.Event(), "nightflow")
        return NightFlow(context, lambda: self.archived)

    def close(self) -> None:
        self.nightflow.close()
        self.connection.close()

    def register(self, sensor: str) -> None:
        self.connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES (%s)", (sensor,))

    def rows(self, minutes: Iterable[int], sensor: str = "001", flow: float | None = 8.0, flags: str = "0000") -> None:
        with self.connection.cursor() as cursor:
            listed = list(minutes)
            for minute in {listed[0], listed[-1]}:
                cursor.execute("SELECT real_val_partition(%s)", (minute_start(minute),))
            cursor.executemany(
                "INSERT INTO REAL_VAL_TB (sensor, time, flow, pressure, samples, flow_flags, log_id, log_offset)"
                " VALUES (%s, %s, %s, 4.0, 60, %s, 'log', %s)",
                [(sensor, minute_start(minute), flow, flags, minute) for minute in listed],
            )

    def window(self, minute: int, sensor: str = "001") -> dict[str, Any] | None:
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            cursor.execute(
                "SELECT * FROM NIGHT_FLOW_VAL_TB WHERE sensor = %s AND time = %s", (sensor, minute_start(minute))
            )
            return cursor.fetchone()

    def count(self) -> int:
        row = self.connection.execute("SELECT count(*) FROM NIGHT_FLOW_VAL_TB").fetchone()
        assert row
        return int(row[0])

    def report(self, night: date = NIGHT, sensor: str = "001") -> dict[str, Any] | None:
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            cursor.execute("SELECT * FROM NIGHT_REPORT_TB WHERE sensor = %s AND night = %s", (sensor, night))
            return cursor.fetchone()


@pytest.fixture
def site(database_url: str, settings_for: MakeSettings) -> Iterable[Site]:
    with contextlib.closing(Site(settings_for(database__url=database_url), database_url)) as made:
        yield made


@pytest.fixture
def roman_site(database_url: str, settings_for: MakeSettings) -> Iterable[Site]:
    settings = settings_for(database__url=database_url, site__timezone="Europe/Rome")
    with contextlib.closing(Site(settings, database_url)) as made:
        yield made


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
    assert report["good_minutes"] == {36: 60, 48: 180, 42: 120}[windows]


def test_the_report_leaves_faulty_values_out_and_says_how_many(site: Site) -> None:
    two = FIRST + 4 * 60  # 02:00
    site.rows(range(FIRST - 24 * 60, two + 1))
    site.rows(range(two + 1, two + 31), flow=0.1, flags="S000")  # stuck low: not the quietest hour
    site.rows(range(two + 31, two + 61), flow=9.0)
    site.rows(range(two + 61, FIRST + 430), flow=7.0)
    site.nightflow.step(MORNING)
    report = site.report()
    assert report
    assert report["hour_flow"] == pytest.approx(7.0)
    assert report["hour_start"] == minute_start(two + 61)
    assert (report["faulty_minutes"], report["good_minutes"]) == (30, 90)
    assert report["day_factor"] == pytest.approx(24.0)
    assert report["leak_day"] == pytest.approx(24 * 0.8 * 7.0)
    state = json.loads((site.settings.paths.data / "night_state.json").read_text())
    assert state["night"] == "2024-08-27"
    assert state["sensors"]["001"]["flow_m3h"] == pytest.approx(7.0)


def test_a_late_row_of_last_night_changes_its_report_and_the_state(site: Site) -> None:
    site.rows(range(FIRST - 24 * 60, FIRST + 4 * 60 + 1))
    site.rows(range(FIRST + 5 * 60, FIRST + 430))
    site.nightflow.step(MORNING)
    before = site.report()
    assert before
    site.rows(range(FIRST + 4 * 60 + 1, FIRST + 5 * 60), flow=5.0)
    site.nightflow.step(MORNING + timedelta(minutes=2))
    after = site.report()
    assert after
    assert (before["hour_flow"], after["hour_flow"]) == (pytest.approx(8.0), pytest.approx(5.0, rel=0.02))
    state = json.loads((site.settings.paths.data / "night_state.json").read_text())
    assert state["sensors"]["001"]["flow_m3h"] == pytest.approx(after["hour_flow"])


def test_late_rows_of_a_night_also_change_the_report_of_the_one_after(site: Site) -> None:
    site.rows(range(FIRST - 24 * 60, FIRST - 24 * 60 + 100))
    site.rows(range(FIRST - 10 * 60, FIRST + 430))
    site.nightflow.step(MORNING)
    before = site.report()
    assert before
    assert before["percentile_nights"] == 1
    site.rows(range(FIRST - 24 * 60 + 100, FIRST - 10 * 60), flow=6.0)
    site.nightflow.step(MORNING + timedelta(minutes=2))
    after = site.report()
    assert after
    assert (after["percentile_nights"], after["night_use"]) == (2, pytest.approx(0.2 * 6.0))


def test_a_step_while_the_database_is_down_raises_and_the_next_one_catches_up(
    site: Site, settings_for: MakeSettings
) -> None:
    site.rows(range(FIRST - 9, FIRST + 1))
    down = settings_for(database__url="postgresql://127.0.0.1:1/none")
    with pytest.raises(DatabaseDown):
        site.start(down).step(EVENING + timedelta(minutes=5))
    site.nightflow.step(EVENING + timedelta(hours=3))
    found = site.window(FIRST)
    assert found
    assert found["complete"]


TWO = FIRST + 4 * 60  # 02:00 in Seoul: window T of it ends the ten minutes from 01:51 on


def test_planned_work_by_night_is_left_out_and_counted(site: Site) -> None:
    folder = site.settings.paths.data / "criteria"
    folder.mkdir()
    (folder / "planned.txt").write_text("all 2024-08-27 02:30 2024-08-27 03:00 flushing\nsoon\n")
    site.rows(range(FIRST - 24 * 60, TWO + 30))
    site.rows(range(TWO + 30, TWO + 60), flow=1.0)  # the main is shut for it
    site.rows(range(TWO + 60, FIRST + 430))
    site.nightflow.step(MORNING)
    report = site.report()
    assert report
    assert report["hour_flow"] == pytest.approx(8.0)
    assert (report["planned_minutes"], report["faulty_minutes"], report["good_minutes"]) == (30, 0, 90)
    found = site.window(TWO + 40)
    assert found
    assert found["flow"] == 1.0  # the means say what the meter said


def test_work_that_is_planned_afterwards_changes_the_report_that_is_made_anew(site: Site) -> None:
    site.rows(range(FIRST - 24 * 60, FIRST + 430))
    site.nightflow.step(MORNING)
    folder = site.settings.paths.data / "criteria"
    folder.mkdir()
    (folder / "planned.txt").write_text("001 2024-08-27 02:30 2024-08-27 03:00 flushing\n")
    site.connection.execute("DELETE FROM NIGHT_REPORT_TB")
    site.nightflow.step(MORNING + timedelta(minutes=3))
    report = site.report()
    assert report
    assert report["planned_minutes"] == 30


def test_what_the_utility_knows_stands_in_the_report_with_its_inputs(site: Site) -> None:
    site.connection.execute("UPDATE SENSOR_TB SET night_users = 2000, n1 = 1.2, reference_pressure = 3.5")
    site.rows(range(FIRST - 24 * 60, FIRST + 430))
    site.nightflow.step(MORNING)
    report = site.report()
    assert report
    assert (report["night_use"], report["night_use_by"]) == (pytest.approx(1.2), "users")
    assert (report["night_users"], report["night_litres"]) == (2000, 0.6)
    assert (report["n1"], report["reference_pressure"], report["reference_by"]) == (1.2, 3.5, "fixed")
    assert report["leak_flow"] == pytest.approx(6.8)
    assert report["leak_flow_reference"] == pytest.approx(6.8 * (3.5 / 4.0) ** 1.2)


def test_a_replaced_instrument_begins_anew(site: Site) -> None:
    days = [FIRST + day * 1440 for day in range(-9, 1)]
    for number, evening in enumerate(days):
        site.rows(range(evening - 17 * 60, evening + 7 * 60), flow=20.0 if number < 7 else 8.0)
    changed = minute_start(days[7] - 10 * 60)  # noon of the day before the eighth night
    site.connection.execute("UPDATE SENSOR_TB SET replaced_at = %s", (changed,))
    site.nightflow.step(MORNING)
    nights = {row[0]: row[1:] for row in site.connection.execute("SELECT night, percentile_nights, night_use, "
              "pressure_hours, day_factor FROM NIGHT_REPORT_TB ORDER BY night")}  # fmt: skip
    eighth = nights[NIGHT - timedelta(days=2)]
    assert eighth[0] == 1 and eighth[1] == pytest.approx(0.2 * 8.0)
    assert eighth[2] == 17 and eighth[3] is None  # from noon to five: too few for a day
    assert nights[NIGHT][0] == 3 and nights[NIGHT][2] == 24
    seventh = nights[NIGHT - timedelta(days=3)]  # of the old one, though it is reported after the change
    assert seventh[0] == 7 and seventh[1] == pytest.approx(0.2 * 20.0) and seventh[3] == pytest.approx(24.0)


def test_the_command_says_since_when_another_instrument_measures_and_reports_the_last_nights_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.rows(range(FIRST - 9 * 1440, FIRST + 430))
    site.nightflow.step(MORNING)
    before = site.report()
    assert before and before["percentile_nights"] == 7
    monkeypatch.setattr(shell, "site_clock", lambda _: FixedClock(MORNING + timedelta(hours=1)))
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(site.settings.paths.data))
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", site.url)
    assert sensors.run(["replaced", "001", "--at", "2024-08-25 10:30"]) == 0
    assert "001 measures with another instrument since 2024-08-25 10:30" in capsys.readouterr().out
    after = site.report()
    assert after and after["percentile_nights"] == 2
    with pytest.raises(NoSuchSensor):
        sensors.run(["replaced", "002"])
    with pytest.raises(SystemExit):
        sensors.run(["replaced", "001", "--at", "soon"])


def test_missing_nights_are_not_made_up_and_the_week_counts_days(site: Site) -> None:
    for day in (-9, -8, -6, -3, 0):
        evening = FIRST + day * 1440
        site.rows(range(evening - 17 * 60, evening + 7 * 60), flow=8.0 + day / 10)
    site.nightflow.step(MORNING)
    found = list(site.connection.execute("SELECT night, percentile_nights FROM NIGHT_REPORT_TB WHERE hour_flow > 0"))
    assert sorted(found) == [(NIGHT + timedelta(days=day), nights) for day, nights in
                             ((-9, 1), (-8, 2), (-6, 3), (-3, 4), (0, 3))]  # fmt: skip
    report = site.report(NIGHT - timedelta(days=1))
    assert report is None or report["hour_flow"] is None


def test_tables_of_an_older_version_get_what_is_new_and_keep_what_they_hold(site: Site) -> None:
    site.rows(range(FIRST - 24 * 60, FIRST + 430))
    site.nightflow.step(MORNING)
    before = site.report()
    assert before
    for table, columns in (
        ("SENSOR_TB", ("night_users", "night_litres", "night_use", "n1", "reference_pressure", "replaced_at")),
        ("NIGHT_REPORT_TB", ("planned_minutes", "night_use_by", "night_users", "night_litres", "reference_by")),
    ):
        for column in columns:
            site.connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}".encode())
    with pytest.raises(DatabaseDown, match="hydrolog init-db"), contextlib.closing(site.start()) as nightflow:
        nightflow.step(MORNING + timedelta(days=1))
    for _ in range(2):
        database.init_schema(site.url)
    after = site.report()
    assert after == before
    site.nightflow.step(MORNING + timedelta(days=1))
    assert site.report(NIGHT + timedelta(days=1))


def test_setting_what_is_known_reports_the_last_nights_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.rows(range(FIRST - 9 * 1440, FIRST + 430))
    site.nightflow.step(MORNING)
    monkeypatch.setattr(shell, "site_clock", lambda _: FixedClock(MORNING + timedelta(hours=1)))
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(site.settings.paths.data))
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", site.url)
    said = command.run(["set", "001", "--users", "5000", "--litres", "0.5", "--n1", "1.1"])
    assert said == 0
    assert "5000 users x 0.5 L/h = 2.5 m3/h; N1 1.1; compared at the median of 24 nights" in capsys.readouterr().out
    last, old = site.report(), site.report(NIGHT - timedelta(days=8))
    assert last and old
    assert (last["night_use"], last["n1"], last["leak_flow"]) == (2.5, 1.1, pytest.approx(5.5))
    assert (old["night_use_by"], old["n1"]) == ("share", 1.0)
    command.run(["set", "001", "--use", "3.25"])
    command.run(["--nights", "1"])
    assert "3.25 (fixed)" in capsys.readouterr().out
    command.run(["set", "001", "--use", "default", "--users", "default"])
    last = site.report()
    assert last and last["night_use_by"] == "share"
    with pytest.raises(NoSuchSensor):
        command.run(["set", "002", "--n1", "1.1"])
    with pytest.raises(SystemExit):
        command.run(["set", "001", "--n1", "11"])


def environment(settings: Settings, url: str) -> dict[str, str]:
    return {**os.environ, "HYDROLOG_PATHS__DATA": str(settings.paths.data), "HYDROLOG_DATABASE__URL": url}


def test_the_executable_reads_the_real_mark_and_commit(site: Site) -> None:
    site.rows(range(FIRST - 9, FIRST + 1))
    log = open_for(site.settings)
    log.append([f"row {n}" for n in range(10)])
    group = log.group("archive")
    mark.store(site.settings.paths.data, Mark(FIRST, log.end_offset, log.log_id))
    at = ["--once", "--at", "2024-08-26T22:01:05+09:00"]

    def once() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "nightflow", *at],
            env=environment(site.settings, site.url),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert once().returncode == 0
    assert site.window(FIRST) is None
    group.poll(100)
    group.commit(log.end_offset)
    assert once().returncode == 0
    found = site.window(FIRST)
    assert found
    assert found["complete"]
    log.close()


def test_the_executable_ends_at_once_on_sigterm_and_with_2_on_wrong_times(site: Site, tmp_path: Path) -> None:
    wrong = subprocess.run(
        [sys.executable, "-m", "nightflow"],
        env={**environment(site.settings, site.url), "HYDROLOG_NIGHT__END": "22:00"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert wrong.stderr.startswith("night.end")
    with subprocess.Popen(
        [sys.executable, "-m", "nightflow"],
        env=environment(site.settings, site.url),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert "start" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
