"""What a demo needs before its first start: sensors, history, criteria, a trained model."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from common import database
from common.errors import HydrologError
from common.loading import load_files
from demo.folder import DemoFolder
from demo.recordings import Recordings

MOST_S = 600.0  # real seconds: a training on ten weeks of three sensors takes a fraction
LOOK_S = 0.1


class NotPrepared(HydrologError):
    """The demo could not be prepared."""


def prepare(
    folder: DemoFolder,
    recordings: Recordings,
    environ: Mapping[str, str],
    stop: threading.Event,
    say: Callable[[str], None],
) -> None:
    """Everything here can be done again: a preparation that was cut off starts anew.

    Raises:
        NotPrepared: a step failed; its own words came before.
        DatabaseDown, HistoryRefused, NotLoaded: as they say.
    """
    settings = folder.settings()
    url = database.address(settings)
    with database.connect(url, "demo") as connection:
        recordings.register(connection)
    if not recordings.histories:
        return
    say("history: recorded minutes into the database")
    load_files(url, list(recordings.histories.items()), settings.site.zone)
    say(f"criteria: what is normal for each sensor (in {folder.home / 'logs' / 'criteria.log'})")
    # Its exit code says that a sensor has too little history: the initial criteria stay, that is no trouble here.
    with (folder.home / "logs" / "criteria.log").open("wb") as log:
        _run([sys.executable, "-m", "cli", "criteria", "rebuild", "--take"], environ, stop, log)
    say("model: training the LSTM on the history")
    train = [sys.executable, "-m", "forecaster", "train"]
    code = _run(train, environ, stop, sys.stderr)  # our own output may be JSON
    if code and not stop.is_set():
        raise NotPrepared(f"the training failed with exit code {code}")


def _run(command: list[str], environ: Mapping[str, str], stop: threading.Event, output: IO[Any]) -> int:
    """One step in a process of its own, ended early by `stop`; its exit code."""
    if stop.is_set():
        return 0
    give_up_s = time.monotonic() + MOST_S
    with subprocess.Popen(
        command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    ) as step:
        while step.poll() is None:
            if stop.wait(LOOK_S):
                step.terminate()
            if time.monotonic() > give_up_s:
                step.kill()
    return step.returncode
