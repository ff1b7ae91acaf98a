"""The whole group for real: every process, a pty, Postgres, HTTP; killed at will, and counted minute by minute.

The tests share one folder, as a user's runs do: each goes on where the one before stopped, and the demo's own count
(tests/unit/test_demo_tally.py shows what it sees) goes over everything since the first start.
"""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from common import embedded, health, processes
from demo import recordings
from demo.group import HOME

SPEED = "300"  # five minutes of the site a second
HISTORY_ROWS = 1440  # a day: too little to train on, so the seasonal fallback forecasts and the start is quick
DEADLINE_S = 180.0
ROLES = ("producer", "consumer-archive", "consumer-server", "nightflow", "forecaster", "server")


class DemoRuns:
    """Demos on one folder."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "demo"
        self._recordings = folder / "recordings"
        self._recordings.mkdir()
        for path in recordings.find(recordings.shipped()).replays.values():
            shutil.copy(path, self._recordings)
        for path in recordings.find(recordings.shipped()).histories.values():
            header, *rows = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
            short = gzip.compress(b"".join([header, *rows[-HISTORY_ROWS:]]))
            (self._recordings / path.name).write_bytes(short)

    def start(self, *options: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "cli", "demo", "--speed", SPEED, "--data", str(self.home)),
                *("--recordings", str(self._recordings), *options),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def count(self, seconds: int) -> tuple[dict[str, Any], str]:
        """One run to its end: the count over all runs so far, and what it said."""
        with self.start("--for", str(seconds), "--json") as demo:
            out, said = demo.communicate(timeout=seconds + 3 * DEADLINE_S)
        assert demo.returncode == 0, said + out + self.logs()
        result: dict[str, Any] = json.loads(out)
        return result, said

    def left(self) -> list[str]:
        """The processes of this folder that run, Postgres among them."""
        pids = processes.having(HOME, str(self.home))
        postmaster = embedded.postmaster(self.home / "data")
        return [f"{pid} {processes.name(pid)}" for pid in [*pids, *filter(None, [postmaster])]]

    def state(self, role: str) -> dict[str, Any]:
        return health.load_all(self.home / "data").get(role, {})

    def logs(self) -> str:
        return "\n".join(f"== {path.name}\n{path.read_text()[-1500:]}" for path in (self.home / "logs").glob("*.log"))

    def wait_for(self, true: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + DEADLINE_S
        while not true():
            assert time.monotonic() < end_s, f"waited in vain for {what}\n{self.logs()}"
            time.sleep(0.1)

    def wait_until_all_work(self, since: datetime | None = None) -> None:
        """Every process has done something, after `since` if it is given."""

        def at_work(role: str) -> bool:
            success = self.state(role).get("last_success")
            return bool(success) and (since is None or datetime.fromisoformat(success) > since)

        for role in ROLES:
            self.wait_for(lambda role=role: at_work(role), f"{role} to work")  # type: ignore[misc]

    def newest_success(self) -> datetime:
        return max(
            (datetime.fromisoformat(text) for role in ROLES if (text := self.state(role).get("last_success"))),
            default=datetime.fromisoformat("1970-01-01T00:00:00+00:00"),
        )


@pytest.fixture(scope="module")
def runs() -> Iterator[DemoRuns]:
    # Not pytest's own folder: Postgres runs as another user when we are root, and sockets need short paths.
    folder = Path(tempfile.mkdtemp(prefix="hydrolog-demo-"))
    folder.chmod(0o755)
    demos = DemoRuns(folder)
    yield demos
    left = demos.left()
    shutil.rmtree(folder, ignore_errors=True)
    assert left == []


def _assert_nothing_lost_or_repeated(result: dict[str, Any]) -> None:
    assert (result["lost"], result["repeated"], result["wrong"]) == ([], [], [])
    assert result["rows_received"] == result["rows_appended"] == result["rows_archived"] + result["rows_unregistered"]
    assert set(result["processes"].values()) == {"ok"}
    assert result["good"] is True


def test_every_row_arrives_once_and_no_process_is_left(runs: DemoRuns) -> None:
    result, _ = runs.count(25)
    _assert_nothing_lost_or_repeated(result)
    assert result["rows_expected"] >= 4 * 60  # four sensors for an hour at the very least
    assert result["readings_read"] == result["readings_sent"]
    assert result["rows_unregistered"] > 0
    assert result["frames_refused"] == {}
    assert result["night_windows_complete"] > 0
    assert result["forecasts"] > 0
    assert runs.left() == []


def test_killing_each_process_in_turn_loses_and_repeats_nothing(runs: DemoRuns) -> None:
    before = runs.newest_success()
    with runs.start() as demo:
        try:
            runs.wait_until_all_work(since=before)
            for role in ROLES:
                _kill_and_await(runs, role)
            _kill_postgres_and_await(runs)
            _kill_wrapper_and_await(runs)
            assert demo.poll() is None
        finally:
            demo.send_signal(signal.SIGINT)
            _, said = demo.communicate(timeout=DEADLINE_S)
    assert demo.returncode == 0, said
    assert runs.left() == []
    result, said = runs.count(5)
    _assert_nothing_lost_or_repeated(result)
    assert "history" not in said  # it went on where the last one stopped


def _kill_and_await(runs: DemoRuns, role: str) -> None:
    """kill -9; it is back when another process of that role has succeeded."""
    killed = runs.state(role)
    os.kill(killed["pid"], signal.SIGKILL)

    def is_back() -> bool:
        state = runs.state(role)
        return state.get("pid") != killed["pid"] and bool(state.get("last_success"))

    runs.wait_for(is_back, f"{role} to come back")


def _kill_postgres_and_await(runs: DemoRuns) -> None:
    old = embedded.postmaster(runs.home / "data")
    assert old is not None
    os.kill(old, signal.SIGKILL)
    runs.wait_for(lambda: embedded.postmaster(runs.home / "data") not in (None, old), "Postgres to come back")
    runs.wait_until_all_work(since=runs.newest_success())


def _kill_wrapper_and_await(runs: DemoRuns) -> None:
    """The program that starts and stops Postgres: its successor takes over the same Postgres, and nobody notices."""
    postgres, log = embedded.postmaster(runs.home / "data"), runs.home / "logs" / "database.log"
    started = log.read_text().count("start embedded=yes")
    (wrapper,) = [pid for pid in processes.having(HOME, str(runs.home)) if b"hydrolog-database" in _command(pid)]
    os.kill(wrapper, signal.SIGKILL)
    runs.wait_for(lambda: log.read_text().count("start embedded=yes") > started, "the wrapper to come back")
    assert embedded.postmaster(runs.home / "data") == postgres
    runs.wait_until_all_work(since=runs.newest_success())


def _command(pid: int) -> bytes:
    return (processes.PROC / str(pid) / "cmdline").read_bytes()


def test_a_killed_demo_leaves_no_process_and_the_next_goes_on(runs: DemoRuns) -> None:
    before = runs.newest_success()
    with runs.start() as demo:
        try:
            runs.wait_until_all_work(since=before)
        finally:
            demo.kill()
            demo.communicate(timeout=DEADLINE_S)
    runs.wait_for(lambda: runs.left() == [], "every process to end")
    result, said = runs.count(5)
    _assert_nothing_lost_or_repeated(result)
    assert "history" not in said


def test_a_second_demo_on_the_same_folder_says_who_holds_it(runs: DemoRuns) -> None:
    before = runs.newest_success()
    with runs.start() as demo:
        try:
            runs.wait_until_all_work(since=before)
            with runs.start("--for", "1") as second:
                _, said = second.communicate(timeout=DEADLINE_S)
            assert second.returncode == 3
            assert str(demo.pid) in said
            assert demo.poll() is None
        finally:
            demo.terminate()
            demo.communicate(timeout=DEADLINE_S)
    assert runs.left() == []
