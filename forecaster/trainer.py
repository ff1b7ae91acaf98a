"""When to train, and the training itself: a process of its own at the lowest priority, beside the forecasts."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from common import processes
from common.database import Database
from common.files import replace
from common.settings import Settings
from forecaster import artifact, store
from forecaster.baseline import WEEK
from forecaster.dataset import History
from forecaster.fit import HELD_OUT_H, LEAST_H, Report, fit, judge, refresh
from forecaster.predict import Model

STATE = "training.json"
LEARNT_UNTIL = "learnt_until"
LEAST_UNSEEN_H = 72  # fewer hours than this cannot tell two sets of weights apart
EVERY = timedelta(days=7)
AFTER_TROUBLE = timedelta(hours=1)
BACK = timedelta(days=365)  # the archive keeps a year; older water use says little about the coming day
END_S = 2.0  # a training that is told to end has this long before it is ended
LOWEST_PRIORITY = 19

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a training came to. `accepted` is None when there was not enough history to train on."""

    version: str
    rows: int  # minute rows the history stands for
    cpu_s: float
    model: float
    naive: float
    old: float | None  # of the weights in use, on the rows that they have not learnt
    beside_old: float | None  # the new ones on the same rows
    coverage: float
    accepted: bool | None
    reason: str

    def line(self) -> str:
        """One line for a table."""
        beside = "" if self.old is None else f" (unseen by the old: new {self.beside_old:.3f} old {self.old:.3f})"
        verdict = "accepted" if self.accepted else "not accepted"
        return (
            f"{self.version}  rows {self.rows:,}  cpu {self.cpu_s:.1f} s  MASE model {self.model:.3f} "
            f"naive {self.naive:.3f}{beside}  interval {100 * self.coverage:.1f} %  {verdict}: {self.reason}"
        )


def run_training(settings: Settings, database: Database, now: datetime, report: Report | None = None) -> Outcome:
    """Train on the archive up to `now`, judge on its last two weeks, keep the weights if they are better.

    Raises:
        DatabaseDown: the archive does not answer."""
    began = time.process_time()
    zone = settings.site.zone
    until = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    first = (until - BACK).replace(hour=0)
    names = [span.sensor for span in store.sensors(database, first)]
    history = store.history(database, names, zone, first, until)
    history = without_empty_start(history)
    version = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    outcome = train_and_judge(
        settings.paths.data,
        history,
        version,
        horizon=settings.forecast.horizon_hours,
        began=began,
        report=report,
    )
    note(settings.paths.data, now, outcome)
    return outcome


def without_empty_start(history: History) -> History:
    """The history from its first row with a value, and the series that have any."""
    seen = np.isfinite(history.y)
    rows = np.flatnonzero(seen.any(0))
    lines = np.flatnonzero(seen.any(1))
    first = int(rows[0]) if len(rows) else history.rows
    return History(history.hour(first), tuple(history.series[i] for i in lines), history.y[lines, first:])


def train_and_judge(
    data: Path, history: History, version: str, *, horizon: int, began: float, report: Report | None = None
) -> Outcome:
    """Fit, compare with the newest model and the seasonal naive on the last two weeks, save if better."""
    rows = int(np.isfinite(history.y).any(0).sum()) * 60 * len({s.sensor for s in history.series})
    try:
        model = fit(history, until_row=history.rows, horizon=horizon, version=version, report=report)
    except ValueError as error:
        cpu_s, none = time.process_time() - began, float("nan")
        return Outcome(version, rows, cpu_s, none, none, None, None, none, None, str(error))
    first = history.rows - HELD_OUT_H
    new, naive, coverage = judge(model, history, first).means
    old = new_beside_old = None
    if old_model := artifact.newest(data):
        unseen = _unseen_row(old_model, history, first)
        old, new_beside_old = (judge(m, history, unseen).means[0] for m in (old_model, model))
    accepted, reason = _verdict(new, naive, old, new_beside_old)
    if accepted:
        model = refresh(model, history, until_row=history.rows, report=report)
    cpu_s = time.process_time() - began
    if accepted:
        scores = {"cpu_s": round(cpu_s, 2), "mase": new, "naive_mase": naive, "coverage": coverage}
        until = str(history.hour(history.rows))
        artifact.save(data, replace_fields(model, report={**scores, LEARNT_UNTIL: until}))
    return Outcome(version, rows, cpu_s, new, naive, old, new_beside_old, coverage, accepted, reason)


def _unseen_row(old: Model, history: History, first: int) -> int:
    """From where old and new weights are compared: rows that the old ones did not learn, if those are days enough."""
    try:
        learnt = np.datetime64(str(old.report[LEARNT_UNTIL]), "h")
    except (KeyError, ValueError):
        return first
    row = int((learnt - history.first).astype(int))
    return max(first, row) if row <= history.rows - LEAST_UNSEEN_H else first


def _verdict(new: float, naive: float, old: float | None, beside: float | None) -> tuple[bool, str]:
    if not new < naive:
        return False, "the seasonal naive was better on the last two weeks"
    if old is not None and beside is not None and not beside < old:
        return False, "the weights in use were better on the last two weeks"
    return True, "better on the last two weeks"


def note(data: Path, now: datetime, outcome: Outcome) -> None:
    """Remember when training ran and what came of it."""
    (data / artifact.FOLDER).mkdir(parents=True, exist_ok=True)
    kind = {True: "accepted", False: "not accepted", None: "too little history"}[outcome.accepted]
    state = {"at": now.astimezone(UTC).isoformat(), "outcome": kind, "line": outcome.line()}
    replace(data / artifact.FOLDER / STATE, json.dumps(state).encode() + b"\n")


def next_due(data: Path, now: datetime, history: History) -> bool:
    """Whether a training should start: enough history and none yet, or the last one a week ago.

    With too little history it is looked at again once a day's worth more could have come."""
    if history.rows < LEAST_H - WEEK or not np.isfinite(history.y[:, : -(LEAST_H - WEEK) or None]).any():
        return False
    try:
        state = json.loads((data / artifact.FOLDER / STATE).read_bytes())
        at = datetime.fromisoformat(state["at"])
        wait = timedelta(days=1) if state["outcome"] == "too little history" else EVERY
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return not at <= now < at + wait  # a clock that was set back does not hold training up


class Trainer:
    """The child process, from the side of the process that forecasts."""

    def __init__(self, command: list[str], data: Path) -> None:
        self._command = command
        self._data = data
        self._child: subprocess.Popen[bytes] | None = None
        self._not_before: datetime | None = None

    def look(self, now: datetime, history: History) -> Mapping[str, Any]:
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
        elif (self._not_before is None or now >= self._not_before) and next_due(self._data, now, history):
            self._start()
            return {"training": 1}
        return {"training": 0}

    def _start(self) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
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
    return [sys.executable, "-m", "forecaster", "train", *where]
