"""One verdict: in each state of the box the page's data, /healthz, /metrics, `hydrolog status` and the alerts agree."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import psycopg
import pytest
from ports import free_port
from receiver_process import ReceiverProcess
from waiting import wait_for

from cli import status
from common import settings, state_file
from common.clock import SystemClock, minute_of, minute_start
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from common.health import Health
from common.row import Row, format_payload
from common.verdict import GOOD, KINDS, LEAK, SILENT, TROUBLE, WATCH, Problem, verdict
from consumer.alerts.box import conditions
from incidents import acts
from incidents.acts import Do
from incidents.incident import Incident, Sign, Size
from incidents.reading import IncidentsFile
from log import mark
from log.roles import open_for
from situation import snapshot
from situation.judge import judge

ROLES = ("producer", "consumer-archive", "consumer-server", "consumer-alerts", "nightflow", "forecaster")
ROWS = 44  # of each sensor
FULL = """
import shutil
shutil.disk_usage = lambda path: shutil._ntuple_diskusage(10**9, 95 * 10**7, 5 * 10**7)
"""


class Box:
    """A box that is well, and its server.

    Its newest rows and successes are a little ahead, so that it stays well on a slow machine.
    """

    def __init__(self, data: Path, database_url: str) -> None:
        self.data, self.url = data, database_url
        self.now = datetime.now(UTC).replace(second=0, microsecond=0)
        self.minute = minute_of(self.now)
        data.mkdir()
        self.server = ReceiverProcess(data, database_url)
        self.settings = settings.load(None, self.server._environ)
        self.log = open_for(self.settings)
        for group in ("archive", "server", "alerts"):
            self.log.group(group).close()
        for ago in range(ROWS, 0, -1):
            rows = [Row(self.minute - ago, sensor, 8.0, 4.0, 60) for sensor in ("001", "002")]
            self.log.append([format_payload(row, self.settings.site.zone) for row in rows])
        with psycopg.connect(database_url) as connection:
            connection.execute("INSERT INTO SENSOR_TB (sensor, name) VALUES ('001', 'Mill Lane'), ('002', '')")
        self.server.start()
        self.reset()

    def reset(self) -> None:
        """Everything is well again."""
        self.now = datetime.now(UTC).replace(second=0, microsecond=0)
        self.minute = minute_of(self.now)
        for name in (INCIDENTS_FILE, INCIDENT_ACTS_FILE):
            (self.data / name).unlink(missing_ok=True)
        with psycopg.connect(self.url) as connection:
            connection.execute("TRUNCATE OUTLIER_TB, UNREGISTERED_VAL_TB")
        for role in ROLES:
            self.health(role)
        self.mark({"001": -1, "002": -1})
        for sensor in ("001", "002"):
            self.row(sensor, -1)

    def health(self, role: str, **counters: Any) -> None:
        Health(self.data, role, self.now).success(self.now + timedelta(minutes=10), 0.0, **counters)

    def mark(self, minutes_ago: dict[str, int], end: int = 2 * ROWS) -> None:
        closed = {sensor: self.minute - ago for sensor, ago in minutes_ago.items()}
        mark.store(self.data, mark.Mark(max(closed.values()), end, self.log.log_id, closed))

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

    def silent(self, minutes: int) -> None:
        self.row("002", minutes)
        self.mark({"001": -1, "002": minutes})

    def flag(self, severity: str) -> None:
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO OUTLIER_TB VALUES ('001', %s, 'flow', 'VALUE', 'X', %s, 12.1, 'because')",
                [(self.now - timedelta(minutes=minute), severity) for minute in range(-1, 5)],
            )

    def incident(self, kind: str, severity: str, *, since: int = 120, ended: int | None = None) -> str:
        """One incident that began `since` minutes ago."""
        began = self.minute - since
        end = None if ended is None else self.minute - ended
        sign = Sign("LEAK", "PREDICT", "flow", severity, began, began + 60, end)
        size = Size(self.minute, 9.3, 1.1) if kind == "leak" else None
        found = Incident("001-x-" + kind, "site", "001", kind, began, began + 60, end, size, signs=[sign])
        state_file.store(self.data / INCIDENTS_FILE, IncidentsFile(incidents=[found]))
        return found.id

    def act(self, do: Do, **more: Any) -> None:
        incident, at = self.incident("leak", "leak"), self.now - timedelta(minutes=10)
        acts.append(self.data, acts.new(incident, "Kim", at, do, **more))

    def restart(self, **environ: str) -> None:
        self.server._environ |= environ
        self.settings = settings.load(None, self.server._environ)
        self.server.kill()
        self.server.start()

    def surfaces(self) -> dict[str, Any]:
        """Kind, whether somebody must act, and the problems' codes, as each surface says them."""
        state = self.server.get("/api/state").json["verdict"]
        health = self.server.get("/healthz")
        lines = [line for line in health.body.decode().splitlines() if line.endswith("]")]
        codes = [line.rpartition("[")[2][:-1] for line in lines if not line.startswith("shelved: ")]
        told = health.body.decode().partition("verdict: ")[2].partition("\n")[0]
        metrics = self.server.get("/metrics").body.decode().splitlines()
        out = io.StringIO()
        with mock.patch.dict(os.environ, self.server._environ), contextlib.redirect_stdout(out):
            code = status.run(["--json"])
        shown = json.loads(out.getvalue())["verdict"]
        return {
            "page": (state["kind"], state["act"], [each["code"] for each in state["problems"]]),
            "healthz": (told, health.status == 503, codes),
            "status": (shown["kind"], code == 1, [each["code"] for each in shown["problems"]]),
            "metrics": next(kind for kind in KINDS if f'hydrolog_verdict{{verdict="{kind}"}} 1' in metrics),
        }

    def settled(self) -> list[dict[str, Any]]:
        """The problems of a state that was read after this call, once the server has published that it runs."""
        called_s = datetime.now(UTC).timestamp()

        def problems() -> list[list[dict[str, Any]]] | None:
            state = self.server.get("/api/state").json
            found = state["verdict"]["problems"]
            ended = ("not-started", "stopped", "given-up")
            started = not any(each["subject"] == "server" and each["code"] in ended for each in found)
            return [found] if started and state["now"] > called_s else None

        found: list[dict[str, Any]] = wait_for(problems, "a new state")[0]
        return found

    def check(self, state: "State") -> None:
        """Ask everybody, and compare."""
        problems = self.settled()
        assert [each["code"] for each in problems][:1] == ([state.code] if state.code else []), problems
        assert not problems or state.text in problems[0]["line"], problems
        for each in problems:
            assert all(value >= 0 for name, value in each["values"].items() if name.endswith("_s")), each
        told = (state.kind, state.kind not in ("good", "watch"), [each["code"] for each in problems])
        assert self.surfaces() == {"page": told, "healthz": told, "status": told, "metrics": state.kind}
        look = snapshot.take(self.settings, SystemClock())
        of_alerts = {(each.kind, each.subject, each.code) for each in judge(look, self.settings).verdict.problems}
        assert of_alerts <= {(each["kind"], each["subject"], each["code"]) for each in problems}
        alarms = {code for _, _, code in conditions(look, self.settings, {})}
        assert alarms == ({state.alarm} if state.alarm else set())


