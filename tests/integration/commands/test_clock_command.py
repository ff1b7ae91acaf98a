"""`hydrolog clock confirm`, and what status and check say of a wrong clock."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import Configure, count, healthy, logged, now_minute, row

from cli import checks_clock, clock, sensors, status
from common import confirmation, false_rows, time_service
from common.audit import Actor
from common.settings import load
from consumer.store import store as archive
from incidents.reading import Incidents
from log.mark import Mark, store
from server import metrics
from server.facts import Facts
from situation import clock_confirmation

AHEAD_MIN = 4 * 365 * 1440


@pytest.fixture
def suffered(config: Configure, connection: psycopg.Connection[Any]) -> Path:
    """The settings of a box whose clock was four years ahead: three rows of then in the log, two of them archived."""
    now, path = now_minute(), config()
    data = path.parent / "data"
    for role in ("producer", "consumer-archive", "consumer-server", "nightflow", "forecaster", "server"):
        healthy(data, role, rows=7)
    sensors.run(["add", "001", "--config", str(path)])
    rows = [row(now - 30), *(row(now + AHEAD_MIN + more) for more in range(3))]
    log = logged(path, rows)
    store(data, Mark(now + AHEAD_MIN + 2, log.end_offset, log.log_id, {"001": now + AHEAD_MIN + 2}))
    with connection.transaction(), connection.cursor() as cursor:
        archive(cursor, "site-1", log.log_id, [*enumerate(rows)][:3], [])
        cursor.execute(
            "INSERT INTO PRED_VAL_TB (sensor, made_at, hour, model) VALUES ('001', now() + '1 year', now(), 'm')"
        )
    log.close()
    return path


def test_a_row_of_the_future_is_trouble_and_no_sign_of_life(suffered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert status.run(["--config", str(suffered)]) == 1
    shown = capsys.readouterr().out
    assert "rows of the future" in shown
    assert "type: hydrolog clock confirm --go-on" in shown
    assert "look: newest row: no data: nothing for 2" in shown  # of the rows up to now
    assert status.run(["--config", str(suffered), "--json"]) == 1
    state = json.loads(capsys.readouterr().out)
    assert state["sensors"][0]["newest"] == (now_minute() - 30) * 60 or state["sensors"][0]["age_s"] > 28 * 60
    assert "hydrolog_newest_row_ahead_seconds 1261" in metrics.render(state, Facts(Incidents(), (), 0.0, None, None))


def test_status_without_a_database_shows_no_age_of_a_row_of_the_future(
    suffered: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", "postgresql://127.0.0.1:1/none")
    capsys.readouterr()
    assert status.run(["--config", str(suffered), "--json"]) == 1
    (sensor,) = json.loads(capsys.readouterr().out)["sensors"]
    assert sensor["age_s"] > 28 * 60 and sensor["word"] == "no data"  # by the log's newest row up to now


def test_confirm_alone_says_what_stands_in_the_way(suffered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert clock.run(["confirm", "--config", str(suffered)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "hydrolog clock confirm --go-on" in said.err
    assert "timedatectl" in said.err
    assert confirmation.take(suffered.parent / "data") is None


def test_go_on_sets_rows_of_the_future_aside_and_loses_none(
    suffered: Path, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    data = suffered.parent / "data"
    capsys.readouterr()
    assert clock.run(["confirm", "--go-on", "--config", str(suffered)]) == 0
    said = capsys.readouterr().out
    (folder,) = (data / "set_aside").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["pred_val_tb.csv", "real_val_tb.csv", "server_data.tsv"]
    assert f"set aside: 3 rows in {folder / 'server_data.tsv'}" in said
    assert f"set aside: 2 rows in {folder / 'real_val_tb.csv'}" in said
    assert len((folder / "real_val_tb.csv").read_text().splitlines()) == 1 + 2
    assert (count(connection, "REAL_VAL_TB"), count(connection, "PRED_VAL_TB")) == (1, 0)
    (span,) = false_rows.load(data)
    assert span.end_offset == 4
    assert confirmation.take(data) == confirmation.GO_ON
    capsys.readouterr()
    status.run(["--config", str(suffered)])
    assert "rows of the future" not in capsys.readouterr().out


def test_go_on_while_the_database_is_down_says_so_and_moves_the_rows_the_next_time(
    suffered: Path,
    connection: psycopg.Connection[Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as down:
        down.setenv("HYDROLOG_DATABASE__URL", "postgresql://127.0.0.1:1/none")
        assert clock.run(["confirm", "--go-on", "--config", str(suffered)]) == 0
    assert "when it is back, type hydrolog clock confirm --go-on" in capsys.readouterr().err
    data = suffered.parent / "data"
    store(data, Mark(now_minute(), 4, false_rows.load(data)[0].log_id))  # the producer has gone on
    assert count(connection, "REAL_VAL_TB") == 3
    assert clock.run(["confirm", "--go-on", "--config", str(suffered)]) == 0
    assert count(connection, "REAL_VAL_TB") == 1


def test_going_on_twice_in_a_second_keeps_what_was_set_aside_and_takes_no_row_of_now(suffered: Path) -> None:
    """Two clicks: before the second one has looked into the log, the producer has gone on and written what waited."""
    chosen, now = load(suffered), datetime.now(UTC)
    data, ahead = chosen.paths.data, clock_confirmation.standing(chosen, now)
    healthy(data, "producer", waiting_from=now_minute() - 20)
    (log_rows, _), *others = clock_confirmation.confirm(chosen, Actor("Kim"), ahead, go_on=True).moved
    kept = log_rows.read_text()
    log = logged(suffered, [row(now_minute() - 10)])
    store(data, Mark(now_minute() - 10, log.end_offset, log.log_id))
    log.close()
    assert clock_confirmation.confirm(chosen, Actor("Kim"), ahead, go_on=True).moved == ()
    assert log_rows.read_text() == kept and all(path.exists() for path, _ in others)
    assert len(false_rows.load(data)) == 1


def test_check_says_that_nothing_speaks_for_the_clock_of_a_new_box(
    config: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, now = load(config()), datetime.now(UTC)
    monkeypatch.setattr(time_service, "installed", lambda: False)
    assert checks_clock.problem(chosen, now, in_step=False) == ""  # the producer believes it, too
    monkeypatch.setattr(time_service, "installed", lambda: True)
    assert "hydrolog clock confirm" in checks_clock.problem(chosen, now, in_step=False)
    assert checks_clock.problem(chosen, now, in_step=True) == ""
    confirmation.leave(chosen.paths.data, confirmation.RIGHT)
    assert checks_clock.problem(chosen, now, in_step=False) == ""
    assert confirmation.take(chosen.paths.data)
    minute = now_minute()
    for last, words in (
        (minute - 1440, ""),
        (minute - 20 * 1440, ""),
        (minute - 200 * 1440, "long after the last row"),
        (minute + 9, "--go-on"),
    ):
        store(chosen.paths.data, Mark(last, 1, "log"))
        assert words in checks_clock.problem(chosen, now, in_step=False)
        assert bool(words) == bool(checks_clock.problem(chosen, now, in_step=False))
    healthy(chosen.paths.data, "producer", clock="unset")
    assert checks_clock.problem(chosen, now, in_step=True) == ": see hydrolog status"


def test_check_says_whether_the_group_waits_for_the_clock_at_boot(tmp_path: Path) -> None:
    assert checks_clock.at_boot(tmp_path) == ""  # no systemd
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert "sudo systemctl enable chrony-wait" in checks_clock.at_boot(tmp_path)
    wants = tmp_path / "etc/systemd/system/sysinit.target.wants"
    wants.mkdir(parents=True)
    (wants / "chrony-wait.service").symlink_to("/lib/systemd/system/chrony-wait.service")
    assert "waits for it" in checks_clock.at_boot(tmp_path)


def test_a_confirmation_of_another_start_of_the_machine_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmation.leave(tmp_path, confirmation.RIGHT)
    monkeypatch.setattr(time_service, "boot_id", lambda: "another")
    assert confirmation.take(tmp_path) is None
