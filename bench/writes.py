"""The claim: a box at rest, three sensors, writes at most 100 MB and 5,000 flushes a day, and with Postgres 500 MB.

The real executables under supervisord, as deploy/ starts them, with an embedded Postgres and the receiver on the same
machine; the meter is `hydrolog simulate`. Argument: minutes to measure (60). All figures are scaled to a day.

- The upper table is what reached the disk, counted by the kernel: everything but Postgres's files is on an ext4 of its
  own, and these on a second one, both in memory. It takes root, to mount them; without, the table is left out.
- The lower table says which file and program that was for, by strace: bytes of write calls, and calls of fsync and
  fdatasync. A disk writes whole blocks and the journal of the file system, so the upper table has many times more.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree, which

from rich.console import Console
from rich.table import Table

from common.folder import POSTGRES_FOLDER
from common.settings import CONFIG
from demo.folder import DemoFolder
from postgres import server

BIN = Path(sys.executable).parent
DEPLOY = Path(__file__).parents[1] / "deploy"
MEMORY = Path("/dev/shm")
RUN = Path("/run/hydrolog-bench")  # as systemd makes it for the service
SENSORS = 3
SETTLE_S = 150.0  # the first model of a box without history, the first rows
DAY_S = 86_400.0
DISK_BYTES = 1_000_000_000
BLOCK = 4096  # as on any disk of a box; mkfs takes less for a small one
SECTOR = 512
GOALS = {"hydrolog": "(goal: 100 MB, 5,000)", "Postgres": "", "both": "(goal: 500 MB)"}
SYNCS = ("fsync", "fdatasync")
TRACED = ",".join(("write", "pwrite64", "writev", "pwritev", "pwritev2", *SYNCS, "execve"))
_CALL = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\(\d+<(?P<path>/[^>]*)>(?P<rest>.*)")
_BYTES = re.compile(r"\) += (\d+)$|, (\d+)(?:, \d+)? <unfinished")
_EXEC = re.compile(r'(?P<pid>\d+) +execve\("[^"]*", \[(?P<words>.*)\]')


@dataclass
class Counts:
    """What was written."""

    bytes: int = 0
    flushes: int = 0

    def since(self, before: "Counts") -> "Counts":
        return Counts(self.bytes - before.bytes, self.flushes - before.flushes)


def written_to(disk: Path) -> Counts:
    """So far, to the disk that holds this folder: the fields are described in the kernel's Documentation/block/stat."""
    number = disk.stat().st_dev
    fields = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat").read_text().split()
    return Counts(int(fields[6]) * SECTOR, int(fields[15]))


@contextmanager
def own_disk(place: Path) -> Iterator[Path]:
    """A new ext4 in memory, mounted."""
    image, mounted = place.with_suffix(".img"), place
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-b", str(BLOCK), image], check=True)
    subprocess.run(["mount", "-o", "loop,noatime", image, mounted], check=True)
    try:
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


class Traced:
    """What strace saw, by program and file."""

    def __init__(self, home: Path, postgres: Path) -> None:
        self.counts: dict[tuple[str, str], Counts] = {}
        self._home, self._postgres = f"{home}/", f"{postgres}/"
        self._programs: dict[str, str] = {}

    def read(self, trace: Path, start: int, end: int) -> None:
        """Count the calls between two places in strace's output."""
        position = 0
        with trace.open("rb") as file:
            for raw in file:
                position += len(raw)
                if position > end:
                    break
                line = raw.decode("ascii", "replace")
                if found := _EXEC.match(line):
                    self._programs[found["pid"]] = name_of(re.findall(r'"([^"]*)"', found["words"]))
                elif position > start and (found := _CALL.match(line)) and (file_name := self._name(found["path"])):
                    program = self._programs.get(found["pid"], "Postgres")  # what it forks
                    counts = self.counts.setdefault((program, file_name), Counts())
                    counts.flushes += found["name"] in SYNCS
                    if found["name"] not in SYNCS and (told := _BYTES.search(found["rest"])):
                        counts.bytes += int(told[1] or told[2])

    def _name(self, path: str) -> str:
        """A file as the table names it; nothing for what is not on the disk."""
        if path.startswith(self._postgres):
            return f"{POSTGRES_FOLDER}/{path.removeprefix(self._postgres).split('/')[0]}"
        return path.removeprefix(self._home).removesuffix(".tmp") if path.startswith(self._home) else ""


