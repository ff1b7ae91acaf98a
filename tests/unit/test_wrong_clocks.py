"""A box whose clock is wrong: what is written and what is said, for each error, box, time service and kind of meter.

the clock      4 years ahead, 4 years behind, 1970, a day ahead, 3 minutes ahead
the box        new, or with rows up to ten minutes before the start
time service   sets the clock before the first reading, after four minutes, never
meters         with a clock, which is right, or without
"""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from common import time_service
from common.clock import SystemClock
from common.row import parse_payload
from common.runner import Context
from common.settings import load
from producer.ascii import encode
from producer.line import SerialLine
from producer.step import Producer

T0_S = datetime(2024, 8, 26, 7, 33, 1, tzinfo=UTC).timestamp()
MINUTE = int(T0_S // 60)
DAY_S = 86_400.0
ERRORS = {
    "4 years ahead": 1461 * DAY_S,
    "4 years behind": -1461 * DAY_S,
    "1970": 100.0 - T0_S,
    "a day ahead": DAY_S,
    "3 minutes ahead": 180.0,
}
SERVICES = {"at once": 0, "late": 4, "never": 99}  # minutes until it sets the clock
OLD = range(4)  # minutes with rows before the start, the last one open at the stop
MINUTES = 8  # run after the start; the last one stays open


class TwoHands(SystemClock):
    """A clock of the machine with the true time, an error, and the time since the start."""

    def __init__(self) -> None:
        self.true_s, self.error_s, self.up_s = T0_S, 0.0, 50.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.true_s + self.error_s, UTC)

    def monotonic(self) -> float:
        return self.up_s


class Wire(SerialLine):
    """A line whose bytes the test gives."""

    def __init__(self) -> None:
        super().__init__("socket://127.0.0.1:9", 9600, threading.Event())
        self.bytes = b""

    silent_s = 0.0
    state = "reading"
    problem = ""
    is_open = False

    def read(self, _intake: Any) -> bytes:
        chunk, self.bytes = self.bytes, b""
        return chunk


class Box:
    """A producer in this process."""

    producer: Producer

    def __init__(self, data: Path) -> None:
        self.settings = load(None, {"HYDROLOG_PATHS__DATA": str(data), "HYDROLOG_LINE__LATENESS_SECONDS": "1"})
        data.mkdir()
        self.clock, self.boots, self.counters = TwoHands(), 0, dict[str, Any]()
        self.in_step = False

    def boot(self, error_s: float) -> None:
        if self.boots:
            self.producer.close()
        self.boots, self.clock.up_s, self.clock.error_s = self.boots + 1, 50.0, error_s
        self.wire = Wire()
        self.producer = Producer(Context(self.settings, self.clock, threading.Event(), "producer"), self.wire)

    def minute(self, *, dated: bool) -> None:
        for _ in range(6):
            time_s = self.clock.true_s - 0.5 if dated else None
            self.wire.bytes = encode("001", time_s, 8.0, 4.0, self.settings.site.zone)
            self.counters = dict(self.producer.step(self.clock.now()))
            self.clock.true_s += 10
            self.clock.up_s += 10

    def minutes(self) -> list[int]:
        path = self.settings.paths.data / "server_data.txt"
        lines = path.read_text().splitlines()[1:]
        return [parse_payload(line.partition("\t")[2].rpartition("\t")[0]).minute - MINUTE for line in lines]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    box = Box(tmp_path / "data")
    monkeypatch.setattr(time_service, "installed", lambda: True)
    monkeypatch.setattr(time_service, "in_step", lambda: box.in_step)
    monkeypatch.setattr(time_service, "boot_id", lambda: f"boot-{box.boots}")
    yield box
    box.producer.close()


def run(box: Box, error: str, service: str, *, dated: bool, old: bool) -> list[int]:
    """The minutes written after the start of the machine, counted from it."""
    if old:
        box.in_step = True
        box.boot(0.0)
        for _ in OLD:
            box.minute(dated=dated)
        box.in_step = False
    box.clock.true_s = T0_S + 600
    box.boot(ERRORS[error])
    for minute in range(MINUTES):
        if minute == SERVICES[service]:
            box.clock.error_s, box.in_step = 0.0, True
        box.minute(dated=dated)
    written = box.minutes()
    assert not old or written[:3] == [0, 1, 2]
    return [minute - 10 for minute in written if minute not in OLD]


TRUE = list(range(MINUTES - 1))


@pytest.mark.parametrize("dated", [False, True], ids=["without clocks", "with clocks"])
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
@pytest.mark.parametrize("error", ERRORS)
def test_a_wrong_clock(box: Box, error: str, old: bool, service: str, dated: bool) -> None:
    found, problem = run(box, error, service, dated=dated, old=old), str(box.counters["problem"])
    is_near = error in ("a day ahead", "3 minutes ahead")
    if dated and (service != "never" or error == "3 minutes ahead"):
        assert found == TRUE
    elif dated and error == "a day ahead" and old:
        assert found == []  # its readings wait for a quarter of an hour, then the meter is told to be wrong
        assert box.counters["readings_waiting"] == 6 * MINUTES
        assert "set the meter's clock" in problem
    elif service == "at once" or (service == "late" and not (is_near and old)):
        assert found == TRUE
    elif service == "never" and not (is_near and old):
        assert found == []
        assert box.counters["readings_waiting"] == 6 * MINUTES
        said = "never set" if error == "1970" else "4 years behind" if old and error == "4 years behind" else ""
        said = {"4 years behind": "earlier than the last closed minute"}.get(said, said)
        assert (said or ("days after the last closed" if old else "nobody has confirmed")) in problem
        assert "hydrolog clock confirm" in problem
    else:  # nothing is known against a clock that is up to a month after the last row
        ahead = round(ERRORS[error] / 60)
        assert found[:3] == [ahead, ahead + 1, ahead + 2]
        if service == "late" and error == "a day ahead":
            assert len(found) == 4 - 1
            assert "clock confirm --go-on" in problem
            assert box.counters["readings_waiting"] == 6 * 4
            return
    assert service == "never" or problem == ""


@pytest.mark.parametrize("dated", [False, True], ids=["without clocks", "with clocks"])
def test_a_new_box_without_any_time_service_believes_its_clock_unless_a_meter_contradicts(
    box: Box, dated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_service, "installed", lambda: False)
    assert run(box, "3 minutes ahead", "never", dated=dated, old=False) == (TRUE if dated else [n + 3 for n in TRUE])


def test_a_contradicting_meter_waits_for_as_long_as_nobody_has_confirmed_the_clock(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_service, "installed", lambda: False)
    box.boot(ERRORS["4 years ahead"])
    for _ in range(60):
        box.minute(dated=True)
    assert (box.minutes(), box.counters["readings_waiting"]) == ([], 360)
    assert "set the meter's clock" in str(box.counters["problem"])
