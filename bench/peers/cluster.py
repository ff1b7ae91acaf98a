"""A broker for the benches of the center, and what a process has cost."""

import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tests"))

from broker import NODE, make_topic, running_broker  # the tests' broker: a real one with KAFKA_NODE

PARTITIONS = 12


@contextmanager
def cluster(folder: Path | None = None) -> Iterator[str]:
    """The address of a broker: the one of KAFKA_BROKER, one started by KAFKA_NODE, or the one in memory. `folder`: for
    its data."""
    if there := os.environ.get("KAFKA_BROKER"):
        yield there
        return
    with (
        tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as temporary,
        running_broker(folder or Path(temporary), node=NODE) as address,
    ):
        yield address


def new_topic(address: str) -> str:
    """The name of a topic that was just made."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    make_topic(address, name, PARTITIONS)
    return name


def cpu_s(pid: int) -> float:
    """Processor time that a process has taken so far, its threads included."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def load() -> str:
    """How busy the machine was, to be printed under each table."""
    one, five, _ = os.getloadavg()
    return f"load average {one:.1f} (1 min), {five:.1f} (5 min) on {os.cpu_count()} cores"
