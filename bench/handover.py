"""The claim: a reader that joins the group stops no partition for longer than 3 s.

Each partition gets a row ten times a second; how far each is stored is looked at all the time. Two readers, then a
third one joins, then one is stopped and started again, as by an update. Once with the broker's own heartbeat, and once
with the one of deploy/center. KAFKA_NODE: a real broker; there is none in memory here.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from center_parts.programs import PYTHON, Program
from confluent_kafka import Producer
from peers import boxes
from peers.cluster import NODE, PARTITIONS, load, make_topic, running_broker
from rich.console import Console
from rich.table import Table

from common.folder import POSTGRES_URL_FILE
from common.kafka_rows import row_messages
from postgres import server

TOPIC = "rows"
EACH_S = 0.1
HEARTBEAT = tuple(
    word for least in ("", "min.") for word in ("--set", f"group.consumer.{least}heartbeat.interval.ms=1000")
)
CALM_S, WATCH_S, START_S = 10.0, 25.0, 90.0
_MARKS = b"SELECT partition, next FROM KAFKA_MARK_TB WHERE next > 0"


class Flow:
    """Rows into every partition, and how long each has stood still."""

    def __init__(self, broker: str, url: str) -> None:
        self._producer = Producer({"bootstrap.servers": broker, "linger.ms": 5})
        self._connection = psycopg.connect(url, autocommit=True)
        self._stop, self._offset = threading.Event(), 0
        self._thread = threading.Thread(target=self._flow, daemon=True)
        self._thread.start()

    def _flow(self) -> None:
        while not self._stop.wait(EACH_S):
            for partition in range(PARTITIONS):
                body = boxes.request(f"site-{partition}", self._offset, 1).partition(b"\r\n\r\n")[2]
                ((key, value),) = row_messages(f"site-{partition}", boxes.LOG_ID, body.splitlines())
                self._producer.produce(TOPIC, value, key, partition)
            self._offset += 1
            self._producer.poll(0)

    def longest_s(self, seconds: float) -> float:
        """The longest time in which a partition came no further, in so many seconds."""
        moved: dict[int, tuple[int, float]] = {}
        marks: dict[int, int]
        over_s, longest_s = time.monotonic() + seconds, 0.0
        while time.monotonic() < over_s:
            marks, now_s = dict(self._connection.execute(_MARKS).fetchall()), time.monotonic()
            for partition, place in marks.items():
                before, since_s = moved.setdefault(partition, (place, now_s))
                longest_s = max(longest_s, now_s - since_s)
                if place > before:
                    moved[partition] = place, now_s
            time.sleep(0.02)
        return longest_s

    def wait(self) -> None:
        """Until rows of each partition are stored."""
        give_up_s = time.monotonic() + START_S
        while len(self._connection.execute(_MARKS).fetchall()) < PARTITIONS:
            assert time.monotonic() < give_up_s, "not all partitions are read"
            time.sleep(0.1)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._connection.close()


@contextmanager
def readers(broker: str, url: str, folder: Path) -> Iterator[list[Program]]:
    """Three that are not started yet."""
    made = []
    for number in range(3):
        keys = {"PATHS__DATA": str(folder / f"reader-{number}"), "DATABASE__URL": url}
        keys["LOG__URL"] = f"kafka://{broker}/{TOPIC}"
        own = {f"HYDROLOG_{name}": value for name, value in keys.items()}
        made.append(Program(f"reader-{number}", [*PYTHON, "consumer", "--group", "archive"], own, folder))
    try:
        yield made
    finally:
        for each in made:
            each.end()


def measured(options: tuple[str, ...]) -> tuple[float, float, float]:
    """The longest stop with nothing, with a reader that joins, and with one that is restarted."""
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (
            server.running(folder / "data", "bench"),
            running_broker(folder / "broker", node=NODE, options=options) as broker,
        ):
            url = (folder / "data" / POSTGRES_URL_FILE).read_text("utf-8").strip()
            make_topic(broker, TOPIC, PARTITIONS)
            with readers(broker, url, folder) as (first, second, third):
                first.start()
                second.start()
                flow = Flow(broker, url)
                try:
                    flow.wait()
                    flow.longest_s(CALM_S)
                    calm_s = flow.longest_s(CALM_S)
                    third.start()
                    joined_s = flow.longest_s(WATCH_S)
                    second.end()
                    second.start()
                    return calm_s, joined_s, flow.longest_s(WATCH_S)
                finally:
                    flow.close()


def main() -> None:
    if not NODE:
        sys.stderr.write("KAFKA_NODE names no program that is a broker: nothing is measured\n")
        return
    table = Table(
        "the broker's heartbeat", "nothing", "a reader joins", "a reader is restarted", title="Longest stop, s"
    )
    for name, options in (("its own, 5 s", ()), ("1 s", HEARTBEAT)):
        table.add_row(name, *(f"{each:.1f}" for each in measured(options)))
    Console(width=120).print(table, load(), f"{os.cpu_count()} cores")


if __name__ == "__main__":
    main()
