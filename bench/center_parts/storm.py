"""What goes wrong in a soak of a center. Each fault is a generator: it yields while it waits, so that life goes on."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator

import psycopg
from center_parts.brokers import TOPIC
from center_parts.counting import Watch
from center_parts.lying import Lying, lying
from center_parts.machines import Center

from common.folder import POSTGRES_FOLDER
from postgres import leftovers

FROZEN_S = 25.0  # longer than a server in front waits for a cluster: nobody knows then what was taken
RECOVER_S = 180.0
STILL_S = 3.0  # of the broker in memory, which cannot be killed
MOST_ARCHIVES, MOST_PARTITIONS = 5, 24

_STORED = b"SELECT partition, next FROM KAFKA_MARK_TB WHERE topic = %s AND next > 0"

Waits = Iterator[None]


class Storm:
    """The faults, by name; who drives one looks after everybody at each of its steps."""

    def __init__(self, center: Center, watch: Watch, chance: random.Random) -> None:
        self._center, self._watch, self._chance = center, watch, chance
        self._brokers, self._programs = center.brokers, center.programs
        self.problems: list[str] = []
        self.taken: list[Lying] = []  # rows of the topic that retention has taken

    def faults(self) -> dict[str, Callable[[], Waits]]:
        found: dict[str, Callable[[], Waits]] = {
            "nothing": self._recover,
            "kill -9 a server in front": lambda: self._kill("front"),
            "kill -9 a box's sender": lambda: self._kill("site"),
            "kill -9 Postgres": self._kill_postgres,
            "partitions added": self._add_partitions,
            "a reader added": self._add_archive,
        }
        if not self._brokers.can_die:  # nor does it ever give up a reader that was killed beside another one
            return found | {f"the broker stands still for {STILL_S:g} s": lambda: self._freeze([0], STILL_S)}
        found |= {
            "kill -9 a reader": lambda: self._kill("archive"),
            "retention takes what is stored, and a reader is killed": self._retention,
        }
        if self._brokers.can_fill:
            found["the disk of a leader is full"] = self._full_disk
        if self._brokers.number == 1:
            return found | {
                "kill -9 the broker": self._kill_only_broker,
                "restart of the broker": self._rolling_restart,
            }
        found |= {
            "kill -9 a leader": lambda: self._kill_broker(0),
            "kill -9 a follower": lambda: self._kill_broker(1),
            "rolling restart of the brokers": self._rolling_restart,
            f"two brokers frozen for {FROZEN_S:g} s": self._freeze_two,
            "kill -9 a leader, a reader, a server in front": self._kill_three,
        }
        return found | ({"a leader cut off from the network": self._cut_off} if self._brokers.can_cut else {})

    def _recover(self) -> Waits:
        give_up_s = time.monotonic() + RECOVER_S
        while not self._watch.recovered:
            if time.monotonic() > give_up_s:
                self.problems.append(f"a site came no further for {RECOVER_S:g} s")
                return
            yield

    def _whole(self) -> Waits:
        give_up_s = time.monotonic() + RECOVER_S
        while not self._brokers.is_whole():
            if time.monotonic() > give_up_s:
                self.problems.append(f"the replicas were not in step for {RECOVER_S:g} s")
                return
            yield

    def _kill(self, kind: str) -> Waits:
        self._kill_one(kind)
        yield from self._recover()

    def _kill_one(self, kind: str) -> None:
        self._programs.kill(self._chance.choice([name for name in self._programs.programs if name.startswith(kind)]))

    def _kill_postgres(self) -> Waits:
        self._programs.kill("postgres")
        if (pid := leftovers.postmaster(self._center.postgres_data / POSTGRES_FOLDER)) is not None:
            os.kill(pid, signal.SIGKILL)
        yield from self._recover()

    def _add_partitions(self) -> Waits:
        if self._brokers.partitions < MOST_PARTITIONS:
            self._brokers.add_partitions(2)
        yield from self._recover()

    def _add_archive(self) -> Waits:
        number = 1 + sum(name.startswith("archive") for name in self._programs.programs)
        if number <= MOST_ARCHIVES:
            self._programs.run(self._center.archive(number))
        yield from self._recover()

    def _kill_broker(self, behind: int) -> Waits:
        """`behind`: 0 is the leader of most partitions, 1 the one after."""
        node = self._brokers.nodes[(self._brokers.leader() + behind) % self._brokers.number]
        node.kill()
        yield from self._recover()
        node.start()
        yield from self._whole()

    def _kill_only_broker(self) -> Waits:
        (node,) = self._brokers.nodes
        node.kill()
        node.start()
        yield from self._recover()

    def _kill_three(self) -> Waits:
        for kind in ("archive", "front"):
            self._kill_one(kind)
        yield from self._kill_broker(0)

    def _rolling_restart(self) -> Waits:
        for node in self._brokers.nodes:
            node.send(signal.SIGTERM)
            while node.code is None:
                yield
            node.start()
            yield from self._whole()
        yield from self._recover()

    def _freeze_two(self) -> Waits:
        first = self._brokers.leader()
        yield from self._freeze([first, (first + 1) % self._brokers.number], FROZEN_S)

    def _freeze(self, brokers: list[int], seconds: float) -> Waits:
        self._brokers.freeze(brokers, frozen=True)
        over_s = time.monotonic() + seconds
        while time.monotonic() < over_s:
            yield
        self._brokers.freeze(brokers, frozen=False)
        yield from self._recover()
        yield from self._whole()

    def _retention(self) -> Waits:
        with psycopg.connect(self._center.database_url) as connection:
            stored: dict[int, int] = dict(connection.execute(_STORED, (TOPIC,)).fetchall())
        self.taken += lying(self._brokers.address, stored)
        self._kill_one("archive")
        self._brokers.take_before(stored)
        yield from self._recover()

    def _full_disk(self) -> Waits:
        """Of several brokers the others go on; the only one comes back when there is room again."""
        leader = self._brokers.leader()
        node, disk = self._brokers.nodes[leader], self._brokers.disks[leader]
        disk.fill()
        give_up_s = time.monotonic() + RECOVER_S
        while node.code is None and time.monotonic() < give_up_s:
            yield
        if node.code is None:
            self.problems.append(f"a broker with a full disk went on for {RECOVER_S:g} s")
        if self._brokers.number > 1:
            yield from self._recover()
        disk.free()
        node.start()
        yield from self._recover()
        yield from self._whole()

    def _cut_off(self) -> Waits:
        leader = self._brokers.leader()
        self._brokers.cut_off(leader, away=True)
        yield from self._recover()
        self._brokers.cut_off(leader, away=False)
        yield from self._whole()
