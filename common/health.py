"""Health is progress: each process publishes its last success, its lag and its counters in ``health/<role>.json``.

The folder is in memory on a box (`run_folder`), because each process replaces its file every second.

A running process without progress is unhealthy: `hydrolog status` and the page use the age of the last success.
"""

import contextlib
import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from common import run_folder, state_file, time_service
from common.files import replace
from common.folder import HEALTH_FOLDER
from common.state_file import StateUnusable
from common.version import version

WRITE_EVERY_S = 1.0  # real seconds between two writes of an unchanged state


@dataclass
class Health:
    """The state of one process, written every second, without sync."""

    data: Path
    role: str
    started: datetime
    counters: dict[str, Any] = field(default_factory=dict)
    last_success: datetime | None = None
    last_problem: str = ""
    problem_kind: str = ""  # the name of the error's class; empty for what a step itself has found
    problem_since: datetime | None = None
    _written_s: float = -1e9
    _folder: Path | None = None  # known once the process has its data folder

    def success(self, now: datetime, monotonic_s: float, **counters: Any) -> None:
        """Record a successful step; `counters` replace those of the same name."""
        ended_problem = self.problem_since is not None
        self.last_success, self.problem_since = now, None
        self.counters.update(counters)
        if ended_problem or monotonic_s - self._written_s >= WRITE_EVERY_S:
            self.write(monotonic_s)

    def problem(self, now: datetime, monotonic_s: float, text: str, kind: str = "", **counters: Any) -> None:
        """Record a failed step."""
        changed = self.problem_since is None or text != self.last_problem
        self.last_problem, self.problem_kind = text, kind
        self.problem_since = self.problem_since or now
        self.counters.update(counters)
        if changed or monotonic_s - self._written_s >= WRITE_EVERY_S:
            self.write(monotonic_s)

    def write(self, monotonic_s: float) -> None:
        """Write the file if possible: a full disk must not stop the process that reports it."""
        self._written_s = monotonic_s
        state = {
            "role": self.role,
            "pid": os.getpid(),
            "boot": time_service.boot_id(),  # a process id says nothing after the next one
            "version": version(),
            "started": self.started.isoformat(),
            "last_success": self.last_success.isoformat() if self.last_success else None,
            "problem": self.last_problem if self.problem_since else "",
            "problem_kind": self.problem_kind if self.problem_since else "",
            "problem_since": self.problem_since.isoformat() if self.problem_since else None,
            "last_problem": self.last_problem,
            "counters": self.counters,
        }
        self._folder = self._folder or folder(self.data)
        with contextlib.suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            replace(self._folder / f"{self.role}.json", json.dumps(state).encode() + b"\n", durable=False)


def folder(data: Path) -> Path:
    """Where the health files of a data folder are."""
    return run_folder.of(data) / HEALTH_FOLDER


def forget(data: Path, role: str) -> None:
    """Remove the health file of a role that is no longer used here."""
    (folder(data) / f"{role}.json").unlink(missing_ok=True)


def load_all(data: Path) -> dict[str, dict[str, Any]]:
    """The published state of every process, by role; a damaged file shows as a problem."""
    states: dict[str, dict[str, Any]] = {}
    for path in sorted(folder(data).glob("*.json")):
        try:
            state = state_file.read(path, dict[str, Any])
            if state is not None:
                states[path.stem] = state
        except StateUnusable as error:
            states[path.stem] = {
                "role": path.stem,
                "problem": f"unreadable health file: {error}",
                "counters": {},
            }
    return states
