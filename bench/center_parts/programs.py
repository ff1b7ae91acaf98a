"""The programs of a soak of a center: started, killed, and started again as a supervisor would."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

PYTHON = (sys.executable, "-P", "-m")
END_S = 75.0  # a Postgres with much to write


class Program:
    """One program, with a log of its own."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self._command, self._environ = command, {**os.environ, **environ}
        self._output = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll() if self._process is not None else None

    def send(self, number: signal.Signals) -> None:
        """To the process and its children: some programs are started by a wrapper."""
        os.killpg(self.pid, number)

    def kill(self) -> None:
        assert self._process is not None
        self.send(signal.SIGKILL)
        self._process.wait()

    def end(self) -> None:
        """A controlled stop."""
        assert self._process is not None
        if self._process.poll() is None:
            self.send(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.kill()


class Supervisor:
    """Starts whoever ended, and notes who ended by itself."""

    def __init__(self) -> None:
        self.programs: dict[str, Program] = {}
        self.ended_by_themselves: Counter[str] = Counter()
        self._not_before_s: dict[str, float] = {}

    def run(self, program: Program) -> Program:
        self.programs[program.name] = program
        program.start()
        return program

    def kill(self, name: str, away_s: float = 0.0) -> None:
        """kill -9; it comes back after a while."""
        self._not_before_s[name] = time.monotonic() + away_s
        self.programs[name].kill()

    def look(self) -> None:
        for name, program in self.programs.items():
            if program.code is None:
                continue
            due_s = self._not_before_s.get(name)
            if due_s is None:
                self.ended_by_themselves[f"{name} with exit code {program.code}"] += 1
            elif time.monotonic() < due_s:
                continue
            self._not_before_s.pop(name, None)
            program.start()

    def end(self) -> None:
        for program in reversed(self.programs.values()):
            program.end()
