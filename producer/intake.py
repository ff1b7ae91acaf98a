"""Bytes into open minutes. Clean frames take a fast path, block by block; others the strict path, frame by frame.

The fast path works in C: one expression splits the block, running XORs of all its bytes give each frame's checksum in
one operation, and everything that depends only on a frame's time is decided once per time in the block.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo

from common.errors import FrameRefused
from common.settings import LineSettings
from producer.ascii import BLOCK, CHECKSUMS, Reading, parse, seconds
from producer.frames import Framer
from producer.line import SerialLine
from producer.meter_clocks import MeterClocks
from producer.meter_zones import MeterZones, Parse
from producer.minute import Minutes, Slot
from producer.minute_mean import Sums
from producer.plausible import Plausible
from producer.site_time import WAITS, SiteTime
from producer.waiting import WaitingReadings, WaitingSlot


class ReadingSink:
    """Puts readings into their minute, or refuses and counts them."""

    def __init__(
        self,
        time: SiteTime,
        minutes: Minutes,
        refused: Counter[str],
        *,
        settings: LineSettings,
        zone: ZoneInfo,
        reserved: Container[str] = (),
    ) -> None:
        """`zone`: of the site; `reserved`: names that no meter may have, those of the zones."""
        self.plausible = Plausible(settings, refused)
        self.clocks = MeterClocks(MeterZones(settings, zone))
        self.time = time
        self.minutes = minutes
        self.waiting = WaitingReadings(settings.hold_rows, refused)
        self.refused = refused
        self._reserved = reserved

    def take(self, reading: Reading) -> int:
        """1 if the reading was accepted, else 0."""
        sensor = reading.sensor
        self.clocks.note(sensor, reading.time_s, self.time.now_s)
        time_s, reason = self.time.time_of(reading.time_s)
        if sensor in self._reserved:
            sums: Sums | str = "zone"
        elif reason == WAITS:
            sums = self.waiting.sums(self.wait(reading.time_s), sensor)
        else:
            sums = reason or self.minutes.sums_at(time_s, sensor)
        if isinstance(sums, str):
            self.refused[sums] += 1
            return 0
        sums.take(
            self.plausible.flow(sensor, reading.flow, sums.flow_so_far),
            self.plausible.pressure(sensor, reading.pressure, sums.pressure_so_far),
        )
        return 1

    def wait(self, time_s: float | None) -> WaitingSlot:
        """Where a reading waits that has just come, with the meter's own time or None."""
        return self.waiting.at(time_s, self.time.monotonic_s)

    def sums(self, slot: Slot, sensor: str) -> Sums | str:
        """A sensor's sums in a minute or where readings wait, or why there are none (late, sensors, zone)."""
        if sensor in self._reserved:
            return "zone"
        return self.waiting.sums(slot, sensor) if isinstance(slot, WaitingSlot) else self.minutes.sums(slot, sensor)


class FrameReader:
    """For meters that send by themselves: reads chunks of the line frame by frame; refused frames are counted by
    reason."""

    failures: Mapping[str, int] = MappingProxyType({})  # of polled meters, by register

    def __init__(
        self,
        framer: Framer,
        door: ReadingSink,
        zone: ZoneInfo,
        line: SerialLine,
        parse: Parse,
        *,
        problem: Callable[[], str] = str,
    ) -> None:
        """`problem`: what is wrong with readings of single meters, for people; the line reports its own."""
        self._framer = framer
        self._door = door
        self._zone = zone
        self._line = line
        self._parse = parse
        self._problem = problem

    @property
    def problem(self) -> str:
        """Problems of single meters; empty if there are none."""
        return self._problem()

    @property
    def rest(self) -> bytes:
        """The start of an incomplete frame."""
        return self._framer.rest

    def keep(self, rest: bytes) -> None:
        """Restore an incomplete frame from before a stop."""
        self._framer.keep(rest)

    def restart(self) -> None:
        """The line was reopened."""
        self._framer.restart()

    def ask(self, _monotonic_s: float) -> bytes:
        """Nothing: these meters are not polled."""
        return b""

    def take(self, chunk: bytes, _monotonic_s: float = 0.0) -> int:
        """Process a chunk of bytes; returns the number of accepted readings."""
        block = self._framer.lines(chunk) if chunk else b""
        return self._take_block(block) if block else 0

    def _take_block(self, block: bytes) -> int:
        """Whole lines: noise, or unusual frames."""
        taken = 0
        for frame in self._framer.frames(block):
            try:
                reading = self._parse(frame, self._zone, self._door.time.now_s)
            except FrameRefused as error:
                self._door.refused[error.reason] += 1
                continue
            self._line.understood()
            taken += self._door.take(reading)
        return taken


