"""Starts the processes of a soak, starts them again when they die, and notes how long they take to be back at work."""

import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from common import database, health
from common.errors import HydrologError
from common.folder import POSTGRES_FOLDER
from common.settings import Settings
from demo.folder import DemoFolder
from postgres import leftovers

ROLES = {
    "database": ["postgres"],
    "server": ["server"],
    "consumer-archive": ["consumer", "--group", "archive"],
    "consumer-server": ["consumer", "--group", "server"],
    "producer": ["producer"],
}
RECOVER_S = 45.0  # a process that needs longer has not come back


class Awaited(NamedTuple):
    """A process that shall do a step without trouble again."""

    fault: str
    since_s: float
    done: tuple[str | None, int]  # what it had done before the fault was over


# The simulated noise has a meter that is 75 years fast. The producer says so for as long as it sends, and counts no
# step as a success meanwhile; but it goes on.
METERS_CLOCK = re.compile(r"(; )?the clock of meter \S+ is [^;]*; set the meter's clock")


class Keeper:
    """Starts the processes, and starts them again when they die, as supervisord does."""

    def __init__(self, folder: DemoFolder, environ: dict[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before_s: dict[str, float] = {}
        self._awaited: dict[str, Awaited] = {}
        self._killed: set[str] = set()
        self.ended_by_themselves: Counter[str] = Counter()
        self.recoveries: dict[str, list[float]] = {}  # real seconds, by fault

    def run(self, role: str, command: list[str]) -> None:
        with (self._folder.home / "logs" / f"{role}.log").open("ab") as output:
            self._running[role] = subprocess.Popen(
                [sys.executable, "-P", "-m", *command],
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
            if process is None or process.poll() is not None:
                if now_s >= self._not_before_s.get(role, 0.0):
                    self._start(role, command, process)
            elif role in self._awaited and self._at_work(role, process.pid, states):
                awaited = self._awaited.pop(role)
                self.recoveries.setdefault(awaited.fault, []).append(now_s - awaited.since_s)

    def _start(self, role: str, command: list[str], ended: subprocess.Popen[bytes] | None) -> None:
        if ended is not None and role not in self._killed:
            self.ended_by_themselves[f"{role} with exit code {ended.poll()}"] += 1
        self._killed.discard(role)
        self._awaited.setdefault(role, Awaited("start", time.monotonic(), (None, 0)))
        self.run(role, command)

    def _at_work(self, role: str, pid: int, states: dict[str, dict[str, Any]]) -> bool:
        if role == "database":
            return leftovers.postmaster(self._folder.data / POSTGRES_FOLDER) is not None and _answers(
                self._folder.settings()
            )
        state = states.get(role, {})
        if state.get("pid") != pid or METERS_CLOCK.sub("", str(state.get("problem") or "")):
            return False
        done = _done(state)
        return any(done) and done != self._awaited[role].done

    def expect(self, fault: str, roles: Iterable[str], in_s: float = 0.0) -> None:
        """From now, or soon, on: these are to be back at work; an earlier fault that they suffer from is over, too."""
        states = health.load_all(self._folder.data)
        for role in roles:
            self._awaited[role] = Awaited(fault, time.monotonic() + in_s, _done(states.get(role, {})))

    def late(self) -> list[str]:
        """Who has been away for too long, and since when."""
        return [
            f"{role} did not come back within {RECOVER_S:g} s after: {awaited.fault}"
            for role, awaited in self._awaited.items()
            if time.monotonic() - awaited.since_s > RECOVER_S
        ]

    def awaited(self) -> list[str]:
        """Who is not back at work yet, and what its health file says."""
        states = health.load_all(self._folder.data)
        return [
            f"{role} (after: {awaited.fault}; {states.get(role, {}).get('problem') or 'no step done since'})"
            for role, awaited in self._awaited.items()
        ]

    @property
    def all_at_work(self) -> bool:
        return len(self._running) >= len(ROLES) and not self._awaited

    def kill(self, role: str, fault: str, away_s: float = 0.0) -> None:
        """kill -9, and start it again after a while at the earliest."""
        self._not_before_s[role] = time.monotonic() + away_s
        self._killed.add(role)
        process = self._running.get(role)
        if process is not None and process.poll() is None:
            self.expect(fault, [role], away_s)
            process.kill()
            process.wait()

    def pause(self, role: str, fault: str, for_s: float) -> None:
        process = self._running[role]
        if process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            time.sleep(for_s)
            self.expect(fault, [role])
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


def _done(state: dict[str, Any]) -> tuple[str | None, int]:
    """Its last success, and how many rows it has appended."""
    return state.get("last_success"), state.get("counters", {}).get("rows_appended", 0)


def _answers(settings: Settings) -> bool:
    try:
        with database.connect(database.address(settings), "soak") as connection:
            connection.execute("SELECT 1")
    except HydrologError:
        return False
    return True
