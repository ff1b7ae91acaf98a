"""SIGTERM and Ctrl-C are heard while a program waits for a database or a server that says nothing."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

TOLD_S = 5.0  # what every program promises
BUSY_S = 10.0  # more, for a machine that runs other tests
ROLES = (
    "consumer --group archive",
    "consumer --group server",
    "nightflow",
    "forecaster run",
    pytest.param("forecaster train", marks=pytest.mark.skipif(find_spec("torch") is None, reason="no PyTorch here")),
    "server",
)
COMMANDS = ("load 001=rows.csv", "export 001", "criteria rebuild", "status", "sensors list", "init-db")


@pytest.fixture
def silent() -> Iterator[tuple[int, threading.Event]]:
    """A port that takes every connection and never answers; set when somebody came."""
    came, held = threading.Event(), []
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:

        def take() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return
                came.set()

        threading.Thread(target=take, daemon=True).start()
        yield listener.getsockname()[1], came
        for connection in held:
            connection.close()


def told(
    command: list[str], number: signal.Signals, silent: tuple[int, threading.Event], folder: Path
) -> "tuple[int, str]":
    """Start a program, tell it to end when it waits; its exit code and what it said."""
    port, came = silent
    settings = {
        "PATHS__DATA": str(folder / "data"),
        "DATABASE__URL": f"postgresql://nobody@127.0.0.1:{port}/none",
        "SERVER__URL": f"http://127.0.0.1:{port}/batches",
        "SERVER__TOKEN": "secret",
        "RECEIVER__PORT": str(_free_port()),
        "RECEIVER__TOKEN": "secret",
        "LINE__URL": str(folder / "none"),
    }
    environ = os.environ | {f"HYDROLOG_{name}": value for name, value in settings.items()}
    with subprocess.Popen(
        # As from a terminal: what runs these tests may ignore Ctrl-C, and children inherit that.
        ["env", "--default-signal=INT", sys.executable, "-P", "-m", *command],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            if "server" in command:  # it has nothing to send yet
                assert process.stdout is not None
                assert " start " in process.stdout.readline()
            else:
                assert came.wait(60), "it never asked"
            told_s = time.monotonic()
            process.send_signal(number)
            said, _ = process.communicate(timeout=60)
            assert time.monotonic() - told_s < TOLD_S + BUSY_S
        finally:
            process.kill()
    return process.returncode, said


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("role", ROLES)
def test_a_process_that_waits_ends_well(
    role: str, number: signal.Signals, silent: tuple[int, threading.Event], tmp_path: Path
) -> None:
    code, said = told(role.split(), number, silent, tmp_path)
    assert (code, "Traceback" in said) == (0, False), said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_waits_ends_by_ctrl_c_without_a_traceback(
    command: str, silent: tuple[int, threading.Event], tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("time,flow,pressure\n2024-01-01 00:00,1,2\n")
    code, said = told(["cli", *command.split()], signal.SIGINT, silent, tmp_path)
    assert (code, "Traceback" in said) == (130, False), said
