"""What a demo needs before its first start: sensors, history, criteria, a trained model."""

import importlib.util
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping

from common import database
from common.cli.load import load_files
from common.demo.folder import DemoFolder
from common.demo.recordings import Recordings
from common.errors import HydrologError

CRITERIA_COMMAND = "common.cli.criteria"
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
    if importlib.util.find_spec(CRITERIA_COMMAND):
        say("criteria: what is normal for each sensor")
        # Its exit code says that a sensor has too little history: the initial criteria stay, that is no trouble here.
        _run([sys.executable, "-m", "common.cli", "criteria", "rebuild", "--take"], environ, stop)
    say("model: training the LSTM on the history")
    train = [sys.executable, "-m", "forecaster", "train"]
    if (code := _run(train, environ, stop)) and not stop.is_set():
        raise NotPrepared(f"the training failed with exit code {code}")


def _run(command: list[str], environ: Mapping[str, str], stop: threading.Event) -> int:
    """One step in a process of its own, ended early by `stop`; its exit code.

    It speaks on standard error: our own output may be JSON.
    """
    if stop.is_set():
        return 0
    give_up_s = time.monotonic() + MOST_S
    with subprocess.Popen(command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=sys.stderr) as step:
        while step.poll() is None:
            if stop.wait(LOOK_S):
                step.terminate()
            if time.monotonic() > give_up_s:
                step.kill()
    return step.returncode
