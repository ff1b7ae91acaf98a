"""`make soak-power ROUNDS=200`: the power of a whole box is cut again and again, and every sensor-minute counted.

The shipped group runs under supervisord on a virtual line, twenty times as fast as life, and sends to a receiver
outside. At a random moment all processes are killed at once, Postgres's too; one cut in four is followed by another
while everything starts. The drive loses what was never synced (`drive.py`), and pid files name another live process,
are cut after each of their lines, or full of NULs. Then the power comes back, and nobody helps.

Exit code 1 if a process is not well within 60 s, if the log does not verify, if a process met a state file that it
could not read, or if in the end a row that was on disk is not at the receiver and in the database exactly once. The
seed is printed; `SEED=` repeats its choices (not the timing). After a failure the folder stays.
"""

import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from alerts_box import told, webhook
from http_server import HttpServer, accept, answer
from power_box import GROUPS, LOOK_S, SENSORS, PowerBox

from common import database
from common.errors import HydrologError
from common.row import format_payload
from common.settings import CONFIG
from log import commits, mark

WELL_S = 60.0
FIRST_WELL_S = 180.0  # the database's files are made
FIRST_START_S = 15.0  # the longest time from the very first power to the first cut
RUN_S = 8.0  # the longest time from well to the next cut
START_S = 6.0  # the longest time from power to a second cut
SECOND = 0.25  # share of the cuts that are followed by a second one
DRAIN_S = 120.0
WRONG = (b"state_unreadable", b"step_failed", b"judge_failed", b"Traceback")


class CutFailed(Exception):
    """The box did not come back, or lost something; says what."""


