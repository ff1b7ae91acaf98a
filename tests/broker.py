"""For tests: a Kafka-protocol broker on a free port of this machine, topics, and what lies in them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from ports import free_port

# A program that starts a real broker, NODE FOLDER --port PORT, and is that broker.
NODE = os.environ.get("KAFKA_NODE", "")


@contextlib.contextmanager
def running_broker(folder: Path, port: int | None = None, node: str = "", options: Sequence[str] = ()) -> Iterator[str]:
    """A broker that keeps its data in memory, or with `node` a real one; its address."""
    broker = Broker(folder, port, node, options)
    broker.start()
    try:
        yield broker.address
    finally:
        broker.kill()


class Broker:
    """One that can go away and come back with its data: a real one is killed, the one in memory stands still."""

    def __init__(self, folder: Path, port: int | None = None, node: str = "", options: Sequence[str] = ()) -> None:
        port = self.port = port or free_port(2)  # a real one has its controller beside it
        self.address = f"127.0.0.1:{port}"
        self._node = node
        memory = ("--only", "kafka", "--host", "127.0.0.1", "--kafka-port", str(port), "--data-dir", str(folder))
        in_memory = [str(Path(sys.executable).with_name("noida-db")), "start", *memory]
        self._command = [node, str(folder), "--port", str(port), *options] if node else in_memory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # A session of its own: the program is a wrapper, and the broker itself may be its child.
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        _wait_until_it_answers(self.port, self._process)

    def leave(self) -> None:
        """Answer nobody."""
        if self._node:
            self.kill()
        else:
            self._signal(signal.SIGSTOP)

    def come_back(self) -> None:
        """Answer again, with all that it had."""
        if self._node:
            self.start()
        else:
            self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def make_topic(address: str, topic: str, partitions: int = 1) -> None:
    """Make a topic."""
    admin = AdminClient({"bootstrap.servers": address})
    give_up_s = time.monotonic() + 60
    while True:
        try:
            admin.create_topics([NewTopic(topic, num_partitions=partitions)])[topic].result(30)
        except KafkaException as error:  # a broker that has just been started; its answer may have been lost
            if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return
            assert time.monotonic() < give_up_s
        else:
            return


def lying_in(address: str, topic: str) -> list[tuple[str, str]]:
    """All messages of a topic, in order: key and value."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "look", "enable.auto.commit": False})
    place = TopicPartition(topic, 0, 0)
    _, end = consumer.get_watermark_offsets(place, timeout=60)
    consumer.assign([place])
    found: list[tuple[str, str]] = []
    while len(found) < end:
        for message in consumer.consume(end - len(found), 1.0):
            assert message.error() is None
            found.append(((message.key() or b"").decode(), (message.value() or b"").decode()))
    consumer.close()
    return found


def _wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, "the broker ended"
            assert time.monotonic() < deadline_s, "the broker does not answer"
            time.sleep(0.05)
        else:
            return