class AsciiListener(FrameReader):
    """For hydrolog's own frames, in large numbers."""

    def __init__(self, framer: Framer, door: ReadingSink, zone: ZoneInfo, line: SerialLine) -> None:
        super().__init__(framer, door, zone, line, parse)
        self._time, self._minutes, self._refused = door.time, door.minutes, door.refused
        self._plausible, self._clocks = door.plausible, door.clocks

    def _take_block(self, block: bytes) -> int:
        pieces = BLOCK.split(block.decode("latin-1"))
        running, checksums = _running_xor(block), CHECKSUMS
        slots: dict[str, Slot] = {}
        times: dict[str, float] = {}
        refused = self._refused
        told: dict[str, str] = {}
        fresh: dict[str, str] = {}
        plausible = self._plausible
        flow_of, bar_of = plausible.flow, plausible.pressure
        (low_flow, high_flow), (low_bar, high_bar) = plausible.sure_flow, plausible.sure_pressure
        taken = place = 0
        frames = iter(pieces)
        for junk, body, sensor, time, flow, pressure, check in zip(*[frames] * 7, strict=False):
            if junk:
                place += len(junk)
                taken += super()._take_block(junk.encode("latin-1"))
            end = place + len(body)
            if running[end] ^ running[place] != checksums[check]:
                refused["checksum"] += 1
                place = end + 6
                continue
            try:
                sums = slots[time][sensor]
            except KeyError:
                if (found := self._open(time, sensor, slots, times)) is None:
                    told[sensor] = time  # counted
                    place = end + 6
                    continue
                sums = found
            taken += 1
            (fresh if time in times else told)[sensor] = time  # else it waits for the box's clock
            sums.samples += 1
            if flow:
                number = float(flow)
                if low_flow <= number <= high_flow or flow_of(sensor, number, sums.flow_so_far) is not None:
                    sums.flow += number
                    sums.flow_count += 1
            if pressure:
                number = float(pressure)
                if low_bar <= number <= high_bar or bar_of(sensor, number, sums.pressure_so_far) is not None:
                    sums.pressure += number
                    sums.pressure_count += 1
            place = end + 6  # the next ``$`` follows ``*XX`` and CR LF
        self._heard(fresh, times, told)
        if len(pieces) > 1:
            self._framer.good()
            self._line.understood()
        return taken + (super()._take_block(pieces[-1].encode("latin-1")) if pieces[-1] else 0)

    def _heard(self, taken: dict[str, str], times: dict[str, float], refused: dict[str, str]) -> None:
        """The last time text of each sensor in a block: its minutes go on if it was taken, and its clock is compared
        with the site's."""
        self._minutes.heard(taken, times)
        texts, now_s = refused | taken if refused else taken, self._time.now_s
        for sensor in self._clocks.due(texts, now_s):
            if texts[sensor]:
                with contextlib.suppress(FrameRefused):  # counted
                    self._clocks.note(sensor, seconds(texts[sensor], self._zone, now_s), now_s)

    def _open(self, text: str, sensor: str, slots: dict[str, Slot], times: dict[str, float]) -> Sums | None:
        """A sensor's sums in the minute of a time text; None, and counted, if there are none."""
        slot = slots.get(text)
        if slot is None and (slot := self._slot(text, slots, times)) is None:
            return None
        sums = self._door.sums(slot, sensor)
        if isinstance(sums, str):
            self._refused[sums] += 1
            return None
        return sums

    def _slot(self, text: str, slots: dict[str, Slot], times: dict[str, float]) -> Slot | None:
        """The minute of a frame's time text; None, and counted, if its time is not believed."""
        try:
            own_s = seconds(text, self._zone, self._time.now_s) if text else None
        except FrameRefused as error:
            self._refused[error.reason] += 1
            return None
        time_s, reason = self._time.time_of(own_s)
        if reason == WAITS:
            return slots.setdefault(text, self._door.wait(own_s))
        if reason:
            self._refused[reason] += 1
            return None
        times[text] = time_s
        slot = slots[text] = self._minutes.at(time_s)
        return slot


def _running_xor(block: bytes) -> bytes:
    """At each position the XOR of all bytes up to it, in log2(length) operations on one large number."""
    bits = int.from_bytes(block, "big")
    width, end = 8, 8 * len(block)
    while width < end:
        bits ^= bits >> width
        width *= 2
    return bits.to_bytes(len(block), "big")
