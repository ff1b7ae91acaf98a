"""The real producer under a clock that is faked below it: steps, a boot in 1970, the hour that autumn repeats.

libfaketime changes what the wall clock says to the process and leaves the monotonic one alone, as a time service or an
empty battery would. It is compiled when it is installed, so it is no dependency: `pip install libfaketime`.
"""

import importlib.util
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from meter import Cable, RunningProducer, rows
from waiting import wait_for

from common.clock import minute_of
from producer.ascii import encode

_PACKAGE = importlib.util.find_spec("libfaketime")
pytestmark = pytest.mark.skipif(
    _PACKAGE is None, reason="needs a faked clock: pip install libfaketime (and a C compiler)"
)

DAY_S = 86_400
# Loaded by Python itself at its start: the kernel cannot be faked, what this process hears of it can.
KERNEL = """
import os, pathlib
from common import time_service
time_service.in_step = pathlib.Path(os.environ["IN_STEP"]).exists
time_service.installed = lambda: True
"""


class Box:
    """A producer on a cable, with a wall clock of its own: the real one plus `offset_s`."""

    def __init__(self, folder: Path, offset_s: float, **environ: str) -> None:
        assert _PACKAGE is not None
        assert _PACKAGE.submodule_search_locations is not None
        library = folder / "libfaketime.so.1"  # LD_PRELOAD takes no path with a space, such as the working folder's
        library.symlink_to(next(Path(_PACKAGE.submodule_search_locations[0]).rglob(library.name)))
        self.data, self.cable = folder / "data", Cable(folder / "line")
        self._offset_file = folder / "offset"
        self.set_clock(offset_s)
        self.in_step = folder / "in_step"  # a file: a time service keeps the clock
        (folder / "fake").mkdir()
        (folder / "fake" / "sitecustomize.py").write_text(KERNEL)
        self._environ = {
            "PYTHONPATH": str(folder / "fake"),
            "IN_STEP": str(self.in_step),
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset_file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "HYDROLOG_LINE__LATENESS_SECONDS": "1",
            **environ,
        }
        self.start()

    def start(self) -> None:
        self.producer = RunningProducer(self.data, self.cable.link, **self._environ)
        self.producer.said("port_open")

    def set_clock(self, offset_s: float) -> None:
        temporary = self._offset_file.with_suffix(".new")
        temporary.write_text(f"{offset_s:+.3f}\n")
        temporary.replace(self._offset_file)
        self.offset_s = offset_s

    @property
    def now_s(self) -> float:
        return time.time() + self.offset_s

    def send(self, time_s: float | None) -> None:
        self.cable.send(encode("001", time_s, 8.0, 4.0, self.cable.zone))

    def minutes(self) -> list[int]:
        path = self.data / "server_data.txt"
        return [row.minute for row in rows(self.data)] if path.exists() else []

    def waiting(self) -> int:
        return int(self.producer.health()["counters"].get("readings_waiting", 0))

    def problem(self) -> str:
        return str(self.producer.health()["problem"])


@pytest.fixture
def boxes(tmp_path: Path) -> Iterator[list[Box]]:
    made: list[Box] = []
    yield made
    for box in made:
        if box.producer.process.poll() is None:
            box.producer.stop()
        os.close(box.cable.ours)
        os.close(box.cable.theirs)


@pytest.mark.parametrize("step_s", [-3600, DAY_S], ids=["an hour back", "a day ahead"])
def test_a_step_of_the_clock_costs_a_dated_meter_nothing(tmp_path: Path, boxes: list[Box], step_s: int) -> None:
    boxes.append(box := Box(tmp_path, 0))
    first = int(time.time()) // 60 - 8
    for minute in range(first, first + 3):
        box.send(minute * 60.0)
    box.send(first * 60 + 182.0)  # closes the last of them
    wait_for(lambda: len(box.minutes()) == 3, "the minutes before the step")
    box.set_clock(step_s)
    wait_for(lambda: "hydrolog clock confirm" in box.problem(), "the warning")
    for minute in range(first + 3, first + 6):
        box.send(minute * 60.0)
    box.send(first * 60 + 362.0)
    box.send(None)  # its time would be the stepped clock's: it waits
    wait_for(lambda: len(box.minutes()) >= 6, "the minutes after the step")
    assert box.minutes() == list(range(first, first + 6))
    wait_for(lambda: box.waiting() == 1, "the one that waits")


def test_a_time_service_that_sets_the_clock_needs_nobodys_word(tmp_path: Path, boxes: list[Box]) -> None:
    boxes.append(box := Box(tmp_path, -7200))
    box.send(None)
    wait_for(lambda: box.producer.health()["counters"].get("readings") == 1, "a reading by the wrong clock")
    box.set_clock(0)
    wait_for(lambda: "hydrolog clock confirm" in box.problem(), "the warning")
    box.send(None)
    wait_for(lambda: box.waiting() == 1, "the one that waits")
    box.in_step.touch()
    wait_for(lambda: box.problem() == "", "the clock to be believed")
    now = minute_of(datetime.fromtimestamp(box.now_s, UTC))
    box.send((now - 1) * 60.0)
    box.send(None)
    wait_for(lambda: now - 1 in box.minutes(), "a minute by the right clock")


def test_a_boot_in_1970_makes_no_row_until_the_clock_is_set(tmp_path: Path, boxes: list[Box]) -> None:
    boxes.append(box := Box(tmp_path, 600 - time.time()))
    for _ in range(3):
        box.send(None)
    wait_for(lambda: box.waiting() == 3, "three that wait")
    assert "never set" in box.problem()
    assert box.minutes() == []
    box.set_clock(0)
    wait_for(lambda: "nobody has confirmed" in box.problem(), "the clock to be possible")
    box.in_step.touch()
    wait_for(lambda: box.problem() == "", "the clock to be believed")
    now = minute_of(datetime.fromtimestamp(box.now_s, UTC))
    box.send((now - 1) * 60.0)
    box.send(None)
    wait_for(lambda: now - 1 in box.minutes(), "the first minute")
    assert all(abs(minute - now) <= 1 for minute in box.minutes())


def test_the_hour_that_autumn_repeats_has_sixty_minutes_twice(tmp_path: Path, boxes: list[Box]) -> None:
    """In Rome 02:00 to 03:00 comes twice on 27 October 2024; a stop in the middle changes nothing."""
    start = datetime(2024, 10, 27, 0, 0, tzinfo=UTC)
    boxes.append(box := Box(tmp_path, start.timestamp() + 7500 - time.time(), HYDROLOG_SITE__TIMEZONE="Europe/Rome"))
    first = minute_of(start)
    for minute in range(first, first + 50):
        box.send(minute * 60.0)
    wait_for(lambda: len(box.minutes()) >= 49, "the first half")
    box.producer.stop()
    box.start()
    for minute in range(first + 50, first + 122):
        box.send(minute * 60.0)
    wait_for(lambda: len(box.minutes()) >= 121, "both hours")
    assert box.minutes()[:120] == list(range(first, first + 120))
    times = [line.split("\t")[1] for line in (box.data / "server_data.txt").read_text().splitlines()[1:]]
    assert len(set(times)) == len(times)
    assert "2024-10-27T02:30:00+02:00" in times
    assert "2024-10-27T02:30:00+01:00" in times
