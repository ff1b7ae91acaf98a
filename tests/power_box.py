"""A whole box for power cuts: the shipped group under supervisord, its meters, and what a cut leaves behind."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from drive import Drive

from cli import status
from common import health, processes
from common.clock import VARIABLE, ScaledClock
from common.folder import HEALTH_FOLDER, LOG_FILE, POSTGRES_FOLDER, ROLES_FOLDER
from common.row import Row, parse_payload
from common.settings import CONFIG, PREFIX
from common.verdict import SILENT, TROUBLE
from demo import group as groups
from demo.folder import DemoFolder
from demo.group import ProcessGroup
from log.format import parse_line
from postgres import leftovers

ROOT = Path(__file__).parents[1]
SPEED = 20.0  # a minute in three seconds
SITE_START_S = 1_724_630_400.0  # 2024-08-26T09:00:00+09:00
ZONE = "Asia/Seoul"
SENSORS = 4
GROUPS = ("archive", "server", "alerts")
GONE_S = 10.0
LOOK_S = 0.5
SOCKET_LOCK = ".s.PGSQL.5432.lock"

_SETTINGS = """
[log]
groups = ["archive", "server", "alerts"]

[alerts]
urls = ["{hook}"]
messages_per_hour = 1000
silent_minutes = 5
"""


class PowerBox:
    """The box in a folder; the meters are outside and go on without power."""

    def __init__(self, home: Path, receiver: str, hook: str) -> None:
        self.folder = DemoFolder(home)
        self.folder.make()
        port = self.folder.write_settings(zone=ZONE, speed=SPEED, wanted_port=0)
        own = f'url = "http://127.0.0.1:{port}/v1/batches"'
        text = self.folder.config.read_text("utf-8").replace(own, f'url = "{receiver}"\nevery_minutes = 2')
        self.folder.config.write_text(text + _SETTINGS.format(hook=hook), "utf-8")
        alerts = ROOT / "deploy" / "programs" / "alerts.conf"
        (home / "programs" / alerts.name).write_text(alerts.read_text("utf-8"), "utf-8")
        self.settings = self.folder.settings()
        self.clock = ScaledClock(SPEED, time.time(), SITE_START_S)
        self.rows: dict[int, Row] = {}  # every row that was on disk for certain, by offset
        self.problems: list[str] = []
        self._drive = Drive(self.folder.data, home / "drive")
        self._group: ProcessGroup | None = None
        self._began = datetime.now(UTC)
        self._meters = self._start_meters()

    def _start_meters(self) -> "subprocess.Popen[bytes]":
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        command = ["cli", "simulate", "--district", "1", "--sensors", str(SENSORS), "--link", str(self.folder.link)]
        with (self.folder.home / "logs" / "meters.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", *command],
                env=own | {CONFIG: str(self.folder.config), VARIABLE: self.clock.to_environment()},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def start(self) -> None:
        """The power comes back."""
        self._began = self.clock.now()
        with mock.patch.dict(os.environ, self._drive.environment):
            self._group = ProcessGroup(self.folder, self.clock)

    def troubles(self) -> list[str]:
        """What is not well yet: each process must have started since the power came back, and be at work."""
        state = status.read(self.settings, self.clock)
        states = health.load_all(self.folder.data)
        found = [each["line"] for each in state["verdict"]["problems"] if each["kind"] in (SILENT, TROUBLE)]
        for process in state["processes"]:
            started = str(states.get(process["role"], {}).get("started", ""))
            if not started or datetime.fromisoformat(started) < self._began:
                found.append(f"{process['role']}: not started")
            elif process["state"] != "ok":
                found.append(f"{process['role']}: {process['word']}: {process['detail']}")
        return found

    def cut(self, chance: random.Random) -> list[str]:
        """The power goes: everything is killed at once, and the drive loses what it had only in its cache."""
        assert self._group is not None
        self._kill()
        self._group.stop()
        self._group = None
        self._note_rows()
        lost = self._drive.lose(self._drive.cache(), chance)
        self._drive.forget()
        return lost + self._hostile(chance)

    def _kill(self) -> None:
        give_up_s = time.monotonic() + GONE_S
        while found := self._processes():
            assert time.monotonic() < give_up_s, f"processes that do not end: {found}"
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    def _processes(self) -> list[int]:
        marked = processes.having(groups.MARK, str(self.folder.home))
        return [*leftovers.processes_in(self.folder.data / POSTGRES_FOLDER), *marked]

    def _note_rows(self) -> None:
        """Every row that is on disk, in the log's file and in those that were reset since the last look."""
        cache = self._drive.cache()
        log = self.folder.data.resolve() / LOG_FILE
        for path in [*cache.earlier.get(log, []), log]:
            for line in cache.durable_bytes(path).split(b"\n") if path.exists() else []:
                if record := parse_line(line):
                    row = parse_payload(record.payload)
                    if self.rows.setdefault(record.offset, row) != row:
                        self.problems.append(f"offset {record.offset} names two rows")

    def _hostile(self, chance: random.Random) -> list[str]:
        """After a boot the number in a file may be another process's: here it is that of our meters."""
        data, home, alive = self.folder.data, self.folder.home, b"%d\n" % self._meters.pid
        files = [data / POSTGRES_FOLDER / name for name in (leftovers.PID_FILE, SOCKET_LOCK)]
        files += [home / "supervisord.pid", *(data / ROLES_FOLDER).glob("*")]
        done = []
        for path in [path for path in files if path.exists() and chance.random() < 0.7]:
            lines = path.read_bytes().splitlines(keepends=True) or [b"\n"]
            whole = [alive, *lines[1:]]
            content = chance.choice([whole, whole[: chance.randrange(len(whole)) + 1], [b"\0" * 40], []])
            path.write_bytes(b"".join(content))
            done.append(f"{len(content)} lines: {path.relative_to(home)}")
        for path in [*(home / "logs").glob("*.log"), *(data / HEALTH_FOLDER).glob("*.json")]:
            if chance.random() < 0.2:
                path.write_bytes(path.read_bytes()[: -chance.randrange(1, 200)] + b"\0" * 300)
        return done

    def stop_meters(self) -> None:
        self._meters.terminate()
        self._meters.wait(60)

    def arrived(self) -> None:
        """Note the rows of the last round, whose power stays on."""
        self._note_rows()

    def close(self) -> None:
        """Leave no process behind."""
        self._kill()
        if self._group is not None:
            self._group.stop()
        if self._meters.poll() is None:
            self._meters.kill()
            self._meters.wait()
