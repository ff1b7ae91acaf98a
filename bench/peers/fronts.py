"""Servers that batches are posted to, each as a process of its own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peers import boxes

BARE = Path(__file__).resolve().parent / "bare.py"
START_S = 60.0


@contextmanager
def bare(*topic: str) -> Iterator[tuple[int, int]]:
    """Process id and port."""
    process = subprocess.Popen([sys.executable, str(BARE), *topic], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.pid, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@contextmanager
def front(broker: str, topic: str, data: Path) -> Iterator[tuple[int, int]]:
    """Process id and port of a hydrolog-server that has seen the cluster."""
    keys = {
        "PATHS__DATA": str(data),
        "LOG__URL": f"kafka://{broker}/{topic}",
        "RECEIVER__INTO": "log",
        "RECEIVER__PORT": "0",
        "RECEIVER__TOKEN": boxes.TOKEN,
    }
    environ = {**os.environ, **{f"HYDROLOG_{name}": value for name, value in keys.items()}}
    path = data.parent / f"{data.name}.log"
    with path.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "server"], env=environ, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        give_up_s = time.monotonic() + START_S
        while not (found := re.search(rb"listening url=http://\S+:(\d+)/\n", path.read_bytes())):
            assert time.monotonic() < give_up_s, path.read_text()
            time.sleep(0.05)
        port = int(found[1])
        while boxes.deliver(port, [[boxes.request("first", 0, 1)]]).statuses != {200: 1}:
            assert time.monotonic() < give_up_s, path.read_text()
        yield process.pid, port
    finally:
        process.kill()
        process.wait()
