"""The log between real processes: producers that are killed, consumers that are killed, a stopped holder, tail -F."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from log.file import FileLog
from log.format import parse_line
from log.lock import DEADLINE_S as LOCK_S

GROUPS = ("archive", "server")
PRODUCERS = 4
STORM_S = 6.0
DEADLINE_S = 120.0

# Says "first-offset number" on its standard output after each append: what it was promised.
PRODUCER = """
import random, sys
from pathlib import Path
from log.file import FileLog
log = FileLog(Path(sys.argv[1]), ("archive", "server"), compact_bytes=20_000, warn_bytes=1 << 30)
name, number = sys.argv[2], 0
while True:
    count = random.choice([1, 1, 1, 10])
    first = log.append([f"{name}\\t{number + n}" for n in range(count)])
    for n in range(count):
        sys.stdout.write(f"{first + n}\\t{name}\\t{number + n}\\n")
    sys.stdout.flush()
    number += count
"""

# Writes rows to a file of its own, syncs, commits, resets: as a sink does.
CONSUMER = """
import os, sys, time
from pathlib import Path
from log.file import FileLog
log = FileLog(Path(sys.argv[1]), ("archive", "server"), compact_bytes=20_000, warn_bytes=1 << 30)
group = log.group(sys.argv[2])
sink = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
while True:
    rows = group.poll(50)
    if not rows:
        time.sleep(0.005)
        continue
    os.write(sink, "".join(f"{row.offset}\\t{row.payload}\\n" for row in rows).encode())
    group.commit(rows[-1].offset + 1)
    log.trim()
"""


class Fleet:
    """Processes of a test; all are ended with it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.folder = folder
        self.running: list[tuple[subprocess.Popen[bytes], list[str]]] = []
        self._started = 0

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        code = {"producer": PRODUCER, "consumer": CONSUMER}[arguments[0]]
        command = [sys.executable, "-c", code, str(self.data), *arguments[1:]]
        self._started += 1
        if arguments[0] == "producer":
            command[-1] = f"{arguments[1]}.{self._started}"  # each life numbers its rows from 0
        with (self.folder / f"{self._started}.out").open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        self.running.append((process, list(arguments)))
        return process

    def kill(self, place: int) -> None:
        process, arguments = self.running.pop(place)
        process.kill()
        process.wait()
        self.start(*arguments)

    def end(self) -> None:
        for process, _ in self.running:
            process.kill()
            process.wait()
        self.running.clear()

    def promised(self) -> dict[int, str]:
        """What producers were told is in the log; the last line of a killed one may be cut."""
        rows: dict[int, str] = {}
        for path in self.folder.glob("*.out"):
            for line in path.read_text().split("\n")[:-1]:
                offset, _, text = line.partition("\t")
                assert offset.isdigit(), f"{path.name}: {path.read_text()[-500:]}"
                assert int(offset) not in rows, f"offset {offset} was given twice"
                rows[int(offset)] = text
        return rows


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.end()


def sink(path: Path) -> dict[int, str]:
    """The rows of a consumer's file, each once however often it came; an offset that names two rows is an error."""
    rows: dict[int, str] = {}
    for line in path.read_text().split("\n")[:-1]:
        offset, _, text = line.partition("\t")
        assert rows.setdefault(int(offset), text) == text
    return rows


def drain(data: Path, name: str) -> dict[int, str]:
    log = FileLog(data, GROUPS, compact_bytes=1 << 30, warn_bytes=1 << 30)
    group = log.group(name)
    rows: dict[int, str] = {}
    while polled := group.poll(1000):
        rows |= {row.offset: row.payload for row in polled}
        group.commit(polled[-1].offset + 1)
    group.close()
    log.close()
    return rows


