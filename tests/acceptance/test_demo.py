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

from common import health, processes
from common.folder import POSTGRES_FOLDER
from demo import recordings
from demo.group import MARK
from postgres import leftovers

SPEED = "300"  # five minutes of the site a second
HISTORY_ROWS = 1440  # a day: too little to train on, so the seasonal fallback forecasts and the start is quick
DEADLINE_S = 180.0
ROLES = ("producer", "consumer-archive", "consumer-server", "nightflow", "forecaster", "server")
# What a Korean desktop calls a folder, with every sign that a shell, a list, a URL or a settings file gives a meaning.
ODD = "새 폴더, \"q\" 100%(x)s 'n';"
ENDED_S = 5.0  # after a signal; on a machine that is busy with other tests it takes longer


class DemoRuns:
    """Demos on one folder."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / ODD / "demo"
        self._recordings = folder / ODD / "recordings"
        self._recordings.mkdir(parents=True)
        for path in recordings.find(recordings.shipped()).replays.values():
            shutil.copy(path, self._recordings)
        for path in recordings.find(recordings.shipped()).histories.values():
            header, *rows = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
            short = gzip.compress(b"".join([header, *rows[-HISTORY_ROWS:]]))
            (self._recordings / path.name).write_bytes(short)

    def start(self, *options: str, home: Path | None = None, **environ: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "cli", "demo", "--speed", SPEED, "--data", str(home or self.home)),
                *("--recordings", str(self._recordings), *options),
            ],
            env=os.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def count(self, seconds: int, **environ: str) -> tuple[dict[str, Any], str]:
        """One run to its end: the count over all runs so far, and what it said."""
        with self.start("--for", str(seconds), "--json", home=None, **environ) as demo:
            out, said = demo.communicate(timeout=seconds + 3 * DEADLINE_S)
        assert demo.returncode == 0, said + out + self.logs()
        result: dict[str, Any] = json.loads(out)
        return result, said

    def left(self, home: Path | None = None) -> list[str]:
        """The processes of a demo's folder that run, Postgres among them."""
        home = home or self.home
        pids = {*processes.having(MARK, str(home)), *leftovers.processes_in(home / "data" / POSTGRES_FOLDER)}
        return [f"{pid} {processes.name(pid)}" for pid in sorted(pids)]

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
            return success is not None and (since is None or datetime.fromisoformat(success) > since)

        for role in ROLES:
            self.wait_for(lambda role=role: at_work(role), f"{role} to work")  # type: ignore[misc]

    def newest_success(self) -> datetime:
        return max(
            (datetime.fromisoformat(text) for role in ROLES if (text := self.state(role).get("last_success"))),
            default=datetime.fromisoformat("1970-01-01T00:00:00+00:00"),
        )


@pytest.fixture(scope="module")
def runs() -> Iterator[DemoRuns]:
    folder = Path(tempfile.mkdtemp(prefix="hydrolog-demo-"))
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
    result, _ = runs.count(25, LC_ALL="C")
    _assert_nothing_lost_or_repeated(result)
    assert result["rows_expected"] >= 4 * 60  # four sensors for an hour at the very least
    assert result["readings_read"] == result["readings_sent"]
    assert result["rows_unregistered"] > 0
    assert result["frames_refused"] == {}
    assert result["night_windows_complete"] > 0
    assert result["forecasts"] > 0
    assert runs.left() == []
    _assert_each_role_had_a_quiet_life(runs)


def _assert_each_role_had_a_quiet_life(runs: DemoRuns) -> None:
    """One start each, and no word of trouble but that the database or the server was not there yet, or the line not any
    more."""
    not_yet = ("the database does not answer", "the embedded database has not started yet", "Connection refused")
    passing = (*not_yet, "port_closed")
    for role in (*ROLES, "database"):
        said = (runs.home / "logs" / f"{role}.log").read_text().splitlines()
        assert sum(f" {role} start pid=" in line for line in said) == 1, said
        assert said[-1].endswith("stop"), said
        assert [line for line in said if " INFO " not in line and not any(words in line for words in passing)] == []
    assert [line for line in (runs.home / "logs" / "start.log").read_text().splitlines() if line] == []


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
    old = leftovers.postmaster(runs.home / "data" / POSTGRES_FOLDER)
    assert old is not None
    os.kill(old, signal.SIGKILL)
    runs.wait_for(
        lambda: leftovers.postmaster(runs.home / "data" / POSTGRES_FOLDER) not in (None, old), "Postgres to come back"
    )
    runs.wait_until_all_work(since=runs.newest_success())


def _kill_wrapper_and_await(runs: DemoRuns) -> None:
    """The program that starts and stops Postgres: its Postgres ends with it, and its successor starts another."""
    old = leftovers.postmaster(runs.home / "data" / POSTGRES_FOLDER)
    _kill_and_await(runs, "database")
    assert leftovers.postmaster(runs.home / "data" / POSTGRES_FOLDER) not in (None, old)
    runs.wait_until_all_work(since=runs.newest_success())


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


def _stopped(demo: "subprocess.Popen[str]", number: signal.Signals) -> str:
    """Tell a demo to end; what it said."""
    told_s = time.monotonic()
    demo.send_signal(number)
    _, said = demo.communicate(timeout=DEADLINE_S)
    assert time.monotonic() - told_s < ENDED_S + 25
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["postgres.new", "postgres/postmaster.pid", "postgres.url"])
def test_a_demo_that_is_told_to_end_while_it_prepares_leaves_nothing(
    runs: DemoRuns, tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    """While the database is made, while it starts, while history is loaded."""
    home = tmp_path / "demo"
    with runs.start(home=home) as demo:
        runs.wait_for((home / "data" / moment).exists, moment)
        said = _stopped(demo, number)
    assert (demo.returncode, "Traceback" in said) == (0, False), said
    assert runs.left(home) == []


def test_a_demo_whose_database_cannot_start_says_so_once_and_fails(runs: DemoRuns, tmp_path: Path) -> None:
    home = tmp_path / "demo"
    (home / "data").mkdir(parents=True)
    (home / "data" / POSTGRES_FOLDER).write_text("a file where the database's folder has to be")
    with runs.start("--for", "5", home=home) as demo:
        _, said = demo.communicate(timeout=DEADLINE_S)
    assert demo.returncode == 1
    assert len(said.splitlines()) == 1
    assert str(home / "data" / POSTGRES_FOLDER) in said
    assert runs.left(home) == []


def test_a_demo_whose_database_falls_over_again_and_again_fails(runs: DemoRuns) -> None:
    """Every other role waits for it and goes on, so only its own state can tell."""
    with runs.start("--for", "20", "--json") as demo:
        for _ in range(4):
            postgres = _its_postgres(runs)
            os.kill(postgres, signal.SIGKILL)
            runs.wait_for(lambda old=postgres: _its_postgres(runs) != old, "another Postgres")  # type: ignore[misc]
        out, said = demo.communicate(timeout=2 * DEADLINE_S)
    assert demo.returncode == 1
    assert json.loads(out)["processes"]["database"].startswith("fell over 4 times")
    assert "database: fell over 4 times" in said


def _its_postgres(runs: DemoRuns) -> int:
    """The Postgres that runs and that its program has seen answer."""
    found: list[int] = []

    def ready() -> bool:
        pid = runs.state("database").get("counters", {}).get("postgres")
        found[:] = [pid] if pid and not runs.state("database").get("problem") and processes.alive(pid) else []
        return bool(found)

    runs.wait_for(ready, "Postgres")
    return found[0]
