"""The claim: the line costs at most four times what only splitting and converting its text costs.

The producer's own step, from bytes to rows in a real log on disk, outlier methods and the snapshots of the open
minutes included, against a loop that splits the same lines and converts their fields. Then 1,000 sensors: the close
of a minute, a reading a second from each, and the memory. Then an hour of pure noise at full speed.
"""

import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from common.clock import SystemClock
from common.runner import Context
from common.settings import LineSettings, PathsSettings, Settings
from producer.ascii import encode
from producer.line import Restarted, SerialLine
from producer.step import Producer

ZONE = ZoneInfo("Asia/Seoul")
SENSORS, SECONDS = 100, 3_000  # 300,000 readings, 50 minutes
MANY = 1_000  # sensors of the second part
CHUNK = 4_096  # bytes of one read of a line that floods
PORTION = 1_200  # bytes that 1,000 sensors send between two reads
HOUR_BYTES = 3_600 * 11_520  # what a line of 115,200 baud carries in an hour
NOISES = {"random bytes": bytes(range(256)), "frames' own characters, shuffled": b"$,*.0123456789ABC\r\n"}
START_S = int(time.time()) // 60 * 60 - 7_200


class Recorded(SerialLine):
    """A line that has all its bytes already."""

    def __init__(self, chunks: list[bytes]) -> None:
        super().__init__("/dev/null", 9600, threading.Event())
        self.chunks = iter(chunks)
        self.ended = False

    def read(self, listener: Restarted) -> bytes:
        chunk = next(self.chunks, b"")
        self.ended = not chunk
        return chunk


def lines(sensors: int, first: int, seconds: int) -> bytes:
    return b"".join(
        encode(f"s{sensor:04}", START_S + second, 20 + second % 97 / 100, 3.5 + sensor % 31 / 100, ZONE)
        for second in range(first, first + seconds)
        for sensor in range(sensors)
    )


def split_and_convert(stream: bytes) -> int:
    """What the least possible reader does: no checksum, no grammar, no minutes, no rows."""
    count = 0
    for line in stream.decode("ascii").split("\r\n")[:-1]:
        _sensor, time_, flow, pressure = line[1:-3].split(",")
        datetime.fromisoformat(time_)
        float(flow)
        float(pressure)
        count += 1
    return count


def producer(folder: Path, line: SerialLine) -> Producer:
    settings = replace(Settings(), paths=PathsSettings(folder), line=LineSettings(lateness_seconds=1.0))
    return Producer(Context(settings, SystemClock(), threading.Event(), "producer"), line)


def drain(worker: Producer, line: Recorded) -> float:
    """Step until the bytes are used up; CPU seconds."""
    line.ended = False
    before_s = time.process_time()
    while not line.ended:
        worker.step(datetime.now(UTC))
    return time.process_time() - before_s


def chunks(stream: bytes, size: int) -> list[bytes]:
    return [stream[place : place + size] for place in range(0, len(stream), size)]


def main() -> None:
    from rich.console import Console  # noqa: PLC0415 - the measured process does without
    from rich.table import Table  # noqa: PLC0415

    table = Table("what", "value", title="The line", title_justify="left")
    stream = lines(SENSORS, 0, SECONDS)
    readings = SENSORS * SECONDS
    plain_s = min(_timed(stream) for _ in range(3))
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-") as folder:
        line = Recorded(chunks(stream, CHUNK))
        took_s = drain(producer(Path(folder), line), line)
    table.add_row("readings a second, split and convert only", f"{readings / plain_s:,.0f}")
    table.add_row("readings a second, bytes to rows in the log", f"{readings / took_s:,.0f}")
    table.add_row("ratio (claim: at most 4)", f"{took_s / plain_s:.1f}")
    # In a process of its own, so that its memory is that of a producer and not of this file's data.
    answer = subprocess.run([sys.executable, __file__, "many"], capture_output=True, text=True, check=True)
    close_s, live, mib = answer.stdout.split()
    table.add_row(f"{MANY:,} sensors: CPU of closing a minute (claim: below 0.1 s)", f"{close_s} s")
    table.add_row(f"{MANY:,} sensors at a reading a second: share of a core (claim: below 10 %)", f"{live} %")
    table.add_row(f"{MANY:,} sensors: most resident memory (claim: below 60 MiB)", f"{mib} MiB")
    for kind in NOISES:
        answer = subprocess.run([sys.executable, __file__, "noise", kind], capture_output=True, text=True, check=True)
        ratio, kib = answer.stdout.split()
        table.add_row(f"an hour of {kind} at 115,200 baud: CPU, against as many bytes of readings", f"{ratio} times")
        table.add_row(f"an hour of {kind} at 115,200 baud: memory grown (claim: none)", f"{kib} KiB")
    Console().print(table)


def many() -> None:
    """The figures for many sensors."""
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-") as folder:
        line = Recorded([])
        worker = producer(Path(folder), line)
        closes, lives = [], []
        for minute in range(5):
            line.chunks = iter(chunks(lines(MANY, minute * 60, 60), PORTION))
            lives.append(drain(worker, line))
            line.chunks = iter([lines(1, minute * 60 + 62, 1)])
            closes.append(drain(worker, line))
    sys.stdout.write(f"{max(closes):.3f} {max(lives) / 60 * 100:.1f} {_kib('VmHWM') / 1024:.0f}\n")


def noise(kind: str) -> None:
    """The figures for one kind of noise. The hour comes twice: what is met for the first time may take memory."""
    piece = bytes(random.Random(1).choices(NOISES[kind], k=CHUNK * 256))
    hour = chunks(piece, CHUNK) * (HOUR_BYTES // len(piece))
    good = chunks(lines(SENSORS, 0, 7_000), CHUNK)  # nearly as many bytes, and none of them late
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-") as folder:
        line = Recorded([])
        worker = producer(Path(folder), line)
        costs = []
        for stream in (hour, hour, good):
            line.chunks, before_kib = iter(stream), _kib("VmRSS")
            costs.append((drain(worker, line) / sum(map(len, stream)), _kib("VmRSS") - before_kib))
    sys.stdout.write(f"{costs[1][0] / costs[2][0]:.2f} {costs[1][1]}\n")


def _kib(figure: str) -> int:
    """This process's memory. Not getrusage: its peak is inherited from the process that started this one."""
    found = re.search(rf"{figure}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


def _timed(stream: bytes) -> float:
    before_s = time.process_time()
    split_and_convert(stream)
    return time.process_time() - before_s


if __name__ == "__main__":
    if sys.argv[1:] == ["many"]:
        many()
    elif sys.argv[1:2] == ["noise"]:
        noise(sys.argv[2])
    else:
        main()
