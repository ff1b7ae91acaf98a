"""Faults of a simulated line, seeded: noise, damaged frames, late meters, an unplugged cable."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime

from producer.ascii import Reading, frame_of
from producer.virtual_line import VirtualLine

LATEST_S = 20  # longest delay of a late frame: some stay within the default lateness, most do not
UNPLUGGED_S = 30  # how long the cable is unplugged
CENTURY_S = 75 * 365.25 * 86_400


@dataclass(frozen=True)
class FaultOptions:
    """Shares are of the readings, 0 to 1."""

    noise: float = 0.0
    bad_checksums: float = 0.0
    late: float = 0.0
    unplug_every_min: int = 0


@dataclass(frozen=True, slots=True)
class LateFrame:
    """A delayed frame."""

    due: int  # UTC second
    data: bytes
    reading: Reading


class Faults:
    """Decides for each reading."""

    def __init__(self, options: FaultOptions, seed: int) -> None:
        self._options = options
        self._randomness = random.Random(seed)
        self._late: list[LateFrame] = []
        self._out_until = 0
        self._next_unplug = 0

    def junk(self, second: int) -> list[bytes]:
        """Noise before a reading, never part of one: random bytes, cut frames, and wrong values with a valid
        checksum."""
        if self._randomness.random() >= self._options.noise:
            return []
        stamp = datetime.fromtimestamp(second, UTC).isoformat()
        kinds = (
            self._randomness.randbytes(self._randomness.randint(1, 80)) + b"\n",
            self._randomness.randbytes(self._randomness.randint(1, 80)).replace(b"\n", b""),
            frame_of(f"001,{stamp},12.5,3.4".encode())[: self._randomness.randint(1, 20)],
            frame_of(f"001,{datetime.fromtimestamp(second + CENTURY_S, UTC).isoformat()},9.9,9.9".encode()),
            frame_of(f"001,{stamp},nan,inf".encode()),
            frame_of(f"001,{stamp},1e9,3.0".encode()),
            frame_of(b"=cmd|' /C calc'!A0,,1,2"),
            frame_of(f"../../etc/passwd,{stamp},1,2".encode()),
            frame_of(f"\x1b[2J001,{stamp},1,2".encode()),
            frame_of(f"A{'B' * 10_000},{stamp},1,2".encode()),
        )
        return [self._randomness.choice(kinds)]

    def breaks(self, data: bytes) -> bytes | None:
        """The frame with a wrong checksum, or None to send it unchanged."""
        if self._randomness.random() >= self._options.bad_checksums:
            return None
        return data[:-4] + b"%02X\r\n" % (int(data[-4:-2], 16) ^ self._randomness.randint(1, 255))

    def breaks_answer(self, data: bytes) -> bytes:
        """A Modbus answer, sometimes with a wrong checksum."""
        if self._randomness.random() >= self._options.bad_checksums:
            return data
        return data[:-1] + bytes([data[-1] ^ self._randomness.randint(1, 255)])

    def delays(self, data: bytes, reading: Reading, second: int) -> bool:
        """Whether this frame is delayed."""
        if self._randomness.random() >= self._options.late:
            return False
        self._late.append(LateFrame(second + self._randomness.randint(1, LATEST_S), data, reading))
        return True

    def due(self, second: int) -> list[LateFrame]:
        """The delayed frames that are due."""
        out = [frame for frame in self._late if frame.due <= second]
        self._late = [frame for frame in self._late if frame.due > second]
        return out

    def cable(self, line: VirtualLine, second: int) -> None:
        """Unplug or plug in the cable when due."""
        every_s = self._options.unplug_every_min * 60
        if not every_s:
            return
        if self._out_until:
            if second >= self._out_until:
                self._out_until = 0
                line.plug()
        elif self._next_unplug and second >= self._next_unplug:
            self._out_until = second + UNPLUGGED_S
            line.unplug()
        if second >= self._next_unplug:
            self._next_unplug = second + every_s
