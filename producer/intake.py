"""Bytes into open minutes. Clean frames go a fast way, a block at a time; all else the strict one, frame by frame.

The fast way lets C do the work: one expression splits the block, running XORs of all its bytes give every frame's
checksum by one subtraction, and what depends only on a frame's time is decided once for each time in the block.
"""

from collections import Counter
from zoneinfo import ZoneInfo

from common.errors import FrameRefused
from producer.ascii import BLOCK, CHECKSUMS, Reading, parse, seconds
from producer.frames import Framer
from producer.line import Line
from producer.minute import Minutes, Sums
from producer.site_time import SiteTime


class Intake:
    """Takes chunks of the line; what is refused is counted by reason."""

    def __init__(
        self,
        *,
        framer: Framer,
        time: SiteTime,
        minutes: Minutes,
        zone: ZoneInfo,
        refused: Counter[str],
        line: Line,
    ) -> None:
        self._framer = framer
        self._time = time
        self._minutes = minutes
        self._zone = zone
        self._refused = refused
        self._line = line

    def take(self, chunk: bytes) -> int:
        """Take a chunk of bytes as they came; the number of readings that found their minute."""
        block = self._framer.lines(chunk)
        return self._take_block(block) if block else 0

    def _take_block(self, block: bytes) -> int:
        pieces = BLOCK.split(block.decode("latin-1"))
        running, checksums = _running_xor(block), CHECKSUMS
        slots: dict[str, dict[str, Sums]] = {}
        refused, sums_of = self._refused, self._minutes.sums
        taken = place = 0
        frames = iter(pieces)
        for junk, body, sensor, time, flow, pressure, check in zip(*[frames] * 7, strict=False):
            if junk:
                place += len(junk)
                taken += self._take_strictly(junk)
            end = place + len(body)
            if running[end] ^ running[place] != checksums[check]:
                refused["checksum"] += 1
            elif (slot := slots.get(time)) is None and (slot := self._slot(time, slots)) is None:
                pass  # counted
            elif (sums := slot.get(sensor)) is None and (sums := sums_of(slot, sensor)) is None:
                refused["sensors"] += 1
            else:
                taken += 1
                sums.samples += 1
                if flow:
                    sums.flow += float(flow)
                    sums.flow_count += 1
                if pressure:
                    sums.pressure += float(pressure)
                    sums.pressure_count += 1
            place = end + 6  # after ``*XX`` and CR LF stands the next ``$``
        if len(pieces) > 1:
            self._framer.good()
            self._line.understood()
        return taken + (self._take_strictly(pieces[-1]) if pieces[-1] else 0)

    def _slot(self, text: str, slots: dict[str, dict[str, Sums]]) -> dict[str, Sums] | None:
        """The open minute of a time as a frame writes it; None if there is none, which is counted."""
        try:
            time_s = seconds(text, self._zone, self._time.now_s) if text else None
        except FrameRefused as error:
            self._refused[error.reason] += 1
            return None
        time_s, reason = self._time.time_of(time_s)
        slot = None if reason else self._minutes.at(time_s)
        if slot is None:
            self._refused[reason or "late"] += 1
        else:
            slots[text] = slot
        return slot

    def _take_strictly(self, text: str) -> int:
        """What is no row of clean frames: noise, or a frame with something unusual about it."""
        taken = 0
        for frame in self._framer.frames(text.encode("latin-1")):
            try:
                reading = parse(frame, self._zone, self._time.now_s)
            except FrameRefused as error:
                self._refused[error.reason] += 1
                continue
            self._line.understood()
            if reason := self._take_reading(reading):
                self._refused[reason] += 1
            else:
                taken += 1
        return taken

    def _take_reading(self, reading: Reading) -> str:
        time_s, reason = self._time.time_of(reading.time_s)
        return reason or self._minutes.add(reading.sensor, time_s, reading.flow, reading.pressure)


def _running_xor(block: bytes) -> bytes:
    """At each place the XOR of all bytes up to it, in log2(length) operations on one large number."""
    bits = int.from_bytes(block, "big")
    width, end = 8, 8 * len(block)
    while width < end:
        bits ^= bits >> width
        width *= 2
    return bits.to_bytes(len(block), "big")
