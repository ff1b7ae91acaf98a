"""What holds for all commands for people, and the small ones: init-db, night."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import Configure, count, hydrolog

from cli import init_db, night, sensors, shell
from common.errors import DatabaseDown


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
    connection.execute("DROP TABLE NIGHT_REPORT_TB")
    assert init_db.run(["--config", path]) == 0
    assert init_db.run(["--config", path]) == 0
    assert count(connection, "NIGHT_REPORT_TB") == 0
    assert "postgresql://" not in capsys.readouterr().out  # a connection string may hold a password


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
