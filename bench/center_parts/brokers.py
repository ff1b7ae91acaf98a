"""A Kafka cluster of one broker or three, whose brokers are killed, frozen, stopped, cut off, and get a full disk.

`KAFKA_NODE` names a program that is one broker: NODE FOLDER --id I --nodes N --port P [--host A ...] [--set KEY=VALUE].
As root, each has a small disk of its own, and three have a network namespace each, so that one can be cut off from
everybody. Without `KAFKA_NODE` there is one in memory, which loses all when it is killed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from center_parts.disks import Disk
from center_parts.programs import Program
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

TOPIC = "server_data"
START_S, ANSWER_S = 120.0, 5.0
SESSION_MS, HEARTBEAT_MS = 10_000, 2_000  # a reader that was killed is replaced after the session
# The broker takes them only between a least and a most of its own.
READERS = {f"group.consumer.{least}session.timeout.ms": SESSION_MS for least in ("", "min.")} | {
    f"group.consumer.{least}heartbeat.interval.ms": HEARTBEAT_MS for least in ("", "min.")
}
_BRIDGE, _NET = "hydrosoak", "10.213.77"


class Brokers:
    """`number` brokers; broker 1 is `self.nodes[0]`."""

    def __init__(self, node: str, folder: Path, number: int, port: int) -> None:
        self.number = number
        self.can_die = bool(node)
        self.disks = [Disk(folder / f"broker-{each}") for each in range(1, number + 1)] if node else []
        self.can_fill = bool(self.disks) and all(each.there for each in self.disks)
        self.can_cut = number > 1 and os.geteuid() == 0 and _make_networks(number)
        hosts = [f"{_NET}.{each}" if self.can_cut else "127.0.0.1" for each in range(1, number + 1)]
        ports = [port + 10 * each for each in range(number)]
        self.address = ",".join(f"{host}:{each}" for host, each in zip(hosts, ports, strict=True))
        options = [word for name, value in READERS.items() for word in ("--set", f"{name}={value}")]
        options += [word for host in hosts for word in ("--host", host)]
        self.nodes: list[Program] = []
        if not node:
            self.nodes = [Program("broker-1", [*_in_memory(port), "--data-dir", str(folder)], {}, folder)]
            return
        for each in range(1, number + 1):
            inside = ["ip", "netns", "exec", f"{_BRIDGE}{each}"] if self.can_cut else []
            place = [str(folder / f"broker-{each}"), "--id", str(each), "--nodes", str(number), "--port", str(port)]
            self.nodes.append(Program(f"broker-{each}", [*inside, node, *place, *options], {}, folder))

    def start(self, partitions: int) -> None:
        for each in self.nodes:
            each.start()
        self._admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        new = NewTopic(TOPIC, partitions, self.number, config={"message.timestamp.type": "LogAppendTime"})
        _until(lambda: self._made(new), "the cluster to make a topic")
        _until(self.is_whole, "all replicas to be in step")

    def leader(self) -> int:
        """The broker that leads most partitions, from 0."""
        leads = [each.leader for each in self._partitions()]
        return max(range(self.number), key=lambda each: leads.count(each + 1))

    @property
    def partitions(self) -> int:
        return len(self._partitions())

    def is_whole(self) -> bool:
        """Whether every partition has all its replicas in step."""
        try:
            return all(len(each.isrs) == self.number for each in self._partitions())
        except KafkaException:
            return False

    def add_partitions(self, more: int) -> None:
        self._admin.create_partitions([NewPartitions(TOPIC, self.partitions + more)])[TOPIC].result(30)

    def cut_off(self, broker: int, away: bool) -> None:
        """From everybody, or not."""
        subprocess.run(["ip", "link", "set", f"{_BRIDGE}{broker + 1}", "down" if away else "up"], check=True)

    def freeze(self, brokers: list[int], frozen: bool) -> None:
        for each in brokers:
            self.nodes[each].send(signal.SIGSTOP if frozen else signal.SIGCONT)

    def take_before(self, places: Mapping[int, int]) -> None:
        """Retention takes what lies before these places of the topic's partitions."""
        before = [TopicPartition(TOPIC, partition, place) for partition, place in places.items()]
        for done in self._admin.delete_records(before).values():
            done.result(ANSWER_S)

    def end(self) -> None:
        for each in self.nodes:
            if each.code is None:
                each.kill()
        for disk in self.disks:
            disk.end()
        if self.can_cut:
            _remove_networks(self.number)

    def _made(self, new: NewTopic) -> bool:
        try:
            self._admin.create_topics([new])[TOPIC].result(ANSWER_S)
        except KafkaException as error:
            return bool(error.args[0].name() == "TOPIC_ALREADY_EXISTS")
        except TimeoutError:
            return False
        return True

    def _partitions(self) -> list[Any]:
        found = self._admin.list_topics(TOPIC, ANSWER_S).topics[TOPIC].partitions
        return [found[each] for each in sorted(found)]


def _in_memory(port: int) -> list[str]:
    program = str(Path(sys.executable).with_name("noida-db"))
    return [program, "start", "--only", "kafka", "--host", "127.0.0.1", "--kafka-port", str(port)]


def _until(holds: Callable[[], bool], what: str) -> None:
    give_up_s = time.monotonic() + START_S
    while not holds():
        if time.monotonic() > give_up_s:
            raise SystemExit(f"waited {START_S:g} s for {what}")
        time.sleep(0.2)


def _make_networks(number: int) -> bool:
    """A bridge of this machine and a namespace for each broker; False if the machine does not allow it."""
    _remove_networks(number)
    commands = [f"link add {_BRIDGE} type bridge", f"addr add {_NET}.254/24 dev {_BRIDGE}", f"link set {_BRIDGE} up"]
    for each in range(1, number + 1):
        name = f"{_BRIDGE}{each}"
        commands += [
            f"netns add {name}",
            f"link add {name} type veth peer name eth0 netns {name}",
            f"link set {name} master {_BRIDGE} up",
            f"-n {name} addr add {_NET}.{each}/24 dev eth0",
            f"-n {name} link set eth0 up",
            f"-n {name} link set lo up",
        ]
    for command in commands:
        if subprocess.run(["ip", *command.split()], check=False, stderr=subprocess.DEVNULL).returncode:
            _remove_networks(number)
            return False
    return True


def _remove_networks(number: int) -> None:
    names = [f"netns del {_BRIDGE}{each}" for each in range(1, number + 1)] + [f"link del {_BRIDGE}"]
    for name in names:
        subprocess.run(["ip", *name.split()], check=False, stderr=subprocess.DEVNULL)