@pytest.fixture
def box(tmp_path: Path, database_url: str) -> Iterator[Box]:
    made = Box(tmp_path / "data", database_url)
    yield made
    made.server.kill()
    made.log.close()


def ended(box: Box, seconds_ago: int = 0) -> None:
    """A process that has gone without a successor."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = box.data / "health" / "nightflow.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": gone.pid}))
    seen_s = datetime.now(UTC).timestamp() - seconds_ago
    os.utime(path, (seen_s, seen_s))


def silent_line(box: Box) -> None:
    box.silent(40)
    box.row("001", 40)
    box.mark({"001": 40, "002": 40})


def without_database(box: Box) -> None:
    box.restart(HYDROLOG_DATABASE__URL=f"postgresql://127.0.0.1:{free_port()}/none")


def full(box: Box) -> None:
    folder = box.data.parent / "patched"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(FULL)
    box.restart(PYTHONPATH=f"{folder}:{os.environ.get('PYTHONPATH', '')}")


def unregistered(box: Box) -> None:
    with psycopg.connect(box.url) as connection:
        connection.execute(
            "INSERT INTO UNREGISTERED_VAL_TB VALUES ('X-77', %s, 3, 4, 60, '0000', '000', 'log', 1)", (box.now,)
        )


def damaged_acts(box: Box) -> None:
    box.incident("leak", "leak", ended=1)
    (box.data / INCIDENT_ACTS_FILE).write_text('{"id": \n')


class State(NamedTuple):
    """What is done to a box; the verdict; the worst problem's code and what its line contains; the alarm."""

    change: Callable[[Box], object]
    kind: str
    code: str = ""
    text: str = ""
    alarm: str = ""


