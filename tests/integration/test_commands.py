"""The commands for people, on a real data folder and a real Postgres."""

import errno
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import threading
import tty
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from common import clock, time_service
from common.cli import check, checks, init_db, night, sensors, shell, status, tail
from common.clock import minute_of, minute_start
from common.errors import DatabaseDown
from common.health import Health
from common.lines import format_lines
from common.log import open_for
from common.mark import Mark, store
from common.row import Row, format_payload
from common.settings import load
from consumer.store import store as archive

SEOUL = ZoneInfo("Asia/Seoul")
Configure = Callable[..., Path]


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Configure:
    """Writes a settings file on a data folder of the test's own."""

    def write(**sections: str) -> Path:
        text = f'[paths]\ndata = "data"\n[database]\nurl = "{database_url}"\n'
        text += "".join(f"[{name}]\n{body}\n" for name, body in sections.items())
        (tmp_path / "data").mkdir(exist_ok=True)
        path = tmp_path / "hydrolog.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as made:
        yield made


def now_minute() -> int:
    return minute_of(datetime.now(UTC))


def row(minute: int, sensor: str = "001", flow: float | None = 8.0, flags: str = "0000") -> Row:
    return Row(minute, sensor, flow, 4.1, 60, flags)


def count(connection: psycopg.Connection[Any], table: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert found
    return int(found[0])


def hydrolog(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "common.cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# --- sensors


def test_registering_a_sensor_moves_its_history_over_the_end_of_a_month(
    config: Configure, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(config())
    new_year = minute_of(datetime(2024, 1, 1, tzinfo=UTC))
    rows = [(n, row(new_year - 5 + n, "new", flow=float(n))) for n in range(10)]
    with connection.transaction(), connection.cursor() as cursor:
        archive(cursor, "log", [*rows, (10, row(new_year, "other"))], [])
    assert (count(connection, "UNREGISTERED_VAL_TB"), count(connection, "REAL_VAL_TB")) == (11, 0)
    assert sensors.run(["add", "new", "--name", "North gate", "--flow-max", "120", "--config", path]) == 0
    assert "10 kept rows" in capsys.readouterr().out
    moved = connection.execute("SELECT time, flow, log_offset FROM REAL_VAL_TB ORDER BY time").fetchall()
    assert moved == [(minute_start(new_year - 5 + n), float(n), n) for n in range(10)]
    assert count(connection, "UNREGISTERED_VAL_TB") == 1
    with connection.transaction(), connection.cursor() as cursor:  # later rows go straight to the others
        archive(cursor, "log", [(11, row(new_year + 5, "new"))], [])
    assert count(connection, "REAL_VAL_TB") == 11


def test_no_row_slips_in_behind_a_registration(config: Configure, connection: psycopg.Connection[Any]) -> None:
    """The archive is in mid-transaction when the sensor is registered: its row must not stay among the unregistered."""
    now = now_minute()
    path = str(config())
    with psycopg.connect(connection.info.dsn, password=connection.info.password or None) as archiving:
        with archiving.cursor() as cursor:
            archive(cursor, "log", [(0, row(now, "new"))], [])
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
        archive(cursor, "log", [(0, row(now - 2))], [])
    assert sensors.run(["remove", "001", "--config", path]) == 0
    with connection.transaction(), connection.cursor() as cursor:
        archive(cursor, "log", [(1, row(now - 1))], [])
    assert (count(connection, "UNREGISTERED_VAL_TB"), count(connection, "REAL_VAL_TB")) == (1, 1)
    sensors.run(["add", "001", "--config", path])
    assert (count(connection, "UNREGISTERED_VAL_TB"), count(connection, "REAL_VAL_TB")) == (0, 2)
    with pytest.raises(sensors.NoSuchSensor):
        sensors.run(["remove", "never", "--config", path])


def test_the_list_shows_unregistered_sensors_and_obeys_no_escape_in_a_name(
    config: Configure, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    now = now_minute()
    path = str(config())
    sensors.run(["add", "001", "--name", "\x1b]0;owned\x07[red]x", "--config", path])
    with connection.transaction(), connection.cursor() as cursor:
        archive(cursor, "log", [(0, row(now, "stranger"))], [])
    capsys.readouterr()
    assert sensors.run(["--config", path]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[red]x" in shown
    assert "stranger" in shown
    assert "not registered" in shown


@pytest.mark.parametrize(
    "arguments", [("add",), ("add", "a b"), ("add", "x" * 33), ("add", "001", "--flow-max", "nan"), ("drop", "001")]
)
def test_bad_usage_of_sensors_is_exit_code_2(arguments: tuple[str, ...], config: Configure) -> None:
    with pytest.raises(SystemExit) as left:
        sensors.run([*arguments, "--config", str(config())])
    assert left.value.code == 2


# --- wrong settings


@pytest.mark.parametrize("command", ["check", "status", "sensors", "tail", "night", "init-db"])
def test_wrong_settings_are_one_line_and_exit_code_2(command: str, tmp_path: Path) -> None:
    path = tmp_path / "hydrolog.toml"
    path.write_text('[site]\ntimezone = "Mars/Olympus"\n')
    done = hydrolog(command, "--config", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("site.timezone: ")


# --- init-db


def test_init_db_makes_the_tables_and_is_safe_to_run_again(
    config: Configure, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(config())
    connection.execute("DROP TABLE NIGHT_REPORT_TB")
    assert init_db.run(["--config", path]) == 0
    assert init_db.run(["--config", path]) == 0
    assert count(connection, "NIGHT_REPORT_TB") == 0
    assert "postgresql://" not in capsys.readouterr().out  # a connection string may hold a password


# --- tail


def logged(path: Path, rows: list[Row]) -> Any:
    log = open_for(load(path))
    log.append([format_payload(each, SEOUL) for each in rows])
    return log


def test_tail_shows_the_last_rows_with_names_and_flags_in_words(
    config: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config()
    sensors.run(["add", "001", "--name", "North gate", "--config", str(path)])
    capsys.readouterr()
    minute = minute_of(datetime(2024, 8, 26, 16, 33, tzinfo=SEOUL))
    log = logged(path, [row(minute + n) for n in range(30)] + [row(minute + 30, flow=None, flags="M000")])
    log.close()
    with (path.parent / "data/server_data.txt").open("ab") as file:
        file.write(format_lines(31, [b"not a row\x1b[2J"]))
        file.write(b"32\tdamaged\x1b[2J\t00000000\n")
    assert tail.run(["--no-follow", "--lines", "4", "--config", str(path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 4
    assert " ".join(shown[0].split()) == "29 2024-08-26 17:02 001 North gate 8.00 m3/h 4.10 bar 60 readings"
    assert "no value m3/h" in shown[1]
    assert "flow SYSTEM: no value" in shown[1]
    assert shown[2].startswith("31 not a row")
    assert shown[3].startswith("damaged line: ")
    assert "\x1b" not in "".join(shown)


def test_tail_of_a_long_file_begins_at_a_whole_row(config: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    now = now_minute()
    path = config()
    logged(path, [row(now + n) for n in range(500)]).close()
    assert tail.run(["--no-follow", "--lines", "3", "--config", str(path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown] == ["497", "498", "499"]


def test_following_survives_resets_and_shows_each_row_once(config: Configure) -> None:
    now = now_minute()
    path = config()
    log = logged(path, [row(now + n) for n in range(5)])
    follower = tail.Follower(path.parent / "data/server_data.txt", 100)
    seen = list(follower.read())
    groups = [log.group(name) for name in ("archive", "server")]
    for turn in range(3):
        log.append([format_payload(row(now + 10 + turn), SEOUL)])
        for group in groups:
            group.poll(100)
            group.commit(log.end_offset)
        assert log.trim()
        log.append([format_payload(row(now + 20 + turn), SEOUL)])
        seen += follower.read()
    assert [each.offset for each in seen if isinstance(each, tail.Record)] == list(range(11))
    assert [each.base for each in seen if isinstance(each, tail.Reset)] == [6, 8, 10]
    assert not [each for each in seen if isinstance(each, bytes)]
    follower.close()
    for group in groups:
        group.close()
    log.close()


def test_tail_without_a_log_says_so(config: Configure) -> None:
    with pytest.raises(tail.NothingToFollow):
        tail.run(["--config", str(config())])


# --- night


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


# --- status


def healthy(data: Path, role: str, **counters: object) -> None:
    now = datetime.now(UTC)
    Health(data, role, now).success(now, 0.0, **counters)


def test_status_of_a_box_that_is_well(
    config: Configure, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    now = now_minute()
    path = config()
    data = path.parent / "data"
    for role in ("producer", "consumer-archive", "consumer-server", "nightflow", "forecaster", "server"):
        healthy(data, role, rows=7)
    sensors.run(["add", "001", "--name", "Gate", "--config", str(path)])
    log = logged(path, [row(now - 1)])
    store(data, Mark(now - 1, log.end_offset, log.log_id, {"001": now - 1}))
    log.close()
    with connection.transaction(), connection.cursor() as cursor:
        rows = [(0, row(now - 1)), (1, row(now - 2, "stranger"))]
        archive(cursor, "log", rows, [])
    capsys.readouterr()
    assert status.run(["--config", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "all is well" in shown
    assert "hydrolog sensors add stranger" in shown
    assert status.run(["--config", str(path), "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert state["groups"] == [{"group": "archive", "lag": 1}, {"group": "server", "lag": 1}]
    (sensor,) = state["sensors"]
    assert (sensor["sensor"], sensor["samples"], sensor["flow_flags"]) == ("001", 60, "0000")
    assert state["log"]["end_offset"] == 1


def test_status_says_that_the_disk_is_full(
    config: Configure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(config())
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=4_000_000))
    assert status.run(["--config", path]) == 1
    assert "look: disk: full: only 4 MB are free; make room" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.EACCES, "sudo chown"), (errno.EROFS, "the disk may be damaged"), (errno.ENOSPC, "make room: sudo du")],
)
def test_check_says_why_the_folder_cannot_be_written(
    config: Configure, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def fail(**_options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", fail)
    (finding,) = checks.folder(load(config()), datetime.now(UTC))
    assert not finding.ok
    assert advice in finding.text


@pytest.mark.parametrize(
    ("in_step", "words"),
    [
        (True, ("clock: kept by a time service", "in step: it keeps the clock")),
        (False, ("clock: no time service keeps it", "hydrolog clock confirm")),
        (None, ("", "does not say")),
    ],
)
def test_status_and_check_say_whether_a_time_service_keeps_the_clock(
    config: Configure,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    in_step: bool | None,
    words: tuple[str, str],
) -> None:
    path = config()
    shown, checked = words
    monkeypatch.setattr(time_service, "in_step", lambda: in_step)
    status.run(["--config", str(path)])
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("clock: ")]
    assert said == ([shown] if shown else [])
    (finding,) = [each for each in checks.clock(load(path), datetime.now(UTC)) if each.subject == "time service"]
    assert finding.ok  # a box without a network has none, and nothing to fix
    assert checked in finding.text


def test_status_of_a_demo_goes_by_the_clock_of_its_processes(
    config: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config()
    site_s = datetime(2023, 7, 6, 20, 0, tzinfo=UTC).timestamp()
    told = clock.ScaledClock(60.0, datetime.now(UTC).timestamp(), site_s)
    environment = {**os.environ, clock.VARIABLE: told.to_environment()}
    # `cat` has echoed a line: only then is it sure that /proc shows the new program's environment, not an empty one.
    with subprocess.Popen(["cat"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as demo:
        assert demo.stdin and demo.stdout
        demo.stdin.write(b"there\n")
        demo.stdin.flush()
        assert demo.stdout.readline() == b"there\n"
        health = Health(path.parent / "data", "nightflow", told.now())
        health.success(told.now(), 0.0)
        file = path.parent / "data/health/nightflow.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "pid": demo.pid}))
        status.run(["--config", str(path), "--json"])
        state = json.loads(capsys.readouterr().out)
    found = {process["role"]: process["word"] for process in state["processes"]}
    assert (state["speed"], found["nightflow"]) == (60.0, "running")


def test_status_names_what_is_wrong_and_leaves_with_1(
    config: Configure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config()
    data = path.parent / "data"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    healthy(data, "nightflow")
    state = json.loads((data / "health/nightflow.json").read_text())
    (data / "health/nightflow.json").write_text(json.dumps({**state, "pid": ended.pid}))
    waiting = Health(data, "producer", datetime.now(UTC))
    waiting.problem(datetime.now(UTC) - timedelta(hours=1), 0.0, "no such \x1b[31mport")
    store(data, Mark(now_minute() - 5000, 4, "log", {"001": now_minute() - 5000}))
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", "postgresql://127.0.0.1:1/none")
    assert status.run(["--config", str(path)]) == 1
    shown = capsys.readouterr().out
    assert "look: nightflow: stopped" in shown
    assert "look: consumer-archive: not started" in shown
    assert "no such \\x1b[31mport" in shown
    assert "look: newest row: no database" in shown
    assert "3 days" in shown  # the age of the newest row, from the mark
    assert "\x1b" not in shown


# --- check


class Server:
    """An HTTP server that gives one answer and remembers what was asked."""

    def __init__(self, answer: int) -> None:
        asked = self.asked = []  # type: list[tuple[str, str | None, bytes]]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append((self.command, self.headers.get("Authorization"), body))
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1/batches"

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def line() -> Iterator[str]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


@pytest.fixture
def answering() -> Iterator[Callable[[int], Server]]:
    made: list[Server] = []

    def make(answer: int) -> Server:
        made.append(Server(answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_check_says_ok_to_everything_in_place(
    config: Configure,
    line: str,
    answering: Callable[[int], Server],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = now_minute()
    server = answering(422)
    path = config(server=f'url = "{server.url}"', line=f'url = "{line}"')
    monkeypatch.setenv("HYDROLOG_SERVER__TOKEN", "s3cret")
    monkeypatch.setattr(checks, "MIN_FREE_BYTES", 1)
    sensors.run(["add", "001", "--config", str(path)])
    logged(path, [row(now)]).close()
    capsys.readouterr()
    code = check.run(["--config", str(path)])
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if not line.startswith("ok ")] == []
    assert code == 0
    subjects = {line.split()[1].rstrip(":") for line in shown}
    assert subjects >= {"settings", "folder", "disk", "clock", "log", "calendar", "group", "port", "database", "tables"}
    assert "server" in subjects
    assert server.asked == [("POST", "Bearer s3cret", b"")]  # no row was sent
    assert "s3cret" not in "".join(shown)


def test_check_says_what_to_do_and_leaves_with_1(
    config: Configure,
    connection: psycopg.Connection[Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    now = now_minute()
    path = config(line='url = "/dev/ttyNONE9"')
    connection.execute("DROP TABLE OUTLIER_TB")
    monkeypatch.setattr(checks, "MIN_FREE_BYTES", 10**18)
    store(tmp_path / "data", Mark(now + 600, 4, "log", {}))
    (tmp_path / "data" / "criteria").mkdir()
    (tmp_path / "data" / "criteria" / "planned.txt").write_text("soon\n")
    assert check.run(["--config", str(path)]) == 1
    fixes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FIX")]
    said = "\n".join(fixes)
    for expected in (
        "disk: only",
        "is closed already",
        "planned.txt line 1: must be SENSOR",
        "/dev/ttyNONE9",
        "OUTLIER_TB; run: hydrolog init-db",
        "server.url is empty",
    ):
        assert expected in said
    connection.execute("CREATE TABLE OUTLIER_TB ()")
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", "postgresql://127.0.0.1:1/none")
    assert check.run(["--config", str(path)]) == 1
    assert "FIX  database: " in capsys.readouterr().out


def test_check_of_a_port_that_the_producer_has_believes_the_producer(config: Configure, line: str) -> None:
    path = config(line=f'url = "{line}"')
    healthy(path.parent / "data", "producer", port="reading")
    (finding,) = checks.port(load(path), datetime.now(UTC))
    assert finding.ok
    assert str(os.getpid()) in finding.text


@pytest.mark.parametrize(
    ("status_", "ok", "word"),
    [
        (200, True, "taken"),
        (400, True, "taken"),
        (401, False, "token"),
        (404, False, "path"),
        (405, False, "path"),
        (301, False, "redirects"),
        (503, False, "trouble"),
        (None, False, "does not answer"),
    ],
)
def test_what_the_servers_answer_means(status_: int | None, ok: bool, word: str) -> None:
    found, text = checks.server_says(status_, "refused")
    assert (found, word in text) == (ok, True)


def test_a_network_share_is_told_from_a_local_disk(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nbox:/share {tmp_path} nfs4 rw 0 0\n")
    assert checks.file_system(tmp_path / "data", mounts) == "nfs4"
    assert checks.file_system(Path("/"), mounts) == "ext4"
    assert checks.file_system(Path("/"), tmp_path / "none") == "unknown"


# --- all of them


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
