"""`make soak-center SECONDS=120 BROKERS=1`: a whole center under kills and faults, ending in one table.

A Kafka cluster of one broker or three (replication 3, min.insync 2), Postgres, readers of the topic, servers in front,
and boxes of which half ship to the cluster and half post to a server in front; all are the real processes. The
boxes' rows are appended here, thirty times as fast as life. Every sensor-minute is compared in the end, and
`closed_through` of each site is compared with its rows all the time.

Exit code 1 if a row is lost, changed, doubled or out of order, if a minute was called closed too early, or if somebody
ends by itself or does not come back. `KAFKA_NODE` names the program that is a broker (center_parts/brokers.py); without
one there is the broker in memory that the tests use, which is frozen where a real one is killed.
"""

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from center_parts.counting import MUST_BE_ZERO, Watch, compare
from center_parts.lying import lying
from center_parts.machines import ARCHIVES, BOXES, FRONTS, PARTITIONS, SPEED, Center
from center_parts.storm import Storm

from common.row import Row

LOOK_S, CLOSED_S = 0.25, 2.0
CALM_S = 3.0  # between two faults
DRAIN_S = 120.0

_HOW_FAR = "SELECT site, next_offset FROM SITE_TB WHERE next_offset IS NOT NULL"
_CLOSED = """
    SELECT known.site, (extract(epoch FROM closed_through) / 60)::bigint, count(got.site)
    FROM SITE_TB known LEFT JOIN REAL_VAL_TB got ON got.site = known.site AND got.time <= known.closed_through
    WHERE closed_through IS NOT NULL GROUP BY known.site
"""
_ALL = """
    SELECT site, log_offset, (extract(epoch FROM time) / 60)::bigint, sensor, flow, pressure, samples, flow_flags,
           pressure_flags FROM REAL_VAL_TB
"""


