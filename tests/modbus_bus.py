"""For tests: frames of Modbus, and a simulated RS-485 line with time, units and whoever else is on it."""

from collections.abc import Callable, Mapping

from pymodbus.framer.rtu import FramerRTU

from producer.ascii import Reading
from producer.bus import Bus

STEP_S = 0.02


def framed(body: bytes) -> bytes:
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def reply(unit: int, *registers: int, function: int = 3) -> bytes:
    return framed(bytes((unit, function, 2 * len(registers))) + b"".join(word.to_bytes(2, "big") for word in registers))


def refusal(unit: int, code: int, function: int = 3) -> bytes:
    return framed(bytes((unit, function | 0x80, code)))


def query(unit: int, address: int, count: int, function: int = 3) -> bytes:
    return framed(bytes((unit, function)) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


def own_addresses(sent: bytes) -> bytes:
    """What a unit says whose registers hold their own addresses."""
    first, count = int.from_bytes(sent[2:4], "big"), sent[5]
    return reply(sent[0], *range(first, first + count), function=sent[1])


class Line:
    """A line whose units answer after `after_s`; `answer` is what they say, or nothing."""

    def __init__(self, bus: Bus, answer: Callable[[bytes], bytes] = own_addresses, after_s: float = 0.06) -> None:
        self.bus = bus
        self.answer = answer
        self.after_s = after_s
        self.now_s = 0.0
        self.asked: list[tuple[float, bytes]] = []
        self.coming: dict[float, bytes] = {}  # by time

    def run(self, seconds: float, also: Mapping[float, bytes] | None = None) -> list[Reading]:
        """What the bus reads in so many seconds; `also`: bytes of others, by time."""
        self.coming |= {self.now_s + at_s: data for at_s, data in (also or {}).items()}
        readings: list[Reading] = []
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            for at_s in sorted(at_s for at_s in self.coming if at_s <= self.now_s):
                self.bus.take(self.coming.pop(at_s), self.now_s)
            if sent := self.bus.ask(self.now_s):
                self.asked.append((self.now_s, sent))
                if said := self.answer(sent):
                    self.coming[self.now_s + self.after_s] = said
            readings += self.bus.readings
            self.bus.readings.clear()
            self.now_s += STEP_S
        return readings
