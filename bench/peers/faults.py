"""What goes wrong in a soak, at random: kills, stops, half rows, and a disk that is full or answers EIO for a while."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from peers.keeper import Keeper

from common.files import replace
from common.folder import LOG_FILE, POSTGRES_FOLDER
from demo.folder import DemoFolder
from postgres import leftovers

INJECTOR = Path(__file__).parents[1] / "disk_faults"
PROCESSES = ("producer", "consumer-archive", "consumer-server", "server")
STOPPED_S = 2.0
AWAY_S = 6.0
DISK_S = 6.0  # two minutes of rows have to wait; long enough for several attempts
DISK = {
    f"disk full for {DISK_S:g} s": "full 1",
    f"write answers EIO for {DISK_S:g} s": "write 0.5",
    f"sync answers EIO for {DISK_S:g} s": "sync 0.5",
}


def environment(folder: DemoFolder) -> dict[str, str]:
    """What a process needs to feel the disk's faults."""
    above = [path for path in [os.environ.get("PYTHONPATH")] if path]
    return {"PYTHONPATH": os.pathsep.join([str(INJECTOR), *above]), "SOAK_DISK": str(_control(folder))}


def _control(folder: DemoFolder) -> Path:
    return folder.home / "disk-fault"


class Faults:
    """Each call of `strike` does one; `done` counts them."""

    def __init__(self, keeper: Keeper, folder: DemoFolder, chance: random.Random) -> None:
        self._keeper, self._folder, self._chance = keeper, folder, chance
        self._disk = ""  # the trouble with the disk
        self._disk_until_s = 0.0
        self.done: Counter[str] = Counter()

    def strike(self) -> None:
        kinds: list[tuple[str, Callable[[str], None], int]] = [
            ("kill -9 producer", lambda name: self._keeper.kill("producer", name), 4),
            ("kill -9 archive", lambda name: self._keeper.kill("consumer-archive", name), 3),
            ("kill -9 sender", lambda name: self._keeper.kill("consumer-server", name), 4),
            ("kill -9 server", lambda name: self._keeper.kill("server", name), 2),
            (f"server away for {AWAY_S:g} s", self._server_away, 1),
            ("kill -9 Postgres", self._kill_postgres, 1),
            ("kill -9 of all three at once", self._kill_all, 1),
            (f"one stopped for {STOPPED_S:g} s", self._stop, 2),
            ("half a row, producer killed", self._torn_tail, 2),
        ]
        if not self._disk:
            kinds += [(name, self._disk_fails, 2) for name in DISK]
        name, fault, _ = self._chance.choices(kinds, weights=[weight for _, _, weight in kinds])[0]
        fault(name)
        self.done[name] += 1

    def look(self) -> None:
        """End what has lasted long enough."""
        if self._disk and time.monotonic() >= self._disk_until_s:
            self.end()

    def end(self) -> None:
        """The disk is well again; from now on all have to go on."""
        if self._disk:
            _control(self._folder).unlink()
            self._keeper.expect(self._disk, PROCESSES)
            self._disk = ""

    def _disk_fails(self, name: str) -> None:
        replace(_control(self._folder), f"{self._folder.data.resolve()} {DISK[name]}\n".encode())
        self._disk, self._disk_until_s = name, time.monotonic() + DISK_S

    def _server_away(self, name: str) -> None:
        self._keeper.kill("server", name, AWAY_S)

    def _kill_postgres(self, name: str) -> None:
        self._keeper.kill("database", name)
        if (pid := leftovers.postmaster(self._folder.data / POSTGRES_FOLDER)) is not None:
            os.kill(pid, signal.SIGKILL)

    def _kill_all(self, name: str) -> None:
        for role in ("producer", "consumer-archive", "consumer-server"):
            self._keeper.kill(role, name)

    def _stop(self, name: str) -> None:
        self._keeper.pause(self._chance.choice(PROCESSES), name, STOPPED_S)

    def _torn_tail(self, name: str) -> None:
        self._keeper.kill("producer", name)
        with (self._folder.data / LOG_FILE).open("ab") as file:
            file.write(self._chance.choice([b"99\t2024-08-26T", b"\0" * 300, b"junk"]))
