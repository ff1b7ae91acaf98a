"""Two sites in one database, each with a sensor 001: whatever a role stores or reads is of its own site."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest

from cli import night
from cli.history import load_file
from common import database, forecast_file, registry, retention
from common.audit import Actor
from common.clock import FixedClock, minute_of, minute_start
from common.point import Point
from common.row import Row
from common.runner import Context
from common.settings import Settings, load
from common.site_columns import KEYS, PARTITIONED
from consumer.outliers import Outlier
from consumer.resend import parcels_of_span
from consumer.store import store
from forecaster.step import Forecaster
from incidents import table
from nightflow.step import NightFlow
from outliers.learn import archive as learning
from server import queries

MORNING = datetime(2024, 8, 26, 20, 0, tzinfo=UTC)  # 05:00 in Seoul
FLOWS = {"north": 8.0, "south": 20.0}  # m3/h; a sum or a mean of both would show
LAST = minute_of(MORNING) - 1
MINUTES = 26 * 60

Connection = psycopg.Connection[Any]
Sites = dict[str, Settings]


@pytest.fixture(scope="module")
def sites(filled_url: str, tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """The settings of both, when the archive has stored the rows of a day twice, and two of an unregistered sensor."""
    with psycopg.connect(filled_url) as connection:
        for table in (*KEYS, PARTITIONED):  # as on a box: whoever forgets the site fails
            connection.execute(f"ALTER TABLE {table} ALTER COLUMN site DROP DEFAULT".encode())
    made = {}
    for site, flow in FLOWS.items():
        data = tmp_path_factory.mktemp(site)
        keys = {"DATABASE__URL": filled_url, "SITE__ID": site, "PATHS__DATA": str(data)}
        made[site] = load(None, {f"HYDROLOG_{key}": value for key, value in keys.items()})
        rows = [(n, Row(LAST - n, "001", flow, 4.0, 60, "0000", "000")) for n in range(MINUTES)]
        apart = [(MINUTES + n, Row(LAST - n, "X", flow, 4.0, 60, "0000", "000")) for n in range(2)]
        found = [Outlier("001", LAST, "flow", "VALUE", "W", "WATCH", flow, site)]
        with database.changing(made[site], "test", 60.0) as cursor:
            registry.register(cursor, data, Actor("Kim"), Point(site, "001"), {"name": site})
            for _ in range(2):
                store(cursor, site, f"log-{site}", [*rows, *apart], found)
    return made


@pytest.fixture
def connection(sites: Sites) -> Any:
    with psycopg.connect(sites["north"].database.url, autocommit=True) as made:
        yield made


def by_site(connection: Connection, what: str) -> dict[str, list[Any]]:
    return {site: rest for site, *rest in connection.execute(f"SELECT site, {what} GROUP BY 1".encode()).fetchall()}


def test_the_archive_stores_each_row_of_both_once(sites: Sites, connection: Connection) -> None:
    found = by_site(connection, "count(*), min(flow), max(flow) FROM REAL_VAL_TB")
    assert found == {site: [MINUTES, flow, flow] for site, flow in FLOWS.items()}
    assert by_site(connection, "count(*), max(value) FROM OUTLIER_TB") == {
        site: [1, flow] for site, flow in FLOWS.items()
    }
    assert by_site(connection, "count(*) FROM UNREGISTERED_VAL_TB") == {site: [2] for site in FLOWS}


@pytest.mark.parametrize("site", FLOWS)
def test_nightflow_means_and_reports_its_own(sites: Sites, connection: Connection, site: str) -> None:
    worker = NightFlow(Context(sites[site], FixedClock(MORNING), threading.Event(), "nightflow"), lambda: None)
    worker.step(MORNING + timedelta(minutes=5))
    worker.close()
    query = "SELECT min(flow), max(flow) FROM NIGHT_FLOW_VAL_TB WHERE site = %s"
    assert connection.execute(query, (site,)).fetchone() == (FLOWS[site], FLOWS[site])
    query = "SELECT DISTINCT hour_flow FROM NIGHT_REPORT_TB WHERE site = %s AND hour_flow > 0"
    assert connection.execute(query, (site,)).fetchall() == [(FLOWS[site],)]
    assert [found["hour_flow"] for found in night._read(sites[site], 1, None)] == [FLOWS[site]]


@pytest.mark.parametrize("site", FLOWS)
def test_the_forecaster_learns_from_and_keeps_its_own(sites: Sites, connection: Connection, site: str) -> None:
    worker = Forecaster(sites[site], None, patient=False)
    worker.step(MORNING)
    worker.close()
    query = "SELECT DISTINCT round(flow) FROM PRED_VAL_TB WHERE site = %s AND flow IS NOT NULL"
    assert connection.execute(query, (site,)).fetchall() == [(FLOWS[site],)]
    assert {round(line.flow or 0) for line in forecast_file.read(sites[site].paths.data)} == {FLOWS[site]}


@pytest.mark.parametrize("site", FLOWS)
def test_criteria_are_learnt_from_its_own(sites: Sites, connection: Connection, site: str) -> None:
    first, end = minute_start(LAST - 60), minute_start(LAST)
    with connection.transaction(), connection.cursor() as cursor:
        rows = learning.read_rows(cursor, Point(site, "001"), first, end)
        assert [each.sensor for each in learning.instruments(cursor, site)] == ["001"]
    np.testing.assert_array_equal(rows.flow, FLOWS[site])


@pytest.mark.parametrize("site", FLOWS)
def test_the_page_shows_its_own(sites: Sites, connection: Connection, site: str) -> None:
    with connection.cursor() as cursor:
        (shown,) = queries.sensors(cursor, site, MORNING)
        assert (shown["name"], shown["flow"], shown["reason"]) == (site, FLOWS[site], site)
        series = queries.series(cursor, Point(site, "001"), minute_start(LAST - 59), MORNING, timedelta(hours=1))
        assert set(series["flow"]) == {FLOWS[site]}
        assert [each["sensor"] for each in queries.unregistered(cursor, site)] == ["X"]
        assert len(queries.spells(cursor, site, ["001"], minute_start(LAST), MORNING)) == 1


@pytest.mark.parametrize("site", FLOWS)
def test_commands_list_and_send_its_own(sites: Sites, connection: Connection, site: str) -> None:
    with connection.cursor() as cursor:
        listed = cursor.execute(database.statement("sensor_list").encode(), {"site": site}).fetchall()
        assert [(sensor, name) for sensor, name, *_ in listed] == [("001", site), ("X", "")]
        (newest,) = cursor.execute(
            database.statement("sensor_newest").encode(), {"site": site, "until": MORNING}
        ).fetchall()
        assert newest[0] == "001"
    with psycopg.connect(sites[site].database.url) as reading:
        sent = [*parcels_of_span(reading, sites[site], minute_start(LAST - 9), MORNING)]
    assert {parcel.log_id for parcel in sent} == {f"log-{site}"}
    assert sum(len(parcel.lines) for parcel in sent) == 10 + 2


def test_a_flagged_value_gets_the_incident_of_its_site(sites: Sites, connection: Connection) -> None:
    sign = {"method": "VALUE", "channel": "flow", "severity": "watch", "raised": LAST}
    insert = (
        "INSERT INTO INCIDENT_TB "
        "(site, id, sensor, kind, severity, channel, began, raised, returned, signs, before, stage) VALUES "
        "(%(site)s, %(site)s, '001', 'leak', 'watch', 'flow', %(at)s, %(at)s, 0, %(signs)s, '[]', 'open')"
    )
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        for site in FLOWS:
            cursor.execute(insert, {"site": site, "at": minute_start(LAST), "signs": json.dumps([sign])})
        table.name_outliers(cursor, "north", ["001"], minute_start(LAST))
        found = cursor.execute("SELECT site, incident FROM OUTLIER_TB ORDER BY 1").fetchall()
    assert found == [("north", "north"), ("south", None)]


def test_what_is_changed_and_removed_is_of_one_site(sites: Sites, connection: Connection) -> None:
    at = datetime(2024, 9, 1, tzinfo=UTC)
    data, kim, north = sites["north"].paths.data, Actor("Kim"), Point("north", "001")
    with database.changing(sites["north"], "test", 60.0) as cursor:
        registry.change(cursor, data, kim, north, {"night_use": "3"}, at=at)
        registry.replaced(cursor, data, kim, north, at, at=at)
        registry.register(cursor, data, kim, Point("north", "X"), {})
    query = "night_use, replaced_at FROM SENSOR_TB WHERE sensor = '001'"
    found = connection.execute(f"SELECT site, {query} ORDER BY 1".encode()).fetchall()
    assert found == [("north", 3.0, at), ("south", None, None)]
    assert by_site(connection, "count(*) FROM UNREGISTERED_VAL_TB") == {"south": [2]}
    with database.changing(sites["north"], "test", 60.0) as cursor:
        registry.remove(cursor, data, kim, north)
    assert connection.execute("SELECT site, sensor FROM SENSOR_TB ORDER BY 1").fetchall() == [
        ("north", "X"),
        ("south", "001"),
    ]


def test_recorded_minutes_are_loaded_beside_the_others(sites: Sites, connection: Connection) -> None:
    path = sites["south"].paths.data / "old.csv"
    path.write_text("time,flow,pressure\n2023-07-01 00:00,1,2\n2023-07-01 00:01,1,2\n")
    for site, zone in (("north", sites["north"].site.zone), ("south", sites["south"].site.zone)):
        assert load_file(connection, Point(site, "001"), path, zone).added == 2


def test_old_rows_of_the_other_site_stay(sites: Sites, connection: Connection) -> None:
    """The months themselves go for all sites, by the newest row of any."""
    later = "UPDATE PRED_VAL_TB SET hour = hour - interval '3 years'"
    count = "count(*) FROM PRED_VAL_TB"
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute(later)
        before = by_site(connection, count)
        retention.drop_old(cursor, MORNING, "north")
        assert by_site(connection, count) == {"south": before["south"]}
