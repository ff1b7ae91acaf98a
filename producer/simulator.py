"""The simulator: meters on a virtual serial line, one reading a second each, and a truth file.

The readings of a minute vary a little; their mean is the minute's value. It follows the site's clock, so a demo can run
it faster than real time. The truth file records what was sent in each minute.
"""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TextIO
from zoneinfo import ZoneInfo

from common.clock import Clock
from common.row import format_time
from producer.ascii import Reading, encode
from producer.district import District, SimulatedEvent
from producer.line_faults import Faults
from producer.recording import Recording, local_minute
from producer.virtual_line import VirtualLine

JITTER = 0.005  # of the value: typical variation of a steady flow from second to second
MOST_BEHIND_S = 600.0  # after a longer stop the seconds in between are skipped
TRUTH_AFTER_S = 60.0  # after its end a minute's truth is written: late frames are sent by then
FLUSH_EVERY_S = 0.02  # real seconds between two attempts on a full line
EVENT_COLUMNS = ("start", "end", "sensor", "kind", "size")
TRUTH_COLUMNS = ("minute", "sensor", "flow", "pressure", "readings", "late")


class MeterSource(Protocol):
    def at(self, minute: int) -> tuple[float | None, float | None]:
        """Flow (m3/h) and pressure (bar) of a UTC minute."""


class Replayed:
    """A recording in local time."""

    def __init__(self, recording: Recording, zone: ZoneInfo) -> None:
        self._recording = recording
        self._zone = zone

    def at(self, minute: int) -> tuple[float | None, float | None]:
        return self._recording.at(local_minute(datetime.fromtimestamp(minute * 60, UTC).astimezone(self._zone)))


def spread(value: float | None, randomness: random.Random) -> list[float | None]:
    """Sixty readings around a value, in thousandths, whose mean equals the value to three decimals."""
    if value is None:
        return [None] * 60
    middle = round(value * 1000)
    width = int(abs(middle) * JITTER)
    strays = [randomness.randint(-width, width) for _ in range(30)]
    strays += [-stray for stray in strays]
    randomness.shuffle(strays)
    return [(middle + stray) / 1000 for stray in strays]


class Meter:
    """One sensor's readings by second."""

    def __init__(self, sensor: str, source: MeterSource, seed: int) -> None:
        self.sensor = sensor
        self._source = source
        self._seed = seed
        self._minute = -1
        self._flow: list[float | None] = []
        self._pressure: list[float | None] = []

    def reading(self, second: int) -> Reading | None:
        """The reading at a UTC second; None if the recording has no value."""
        if second // 60 != self._minute:
            self._minute = second // 60
            flow, pressure = self._source.at(self._minute)
            randomness = random.Random(f"{self._seed} {self.sensor} {self._minute}")
            self._flow, self._pressure = spread(flow, randomness), spread(pressure, randomness)
        flow, pressure = self._flow[second % 60], self._pressure[second % 60]
        return None if flow is None and pressure is None else Reading(self.sensor, float(second), flow, pressure)


@dataclass
class _Sent:
    flow: float = 0.0
    flow_count: int = 0
    pressure: float = 0.0
    pressure_count: int = 0
    readings: int = 0
    late: int = 0


