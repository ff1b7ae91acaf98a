"""For tests: a Kafka-protocol broker on a free port of this machine."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ports import free_port


@contextlib.contextmanager
def running_broker(folder: Path, port: int | None = None) -> Iterator[str]:
    """A broker that keeps its data in memory; its address."""
    port = port or free_port()
    program = Path(sys.executable).with_name("noida-db")
    options = ["--only", "kafka", "--host", "127.0.0.1", "--kafka-port", str(port), "--data-dir", str(folder)]
    # A session of its own: the program is a wrapper, and the broker itself is its child.
    with subprocess.Popen(
        [str(program), "start", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            _wait_until_it_answers(port, process)
            yield f"127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)


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
