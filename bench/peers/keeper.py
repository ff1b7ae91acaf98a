"""Starts the processes of a soak, starts them again when they die, and notes how long each takes to be back at work."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from common import database, embedded, health
from common.demo.folder import DemoFolder
from common.errors import HydrologError
from common.settings import Settings

BIN = Path(sys.executable).parent
ROLES = {
    "database": ["hydrolog-database"],
    "server": ["hydrolog-server"],
    "consumer-archive": ["hydrolog-consumer", "--group", "archive"],
    "consumer-server": ["hydrolog-consumer", "--group", "server"],
    "producer": ["hydrolog-producer"],
}
RECOVER_S = 45.0  # a process that needs longer has not come back


class Keeper:
    """Starts the processes, and starts them again when they die, as supervisord does."""

    def __init__(self, folder: DemoFolder, environ: dict[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before_s: dict[str, float] = {}
        self._down_since_s: dict[str, float] = {}
        self._killed: set[str] = set()
        self.ended_by_themselves: Counter[str] = Counter()
        self.recoveries: dict[str, list[float]] = {role: [] for role in ROLES}

    def run(self, role: str, command: list[str]) -> None:
        with (self._folder.home / "logs" / f"{role}.log").open("ab") as output:
            self._running[role] = subprocess.Popen(
                [str(BIN / command[0]), *command[1:]],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def look(self) -> None:
        """Start what is not running; note who is at work again."""
        now_s = time.monotonic()
        states = health.load_all(self._folder.data)
        for role, command in ROLES.items():
            process = self._running.get(role)
            if (process is None or process.poll() is not None) and now_s >= self._not_before_s.get(role, 0.0):
                self._down_since_s.setdefault(role, now_s)
                if process is not None and role not in self._killed:
                    self.ended_by_themselves[f"{role} with exit code {process.poll()}"] += 1
                self._killed.discard(role)
                self.run(role, command)
            elif process is not None and role in self._down_since_s and self._at_work(role, process.pid, states):
                self.recoveries[role].append(now_s - self._down_since_s.pop(role))

    def _at_work(self, role: str, pid: int, states: dict[str, dict[str, Any]]) -> bool:
        if role == "database":
            return embedded.postmaster(self._folder.data) is not None and _answers(self._folder.settings())
        state = states.get(role, {})
        return state.get("pid") == pid and bool(state.get("last_success")) and not state.get("problem")

    def late(self) -> list[str]:
        """Who has been down for too long."""
        return [role for role, since_s in self._down_since_s.items() if time.monotonic() - since_s > RECOVER_S]

    @property
    def all_at_work(self) -> bool:
        return len(self._running) >= len(ROLES) and not self._down_since_s

    def kill(self, role: str, away_s: float = 0.0) -> None:
        """kill -9, and start it again after a while at the earliest."""
        self._not_before_s[role] = time.monotonic() + away_s
        self._killed.add(role)
        process = self._running.get(role)
        if process is not None and process.poll() is None:
            self._down_since_s.setdefault(role, time.monotonic())
            process.kill()
            process.wait()

    def pause(self, role: str, for_s: float) -> None:
        process = self._running[role]
        if process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            time.sleep(for_s)
            process.send_signal(signal.SIGCONT)

    def end(self, roles: Iterable[str]) -> None:
        for role in roles:
            if (process := self._running.pop(role, None)) is not None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                try:
                    process.wait(75 if role == "database" else 10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _answers(settings: Settings) -> bool:
    try:
        with database.connect(database.address(settings), "soak") as connection:
            connection.execute("SELECT 1")
    except HydrologError:
        return False
    return True
