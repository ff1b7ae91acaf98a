"""`hydrolog sensors`: what becomes of the rows of a sensor that is registered or removed."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import Configure, count, now_minute, row

from cli import night, sensors
from common import audit
from common.clock import minute_of, minute_start
from common.errors import NoSuchSensor
from common.refused import Refused
from consumer.store import store as archive


def test_registering_a_sensor_moves_its_history_over_the_end_of_a_month(
    config: Configure, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(config())
    new_year = minute_of(datetime(2024, 1, 1, tzinfo=UTC))
    rows = [(n, row(new_year - 5 + n, "new", flow=float(n))) for n in range(10)]
    with connection.transaction(), connection.cursor() as cursor:
        archive(cursor, "site-1", "log", [*rows, (10, row(new_year, "other"))], [])
    assert (count(connection, "UNREGISTERED_VAL_TB"), count(connection, "REAL_VAL_TB")) == (11, 0)
    assert sensors.run(["add", "new", "--name", "North gate", "--flow-max", "120", "--config", path]) == 0
    assert "10 kept rows" in capsys.readouterr().out
    moved = connection.execute("SELECT time, flow, log_offset FROM REAL_VAL_TB ORDER BY time").fetchall()
    assert moved == [(minute_start(new_year - 5 + n), float(n), n) for n in range(10)]
    assert count(connection, "UNREGISTERED_VAL_TB") == 1
    with connection.transaction(), connection.cursor() as cursor:  # later rows go straight to the others
        archive(cursor, "site-1", "log", [(11, row(new_year + 5, "new"))], [])
    assert count(connection, "REAL_VAL_TB") == 11


def test_no_row_slips_in_behind_a_registration(config: Configure, connection: psycopg.Connection[Any]) -> None:
    """The archive is in mid-transaction when the sensor is registered: its row must not stay among the unregistered."""
    now = now_minute()
    path = str(config())
    with psycopg.connect(connection.info.dsn, password=connection.info.password or None) as archiving:
        with archiving.cursor() as cursor:
            archive(cursor, "site-1", "log", [(0, row(now, "new"))], [])
        adding = threading.Thread(target=sensors.run, args=(["--config", path, "add", "new"],))
        adding.start()
        adding.join(0.3)
        assert adding.is_alive()  # it waits for the archive
        archiving.commit()
    adding.join(30)
    assert (count(connection, "UNREGISTERED_VAL_TB"), count(connection, "REAL_VAL_TB")) == (0, 1)


def test_adding_again_changes_only_what_is_given(config: Configure, connection: psycopg.Connection[Any]) -> None:
    path = str(config())
    sensors.run(["add", "001", "--name", "Gate", "--flow-max", "120", "--config", path])
    sensors.run(["add", "001", "--pressure-max", "16", "--config", path])
    found = connection.execute("SELECT name, flow_max, pressure_max FROM SENSOR_TB").fetchall()
    assert found == [("Gate", 120.0, 16.0)]


def test_a_removed_sensor_keeps_its_rows_and_comes_back(config: Configure, connection: psycopg.Connection[Any]) -> None:
    now = now_minute()
    path = str(config())
    sensors.run(["add", "001", "--config", path])
    with connection.transaction(), connection.cursor() as cursor:
        archive(cursor, "site-1", "log", [(0, row(now - 2))], [])
    assert sensors.run(["remove", "001", "--config", path]) == 0
    with connection.transaction(), connection.cursor() as cursor:
        archive(cursor, "site-1", "log", [(1, row(now - 1))], [])
    assert (count(connection, "UNREGISTERED_VAL_TB"), count(connection, "REAL_VAL_TB")) == (1, 1)
    sensors.run(["add", "001", "--config", path])
    assert (count(connection, "UNREGISTERED_VAL_TB"), count(connection, "REAL_VAL_TB")) == (0, 2)
    with pytest.raises(NoSuchSensor):
        sensors.run(["remove", "never", "--config", path])


def test_the_list_shows_unregistered_sensors_and_obeys_no_escape_in_a_name(
    config: Configure, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    now = now_minute()
    path = str(config())
    connection.execute("INSERT INTO SENSOR_TB (sensor, name) VALUES ('001', %s)", ("\x1b]0;owned\x07[red]x",))
    with connection.transaction(), connection.cursor() as cursor:
        archive(cursor, "site-1", "log", [(0, row(now, "stranger"))], [])
    capsys.readouterr()
    assert sensors.run(["--config", path]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[red]x" in shown
    assert "stranger" in shown
    assert "not registered" in shown


@pytest.mark.parametrize("arguments", [("add",), ("add", "a b"), ("add", "x" * 33), ("drop", "001")])
def test_bad_usage_of_sensors_is_exit_code_2(arguments: tuple[str, ...], config: Configure) -> None:
    with pytest.raises(SystemExit) as left:
        sensors.run([*arguments, "--config", str(config())])
    assert left.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--flow-max", "nan"), "between 0.01 and 1,000,000"),
        (("--flow-max", "-3"), "between"),
        (("--pressure-max", "high"), "not a number"),
        (("--name", "x" * 61), "60 characters"),
        (("--name", "\x1b]0;owned\x07"), "60 characters"),
    ],
)
def test_a_wrong_value_changes_nothing(
    arguments: tuple[str, str], said: str, config: Configure, connection: psycopg.Connection[Any]
) -> None:
    with pytest.raises(Refused, match=said) as refused:
        sensors.run(["add", "001", *arguments, "--config", str(config())])
    assert refused.value.exit_code == 2
    assert count(connection, "SENSOR_TB") == 0


def test_a_sensor_gets_a_place_and_loses_it(
    config: Configure, connection: psycopg.Connection[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(config())
    sensors.run(["add", "001", "--config", path])
    sensors.run(["place", "001", "-33.8688", "151.2093", "--config", path])
    where = "SELECT latitude, longitude FROM SENSOR_TB"
    assert connection.execute(where).fetchall() == [(-33.8688, 151.2093)]
    sensors.run(["--config", path])
    assert "-33.8688 151.2093" in capsys.readouterr().out
    for wrong, said in ((["91", "0"], "between -90 and 90"), (["37,5", "127"], "not a number"), (["5"], "and a long")):
        with pytest.raises(Refused, match=said):
            sensors.run(["place", "001", *wrong, "--config", path])
    for unclear in ([], ["1", "2", "--unknown"]):
        with pytest.raises(Refused):
            sensors.run(["place", "001", *unclear, "--config", path])
    assert connection.execute(where).fetchall() == [(-33.8688, 151.2093)]
    sensors.run(["place", "001", "--unknown", "--config", path])
    assert connection.execute(where).fetchall() == [(None, None)]
    done = [(entry.values["value"], entry.values["after"]) for entry in audit.load(tmp_path / "data")[0][1:]]
    assert done == [("latitude", -33.8688), ("longitude", 151.2093), ("latitude", None), ("longitude", None)]


def test_each_change_is_written_down_with_who_made_it(
    config: Configure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = str(config())
    monkeypatch.setenv("SUDO_USER", "Kim")
    sensors.run(["add", "001", "--name", "Gate", "--config", path])
    sensors.run(["add", "001", "--name", "Gate", "--flow-max", "120", "--config", path])
    night.run(["--config", path, "set", "001", "--users", "2000"])
    sensors.run(["replaced", "001", "--at", "2024-08-25 10:30", "--config", path])
    sensors.run(["remove", "001", "--config", path])
    done = [
        (entry.what, entry.values.get("value"), entry.values.get("after")) for entry in audit.load(tmp_path / "data")[0]
    ]
    assert done == [
        ("sensor-registered", None, None),
        ("sensor-changed", "name", "Gate"),
        ("sensor-changed", "flow_max", 120.0),
        ("sensor-changed", "night_users", 2000.0),
        ("sensor-replaced", None, None),
        ("sensor-removed", None, None),
    ]
    assert {entry.by for entry in audit.load(tmp_path / "data")[0]} == {"Kim"}
