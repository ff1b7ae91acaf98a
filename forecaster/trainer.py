"""When to train, and the child process that does it at the lowest priority, beside the forecasts."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from common import processes, state_file
from common.folder import MODELS_FOLDER
from forecaster import artifact
from forecaster.dataset import HourlyHistory
from forecaster.fallback import LEAST_H, WEEK

STATE = "training.json"
EVERY = timedelta(days=7)
AFTER_TROUBLE = timedelta(hours=1)
END_S = 2.0  # a training that is told to end has this long before it is ended
LOWEST_PRIORITY = 19

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingNote:
    """When the last training ran and what came of it."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    outcome: str
    line: str = ""
    usable: bool = True  # whether there were weights to forecast with after it


def next_due(data: Path, now: datetime, history: HourlyHistory) -> bool:
    """Whether a training should start on a box: enough history, and none yet or the last one is over for long."""
    if history.rows < LEAST_H - WEEK or not np.isfinite(history.y[:, : -(LEAST_H - WEEK) or None]).any():
        return False
    return is_over(state_file.load(data / MODELS_FOLDER / STATE, TrainingNote), data, now)


def is_over(last: TrainingNote | None, data: Path, now: datetime) -> bool:
    """Whether the last training was long enough ago, or there was none.

    With too little history it is looked at again once a day's worth more could have come. Weights that can no longer be
    used, as those of another release, are learnt anew at once, if there were any after the last training."""
    if last is None:
        return True
    wait = timedelta(days=1) if last.outcome == "too little history" else EVERY
    if not last.at <= now < last.at + wait:  # a clock that was set back does not hold training up
        return True
    return last.usable and not artifact.any_usable(data)


class Trainer:
    """The child process, from the side of the process that forecasts."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._not_before: datetime | None = None

    def look(self, now: datetime, is_due: Callable[[], bool]) -> Mapping[str, Any]:
        """Start a training if one is due, notice the end of the one that runs; never waits."""
        if self._child is not None:
            code = self._child.poll()
            if code is None:
                return {"training": 1}
            self._child = None
            if code:
                _log.warning("training_failed code=%d again_in_s=%d", code, AFTER_TROUBLE.total_seconds())
                self._not_before = now + AFTER_TROUBLE
            else:
                _log.info("training_ended")
        elif (self._not_before is None or now >= self._not_before) and is_due():
            self._start()
            return {"training": 1}
        return {"training": 0}

    def _start(self) -> None:
        # The C library keeps freed memory: a training asks for the same large blocks again, a tenth of its time.
        keep = {"MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_MMAP_THRESHOLD_": "1073741824"}
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | keep
        self._child = subprocess.Popen(self._command, env=environment, stdin=subprocess.DEVNULL)
        try:
            os.setpriority(os.PRIO_PROCESS, self._child.pid, LOWEST_PRIORITY)
        except OSError as error:
            _log.warning("training_priority problem=%r", str(error))
        _log.info("training_started pid=%d", self._child.pid)

    def close(self) -> None:
        """End a training that runs; it can be repeated."""
        processes.end_child(self._child, END_S)


def command_of(config: Path | None) -> list[str]:
    """How the forecaster starts its own training."""
    where = ["--config", str(config)] if config else []
    return [sys.executable, "-P", "-m", "forecaster", "train", "--if-due", *where]
