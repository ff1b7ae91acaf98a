"""One verdict: in each state of the box the page's data, /healthz, /metrics and `hydrolog status` say the same."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ports import free_port
from receiver_process import ReceiverProcess, wait_for

from common.clock import minute_of
from common.health import Health
from common.verdict import GOOD, KINDS, LEAK, SILENT, TROUBLE, WATCH, Problem, verdict
from log import commits, mark

ROLES = ("producer", "consumer-archive", "consumer-server", "consumer-alerts", "nightflow", "forecaster")


class Box:
    """A box that is well, and its server."""

    def __init__(self, data: Path, database_url: str) -> None:
        self.data, self.url = data, database_url
        self.now = datetime.now(UTC).replace(second=0, microsecond=0)
        (data / "groups").mkdir(parents=True)
        mark.store(data, mark.Mark(minute_of(self.now) - 1, 88, "log", {"001": minute_of(self.now) - 1}))
        for group in ("archive", "server", "alerts"):
            commits.CommitFile(data, group, 0)
        for role in ROLES:
            Health(data, role, self.now).success(datetime.now(UTC), 0.0)
        with psycopg.connect(database_url) as connection:
            connection.execute("INSERT INTO SENSOR_TB (sensor, name) VALUES ('001', 'Mill Lane'), ('002', '')")
        for sensor in ("001", "002"):
            self.row(sensor, 1)
        self.server = ReceiverProcess(data, database_url)
        self.server.start()

    def row(self, sensor: str, minutes_ago: int) -> None:
        time = self.now - timedelta(minutes=minutes_ago)
        with psycopg.connect(self.url) as connection:
            connection.execute("SELECT real_val_partition(%s)", (time,))
            connection.execute("DELETE FROM REAL_VAL_TB WHERE sensor = %s", (sensor,))
            connection.execute(
                "INSERT INTO REAL_VAL_TB (sensor, time, flow, pressure, samples, log_id, log_offset) "
                "VALUES (%s, %s, 8, 4, 60, 'log', 1)",
                (sensor, time),
            )

    def flag(self, severity: str, minutes: int = 5) -> None:
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO OUTLIER_TB VALUES ('001', %s, 'flow', 'VALUE', 'X', %s, 12.1, 'because')",
                [(self.now - timedelta(minutes=minute), severity) for minute in range(1, minutes + 1)],
            )

    def surfaces(self) -> dict[str, Any]:
        """Kind and call to act, as each surface says it."""
        state = self.server.get("/api/state").json["verdict"]
        health = self.server.get("/healthz")
        lines = health.body.decode().splitlines()
        told = [line for line in lines if line.startswith("verdict: ")]
        metrics = self.server.get("/metrics").body.decode().splitlines()
        status = subprocess.run(
            [sys.executable, "-P", "-m", "cli", "status", "--json"],
            env=self.server._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        shown = json.loads(status.stdout)["verdict"]
        return {
            "page": (state["kind"], state["act"]),
            "healthz": (told[0].removeprefix("verdict: "), health.status == 503),
            "metrics": (
                next(kind for kind in KINDS if f'hydrolog_verdict{{verdict="{kind}"}} 1' in metrics),
                state["act"],
            ),
            "status": (shown["kind"], status.returncode == 1),
        }

    def said(self) -> list[str]:
        return [str(Problem(**each)) for each in self.server.get("/api/state").json["verdict"]["problems"]]


@pytest.fixture
def box(tmp_path: Path, database_url: str) -> Iterator[Box]:
    made = Box(tmp_path / "data", database_url)
    yield made
    made.server.kill()


def ended(box: Box) -> None:
    """A process that has gone without a successor."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = box.data / "health" / "nightflow.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": gone.pid}))


def without_database(box: Box) -> None:
    box.server._environ["HYDROLOG_DATABASE__URL"] = f"postgresql://127.0.0.1:{free_port()}/none"
    box.server.kill()
    box.server.start()


STATES: dict[str, tuple[Callable[[Box], None], str, str]] = {
    "well": (lambda _box: None, "good", ""),
    "planned work": (lambda box: box.flag("PLANNED"), "good", ""),
    "a watch": (lambda box: box.flag("WATCH"), "watch", "sensor 001: watch: because"),
    "a late sensor": (lambda box: box.row("002", 8), "watch", "sensor 002: late: nothing for"),
    "a meter fault": (lambda box: box.flag("FAULT"), "fault", "sensor 001: meter fault: because"),
    "a silent sensor": (lambda box: box.row("002", 1600), "silent", "sensor 002: no data: nothing for 26 h"),
    "a leak": (lambda box: box.flag("LEAK"), "leak", "sensor 001: leak suspected: because"),
    "a dead process": (ended, "trouble", "nightflow: stopped"),
    "no database": (without_database, "trouble", "88 rows wait in the log, none is lost"),
}


@pytest.mark.parametrize("name", STATES)
def test_all_surfaces_say_the_same(name: str, box: Box) -> None:
    change, kind, text = STATES[name]
    change(box)
    act = kind not in ("good", "watch")
    wait_for(lambda: box.server.get("/api/state").json["verdict"]["kind"] == kind, f"the verdict {kind}: {box.said()}")
    assert box.surfaces() == dict.fromkeys(("page", "healthz", "metrics", "status"), (kind, act))
    assert (text in box.said()[0]) if text else not box.said()


def test_without_a_database_the_sensors_are_still_there(box: Box) -> None:
    without_database(box)
    state = wait_for(lambda: box.server.get("/api/state").json, "the state")
    assert [(sensor["sensor"], sensor["word"]) for sensor in state["sensors"]] == [("001", "in the log")]
    assert state["newest"]["at"] == int((box.now - timedelta(minutes=1)).timestamp())


def test_the_worst_comes_first_and_a_watch_calls_nobody() -> None:
    assert (verdict([]).kind, verdict([]).act) == (GOOD, False)
    problems = [Problem(kind, kind, "x") for kind in (WATCH, SILENT, LEAK, TROUBLE, LEAK)]
    found = verdict(problems)
    assert [problem.kind for problem in found.problems] == [LEAK, LEAK, TROUBLE, SILENT, WATCH]
    assert (found.kind, found.act) == (LEAK, True)
    assert not verdict(problems[:1]).act