STATES: dict[str, State] = {
    "well": State(lambda _box: None, "good"),
    "planned work": State(lambda box: box.flag("PLANNED"), "good"),
    "a watch": State(lambda box: box.flag("WATCH"), "watch", "watch", "sensor 001 Mill Lane: watch: because"),
    "a meter fault": State(lambda box: box.flag("FAULT"), "fault", "fault", "instrument fault: because"),
    "a leak": State(lambda box: box.flag("LEAK"), "leak", "leak", "sensor 001 Mill Lane: leak suspected: because"),
    "a late sensor": State(lambda box: box.silent(8), "watch", "late", "sensor 002: late: nothing for"),
    "a silent sensor": State(
        lambda box: box.silent(1600), "silent", "no-data", "sensor 002: no data: nothing for 26 h", "BOX-SENSOR"
    ),
    "a silent line": State(
        silent_line,
        *("silent", "silent-rows", "newest row: no data: nothing for", "BOX-LINE"),
    ),
    "an incident: leak": State(
        lambda box: box.incident("leak", "leak"),
        *("leak", "leak", "sensor 001 Mill Lane: leak suspected: for 2 h", ""),
    ),
    "an incident: watch": State(lambda box: box.incident("leak", "watch"), "watch", "watch"),
    "an incident: fault": State(lambda box: box.incident("fault", "fault"), "fault", "fault"),
    "an incident: supply": State(lambda box: box.incident("supply", "supply"), "watch", "supply"),
    "an incident during planned work": State(lambda box: box.incident("leak", "planned"), "good"),
    "an incident that is over": State(lambda box: box.incident("leak", "leak", ended=3), "good"),
    "an incident of a clock ahead": State(
        lambda box: box.incident("leak", "leak", since=-90), "leak", "leak", "leak suspected: for 0 s"
    ),
    "acknowledged": State(lambda box: box.act(Do.ACKNOWLEDGE), "leak", "leak", "acknowledged by Kim 1"),
    "shelved": State(lambda box: box.act(Do.SHELVE, until=box.minute + 600), "good"),
    "shelved until now": State(lambda box: box.act(Do.SHELVE, until=box.minute - 1), "leak", "leak"),
    "closed": State(lambda box: box.act(Do.CLOSE, cause="repaired"), "good"),
    "a dead process": State(ended, "trouble", "stopped", "nightflow: stopped"),
    "a process given up": State(
        lambda box: ended(box, 7200),
        *("trouble", "given-up", "if it stays so, type: sudo systemctl restart hydrolog", "BOX-IDLE"),
    ),
    "a process never started": State(
        lambda box: (box.data / "health" / "nightflow.json").unlink(), "trouble", "not-started", "see logs/nightflow"
    ),
    "a backlog": State(
        lambda box: box.mark({"001": -1, "002": -1}, end=5000), "watch", "backlog", "5,000 rows wait in the log"
    ),
    "a refused token": State(
        lambda box: box.health("consumer-server", last_status=401),
        *("trouble", "token-refused", "server: refuses the token: answer 401", "BOX-REFUSED"),
    ),
    "refused rows": State(
        lambda box: box.health("consumer-server", refused_in_a_row=5),
        *("trouble", "rows-refused", "server: refuses rows: 5 in a row", "BOX-REFUSED"),
    ),
    "a doubted clock": State(
        lambda box: box.health("producer", clock="stepped"),
        *("trouble", "clock-doubted", "hydrolog clock confirm --go-on", "BOX-CLOCK"),
    ),
    "rows of the future": State(
        lambda box: box.mark({"001": -1, "002": -90}), "trouble", "future-rows", "rows of the future", "BOX-CLOCK"
    ),
    "an unregistered sensor": State(unregistered, "watch", "unregistered", "type: hydrolog sensors add X-77"),
    "a damaged incident file": State(
        lambda box: (box.data / INCIDENTS_FILE).write_text("{"),
        *("trouble", "incidents-damaged", "incident records: file damaged", "BOX-INCIDENTS"),
    ),
    "a damaged act": State(damaged_acts, "watch", "acts-damaged", "incident records: notes damaged"),
}


