"""The shipped supervisord.conf with stand-in programs: who is started again, and who is not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CONF = Path(__file__).parents[2] / "deploy" / "supervisord.conf"
STAND_IN = """#!{python}
import os, sys, time
name = "".join(sys.argv[3:])  # after -P -m
with open(os.environ["STARTS"] + "/" + name, "a") as file:
    file.write(str(os.getpid()) + "\\n")
if "nightflow" in name:
    sys.exit(2)  # wrong settings
if "forecaster" in name:
    sys.exit(1)  # a defect
while True:
    time.sleep(60)
"""


def _wait_for(true: Callable[[], bool], deadline_s: float = 120.0) -> None:
    end_s = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.05)


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[Callable[[str], list[int]]]:
    """The group running on stand-ins; the process ids that each of them has had so far."""
    for folder in ("bin", "home/logs", "home/programs", "starts"):
        (tmp_path / folder).mkdir(parents=True)
    python = tmp_path / "bin" / "python"
    real = tmp_path / "bin" / "real-python"  # a script names no interpreter in a folder with a blank
    real.symlink_to(sys.executable)
    python.write_text(STAND_IN.format(python=real))
    python.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HYDROLOG_HOME": str(tmp_path / "home"),
        "STARTS": str(tmp_path / "starts"),
    }
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(CONF)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as group:

        def pids(name: str) -> list[int]:
            path = tmp_path / "starts" / name
            return [int(line) for line in path.read_text().split()] if path.exists() else []

        try:
            _wait_for(lambda: bool(pids("producer")))
            yield pids
        finally:
            group.send_signal(signal.SIGTERM)
            group.wait(120)


def test_a_killed_process_is_started_again_and_wrong_settings_are_not(starts: Callable[[str], list[int]]) -> None:
    steady = ("consumer--grouparchive", "consumer--groupserver", "nightflow")
    _wait_for(lambda: all(starts(name) for name in steady))
    os.kill(starts("consumer--grouparchive")[0], signal.SIGKILL)
    # A program that always dies at once would be in FATAL after a few tries elsewhere: this one goes on.
    _wait_for(lambda: len(starts("forecasterrun")) >= 5)
    _wait_for(lambda: len(starts("consumer--grouparchive")) == 2)
    assert len(starts("nightflow")) == 1
    assert len(starts("consumer--groupserver")) == 1
