"""The simulator's meters on a Modbus bus: unit 1 is the first sensor, and all have the same six registers.

| registers | value |
| --- | --- |
| 0, 1 | flow, m3/h, float32; NaN if there is no measurement |
| 2, 3 | pressure, bar, float32; NaN if there is no measurement |
| 4, 5 | a counter of litres, uint32, that rolls over at 1,000,000,000 |

They can be read as holding and as input registers.
"""

import math
import struct
import threading
from collections.abc import Sequence

from pymodbus.framer.rtu import FramerRTU

from common.clock import Clock
from producer.line_faults import Faults
from producer.simulator import MOST_BEHIND_S, TRUTH_AFTER_S, Events, Meter, Truth
from producer.virtual_line import VirtualLine

ROLLS_OVER_AT_L = 1_000_000_000
FIRST_TOTAL_L = ROLLS_OVER_AT_L - 20_000  # so that a test soon sees it roll over
REGISTERS = 6
HEAR_S = 0.05  # real seconds of each wait for a request
_REQUEST_BYTES = 8
_READ_FUNCTIONS = (3, 4)
_NO_ADDRESS, _NO_FUNCTION = 2, 1


class ModbusMeters:
    """Answers requests with the meters' values at the current site second."""

    def __init__(
        self,
        meters: Sequence[Meter],
        line: VirtualLine,
        truth: Truth | None,
        faults: Faults,
        *,
        events: Events | None = None,
    ) -> None:
        self.readings = 0  # requests that were answered
        self._meters = meters
        self._line = line
        self._faults = faults
        self._truth = truth
        self._events = events
        self._next = 0  # the next UTC second to measure
        self._images = [b"\0" * 2 * REGISTERS for _ in meters]
        self._totals_l = [float(FIRST_TOTAL_L)] * len(meters)
        self._heard = b""

    def run(self, clock: Clock, stop: threading.Event) -> None:
        """Serve until `stop`."""
        while not stop.is_set():
            self.meter(clock.now().timestamp())
            self.hear(self._line.hear(HEAR_S))
            self._line.flush()
        self._line.drain()
        if self._truth:
            self._truth.close()

    def meter(self, now_s: float) -> None:
        """Measure every second up to now."""
        if abs(now_s - self._next) > MOST_BEHIND_S:
            self._next = int(now_s)
        while self._next <= now_s:
            self._faults.cable(self._line, self._next)
            for place, meter in enumerate(self._meters):
                self._measure(place, meter)
            if self._events:
                self._events.note(self._next // 60)
            self._next += 1
        if self._truth:
            self._truth.write_before(int((now_s - TRUTH_AFTER_S) // 60))

    def _measure(self, place: int, meter: Meter) -> None:
        reading = meter.reading(self._next)
        flow = pressure = math.nan
        if reading:
            flow = math.nan if reading.flow is None else reading.flow
            pressure = math.nan if reading.pressure is None else reading.pressure
            if self._truth:
                self._truth.note(reading, late=False)
        if not math.isnan(flow):
            self._totals_l[place] = (self._totals_l[place] + flow * 1000 / 3600) % ROLLS_OVER_AT_L
        self._images[place] = struct.pack(">ffI", flow, pressure, int(self._totals_l[place]))

    def hear(self, data: bytes) -> None:
        """Process a master's request; the answer goes to the line."""
        heard = self._heard + data
        place = 0
        while place + _REQUEST_BYTES <= len(heard):
            request = heard[place : place + _REQUEST_BYTES]
            if FramerRTU.check_CRC(request[:-2], int.from_bytes(request[-2:], "big")):
                self._answer(request)
                place += _REQUEST_BYTES
            else:
                place += 1
        self._heard = heard[place:]

    def _answer(self, request: bytes) -> None:
        unit, function, address, count = struct.unpack(">BBHH", request[:6])
        if not 1 <= unit <= len(self._meters):
            return
        if function not in _READ_FUNCTIONS:
            frame = bytes((unit, function | 0x80, _NO_FUNCTION))
        elif not 1 <= count <= REGISTERS - address:
            frame = bytes((unit, function | 0x80, _NO_ADDRESS))
        else:
            frame = bytes((unit, function, 2 * count)) + self._images[unit - 1][2 * address : 2 * (address + count)]
        frame += FramerRTU.compute_CRC(frame).to_bytes(2, "big")
        for junk in self._faults.junk(self._next):
            self._line.send(junk[:100], _nothing)
        self._line.send(self._faults.breaks_answer(frame), self._answered)

    def _answered(self) -> None:
        self.readings += 1


def _nothing() -> None:
    pass
