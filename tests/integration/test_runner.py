"""The life of a process: exit codes, one line for a wrong setting, signals, roles, trouble that passes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from common import runner

DEADLINE_S = 120.0  # never reached: a test that waits this long has failed, and what would hold it up lasts longer

PROGRAM = """
import sys, time
from common import runner
from common.errors import DatabaseDown, LogError, SettingsError

class Worker:
    def __init__(self, context):
        self.context, self.steps = context, 0
        if context.settings.site.id == "slow":
            print("loading", flush=True)
            context.stop.wait(600)
        if context.settings.site.id == "missing":
            raise SettingsError("server.url", "is empty")
        if context.settings.site.id == "nolog" and not (context.data / "tried").exists():
            (context.data / "tried").touch()
            raise LogError("the log is not there yet")
    def step(self, now):
        self.steps += 1
        mode = self.context.settings.site.id
        if mode == "down" and self.steps < 3:
            raise DatabaseDown("no answer yet")
        if mode == "defect" and not (self.context.data / "defect").exists():
            (self.context.data / "defect").touch()
            raise ValueError("a defect")
        if mode in ("stuck", "slow") and not self.context.stop.is_set():
            print("stuck", flush=True)
            time.sleep(600)
        print("step", now.isoformat(), flush=True)
        return {"steps": self.steps}
    def close(self):
        print("closed", flush=True)

options = runner.parser("worker", "a test").parse_args()
sys.exit(runner.run("worker", Worker, options))
"""


def start(data: Path, *options: str, mode: str = "well") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *options],
        env={**os.environ, "HYDROLOG_PATHS__DATA": str(data), "HYDROLOG_SITE__ID": mode},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"{text!r} never came")


def test_it_steps_until_sigterm_and_leaves_with_zero(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        wait_for(process, "step 2")
        wait_for(process, "step 2")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err) == (0, "")
    assert "closed" in out
    health = json.loads((tmp_path / "health" / "worker.json").read_text())
    assert health["counters"]["steps"] >= 2
    assert health["last_success"]


def test_a_step_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with start(tmp_path, mode="stuck") as process:
        wait_for(process, "stuck")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    assert runner.LAST_WORD_S < 5  # what is promised


@pytest.mark.parametrize("options", [[], ["--once"]])
def test_sigterm_is_heard_while_a_start_takes_its_time(tmp_path: Path, options: list[str]) -> None:
    with start(tmp_path, *options, mode="slow") as process:
        wait_for(process, "loading")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err) == (0, "")
    assert "closed" in out


def test_trouble_that_passes_is_waited_for_and_said_once(tmp_path: Path) -> None:
    with start(tmp_path, mode="down") as process:
        assert "no answer yet" in wait_for(process, "waiting")
        assert "after_failures=2" in wait_for(process, "recovered")
        process.terminate()
        out, _ = process.communicate(timeout=DEADLINE_S)
    assert "waiting" not in out


def test_trouble_while_starting_is_waited_for_too(tmp_path: Path) -> None:
    with start(tmp_path, mode="nolog") as process:
        wait_for(process, "step 2")
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0


def test_a_defect_rebuilds_the_worker_and_the_process_lives(tmp_path: Path) -> None:
    with start(tmp_path, mode="defect") as process:
        wait_for(process, "a defect of the program (ValueError)")
        wait_for(process, "closed")
        wait_for(process, "step 2")
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0


@pytest.mark.parametrize("option", ["--config=/nowhere.toml", "--at=2024-08-26T00:00:00+09:00", "--nonsense"])
def test_wrong_use_is_exit_code_2(tmp_path: Path, option: str) -> None:
    with start(tmp_path, option) as process:
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, out) == (2, "")
    assert option.partition("=")[0] in err
    assert err.count("\n") == 1


def test_a_missing_setting_is_one_line_and_exit_code_2_before_anything_is_touched(tmp_path: Path) -> None:
    with start(tmp_path / "data", mode="missing") as process:
        _, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err) == (2, "server.url: is empty\n")
    assert not (tmp_path / "data").exists()


def test_a_role_that_is_taken_is_exit_code_3_and_names_its_holder(tmp_path: Path) -> None:
    with start(tmp_path) as first:
        wait_for(first, "step 2")
        with start(tmp_path) as second:
            _, err = second.communicate(timeout=DEADLINE_S)
        assert second.returncode == 3
        assert str(first.pid) in err
        first.kill()
        first.wait()
    with start(tmp_path, "--once") as third:
        assert third.wait(DEADLINE_S) == 0


def test_once_works_as_if_it_were_another_time(tmp_path: Path) -> None:
    with start(tmp_path, "--once", "--at=2024-08-26T16:33:00+09:00") as process:
        out, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert "step 2024-08-26T07:33:00+00:00" in out


def test_once_says_what_is_wrong_and_fails(tmp_path: Path) -> None:
    with start(tmp_path, "--once", mode="down") as process:
        _, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err) == (1, "no answer yet\n")


def test_a_folder_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with start(tmp_path / "file" / "data") as process:
        _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert err.startswith("paths.data: ")
