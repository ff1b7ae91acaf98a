"""``hydrolog line test`` for polled meters: what was asked, what came, and what it means."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from cli.line_door import TrialDoor
from cli.shell import say
from common.settings import Settings

if TYPE_CHECKING:  # the producer's modules are imported only where used
    from producer.ascii import Reading
    from producer.bus import RegisterExchange

_BASE = {"flow": "m3/h", "pressure": "bar", "total": "m3"}
_MOST_OTHERS = 6  # other readings of one value that are shown
RTU_BYTES = 8  # of a request; one of Modbus TCP has 12
_COMPARE = (
    "of the lines 'or' above, write the keys of the one that the meter shows; if there is none, look up type "
    "and address in its manual"
)
_WRONG_VALUES = ("number", "denormal")


class Registers:
    """Prints each request and its answer."""

    def __init__(self, settings: Settings, show: Callable[["Reading"], None]) -> None:
        from producer.bus import Bus

        self.door = TrialDoor(settings, show)
        self._line = settings.line
        self._bus = Bus(settings.line.modbus, self._told)
        self._shown = b"", 0.0
        self._compared: set[str] = set()
        self._values = 0
        self._problems: dict[str, str] = {}  # by reason, the last one

    def ask(self, monotonic_s: float) -> bytes:
        return self._bus.ask(monotonic_s)

    def hear(self, chunk: bytes, monotonic_s: float) -> None:
        if chunk:
            self._bus.take(chunk, monotonic_s)
        for reading in self._bus.readings:
            self.door.take(reading, Counter(self.door.refused))
        self._bus.readings.clear()

    def closed(self, *, sent: bool) -> None:
        """The other end closed the connection; it is opened again."""
        self._bus.restart(sent=sent)

    def _told(self, told: "RegisterExchange") -> None:
        register = told.register
        name = f"{register.sensor} {register.channel}"
        if (told.sent, told.at_s) != self._shown:
            self._shown = told.sent, told.at_s
            say(f"  asked    unit {register.unit}, {register.function} {_asked(told)}: {told.sent.hex(' ')}")
            say(f"  came     {told.came.hex(' ') or 'nothing'}")
        if told.reason:
            self.door.refused[told.reason] += 1
            self._problems[told.reason] = told.problem
            say(f"  refused  {told.reason}: {told.problem} ({name})")
        else:
            self._values += 1
            say(f"  value    {name} {told.value:g} {_BASE[register.channel]}")
        if told.words:
            self._compare(told, name)

    def _compare(self, told: "RegisterExchange", name: str) -> None:
        """The number, and what it would be in other orders and types: each time if it is impossible, else once."""
        from producer.orders import measured, other_readings

        register, base = told.register, _BASE[told.register.channel]
        if not told.reason and f"{name} {register.address}" in self._compared:
            return
        self._compared.add(f"{name} {register.address}")
        if told.reason or register.part:
            part = f" (part {register.part})" if register.part else ""
            say(f"  number   {name}{part}: {measured(register, told.words):g} {base} as set")
        for value, keys in other_readings(register, told.words)[:_MOST_OTHERS]:
            say(f"  or       {name} {value:g} {base} with {keys}")

    def conclusion(self, heard: int) -> str:
        """What to try next, from what was seen; empty if all is well."""
        problem, refused = self._bus.problem, self.door.refused
        wrong = any(refused[reason] for reason in _WRONG_VALUES)
        not_stored = self.door.problem()
        both = "; ".join(filter(None, [not_stored, problem]))
        if both and self.door.good:
            both = f"readings came, but: {both}{'; ' + _COMPARE if wrong else ''}"
        if self.door.good or not_stored:
            return both
        if self._values:
            return self._no_reading_yet()
        if not heard:
            return self._nothing()
        if wrong:
            return f"the meter answers with right checksums, but the values are impossible; {_COMPARE}"
        if refused["exception"]:
            return f"the meter answers, but refuses: {problem}; see unit, function and address in its manual"
        return self._by_reason(problem, heard)

    def _no_reading_yet(self) -> str:
        poll_s = self._line.modbus.poll_seconds
        return (
            "values came, but no reading: the flow of a total needs two polls, and a value of several parts all; "
            f"try --seconds {3 * poll_s:g}"
        )

    def _nothing(self) -> str:
        if self._line.modbus.framing == "tcp":
            return (
                "connected, but no unit answered: is the unit right (1, 0 or 255 for a meter on the network), "
                "and does this port speak Modbus TCP (not RTU)?"
            )
        if self._network():
            return (
                "connected, but no unit answered: is the address right, and the gateway set to the meter's speed and "
                'parity? Or does it speak Modbus TCP: line.modbus.framing = "tcp"?'
            )
        return "no unit answered: address, baud rate, parity right? A and B swapped? Is the meter on?"

    def _by_reason(self, problem: str, heard: int) -> str:
        for reason in ("second-master", "twice", "transaction", "framing", "unit", "length"):
            if self.door.refused[reason]:
                return f"nothing was understood: {problem or self._problems[reason]}"
        if self.door.refused["checksum"]:
            return self._garbled()
        said = self._problems.get("timeout", "")
        if self.door.refused["late"] or (heard and "echo" not in said):
            timeout_s = self._line.modbus.timeout_seconds
            return f"bytes came, but only after timeout_seconds = {timeout_s:g} was over: make it longer"
        return f"no unit answered: {said}; is the address right?"

    def _garbled(self) -> str:
        if self._network():
            return (
                "bytes came, but no answer with a right checksum: is the gateway set to the meter's speed and parity?"
            )
        return (
            f"bytes came, but no answer with a right checksum: is the baud rate really {self._line.baudrate}, and the "
            f"mode {self._line.mode}?"
        )

    def _network(self) -> bool:
        return self._line.url.startswith("socket://")


def _asked(told: "RegisterExchange") -> str:
    """The first and the last register that a request asks for."""
    pdu = told.sent[2:6] if len(told.sent) == RTU_BYTES else told.sent[-4:]
    first, count = int.from_bytes(pdu[:2], "big"), int.from_bytes(pdu[2:4], "big")
    return f"{first}" if count <= told.register.count else f"{first} to {first + count - 1}"