@dataclass
class Cuts:
    """One run."""

    box: PowerBox
    receiver: HttpServer
    hook: HttpServer
    chance: random.Random
    patience_s: float
    well_s: list[float] = field(default_factory=list)
    cuts: int = 0

    def run(self, rounds: int) -> None:
        """Raises CutFailed."""
        self.box.start()
        self._cut_within(FIRST_START_S)  # also while the first files are made
        self._wait(self._registered, FIRST_WELL_S, "the database")
        self._well()
        for number in range(1, rounds + 1):
            self._cut_within(RUN_S)
            if self.chance.random() < SECOND:
                self._cut_within(START_S)
            self._well()
            self._verify()
            print(f"round {number}: well after {self.well_s[-1]:.1f} s, {len(self.box.rows)} rows on disk", flush=True)
        self._end()

    def _cut_within(self, seconds: float) -> None:
        """Cut the power within these seconds; then it comes back."""
        time.sleep(self.chance.uniform(0.0, seconds))
        lost = self.box.cut(self.chance)
        self.cuts += 1
        with (self.box.folder.home / "cuts.txt").open("a", encoding="utf-8") as file:
            file.write("\n    ".join([f"cut {self.cuts}", *lost]) + "\n")
        self.box.start()

    def _registered(self) -> bool:
        try:
            with database.connect(database.address(self.box.settings), "power") as connection:
                for number in range(1, SENSORS):  # the last one stays unknown: its rows are kept apart
                    point = {"site": self.box.settings.site.id, "sensor": f"D{number:03}"}
                    connection.execute(database.statement("sensor_register").encode(), point)
        except HydrologError:
            return False
        return True

    def _well(self) -> None:
        began_s = time.monotonic()
        self._wait(lambda: not self.box.troubles(), self.patience_s, "every process", self.box.troubles)
        self.well_s.append(time.monotonic() - began_s)

    def _verify(self) -> None:
        command = [sys.executable, "-P", "-m", "cli", "log", "verify", "--config", str(self.box.folder.config)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        if said.returncode:
            raise CutFailed(f"the log does not verify:\n{said.stdout}{said.stderr}")

    def _end(self) -> None:
        self.box.stop_meters()
        self._wait(self._drained, DRAIN_S, "the last rows")
        self.box.arrived()
        self._verify()

    def _drained(self) -> bool:
        data = self.box.folder.data
        published = mark.load(data)
        if published is None or self.box.clock.now().timestamp() < (published.closed_through + 6) * 60:
            return False
        return all((commits.read(data, name) or 0) >= published.end_offset for name in GROUPS)

    @staticmethod
    def _wait(holds: Callable[[], bool], seconds: float, what: str, why: Callable[[], list[str]] = lambda: []) -> None:
        give_up_s = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > give_up_s:
                raise CutFailed(f"waited {seconds:g} s for {what}: {'; '.join(why())}")
            time.sleep(LOOK_S)

    def counts(self) -> dict[str, int | float]:
        """What arrived, against what was on disk."""
        zone = self.box.settings.site.zone
        rows = {offset: f"{offset}\t{format_payload(row, zone)}\t" for offset, row in self.box.rows.items()}
        received = {offset: line for (_, offset), line in self.receiver.rows.items()}
        wanted = Counter((row.minute, row.sensor) for row in self.box.rows.values())
        with database.connect(database.address(self.box.settings), "power") as connection:
            archived = Counter(
                (int(minute), sensor)
                for minute, sensor in connection.execute(
                    "SELECT extract(epoch FROM time)::bigint / 60, sensor FROM REAL_VAL_TB"
                    " UNION ALL SELECT extract(epoch FROM time)::bigint / 60, sensor FROM UNREGISTERED_VAL_TB"
                ).fetchall()
            )
        logs = [path.read_bytes() for path in (self.box.folder.home / "logs").glob("*.log")]
        return {
            "cuts": self.cuts,
            "rows on disk": len(rows),
            "lost": sum(offset not in received for offset in rows),
            "changed": sum(not received.get(offset, row).startswith(row) for offset, row in rows.items()),
            "repeated": sum(wanted.values()) - len(wanted) + len(self.receiver.rows) - len(received),
            "never on disk": sum(offset not in rows for offset in received),
            "same name, other bytes": len(self.receiver.conflicts) + len(self.box.problems),
            "archive: lost": sum(key not in archived for key in wanted),
            "archive: repeated": sum(archived.values()) - len(archived),
            "unreadable state, bugs": sum(log.count(word) for log in logs for word in WRONG),
            "sent again, dropped by the receiver": self.receiver.repeats,
            "alarms told": len(told(self.hook)),
            "alarms told twice": len(told(self.hook)) - len(set(told(self.hook))),
            "longest time to well (s)": round(max(self.well_s), 1),
            "median time to well (s)": round(statistics.median(self.well_s), 1),
        }


MUST_BE_ZERO = (
    "lost",
    "changed",
    "repeated",
    "never on disk",
    "same name, other bytes",
    "archive: lost",
    "archive: repeated",
    "unreadable state, bugs",
)


def run(home: Path, rounds: int, seed: int, patience_s: float = WELL_S) -> dict[str, int | float]:
    """Cut the power of a box in `home` so many times; returns the counts.

    Raises:
        CutFailed: says what is wrong.
    """
    with HttpServer(accept) as receiver, HttpServer(answer(200)) as hook:
        box = PowerBox(home, receiver.url, webhook(hook))
        try:
            one = Cuts(box, receiver, hook, random.Random(seed), patience_s)
            one.run(rounds)
            return one.counts()
        except CutFailed as error:
            raise CutFailed(f"{error}\nseed {seed}; what each cut took: {home / 'cuts.txt'}") from None
        finally:
            box.close()


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    home = Path(tempfile.mkdtemp(prefix="power-cuts-"))
    print(f"{rounds} rounds, seed {seed}, in {home}", flush=True)
    os.environ.pop(CONFIG, None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        found = run(home, rounds, seed)
    except CutFailed as error:
        print(f"\nFAILED: {error}")
        return 1
    print()
    for name, value in found.items():
        print(f"  {name:40}{value:>8}{'   WRONG' if name in MUST_BE_ZERO and value else ''}")
    if any(found[name] for name in MUST_BE_ZERO):
        print(f"\nFAILED; seed {seed}; what each cut took: {home / 'cuts.txt'}")
        return 1
    shutil.rmtree(home)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