def name_of(words: list[str]) -> str:
    """`consumer archive` for `python -P -m consumer --group archive`."""
    if "-m" not in words:
        return Path(words[0]).name.replace("postgres", "Postgres")
    module, *rest = words[words.index("-m") + 1 :]
    return " ".join([module.rpartition(".")[2], *(word for word in rest if word in ("archive", "server"))])


@contextmanager
def group(home: Path, trace: Path) -> Iterator[None]:
    """The group and a meter."""
    folder = DemoFolder(home)
    folder.make()
    folder.write_settings(zone="Asia/Seoul", speed=1.0, wanted_port=0)
    environ = {**os.environ, CONFIG: str(folder.config), "PATH": f"{BIN}:{os.environ['PATH']}"}
    if os.access(RUN.parent, os.W_OK):
        RUN.mkdir(mode=0o750, exist_ok=True)
        environ["RUNTIME_DIRECTORY"] = str(RUN)
    meter = [sys.executable, "-P", "-m", "cli", "simulate", "--district", "1", "--sensors", str(SENSORS)]
    boxed = [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(DEPLOY / "supervisord.conf")]
    if which("strace"):  # -D: it is the child, so that the signal below reaches supervisord
        boxed = ["strace", "-D", "-f", "-y", "-qq", "-s", "80", "-e", f"trace={TRACED}", "-o", str(trace), *boxed]
    with ExitStack() as ends:
        ends.callback(rmtree, RUN, ignore_errors=True)
        for command in ([*meter, "--link", str(folder.link)], boxed):
            process = subprocess.Popen(command, env={**environ, "HYDROLOG_HOME": str(home)}, stdout=subprocess.DEVNULL)
            ends.callback(process.wait, 60)
            ends.callback(process.send_signal, signal.SIGTERM)
        yield


def elsewhere(data: Path, disk: Path) -> None:
    """Put Postgres's files on a disk of their own."""
    data.mkdir(parents=True)
    with server.running(data, "demo"):
        pass
    subprocess.run(["cp", "-a", data / POSTGRES_FOLDER, disk], check=True)
    subprocess.run(["rm", "-r", data / POSTGRES_FOLDER], check=True)
    (data / POSTGRES_FOLDER).symlink_to(disk / POSTGRES_FOLDER)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def show(title: str, headings: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], Counts]], per_day: float) -> None:
    table = Table(*headings, "MB a day", "flushes a day", title=title, title_justify="left")
    for words, counts in rows:
        table.add_row(*words, f"{counts.bytes * per_day / 1e6:.2f}", f"{counts.flushes * per_day:,.0f}")
    Console(width=110).print(table)


def main() -> None:
    seconds = 60.0 * float(sys.argv[1] if len(sys.argv) > 1 else 60)
    with tempfile.TemporaryDirectory(prefix="hydrolog-writes-", dir=MEMORY) as name, ExitStack() as mounts:
        place, disks = Path(name), {}
        place.chmod(0o755)
        if os.geteuid() == 0:
            disks = {label: mounts.enter_context(own_disk(place / label)) for label in ("hydrolog", "Postgres")}
        home, trace = disks.get("hydrolog", place) / "home", place / "trace"
        postgres = home / "data" / POSTGRES_FOLDER
        if disks:
            elsewhere(home / "data", disks["Postgres"])
            postgres = disks["Postgres"] / POSTGRES_FOLDER
        with group(home, trace):
            time.sleep(SETTLE_S)
            before, start = {label: written_to(disk) for label, disk in disks.items()}, size(trace)
            time.sleep(seconds)
            after, end = {label: written_to(disk) for label, disk in disks.items()}, size(trace)
        taken = {label: counts.since(before[label]) for label, counts in after.items()}
        taken["both"] = Counts(sum(c.bytes for c in taken.values()), sum(c.flushes for c in taken.values()))
        measured = f"{SENSORS} sensors, {seconds / 60:.0f} minutes, as a day"
        if disks:
            rows = [((f"{label} {GOALS[label]}",), counts) for label, counts in taken.items()]
            show(f"What reached the disk: {measured}", ("files of",), rows, DAY_S / seconds)
        if trace.exists():
            traced = Traced(home, postgres)
            traced.read(trace, start, end)
            ordered = sorted(traced.counts.items(), key=lambda entry: (-entry[1].flushes, -entry[1].bytes))
            show(f"What the programs asked for: {measured}", ("program", "file"), ordered, DAY_S / seconds)


if __name__ == "__main__":
    main()
