"""A line that is polled slowly is silent for long, and is not called silent for that."""

import threading

import pytest

from producer.line import SerialLine
from producer.port import REOPEN_AFTER_S, Port

READ_S = 60.0


class QuietPort(Port):
    """Open, and without a byte."""

    is_open = True

    def read(self) -> bytes:
        return b""


class Listener:
    def restart(self) -> None:
        """Nothing to drop."""


@pytest.mark.parametrize(("poll_s", "silent_after_s"), [(0.0, 120.0), (5.0, 120.0), (300.0, 750.0), (3600.0, 9000.0)])
def test_silence_counts_by_the_poll(poll_s: float, silent_after_s: float) -> None:
    line = SerialLine("/dev/null", 9600, threading.Event(), read_s=READ_S)
    line._port = QuietPort("/dev/null", 9600, threading.Event(), read_s=READ_S)
    if poll_s:
        line.polled_every(poll_s)
    line.understood()
    reads = 0
    while line.state == "reading":
        line.read(Listener())
        reads += 1
    assert reads == -(-silent_after_s // READ_S)
    assert line.problem == f"no bytes for {silent_after_s:.0f} s: is the meter on and the cable in?"
    assert line._port.reopen_after_s == max(REOPEN_AFTER_S, 2.5 * poll_s)
