"""Makes a report in a process of its own, for processes that stay small: it needs much memory for some seconds, and can
be ended."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from common import processes
from common.errors import HydrologError
from common.logging_setup import quoted
from common.settings import CONFIG
from reports.month import Month

TYPES = {"pdf": "application/pdf", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
DEADLINE_S = 300.0  # real seconds: a thousand sensors take two minutes on a slow box
LOOK_S = 0.1  # between two looks whether the caller is to stop
PRIORITY = 10  # behind whatever keeps rows


class NotMade(HydrologError):
    """The report could not be made."""


def file_name(site: str, month: Month, kind: str) -> str:
    """What a file with the report is called."""
    return f"{site}-{month}.{kind}"


def make(
    month: Month, kind: str, language: str, config: Path | None, stop: threading.Event, *, sensor: str = ""
) -> bytes:
    """The report as a file of one of `TYPES`.

    Raises:
        NotMade: the database does not answer, no process can be started, it took too long, or `stop` was set.
    """
    words = ["report", str(month), "--language", language, f"--{kind}", "-", *(["--sensor", sensor] if sensor else [])]
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "cli", *words],
            env=os.environ | ({CONFIG: str(config)} if config else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,  # Ctrl-C goes to this process, which ends the child
        )
    except OSError as error:  # no memory, or too many processes
        raise NotMade(f"no process could be started: {error.strerror}") from error
    processes.give_way(child, PRIORITY)
    made, said = _wait(child, stop)
    if child.returncode != 0:
        raise NotMade(f"code={child.returncode} said={quoted(processes.last_words(said))}")
    return made


def _wait(child: "subprocess.Popen[bytes]", stop: threading.Event) -> tuple[bytes, bytes]:
    give_up_s = time.monotonic() + DEADLINE_S
    while True:
        try:
            return child.communicate(timeout=LOOK_S)
        except subprocess.TimeoutExpired:
            if stop.is_set() or time.monotonic() >= give_up_s:
                child.kill()
                child.communicate()
                waited = "this process is stopping" if stop.is_set() else f"no report in {DEADLINE_S:g} s"
                raise NotMade(waited) from None
