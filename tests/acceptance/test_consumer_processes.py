"""The consumers as real processes: killed at random, stopped in mid-request, started twice, fed for days."""

import contextlib
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from http_server import HttpServer, Request, accept, drop_after_keeping, hang, in_turn, refuse_offsets, send
from waiting import wait_for

from common.clock import minute_of
from common.row import Row, format_payload
from common.settings import Settings
from log import commits
from log.lock import Lock
from log.roles import open_for

PROGRAM = (sys.executable, "-P", "-m", "consumer")
TOKEN = "s3cret-of-the-test"
DEADLINE_S = 180.0  # never reached: a test that waits this long has failed
FIRST = minute_of(datetime.now(UTC)) // 10 * 10 - 3 * 1440  # the start of a window


class Box:
    """A data folder with a log, and consumers as processes of their own."""

    def __init__(self, settings: Settings, environ: dict[str, str]) -> None:
        self.settings, self.data = settings, settings.paths.data
        self.environ = {**os.environ, "HYDROLOG_PATHS__DATA": str(self.data), **environ}
        self.output = self.data.parent / "output.txt"
        self.processes: list[subprocess.Popen[bytes]] = []

    def append(self, minutes: int, sensors: int = 1, first: int = FIRST) -> int:
        """Append minutes of rows; how many rows."""
        log, zone = open_for(self.settings), self.settings.site.zone
        for start in range(0, minutes, 100):
            log.append(
                [
                    format_payload(Row(first + minute, f"{sensor:03d}", 8.02, 4.11, 60), zone)
                    for minute in range(start, min(start + 100, minutes))
                    for sensor in range(sensors)
                ]
            )
        log.close()
        return minutes * sensors

    def start(self, group: str, *options: str, **environ: str) -> subprocess.Popen[bytes]:
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                [*PROGRAM, "--group", group, *options],
                env={**self.environ, **environ},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Stop a process between two uses of the log's lock: whoever is stopped with it lets nobody append."""
        with contextlib.closing(Lock(self.data / "server_data.txt.lock")) as lock, lock.held(DEADLINE_S):
            process.send_signal(signal.SIGSTOP)
            state = Path(f"/proc/{process.pid}/stat")
            wait_for(lambda: state.read_bytes().rpartition(b")")[2].split()[0] == b"T", "it stops")

    def committed(self, group: str) -> int:
        return commits.read(self.data, group) or 0


MakeBox = Callable[..., Box]


@pytest.fixture
def box(settings_for: Callable[..., Settings]) -> Iterator[MakeBox]:
    made: list[Box] = []

    def make(server: HttpServer | None = None, **keys: str) -> Box:
        if server:
            keys["server__url"] = server.url
        environ = {f"HYDROLOG_{name.upper()}": value for name, value in keys.items()}
        made.append(Box(settings_for(**keys), {"HYDROLOG_SERVER__TOKEN": TOKEN, **environ}))
        return made[-1]

    yield make
    for process in (process for one in made for process in one.processes):
        process.kill()
        process.wait(DEADLINE_S)


def kill_storm(here: Box, group: str, rows: int, seed: int, progress: Callable[[], int]) -> int:
    """Start and kill -9 the group's process until all rows are committed; how often.

    Most lives end a moment after the process was seen at work, the others at any instant from the start on.
    """
    chance, kills = random.Random(seed), 0
    while here.committed(group) < rows:
        assert kills < 200, f"only {here.committed(group)} rows are through"
        process = here.start(group)
        if chance.random() < 0.75:
            enough = progress() + chance.randrange(1, 8)
            wait_for(lambda enough=enough: progress() >= enough or here.committed(group) >= rows, "progress")  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.01))
        else:
            time.sleep(chance.uniform(0, 0.6))
        process.kill()
        process.wait(DEADLINE_S)
        kills += 1
    return kills


def test_kill_9_storm_of_the_server_group_loses_and_repeats_nothing(box: MakeBox) -> None:
    chance = random.Random(4)

    def moody(server: HttpServer, request: Request, connection: socket.socket) -> None:
        mood = chance.random()
        if mood < 0.05:
            drop_after_keeping(server, request, connection)
        elif mood < 0.1:
            send(connection, 503)
        else:
            time.sleep(0.005)  # so that kills hit requests that are under way
            refuse_offsets(777)(server, request, connection)

    with HttpServer(moody) as server:
        here = box(server, log__groups="server")
        rows = here.append(600, sensors=6)
        assert kill_storm(here, "server", rows, seed=4, progress=lambda: len(server.requests)) > 3
        expected = [offset for offset in range(rows) if offset != 777]
        assert sorted(offset for _, offset in server.rows) == expected
        assert server.arrivals == expected  # in order, too
        assert not server.conflicts
        assert len(list((here.data / "rejected").glob("*.tsv"))) == 1
        here.start("server")
        wait_for(lambda: len((here.data / "server_data.txt").read_bytes().splitlines()) == 1, "the log is reset")


