"""Signals reach a process whatever it is doing, also while its main thread holds the stop event's own lock."""

import signal
import subprocess
import sys

import pytest

# The kill comes back to Python inside the lock: a handler that set the event there would wait for itself.
IN_THE_LOCK = """
import os, sys
from common.signals import stop_on_signals
stop = stop_on_signals()
with stop._cond:
    os.kill(os.getpid(), int(sys.argv[1]))
sys.exit(0 if stop.wait(20) else 9)
"""

# Busy in C, with no step of Python in between: the exit code is 9 if it is left to end by itself.
BUSY = """
import os, sys, time
from common.signals import stop_on_signals
stop = stop_on_signals(last_word_s=0.1)
os.kill(os.getpid(), int(sys.argv[1]))
time.sleep(20)
sys.exit(9)
"""


@pytest.mark.parametrize("code", [IN_THE_LOCK, BUSY])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_with_zero(code: str, number: signal.Signals) -> None:
    command = [sys.executable, "-c", code, str(int(number))]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


# The first module that is loaded beyond what obeying signals needs itself is where the signal comes.
LOADING = """
import collections.abc, importlib, os, sys, threading, time, types, typing
from common import signals
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name != program and not program.startswith(f"{name}."):
            os.kill(os.getpid(), int(sys.argv[1]))
            time.sleep(20)
            os._exit(9)
program = sys.argv[2]
sys.meta_path.insert(0, Finder())
importlib.import_module(program).main([])
sys.exit(8)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "program",
    [
        "producer.__main__",
        "consumer.__main__",
        "nightflow.__main__",
        "forecaster.__main__",
        "server.__main__",
        "postgres.__main__",
    ],
)
def test_a_signal_while_a_program_is_being_loaded_ends_it_with_zero(program: str, number: signal.Signals) -> None:
    command = [sys.executable, "-c", LOADING, str(int(number)), program]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
