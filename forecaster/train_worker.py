"""What `train` is built from: one training as the one step of a process, with progress."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from common.database import Database
from common.runner import Context
from forecaster.fit import Report
from forecaster.training import run_training

LINES_PER_PART = 5  # of progress, where there is no terminal


class Training:
    """One training as the one step of a process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._database = Database(context.settings, "forecaster-train")

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Train on what the archive holds at `now`; says how it went in one line."""
        with _Shown() as shown:
            outcome = run_training(self._context.settings, self._database, now, shown.report)
        sys.stdout.write(outcome.line() + "\n")
        sys.stdout.flush()
        return {"version": outcome.version, "accepted": int(bool(outcome.accepted)), "cpu_s": round(outcome.cpu_s, 1)}

    def close(self) -> None:
        """Leave no connection open."""
        self._database.close()


class _Shown:
    """Progress: a bar on a terminal, a few plain lines elsewhere."""

    def __init__(self) -> None:
        console = Console()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console) if console.is_terminal else None
        self._tasks: dict[str, Any] = {}
        self._told: dict[str, int] = {}  # lines of each part

    def __enter__(self) -> _Shown:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    @property
    def report(self) -> Report:
        return self._on_bar if self._bar else self._on_lines

    def _on_bar(self, part: str, step: int, steps: int, loss: float) -> None:
        assert self._bar is not None
        if part not in self._tasks:
            self._tasks[part] = self._bar.add_task(part, total=steps)
        self._bar.update(self._tasks[part], completed=step, description=f"{part} loss {loss:.3f}")

    def _on_lines(self, part: str, step: int, steps: int, loss: float) -> None:
        told, self._told[part] = self._told.get(part, 0), step * LINES_PER_PART // steps
        if self._told[part] > told:
            sys.stdout.write(f"{part}: step {step}/{steps} loss {loss:.3f}\n")
            sys.stdout.flush()
