"""What holds for all commands for people, and the small ones: init-db, night."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import Configure, count, hydrolog

from cli import checks, init_db, night, sensors, shell
from cli.site_rename import NotRenamed, rename
from common import schema
from common.errors import DatabaseDown
from common.settings import load


@pytest.mark.parametrize("command", ["check", "status", "sensors", "tail", "night", "init-db"])
def test_wrong_settings_are_one_line_and_exit_code_2(command: str, tmp_path: Path) -> None:
    path = tmp_path / "hydrolog.toml"
    path.write_text('[site]\ntimezone = "Mars/Olympus"\n')
    done = hydrolog(command, "--config", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("site.timezone: ")


def test_init_db_makes_the_tables_and_is_safe_to_run_again(
    config: Configure, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(config())
    assert init_db.run(["--config", path]) == 0
    assert init_db.run(["--config", path]) == 0
    assert count(connection, "NIGHT_REPORT_TB") == 0
    assert "postgresql://" not in capsys.readouterr().out  # a connection string may hold a password


def test_a_site_whose_id_has_changed_keeps_its_sensors_and_rows(
    config: Configure, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(config(site='id = "north"'))
    connection.execute(
        "INSERT INTO SENSOR_TB (site, sensor, night_use) VALUES ('site-1', '001', 3), ('south', '001', 4)"
    )
    connection.execute("SELECT real_val_partition('2024-08-26Z'), real_val_partition('2024-09-26Z')")
    insert = "INSERT INTO {} (site, sensor, time, samples, log_id, log_offset) VALUES (%s, '001', %s, 60, '', 1)"
    for table, site, time in (
        ("REAL_VAL_TB", "site-1", "2024-08-26Z"),
        ("REAL_VAL_TB", "south", "2024-08-26Z"),
        ("UNREGISTERED_VAL_TB", "north", "2024-09-26Z"),
    ):
        connection.execute(insert.format(table).encode(), (site, time))
    connection.execute("CREATE TABLE mast (site text); INSERT INTO mast VALUES ('site-1')")  # another program's
    assert not all(result.ok for result in checks.tables(load(Path(path)), datetime.now(UTC)))
    assert init_db.run(["--site-was", "site-1", "--config", path]) == 0
    assert "2 rows of site-1 are now of north" in capsys.readouterr().out
    rows = "SELECT site, count(*) FROM {} GROUP BY 1 ORDER BY 1"
    assert connection.execute(rows.format("mast").encode()).fetchall() == [("site-1", 1)]
    assert connection.execute(rows.format("REAL_VAL_TB").encode()).fetchall() == [("north", 2), ("south", 1)]
    assert connection.execute("SELECT night_use FROM SENSOR_TB WHERE site = 'north'").fetchone() == (3,)
    with pytest.raises(NotRenamed, match=r"north have the same in sensor_tb: .*001"):
        init_db.run(["--site-was", "south", "--config", path])
    with pytest.raises(NotRenamed, match="no row of a site nowhere"):
        init_db.run(["--site-was", "nowhere", "--config", path])
    connection.execute("CREATE SCHEMA water")
    with connection.transaction():
        for table in schema.tables():
            connection.execute(f"ALTER TABLE {table} SET SCHEMA water".encode())
        connection.execute("SET LOCAL search_path = water, public")
        assert rename(connection.cursor(), "north", "west") == 3


def test_night_prints_the_reports(
    config: Configure, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(config())
    assert night.run(["--config", path]) == 0
    assert "no night yet" in capsys.readouterr().out
    connection.execute(
        "INSERT INTO NIGHT_REPORT_TB (sensor, night, hour_start, hour_flow, hour_minutes, good_minutes, faulty_minutes,"
        " percentile_nights, n1, pressure_hours, leak_flow, leak_day) VALUES"
        " ('001', '2024-08-27', '2024-08-26T17:21Z', 9.876, 60, 118, 2, 1, 1.0, 24, 7.9, 189.6),"
        " ('001', '2024-08-01', NULL, NULL, 0, 0, 0, 0, 1.0, 0, NULL, NULL)"
    )
    night.run(["--config", path])
    shown = capsys.readouterr().out
    assert "02:21" in shown
    assert "9.88" in shown
    assert "2024-08-01" not in shown  # seven nights are shown
    night.run(["--config", path, "--json", "--nights", "60"])
    listed = json.loads(capsys.readouterr().out)
    assert [entry["night"] for entry in listed] == ["2024-08-27", "2024-08-01"]
    assert listed[0]["leak_day"] == 189.6


def test_a_missing_database_is_one_line_and_exit_code_1(config: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(config())
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", "postgresql://127.0.0.1:1/none")
    for command in (sensors.run, night.run, init_db.run):
        with pytest.raises(DatabaseDown):
            command(["--config", path])
    done = hydrolog("night", "--config", path, HYDROLOG_DATABASE__URL="postgresql://127.0.0.1:1/none")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_foreign_text_is_made_harmless() -> None:
    assert shell.printable("a\x1b[2J\nb\u202ec") == "a\\x1b[2J\\nb\\u202ec"
    assert shell.printable("수압 é") == "수압 é"
    assert len(shell.printable("x" * 10_000)) == shell.LONGEST