class Truth:
    """What was sent, one line per sensor and minute (TSV), written after the minute."""

    def __init__(self, path: Path, zone: ZoneInfo) -> None:
        self._file: TextIO = path.open("a", encoding="ascii", buffering=1)
        self._zone = zone
        self._open: dict[tuple[int, str], _Sent] = {}
        if self._file.tell() == 0:
            self._file.write("\t".join(TRUTH_COLUMNS) + "\n")

    def note(self, reading: Reading, late: bool) -> None:
        """A reading was sent."""
        assert reading.time_s is not None
        sent = self._open.setdefault((int(reading.time_s // 60), reading.sensor), _Sent())
        sent.readings += 1
        sent.late += late
        if reading.flow is not None:
            sent.flow += reading.flow
            sent.flow_count += 1
        if reading.pressure is not None:
            sent.pressure += reading.pressure
            sent.pressure_count += 1

    def write_before(self, minute: int) -> None:
        """Write the minutes before this one."""
        for key in sorted(key for key in self._open if key[0] < minute):
            sent = self._open.pop(key)
            flow = f"{sent.flow / sent.flow_count:.4f}" if sent.flow_count else ""
            pressure = f"{sent.pressure / sent.pressure_count:.4f}" if sent.pressure_count else ""
            fields = (format_time(key[0], self._zone), key[1], flow, pressure, str(sent.readings), str(sent.late))
            self._file.write("\t".join(fields) + "\n")

    def close(self) -> None:
        """Write the open minutes, including incomplete ones."""
        self.write_before(2**40)
        self._file.close()


class Events:
    """The events in a synthetic district, one line each (TSV), written when they begin."""

    def __init__(self, path: Path, zone: ZoneInfo, sources: Mapping[str, District]) -> None:
        self._file: TextIO = path.open("a", encoding="ascii", buffering=1)
        self._zone = zone
        self._sources = sources
        self._minute = 0
        self._written: set[tuple[str, SimulatedEvent]] = set()
        if self._file.tell() == 0:
            self._file.write("\t".join(EVENT_COLUMNS) + "\n")

    def note(self, minute: int) -> None:
        """Write the events that have begun by this UTC minute."""
        if minute == self._minute:
            return
        self._minute = minute
        going_on = {(sensor, event) for sensor, source in self._sources.items() for event in source.events(minute)}
        for sensor, event in sorted(going_on - self._written, key=lambda one: (one[1].start, one[0])):
            times = (format_time(event.start, self._zone), format_time(event.end, self._zone))
            self._file.write("\t".join((*times, sensor, event.kind, f"{event.size:.3f}")) + "\n")
        self._written = going_on

    def close(self) -> None:
        """Nothing is open."""
        self._file.close()


class Simulator:
    """Meters on a line."""

    def __init__(
        self,
        meters: Sequence[Meter],
        line: VirtualLine,
        truth: Truth | None,
        faults: Faults,
        zone: ZoneInfo,
        *,
        events: Events | None = None,
    ) -> None:
        self.readings = 0
        self._meters = meters
        self._line = line
        self._truth = truth
        self._faults = faults
        self._zone = zone
        self._events = events
        self._next = 0  # the next UTC second to play

    def run(self, clock: Clock, stop: threading.Event) -> None:
        """Play until `stop`; the current second is finished."""
        while not stop.is_set():
            now_s = clock.now().timestamp()
            self.play(now_s)
            if self._line.waiting:
                stop.wait(FLUSH_EVERY_S)
            else:
                clock.wait(max(self._next - clock.now().timestamp(), 0.0), stop)
        self._line.drain()
        if self._truth:
            self._truth.close()

    def play(self, now_s: float) -> None:
        """Send every second up to now."""
        if not 0 <= now_s - self._next <= MOST_BEHIND_S:
            self._next = max(int(now_s), self._next if self._next - now_s < MOST_BEHIND_S else 0)
        while self._next <= now_s:
            self._play_second(self._next)
            self._next += 1
        self._line.flush()
        if self._truth and not self._line.waiting:
            self._truth.write_before(int((now_s - TRUTH_AFTER_S) // 60))

    def _play_second(self, second: int) -> None:
        self._faults.cable(self._line, second)
        if self._events:
            self._events.note(second // 60)
        for frame in self._faults.due(second):
            self._line.send(frame.data, self._noting(frame.reading, True))
        for meter in self._meters:
            if (reading := meter.reading(second)) is None:
                continue
            data = encode(reading.sensor, reading.time_s, reading.flow, reading.pressure, self._zone)
            for junk in self._faults.junk(second):
                self._line.send(junk, _nothing)
            if self._faults.delays(data, reading, second):
                continue
            broken = self._faults.breaks(data)
            self._line.send(broken or data, _nothing if broken else self._noting(reading, False))

    def _noting(self, reading: Reading, late: bool) -> Callable[[], None]:
        def note() -> None:
            self.readings += 1
            if self._truth:
                self._truth.note(reading, late)

        return note


def _nothing() -> None:
    pass