class Soak:
    """Looks after everybody: `tick` is called all the time."""

    def __init__(self, center: Center, seed: int) -> None:
        self.center, self.watch = center, Watch()
        self.storm = Storm(center, self.watch, random.Random(seed))
        self.stops: dict[str, list[float]] = {}
        self._connection: psycopg.Connection | None = None
        self._look_s = self._closed_s = 0.0
        self._chance = random.Random(seed)

    def run(self, seconds: float) -> None:
        over_s = time.monotonic() + seconds
        self._drive("the start", self.storm.faults()["nothing"]())
        order: list[str] = []
        while time.monotonic() < over_s and not self.storm.problems:
            if not order:  # each once, then each once again in another order
                order = [*self.storm.faults()]
                if self.stops.keys() >= set(order):
                    self._chance.shuffle(order)
            name = order.pop(0)
            self._drive(name, self.storm.faults()[name]())
            calm_s = time.monotonic() + CALM_S
            while time.monotonic() < calm_s:
                self.tick()

    def _drive(self, name: str, fault: Iterator[None]) -> None:
        self.watch.begin({box.site: box.log.end_offset for box in self.center.boxes})
        for _ in fault:
            self.tick()
        self.stops.setdefault(name, []).append(self.watch.longest_s)
        print(
            f"{time.strftime('%H:%M:%S')} {name}: no site stood still for longer than {self.watch.longest_s:.1f} s",
            flush=True,
        )

    def tick(self) -> None:
        self.center.append()
        self.center.programs.look()
        if time.monotonic() >= self._look_s:
            self._look_s = time.monotonic() + LOOK_S
            self._look()
        time.sleep(0.05)

    def drain(self) -> bool:
        """The boxes get nothing more; whether all that they have is in the database within a while."""
        for box in self.center.boxes:
            box.finish()
        ends = {box.site: box.log.end_offset for box in self.center.boxes}
        give_up_s = time.monotonic() + DRAIN_S
        while time.monotonic() < give_up_s:
            self.center.programs.look()
            if dict(self._ask(_HOW_FAR)) == ends:
                return True
            time.sleep(LOOK_S)
        return False

    def found(self) -> dict[str, int]:
        stored: dict[str, dict[int, Row]] = {}
        for site, offset, *row in self._ask(_ALL):
            stored.setdefault(site, {})[offset] = Row(*row)
        self._look_at_closed()
        rows = [*self.storm.taken, *lying(self.center.brokers.address)]
        compared: dict[str, int] = compare({box.site: box.rows for box in self.center.boxes}, stored, rows)
        troubles = self._ask("SELECT coalesce(sum(messages), 0)::int FROM KAFKA_TROUBLE_TB")
        return compared | {
            "looks at closed_through": self.watch.looks,
            "closed too early": self.watch.early,
            "closed moved back": self.watch.back,
            "troubles of the topic": int(troubles[0][0]) if troubles else -1,
        }

    def _look(self) -> None:
        self.watch.see(dict(self._ask(_HOW_FAR)), time.monotonic())
        if time.monotonic() >= self._closed_s:
            self._closed_s = time.monotonic() + CLOSED_S
            self._look_at_closed()

    def _look_at_closed(self) -> None:
        boxes = {box.site: box for box in self.center.boxes}
        for site, closed, stored in self._ask(_CLOSED):
            self.watch.see_closed(site, closed, stored, boxes[site].closed(closed))

    def _ask(self, question: str) -> list[tuple[Any, ...]]:
        """The answer of Postgres; nothing while it is away."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self.center.database_url, autocommit=True, connect_timeout=2)
            return self._connection.execute(question.encode()).fetchall()
        except psycopg.Error:
            self._connection = None
            return []


def show(soak: Soak, found: dict[str, int], problems: list[str], seconds: float) -> int:
    center = soak.center
    print(
        f"\n{center.brokers.number} brokers, {PARTITIONS} partitions at first, {ARCHIVES} readers at first, {FRONTS} "
        f"servers in front, {BOXES} boxes, {SPEED:g} times as fast as life, {seconds:g} s\n"
    )
    print("| fault | times | a site stood still for at most: median, worst (s) |\n| --- | --: | --: |")
    for name, stops in soak.stops.items():
        print(f"| {name} | {len(stops)} | {statistics.median(stops):.1f}, {max(stops):.1f} |")
    print()
    for name, value in found.items():
        print(f"  {value:>9,}  {name}")
    problems += [f"{name}: {found[name]}" for name in MUST_BE_ZERO if found[name]]
    problems += [
        f"{count} times: {what}, and nobody had killed it"
        for what, count in center.programs.ended_by_themselves.items()
    ]
    if not found["rows appended by the boxes"] or not found["looks at closed_through"]:
        problems.append("nothing was compared")
    for problem in problems:
        print(f"\nNOT GOOD: {problem}")
    print("" if problems else "\nnothing lost, nothing doubled, nothing closed too early")
    return 1 if problems else 0


def main() -> int:
    node = os.environ.get("KAFKA_NODE", "")
    seconds, brokers = float(sys.argv[1]), int(sys.argv[2])
    if not node and brokers != 1:
        sys.stderr.write("several brokers need a program that is one: KAFKA_NODE=PROGRAM make soak-center BROKERS=3\n")
        return 2
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1 << 16)
    print(f"soak-center seconds={seconds:g} brokers={brokers} seed={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="hydrolog-soak-center-", ignore_cleanup_errors=True) as name:
        center = Center(node, Path(name), brokers)
        soak = Soak(center, seed)
        try:
            center.start()
            soak.run(seconds)
            problems = soak.storm.problems + ["not all rows have arrived"] * (not soak.drain())
            code = show(soak, soak.found(), problems, seconds)
        except BaseException:
            _show_logs(Path(name))
            raise
        finally:
            center.end()
        if code:
            _show_logs(Path(name))
        return code


def _show_logs(folder: Path) -> None:
    """What the processes said last, for whoever looks into it."""
    for path in sorted(folder.glob("*.log")):
        tail = path.read_text("utf-8", "replace").splitlines()[-15:]
        print(f"\n--- {path.name}\n" + "\n".join(tail))


if __name__ == "__main__":
    raise SystemExit(main())