def test_kill_9_storm_of_the_archive_loses_and_repeats_nothing(box: MakeBox, database_url: str) -> None:
    here = box(log__groups="archive", database__url=database_url)
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute("INSERT INTO SENSOR_TB (sensor) SELECT to_char(n, 'FM000') FROM generate_series(0, 14) n")
        rows = here.append(2000, sensors=16)
        assert kill_storm(here, "archive", rows, seed=7, progress=lambda: here.committed("archive") // 1000) > 3
        stored = database.execute(
            "SELECT count(*), count(DISTINCT log_offset), count(DISTINCT (sensor, time)) FROM REAL_VAL_TB"
        ).fetchone()
        assert stored == (2000 * 15,) * 3
        assert database.execute("SELECT count(DISTINCT log_offset) FROM UNREGISTERED_VAL_TB").fetchone() == (2000,)


def test_sigterm_in_mid_request_leaves_at_once_and_the_batch_is_kept(box: MakeBox) -> None:
    with HttpServer(hang) as server:
        here = box(server, log__groups="server", server__timeout_seconds="600")
        here.append(10)
        process = here.start("server")
        wait_for(lambda: server.requests, "a request")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0  # the request would last longer
        assert (here.data / "outbox.tsv").exists()
        server.behave = accept
        here.start("server")
        wait_for(lambda: here.committed("server") == 10, "the batch is sent")
        first, second = server.requests
        assert (first.key, first.body) == (second.key, second.body)


def test_the_token_shows_nowhere_and_nothing_can_be_written_by_others(box: MakeBox) -> None:
    def echo(_server: HttpServer, request: Request, connection: socket.socket) -> None:
        send(connection, 422, request.headers["authorization"].encode(), Location=request.headers["authorization"])

    with HttpServer(in_turn(drop_after_keeping, echo)) as server:
        here = box(server, log__groups="server")
        here.append(10)
        process = here.start("server")
        wait_for(lambda: len(list((here.data / "rejected").glob("*.tsv"))) == 5, "rows are refused")
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert TOKEN.encode() not in arguments
        files = [path for path in [here.output, *here.data.rglob("*")] if path.is_file()]
        assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
        assert [path for path in here.data.rglob("*") if path.stat().st_mode & stat.S_IWOTH] == []


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({"HYDROLOG_SERVER__TOKEN": ""}, "server.token_file"),
        ({"HYDROLOG_SERVER__TOKEN": "two words"}, "server.token_file"),
        ({"HYDROLOG_SERVER__URL": ""}, "server.url"),
        ({"HYDROLOG_SERVER__URL": "ftp://x/"}, "server.url"),
        ({"HYDROLOG_LOG__GROUPS": "archive"}, "log.groups"),
        ({"HYDROLOG_SERVER__EVERY_MINUTES": "0"}, "server.every_minutes"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--once",)])
def test_wrong_settings_end_with_one_line_and_2(
    box: MakeBox, environ: dict[str, str], key: str, options: tuple[str, ...]
) -> None:
    with HttpServer(accept) as server:
        here = box(server, log__groups="server")
        here.append(10)
        before = sorted(path.read_bytes() for path in here.data.glob("server_data*"))
        assert here.start("server", *options, **environ).wait(DEADLINE_S) == 2
        (line,) = here.output.read_text().splitlines()
        assert key in line
        assert not server.requests
        assert sorted(path.read_bytes() for path in here.data.glob("server_data*")) == before


def test_an_unknown_group_is_bad_usage(box: MakeBox) -> None:
    assert box().start("nobody").wait(DEADLINE_S) == 2


def test_the_second_consumer_of_a_group_says_who_holds_it(box: MakeBox) -> None:
    with HttpServer(accept) as server:
        here = box(server, log__groups="server")
        first = here.start("server")
        wait_for(lambda: b"start pid=" in here.output.read_bytes(), "the first one runs")
        assert here.start("server").wait(DEADLINE_S) == 3
        assert f"process {first.pid};" in here.output.read_text()
        first.kill()
        first.wait(DEADLINE_S)
        here.append(10)
        here.start("server")  # a kill frees the role
        wait_for(lambda: here.committed("server") == 10, "rows are sent")


def test_once_sends_what_is_due_at_that_time_and_leaves(box: MakeBox) -> None:
    with HttpServer(accept) as server:
        here = box(server, log__groups="server")
        here.append(25)
        at = datetime.fromtimestamp((FIRST + 20) * 60, UTC).isoformat()
        assert here.start("server", "--once", "--at", at).wait(DEADLINE_S) == 0
        assert [request.offsets for request in server.requests] == [list(range(10)), list(range(10, 20))]


def test_while_the_server_is_away_health_says_so_and_the_lag_grows(box: MakeBox) -> None:
    with HttpServer(in_turn(drop_after_keeping)) as server:
        here = box(server, log__groups="server")
        here.append(10)
        here.start("server")

        def state() -> dict[str, object]:
            with contextlib.suppress(OSError, ValueError):
                return dict(json.loads((here.data / "health" / "consumer-server.json").read_bytes()))
            return {"problem": "", "counters": {}}

        wait_for(lambda: "no answer" in str(state()["problem"]), "a problem is published")
        counters = state()["counters"]
        assert isinstance(counters, dict)
        assert counters["lag"] == 10
        assert counters["waiting_since"]
        here.append(10, first=FIRST + 10)
        wait_for(lambda: dict(state()["counters"])["lag"] == 20, "the lag grows")  # type: ignore[call-overload]


def peak_mib(process: subprocess.Popen[bytes]) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def test_memory_does_not_grow_with_the_backlog(box: MakeBox, record_property: Callable[[str, object], None]) -> None:
    """300,000 rows wait: neither the size of the process nor the order of the rows shows it."""
    with HttpServer(accept) as server:
        here = box(server, log__groups="server")
        few = here.append(40, sensors=100)
        process = here.start("server")
        wait_for(lambda: here.committed("server") == few, "the first rows are sent")
        small = peak_mib(process)
        here.stop(process)
        many = few + here.append(2960, sensors=100, first=FIRST + 40)
        process.send_signal(signal.SIGCONT)
        wait_for(lambda: here.committed("server") == many, "all rows are sent")
        large = peak_mib(process)
        record_property("peak_mib", (small, large))
        assert large < 60
        assert large - small < 8
        assert server.arrivals == list(range(many))
        assert max(len(request.lines) for request in server.requests) == 1000
