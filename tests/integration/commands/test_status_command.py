"""`hydrolog status`: a box that is well, and each thing that can be wrong with it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from command_site import Configure, healthy, logged, now_minute, row

from cli import checks, sensors, status
from common import clock, time_service
from common.health import Health
from common.settings import load
from common.version import version
from consumer.store import store as archive
from log.mark import Mark, store


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
        archive(cursor, "site-1", "log", rows, [])
    capsys.readouterr()
    assert status.run(["--config", str(path)]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith("keep watch\n")  # for the sensor that is not registered
    assert "hydrolog sensors add stranger" in shown
    assert f"version: {version()}\n" in shown
    assert status.run(["--config", str(path), "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert state["groups"] == [{"group": "archive", "lag": 1}, {"group": "server", "lag": 1}]
    (sensor,) = state["sensors"]
    assert (sensor["sensor"], sensor["samples"], sensor["flow_flags"]) == ("001", 60, "0000")
    assert state["log"]["end_offset"] == 1
    assert {process["version"] for process in state["processes"]} == {state["version"]}


def test_status_names_a_process_that_was_not_restarted_after_an_update(
    config: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config()
    healthy(path.parent / "data", "producer")
    file = path.parent / "data" / "health" / "producer.json"
    file.write_text(json.dumps(json.loads(file.read_bytes()) | {"version": "0.0.1"}))
    status.run(["--config", str(path)])
    assert f"version: {version()}; producer runs 0.0.1\n" in capsys.readouterr().out


def test_status_shows_each_meters_clock(config: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    path = config()
    data = path.parent / "data"
    healthy(data, "producer", clock_offsets_s={"001": -0.4, "002": 12.0, "003": -10_900.0})
    sensors.run(["add", "003", "--config", str(path)])
    status.run(["--config", str(path)])
    assert "clocks of the meters: 001 right, 002 12 s fast, 003 3 h 1 min slow\n" in capsys.readouterr().out
    status.run(["--config", str(path), "--json"])
    state = json.loads(capsys.readouterr().out)
    assert state["clock_offsets_s"]["002"] == 12.0
    assert [sensor["clock"] for sensor in state["sensors"]] == ["its clock is 3 h 1 min slow"]
    # A producer that has ended knows no clock.
    file = data / "health" / "producer.json"
    file.write_text(json.dumps(json.loads(file.read_bytes()) | {"pid": 2**22 + 1}))
    status.run(["--config", str(path)])
    assert "clocks of the meters" not in capsys.readouterr().out


def test_status_says_that_the_disk_is_full(
    config: Configure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(config())
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=4_000_000))
    assert status.run(["--config", path]) == 1
    assert "look: disk: full: only 4 MB are free; make room" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("in_step", "words"),
    [
        (True, ("clock: kept by a time service", "synchronised: it keeps the clock")),
        (False, ("clock: no time service keeps it", "hydrolog clock confirm")),
        (None, ("", "unknown whether")),
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
    assert "no such ?[31mport" in shown
    assert "look: database: no answer" in shown
    assert "3 days" in shown  # the age of the newest row, from the mark
    assert "\x1b" not in shown


def test_status_speaks_the_language_that_is_asked_for(
    config: Configure, connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = config()
    healthy(path.parent / "data", "producer", clock_offsets_s={"001": -10_900.0})
    sensors.run(["add", "001", "--name", "연산3", "--config", str(path)])
    with connection.transaction(), connection.cursor() as cursor:
        flagged = replace(row(now_minute() - 1), flow_flags="00l0", pressure_flags="00P")
        archive(cursor, "site-1", "log", [(0, flagged), (1, row(now_minute() - 2, "stranger"))], [])
    capsys.readouterr()
    status.run(["--config", str(path), "--language", "ko"])
    shown = capsys.readouterr().out
    assert "계측기 시계: 001 3시간 1분 느림\n" in shown
    assert "미등록 센서 stranger: " in shown and "확인 필요: " in shown
    folded = " ".join(shown.split())
    assert "정상; 유량 예측 비교: 계획 작업 중: 누수 의심 지속(급증 후 유지)" in folded
    assert shown.rstrip().endswith("\n시스템 이상")
    for english in ("look", "state", "name", "clock:", "version", "ago", "never", "during", "stepped"):
        assert english not in shown.replace("server_data.txt", "")
