"""Preparation before a demo's first start: sensors, history, criteria, a trained model."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from common import database, processes
from common.errors import HydrologError, Stopped
from demo.folder import DemoFolder
from demo.recordings import Recordings

MOST_S = 600.0  # real seconds: training on ten weeks of three sensors takes a fraction
LOOK_S = 0.1
END_S = 1.5  # for a step to stop; each can be repeated
HYDROLOG = (sys.executable, "-P", "-m", "cli")


class NotPrepared(HydrologError):
    """The demo could not be prepared."""


def prepare(
    folder: DemoFolder,
    recordings: Recordings,
    environ: Mapping[str, str],
    stop: threading.Event,
    say: Callable[[str], None],
) -> None:
    """Prepare everything; safe to repeat after an interruption.

    Raises:
        NotPrepared: a step failed, after printing its error.
        Stopped: `stop` was set.
        DatabaseDown: the database failed.
    """
    settings = folder.settings()
    url = database.address(settings)
    with database.connect(url, "demo") as connection:
        recordings.register(connection, settings.site.id)
    if not recordings.histories:
        return
    say("history: recorded minutes into the database")
    histories = [f"{sensor}={path}" for sensor, path in recordings.histories.items()]
    if code := _run([*HYDROLOG, "load", *histories], environ, stop, sys.stderr):
        raise NotPrepared(f"loading the history failed with exit code {code}")
    say(f"criteria: what is normal for each sensor (in {folder.home / 'logs' / 'criteria.log'})")
    # A nonzero exit code means that a sensor has too little history: its initial criteria stay, which is fine here.
    with (folder.home / "logs" / "criteria.log").open("wb") as log:
        _run([*HYDROLOG, "criteria", "rebuild", "--take"], environ, stop, log)
    say("model: training the LSTM on the history")
    train = [sys.executable, "-P", "-m", "forecaster", "train"]
    if code := _run(train, environ, stop, sys.stderr):  # standard output may be JSON
        raise NotPrepared(f"the training failed with exit code {code}")


def _run(command: list[str], environ: Mapping[str, str], stop: threading.Event, output: IO[Any]) -> int:
    """Run a step; returns its exit code.

    Raises:
        Stopped: `stop` was set; the step has ended.
    """
    give_up_s = time.monotonic() + MOST_S
    with subprocess.Popen(
        command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    ) as step:
        while step.poll() is None and not stop.wait(LOOK_S):
            if time.monotonic() > give_up_s:
                step.kill()
        processes.end_child(step, END_S)
    if stop.is_set():
        raise Stopped
    return step.returncode
