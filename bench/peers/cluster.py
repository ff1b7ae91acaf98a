"""A broker for the benches of the center, and what a process has cost."""

import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from common.folder import POSTGRES_FOLDER

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


def broker_cpu_s() -> float:
    """The same of the broker that was started here; 0 if it is another one."""
    brokers = [each for each in psutil.Process().children() if "kafka" in " ".join(each.cmdline())]
    return sum(_tree_cpu_s(each) for each in brokers)


def postgres_cpu_s(data: Path) -> float:
    """The same of the embedded Postgres of a data folder."""
    return _tree_cpu_s(psutil.Process(int((data / POSTGRES_FOLDER / "postmaster.pid").read_text().split()[0])))


def _tree_cpu_s(top: psutil.Process) -> float:
    """Of a process, of all below it, and of those of them that have ended."""
    return float(sum(sum(each.cpu_times()[:4]) for each in (top, *top.children(recursive=True))))


def load() -> str:
    """How busy the machine was, to be printed under each table."""
    one, five, _ = os.getloadavg()
    return f"load average {one:.1f} (1 min), {five:.1f} (5 min) on {os.cpu_count()} cores"
