"""For tests: a meter on a pseudo-terminal, and the real producer beside it."""

import json
import os
import signal
import subprocess
import sys
import time
import tty
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from waiting import wait_for

from common import confirmation
from common.row import Row, parse_payload
from common.settings import load
from producer.ascii import encode

DEADLINE_S = 120.0  # of real time; only a broken product comes near it
# Where a test or its machine pauses in mid-minute, the pause must not count as the end of the minute: a reading that
# is to close the one before comes at the 20th second or later.
LATENESS_S = 20


class Cable:
    """A port at `link`; unplugged and plugged in again it is another device."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.zone = load(None, {}).site.zone
        self.plug()

    def plug(self) -> None:
        self.ours, self.theirs = os.openpty()
        tty.setraw(self.theirs)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self.theirs))

    def unplug(self) -> None:
        os.close(self.ours)
        os.close(self.theirs)
        self.link.unlink()

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.ours, view) :]

    def read(self, sensor: str, seconds: Iterable[int], flow: float = 8.0, pressure: float = 4.0) -> None:
        """One reading at each of these UTC seconds."""
        for second in seconds:
            self.send(encode(sensor, float(second), flow, pressure, self.zone))


class RunningProducer:
    """The real executable on a folder; `output` is all that it said. On a new folder its clock is confirmed first."""

    def __init__(self, data: Path, line: Path | str, **environ: str) -> None:
        self.data = data
        if not data.exists():
            data.mkdir(parents=True)
            confirmation.leave(data, confirmation.RIGHT)
        self._said = data / f"said.{time.monotonic_ns()}"
        with self._said.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "producer"],
                env={
                    **os.environ,
                    "HYDROLOG_PATHS__DATA": str(data),
                    "HYDROLOG_LINE__URL": str(line),
                    "HYDROLOG_LINE__LATENESS_SECONDS": str(LATENESS_S),
                    **environ,
                },
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> bytes:
        return self._said.read_bytes()

    def said(self, text: str) -> None:
        wait_for(lambda: text.encode() in self.output, f"{text!r} in the output")

    def health(self) -> dict[str, Any]:
        path = self.data / "health" / "producer.json"
        try:
            state: dict[str, Any] = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {"pid": 0, "counters": {}, "problem": ""}
        return state if state["pid"] == self.process.pid else {"pid": 0, "counters": {}, "problem": ""}

    def open_minute(self) -> str:
        path = self.data / "open_minute.json"
        return path.read_text() if path.exists() else ""

    def took(self, readings: int) -> None:
        wait_for(lambda: self.health()["counters"].get("readings", 0) >= readings, f"{readings} readings")

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


def rows(data: Path) -> list[Row]:
    """The rows in the log's file."""
    lines = (data / "server_data.txt").read_text().splitlines()[1:]
    return [parse_payload(line.partition("\t")[2].rpartition("\t")[0]) for line in lines]


def closed(data: Path, minute: int) -> list[Row]:
    """Wait for a row of this minute; all rows."""
    wait_for(lambda: any(row.minute == minute for row in rows(data)), "the minute's row")
    return rows(data)
