"""The group "archive" against a real Postgres: which row goes to which table, and what happens when it goes away."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from archive_site import ArchiveSite

from cli import zone_past
from cli.zone_past import NoPast
from common import audit, false_rows
from common.clock import FixedClock, minute_of, minute_start
from common.errors import DatabaseDown, NoSuchSensor, SettingsError
from common.false_rows import FalseSpan
from common.folder import SENSOR_NAMES_FILE
from common.row import Row
from common.runner import Context
from common.sensor_names import SensorNames
from common.settings import Settings
from common.zones import read_zones
from consumer.archive import Archive
from log import commits
from outliers import findings
from outliers.findings import Finding

START = datetime(2024, 8, 26, 7, 30, tzinfo=UTC)
FIRST = minute_of(START)
MakeSettings = Callable[..., Settings]


class Site(ArchiveSite):
    def rows(self, table: str = "REAL_VAL_TB") -> list[tuple[object, ...]]:
        columns = "sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset"
        return self.database.execute(f"SELECT {columns} FROM {table} ORDER BY log_offset".encode()).fetchall()

    @property
    def committed(self) -> int:
        return commits.read(self.settings.paths.data, "archive") or 0


@pytest.fixture
def site(settings_for: MakeSettings, database_url: str) -> Iterator[Site]:
    here = Site(settings_for(database__url=database_url, log__groups="archive"), START)
    here.database.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001'), ('002')")
    yield here
    here.close()


def test_rows_are_stored_exactly_as_they_stood_in_the_log(site: Site) -> None:
    site.append(
        Row(FIRST, "001", 8.02, 4.11, 60),
        Row(FIRST, "002", None, 4.0, 12, "M000", "000"),
        Row(FIRST, "x-9", 1.5, None, 3),
    )
    counters = site.step()
    time, log_id = minute_start(FIRST), site.log.log_id
    assert site.rows() == [
        ("001", time, 8.02, 4.11, 60, "0000", "000", log_id, 0),
        ("002", time, None, 4.0, 12, "M000", "000", log_id, 1),
    ]
    assert site.rows("UNREGISTERED_VAL_TB") == [("x-9", time, 1.5, None, 3, "0000", "000", log_id, 2)]
    assert {key: counters[key] for key in ("archived", "unregistered", "flagged", "lag")} == {
        "archived": 2,
        "unregistered": 1,
        "flagged": 1,
        "lag": 0,
    }
    assert len((site.settings.paths.data / "server_data.txt").read_text().splitlines()) == 1  # it was reset


def test_each_flag_is_an_outlier_with_a_reason(site: Site) -> None:
    up = Finding("001", FIRST - 60, FIRST - 90, "flow", "VALUE", "LEAK", "leak", "leak", "raise", {"rise_m3h": 3.0})
    findings.store(site.settings.paths.data / "findings.json", [up])
    site.append(Row(FIRST, "001", 8.02, 4.11, 60, "0L0J", "00P"))
    site.step()
    found = site.database.execute(
        "SELECT channel, method, code, severity, value, reason FROM OUTLIER_TB ORDER BY channel, method"
    ).fetchall()
    assert found == [
        ("flow", "NIGHT", "J", "WATCH", 8.02, "last night's minimum jumped above its reference"),
        ("flow", "VALUE", "L", "LEAK", 8.02, "flow 3 m3/h above its usual"),
        ("pressure", "PREDICT", "P", "SUPPLY", 4.11, "pressure stepped while the flow did not ask for it"),
    ]


def test_killed_between_the_rows_and_the_commit_nothing_is_there_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.append(*(Row(FIRST + minute, "001", 1.0, 1.0, 60, "S000") for minute in range(20)))

    def killed(_group: object, _offset: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("log.group.FileGroup.commit", killed)
        site.step()
    assert site.committed == 0
    site.restart()
    counters = site.step()
    assert (counters["archived"], counters["repeated"]) == (0, 20)
    assert len(site.rows()) == 20
    assert site.database.execute("SELECT count(*) FROM OUTLIER_TB").fetchone() == (20,)
    assert site.committed == 20


def test_the_database_goes_away_and_comes_back(site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site.append(*(Row(FIRST + minute, "001", 1.0, 1.0, 60) for minute in range(5)))
    site.step()
    site.append(*(Row(FIRST + 5 + minute, "001", 1.0, 1.0, 60) for minute in range(5)))
    site.database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hydrolog-archive'"
    )
    with pytest.raises(DatabaseDown) as raised:
        site.step()
    assert raised.value.counters["lag"] == 5
    assert site.committed == 5
    with monkeypatch.context() as patch, pytest.raises(DatabaseDown):
        patch.setattr("common.database.address", lambda _settings: "postgresql://127.0.0.1:9/nothing")
        site.step()
    site.step()
    assert [row[-1] for row in site.rows()] == list(range(10))


def test_a_line_that_is_no_row_is_set_aside_and_the_others_go_in(site: Site) -> None:
    site.append(Row(FIRST, "001", 1.0, 1.0, 60))
    site.log.append(["by hand", "x\ty"])
    site.append(Row(FIRST + 1, "001", 1.0, 1.0, 60))
    counters = site.step()
    assert [row[-1] for row in site.rows()] == [0, 3]
    assert (counters["not_rows"], counters["lag"]) == (2, 0)
    assert len((site.settings.paths.data / "unparsed.tsv").read_text().splitlines()) == 2


def test_a_row_that_the_database_cannot_hold_is_set_aside_and_the_others_go_in(site: Site) -> None:
    site.database.execute("ALTER TABLE REAL_VAL_TB ADD CHECK (flow < 1000)")
    site.append(*(Row(FIRST + minute, "001", 5000.0 if minute == 13 else 1.0, 1.0, 60) for minute in range(20)))
    counters = site.step()
    assert [row[-1] for row in site.rows()] == [*range(13), *range(14, 20)]
    assert (counters["not_rows"], counters["lag"]) == (1, 0)
    assert "CheckViolation" in (site.settings.paths.data / "unparsed.tsv").read_text()


def test_a_table_that_was_changed_is_waited_for_and_nothing_is_skipped(site: Site) -> None:
    site.append(Row(FIRST, "001", 1.0, 1.0, 60))
    site.database.execute("ALTER TABLE REAL_VAL_TB RENAME COLUMN samples TO readings")
    with pytest.raises(DatabaseDown, match="init-db"):
        site.step()
    assert site.committed == 0
    site.database.execute("ALTER TABLE REAL_VAL_TB RENAME COLUMN readings TO samples")
    site.step()
    assert len(site.rows()) == 1


def test_a_sensor_that_is_registered_meanwhile_gets_its_next_rows_in_the_archive(site: Site) -> None:
    site.append(Row(FIRST, "003", 1.0, 1.0, 60))
    site.step()
    site.database.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('003')")
    site.append(Row(FIRST + 1, "003", 1.0, 1.0, 60))
    site.step()
    assert [row[-1] for row in site.rows("UNREGISTERED_VAL_TB")] == [0]
    assert [row[-1] for row in site.rows()] == [1]


def test_no_row_slips_behind_a_registration_that_is_moving_the_history(site: Site, database_url: str) -> None:
    """The row arrives while the sensor is being registered: it waits, and then it is a row of a known sensor."""
    with psycopg.connect(database_url) as registering:
        registering.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('003')")
        site.append(Row(FIRST, "003", 1.0, 1.0, 60))
        archiving = threading.Thread(target=site.step)
        archiving.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'sensor_tb'::regclass"
        while archiving.is_alive() and site.database.execute(waiting).fetchone() == (0,):
            pass
        registering.commit()
    archiving.join(30)
    assert len(site.rows()) == 1
    assert not site.rows("UNREGISTERED_VAL_TB")


def test_rows_of_several_months_find_their_partitions(site: Site) -> None:
    new_year = minute_of(datetime(2024, 12, 31, 23, 59, tzinfo=UTC))
    site.append(*(Row(minute, "001", 1.0, 1.0, 60) for minute in (FIRST, new_year, new_year + 1)))
    site.step()
    names = site.database.execute("SELECT tableoid::regclass::text FROM REAL_VAL_TB ORDER BY time").fetchall()
    assert names == [("real_val_202408",), ("real_val_202412",), ("real_val_202501",)]


def _months(site: Site) -> list[str]:
    found = site.database.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'real_val_tb'::regclass ORDER BY 1"
    ).fetchall()
    return [str(name) for (name,) in found]


def test_what_is_older_than_a_year_goes_once_a_day(site: Site) -> None:
    old = FIRST - 400 * 1440
    site.append(
        *(Row(minute, sensor, 1.0, 1.0, 60) for minute in (FIRST, FIRST - 364 * 1440) for sensor in ("001", "x"))
    )
    site.step()
    site.append(Row(old, "001", 1.0, 1.0, 60), Row(old, "x", 1.0, 1.0, 60))
    site.step()
    assert _months(site) == ["real_val_202307", "real_val_202308", "real_val_202408"]
    site.now += timedelta(days=1)
    site.step()
    assert _months(site) == ["real_val_202308", "real_val_202408"]
    assert len(site.rows()) == len(site.rows("UNREGISTERED_VAL_TB")) == 2


def test_forecasts_and_flags_go_with_the_rows_they_speak_of_slice_by_slice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.retention.SLICE_ROWS", 2)
    site.append(Row(FIRST, "x", 1.0, 1.0, 60))  # no sensor is registered: the unknown ones count, too
    site.step()
    newest = minute_start(FIRST)
    for days in (366, 367, 368, 364, 0):
        time = newest - timedelta(days=days)
        site.database.execute(
            "INSERT INTO PRED_VAL_TB (sensor, made_at, hour, model) VALUES ('x', %s, %s, 'm')", [time, time]
        )
        site.database.execute(
            "INSERT INTO OUTLIER_TB VALUES ('x', %s, 'flow', 'VALUE', 'W', 'WATCH', 1, 'high')", [time]
        )
        site.database.execute(
            "INSERT INTO UNREGISTERED_VAL_TB (sensor, time, samples, log_id, log_offset) VALUES ('y', %s, 1, 'l', 1)",
            [time],
        )
    site.now += timedelta(days=1)
    left = []
    for _ in range(3):
        site.step()
        tables = (("PRED_VAL_TB", "hour"), ("OUTLIER_TB", "time"), ("UNREGISTERED_VAL_TB", "time"))
        left.append([_count_old(site, table, column, newest - timedelta(days=365)) for table, column in tables])
    assert left == [[1, 1, 1], [0, 0, 0], [0, 0, 0]]
    assert len(site.rows("UNREGISTERED_VAL_TB")) == 3


def _count_old(site: Site, table: str, column: str, before: datetime) -> int:
    found = site.database.execute(f"SELECT count(*) FROM {table} WHERE {column} < %s", [before]).fetchone()
    assert found
    return int(found[0])


def test_an_old_month_that_somebody_reads_goes_another_day(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.retention.LOCK_TIMEOUT_MS", 50)
    site.append(Row(FIRST, "001", 1.0, 1.0, 60))
    site.step()
    site.append(Row(FIRST - 400 * 1440, "001", 1.0, 1.0, 60))
    site.step()
    site.now += timedelta(days=1)
    with psycopg.connect(database_url) as reading:
        reading.execute("SELECT count(*) FROM REAL_VAL_TB")
        assert site.step()["lag"] == 0
        assert _months(site) == ["real_val_202307", "real_val_202408"]
    site.now += timedelta(days=1)
    site.step()
    assert _months(site) == ["real_val_202408"]


def test_a_clock_that_jumped_ahead_costs_no_row(site: Site) -> None:
    site.append(Row(FIRST, "001", 1.0, 1.0, 60))
    site.step()
    site.now += timedelta(days=20 * 365)
    site.step()
    assert len(site.rows()) == 1


def test_the_log_must_keep_the_groups_rows(settings_for: MakeSettings) -> None:
    with pytest.raises(SettingsError, match=r"log\.groups"):
        Archive(Context(settings_for(log__groups="server"), FixedClock(START), threading.Event(), "consumer-archive"))


def test_rows_of_a_false_time_are_not_stored(site: Site) -> None:
    """`hydrolog clock confirm --go-on` has named them: after the clock was ahead, true rows of earlier minutes come."""
    site.append(Row(FIRST, "001", 8.0, 4.0, 60), Row(FIRST + 2_000_000, "001", 9.0, 4.0, 60))
    false_rows.add(site.settings.paths.data, FalseSpan(site.log.log_id, site.log.end_offset, FIRST + 5))
    site.append(Row(FIRST + 6, "001", 8.0, 4.0, 60))
    assert site.step()["false_time"] == 1
    assert [stored[8] for stored in site.rows()] == [0, 2]
    assert site.committed == 3


def test_the_sensors_names_are_copied_for_who_cannot_ask_the_database(site: Site) -> None:
    data = site.settings.paths.data
    site.step()
    assert SensorNames(data).now() == {}
    site.database.execute("UPDATE SENSOR_TB SET name = '연산3 {x}' WHERE sensor = '001'")
    site.restart()
    site.step()
    names = SensorNames(data)
    assert names.now() == {"001": "연산3 {x}"}
    (data / SENSOR_NAMES_FILE).write_text("[")
    assert names.now() == {}
    site.restart()
    site.step()
    assert names.now() == {"001": "연산3 {x}"}


def test_zones_are_registered_with_their_formula_and_begin_anew_with_another_one(site: Site) -> None:
    def start(**formulas: str) -> list[tuple[object, ...]]:
        site.settings = dataclasses.replace(site.settings, zones=read_zones(formulas, ()))
        site.restart()
        site.step()
        return site.database.execute("SELECT sensor, formula, replaced_at FROM SENSOR_TB ORDER BY sensor").fetchall()

    site.append(Row(FIRST, "zone_a", 5.0, None, 60))
    meters: list[tuple[object, ...]] = [("001", "", None), ("002", "", None)]
    assert start() == meters
    assert len(site.rows("UNREGISTERED_VAL_TB")) == 1
    assert start(zone_a="001 + 002") == [*meters, ("zone_a", "001 + 002", None)]
    assert [row[0] for row in site.rows()] == ["zone_a"]
    assert start(zone_a="002 + 001") == [*meters, ("zone_a", "002 + 001", None)]
    site.now += timedelta(hours=1)
    assert start(zone_a="001 - 002") == [*meters, ("zone_a", "001 - 002", site.now)]
    assert start() == [*meters, ("zone_a", "", site.now)]
    assert [entry.what for entry in audit.load(site.settings.paths.data)[0]] == ["sensor-registered", "sensor-replaced"]


def test_a_zone_gets_its_past_from_its_meters_but_no_minute_that_it_left_out(site: Site) -> None:
    site.settings = dataclasses.replace(site.settings, zones=read_zones({"zone_a": "001 - 002"}, ()))
    site.restart()
    site.step()
    with pytest.raises(NoPast, match="no sum yet"):
        zone_past.make(site.settings, "zone_a")
    days = [FIRST - 20 * 1440, FIRST - 1440, FIRST - 5, FIRST - 4, FIRST - 3, FIRST + 1]
    flagged = {FIRST - 5: "S000", FIRST - 3: "0L00"}
    site.append(
        *(Row(minute, "001", 8.0, 4.0, 60, flagged.get(minute, "0000")) for minute in days),
        *(Row(minute, "002", None if minute == FIRST - 4 else 2.5, 4.0, 30) for minute in days),
        *(Row(minute, "001", 8.0, 4.0, 60) for minute in (FIRST - 9000, FIRST)),
        *(Row(minute, "zone_a", 5.5, None, 30) for minute in (FIRST,)),
    )
    site.step()
    assert zone_past.make(site.settings, "zone_a") == 3
    assert zone_past.make(site.settings, "zone_a") == 0
    found = site.database.execute("SELECT time, flow, samples FROM REAL_VAL_TB WHERE sensor = 'zone_a' ORDER BY time")
    minutes = [days[0], days[1], FIRST - 3, FIRST]
    assert found.fetchall() == [(minute_start(minute), 5.5, 30) for minute in minutes]
    with pytest.raises(NoSuchSensor, match="no zone"):
        zone_past.make(site.settings, "001")
    site.database.execute("UPDATE SENSOR_TB SET replaced_at = now() WHERE sensor = 'zone_a'")
    with pytest.raises(NoPast, match="another sum"):
        zone_past.make(site.settings, "zone_a")