# States for which the server must start anew.
STARTED_ANEW: dict[str, State] = {
    "no database": State(
        without_database,
        "trouble",
        "no-database",
        "88 rows wait in the log, none is lost; the database does not answer",
    ),
    "a full disk": State(full, "trouble", "disk-full", "only 50 MB are free; make room", "BOX-DISK"),
    "a large log": State(
        lambda box: box.restart(HYDROLOG_LOG__WARN_BYTES="4096"), "trouble", "log-large", "rows wait", "BOX-LOG"
    ),
}


def test_all_surfaces_say_the_same(box: Box) -> None:
    wrong = {}
    for name, state in STATES.items():
        box.reset()
        state.change(box)
        try:
            box.check(state)
        except AssertionError as error:  # the other states are worth knowing, too
            wrong[name] = str(error)
    assert not wrong, "\n\n".join(f"{name}: {error}" for name, error in wrong.items())


@pytest.mark.parametrize("name", STARTED_ANEW)
def test_all_surfaces_say_the_same_of_the_box_itself(name: str, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    state = STARTED_ANEW[name]
    state.change(box)
    if name == "a full disk":
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**9, 95 * 10**7, 5 * 10**7))
    box.check(state)


def test_a_shelved_incident_is_listed_and_calls_nobody(box: Box) -> None:
    box.act(Do.SHELVE, until=box.minute + 600)
    box.settled()
    state = wait_for(
        lambda: (found := box.server.get("/api/state").json)["verdict"]["shelved"] and found, "the shelved one"
    )
    assert "shelved by Kim for" in state["verdict"]["shelved"][0]["line"]
    assert (state["verdict"]["kind"], state["sensors"][0]["word"]) == (GOOD, "shelved")
    health = box.server.get("/healthz")
    assert health.status == 200 and b"shelved: sensor 001 Mill Lane: shelved: shelved by Kim" in health.body


def test_without_a_database_the_newest_rows_come_from_the_log(box: Box) -> None:
    flagged = Row(box.minute, "001", 12.1, 3.9, 60, "00L0")
    box.log.append([format_payload(flagged, box.settings.site.zone)])
    without_database(box)
    box.mark({"001": 0, "002": 1})
    box.settled()
    state = box.server.get("/api/state").json
    shown = [(each["sensor"], each["flow"], each["pressure"], each["code"]) for each in state["sensors"]]
    assert shown == [("001", 12.1, 3.9, "leak"), ("002", 8.0, 4.0, "normal")]
    assert state["newest"]["at"] == int(minute_start(box.minute).timestamp())
    for path in ("/api/state", "/healthz", "/metrics"):
        assert not any(word in box.server.get(path).body for word in (b"\\n", b"psycopg", b"Is the server running"))


def test_the_page_speaks_the_language_that_is_asked_for(box: Box) -> None:
    box.incident("leak", "leak")
    state = wait_for(lambda: box.settled() and box.server.get("/api/state?language=ko").json, "the state")
    first = state["verdict"]["problems"][0]
    assert (state["verdict"]["said"], first["word"], first["where"]) == ("누수 의심", "누수 의심", "센서 001 Mill Lane")
    assert "초과 유량 약 9.3 m³/h(±1.1)" in first["detail"] and "누수탐사" in first["todo"]
    assert box.server.get("/api/state?language=%3Cx%3E").json["language"] == "en"


def test_the_worst_comes_first_and_a_watch_calls_nobody() -> None:
    assert (verdict([]).kind, verdict([]).act) == (GOOD, False)
    problems = [Problem(kind, kind, "x") for kind in (WATCH, SILENT, GOOD, LEAK, TROUBLE, LEAK)]
    found = verdict(problems)
    assert [problem.kind for problem in found.problems] == [LEAK, LEAK, TROUBLE, SILENT, WATCH]
    assert (found.kind, found.act) == (LEAK, True)
    assert not verdict(problems[:1]).act