def test_a_storm_of_kills_loses_nothing(fleet: Fleet) -> None:
    chance = random.Random(7)
    sinks = {name: fleet.folder / f"{name}.tsv" for name in GROUPS}
    for number in range(PRODUCERS):
        fleet.start("producer", str(number))
    for name, path in sinks.items():
        fleet.start("consumer", name, str(path))
    give_up_s = time.monotonic() + DEADLINE_S
    until_s = time.monotonic() + STORM_S
    # At least so long, and until something was done that can be lost.
    while (
        time.monotonic() < until_s or len(fleet.promised()) <= 50 or not all(path.exists() for path in sinks.values())
    ):
        assert time.monotonic() < give_up_s
        time.sleep(chance.uniform(0.05, 0.4))
        fleet.kill(chance.randrange(len(fleet.running)))
    fleet.end()
    promised = fleet.promised()
    for name, path in sinks.items():
        got = sink(path) | drain(fleet.data, name)
        lost = [offset for offset in promised if offset not in got]
        assert not lost, f"{name} lost {lost[:10]} of {len(promised)}"
        wrong = [offset for offset, text in promised.items() if got[offset] != text]
        assert not wrong, f"{name} got other rows at {wrong[:10]}"
        order = [line.split("\t")[1:] for _, line in sorted((o, f"{o}\t{t}") for o, t in got.items())]
        for life in {life for life, _ in order}:
            numbers = [int(number) for name_, number in order if name_ == life]
            assert numbers == list(range(len(numbers))), "a producer's rows are out of order or not all there"


def test_no_half_row_is_ever_on_a_line(fleet: Fleet) -> None:
    path = fleet.data / "server_data.txt"
    for number in range(PRODUCERS):
        fleet.start("producer", str(number))
    wait_for(lambda: path.exists() and path.stat().st_size > 20_000)
    fleet.end()
    lines = path.read_bytes().split(b"\n")
    rows = [parse_line(line) for line in lines[1:-1]]
    assert all(rows)
    assert [row.offset for row in rows if row] == list(range(len(rows)))


def test_a_stopped_holder_of_the_lock_stops_no_reader(fleet: Fleet) -> None:
    log = FileLog(fleet.data, GROUPS, compact_bytes=1 << 30, warn_bytes=1 << 30)
    log.append(["before"])
    reader = FileLog(fleet.data, GROUPS, compact_bytes=1 << 30, warn_bytes=1 << 30)
    group = reader.group("server")
    group.poll(1)
    log.append(["unread"])
    hold = "import sys, time; from pathlib import Path; from log.lock import Lock\n"
    hold += "Lock(Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(600)"
    command = [sys.executable, "-c", hold, str(fleet.data / "server_data.txt.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        os.kill(holder.pid, signal.SIGSTOP)
        started_s = time.monotonic()
        assert [row.payload for row in group.poll(5)] == ["unread"]
        group.commit(2)
        assert group.lag == 0
        assert time.monotonic() - started_s < LOCK_S  # nobody waited for the lock until it was given up
        holder.kill()
    assert log.append(["after"]) == 2  # the kernel frees a dead process's lock
    reader.close()
    log.close()


def test_tail_follows_through_resets(fleet: Fleet) -> None:
    log = FileLog(fleet.data, ("server",), compact_bytes=1 << 30, warn_bytes=1 << 30)
    group = log.group("server")
    path, out = fleet.data / "server_data.txt", fleet.folder / "tail.txt"
    with out.open("wb") as output:
        tail = subprocess.Popen(
            ["tail", "-n", "+1", "-s", "0.02", "-F", str(path)], stdout=output, stderr=subprocess.DEVNULL
        )
    try:
        wait_for(lambda: b"# hydrolog" in out.read_bytes())
        for number in range(30):
            log.append([f"row\t{number}"])
            if number % 3 == 2:
                # Without a look in between tail may miss a file that came and went; ten minutes lie between two resets.
                last = b"row\t%d\t" % number
                wait_for(lambda: last in out.read_bytes())  # noqa: B023 - waited for at once
                group.commit(group.poll(10)[-1].offset + 1)
                assert log.trim()
        seen = [parse_line(line) for line in out.read_bytes().split(b"\n")]
        assert [row.offset for row in seen if row] == list(range(30))
    finally:
        tail.kill()
        tail.wait()
        group.close()
        log.close()


def wait_for(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < give_up_s, "it never came"
        time.sleep(0.01)


# In a process of its own: a fork beside other threads, as the tests have, is unsafe, and Python 3.12 warns of it.
FORK = """
import os, sys
from pathlib import Path
from common.errors import LockTimeout
from log.lock import Lock

lock = Lock(Path(sys.argv[1]))
lock.acquire()
pid = os.fork()
if pid == 0:
    lock._threads.release()  # the thread lock is the parent's; the question is the file's
    try:
        lock.acquire(0.05)
    except LockTimeout:
        os._exit(7)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_a_fork_does_not_share_its_parents_lock(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", FORK, str(tmp_path / "lock")], check=False)
    assert ended.returncode == 7, "the fork was refused"
