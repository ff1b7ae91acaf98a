"""A Modbus bus as a state machine: which unit to poll now, what an answer means. It neither sleeps nor uses a port.

Only one request is pending at a time, as the bus requires. A unit that does not answer costs one timeout; its other
registers are skipped in that round. After a second failure it is polled less often, so that all such units together use
a tenth of the bus's time.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from common.errors import FrameRefused, SettingsError
from common.meters import MEASURES, TYPES, Modbus, Register, measure_factor
from producer.ascii import Reading
from producer.described import MOST_VALUE
from producer.registers import answer, request, value
from producer.totals import Rate

PROBE_SHARE = 0.1  # share of the bus's time for units that do not answer, while others do
DEAD_AFTER = 2  # failures in a row: single lost answers are normal on a long cable
MOST_BUFFER = 512  # bytes: the longest answer has 17; older bytes are noise
MOST_TRANSACTIONS = 0xFFFF  # Modbus TCP; then numbering starts again from 1
UNITS = {"rtu": range(1, 248), "tcp": range(256)}  # 0 and 255: the meter at the address itself


class Exchange(NamedTuple):
    """The result of one request; also for people."""

    register: Register
    sent: bytes
    came: bytes
    value: float | None  # m3/h, bar or m3
    reason: str  # timeout, checksum, exception, number; empty if there is a value
    problem: str  # text for people


@dataclass(slots=True)
class _Unit:
    failures: int = 0  # in a row
    answered: bool = False
    asked_again_s: float = 0.0
    garbled: bool = False
    missed: Register | None = None  # its last unanswered request: the answer may only be late

    @property
    def dead(self) -> bool:
        return self.failures >= DEAD_AFTER


class Bus:
    """Takes time and bytes; provides the requests to send, the results, and the readings."""

    def __init__(self, settings: Modbus, told: Callable[[Exchange], None]) -> None:
        """Check combinations of keys.

        Raises:
            SettingsError: names the key.
        """
        check_registers(settings)
        self.readings: list[Reading] = []
        self._settings = settings
        self._told = told
        sensors = list(dict.fromkeys(register.sensor for register in settings.registers))
        # A sensor's registers are polled together, so its values are from the same moment.
        self._plan = sorted(settings.registers, key=lambda register: sensors.index(register.sensor))
        self._units = {register.unit: _Unit() for register in self._plan}
        self._rates = {register: _rate(register) for register in self._plan if register.channel == "total"}
        self._refusals: dict[Register, str] = {}
        self._left: deque[Register] = deque()
        self._silent: set[int] = set()  # units that have failed in this round
        self._values: dict[str, float | None] = {}  # values of the sensor being polled
        self._asked: Register | None = None
        self._deadline_s = self._next_round_s = 0.0
        self._sent = self._buffer = b""
        self._transaction = 0

    @property
    def problem(self) -> str:
        """The meters that do not behave as configured; empty if all do."""
        units = [
            f"unit {number} {'answers garbled: is the line disturbed?' if unit.garbled else 'does not answer'}"
            for number, unit in self._units.items()
            if unit.dead
        ]
        return "; ".join(units + [_place(register) + text for register, text in self._refusals.items()])

    def restart(self) -> None:
        """The line was reopened: no request is pending, and silent units may be back."""
        self._asked = None
        self._left.clear()
        self._values.clear()
        self._next_round_s = 0.0
        for unit in self._units.values():
            unit.asked_again_s, unit.missed = 0.0, None

    def ask(self, now_s: float) -> bytes:
        """The next request, if one is due. `now_s` is monotonic."""
        if self._asked:
            if now_s < self._deadline_s:
                return b""
            self._unanswered(self._asked, now_s)
        self._asked = self._next(now_s)
        if not self._asked:
            return b""
        if self._settings.framing == "tcp":
            self._transaction = self._transaction % MOST_TRANSACTIONS + 1
        self._sent, self._buffer = request(self._asked, self._transaction), b""
        self._deadline_s = now_s + self._settings.timeout_seconds
        return self._sent

    def take(self, chunk: bytes, now_s: float) -> bool:
        """Process bytes; True if they complete an answer, which may be a refusal."""
        register = self._asked
        if register is None:
            return False
        self._buffer = (self._buffer + chunk)[-MOST_BUFFER:]
        found = answer(register, self._buffer, self._transaction)
        if found is None:
            return False
        self._asked = None
        if not self._certain(register, now_s):
            self._done(register, None)
            return True
        registers, refusal = found
        if refusal:
            self._tell(register, None, "exception", refusal)
            return True
        try:
            measured = _measured(register, registers)
        except FrameRefused as error:
            self._tell(register, None, error.reason, "its value is impossible")
            return True
        self._tell(register, measured, "", "")
        rate = self._rates.get(register)
        self._done(register, rate.at(measured, now_s) if rate else measured)
        return True

    def _certain(self, register: Register, now_s: float) -> bool:
        """Whether an answer belongs to the last request.

        An RTU answer does not name its request. After a timeout, the late answer may come first. So an answer then
        counts only if both requests were the same, and the unit is not polled for a while.
        """
        unit = self._units[register.unit]
        missed = unit.missed if not self._transaction else None
        self._alive(unit)
        unit.missed = None
        if missed is None:
            return True
        self._silent.add(register.unit)
        unit.asked_again_s = now_s + self._settings.timeout_seconds
        return missed == register

    def _next(self, now_s: float) -> Register | None:
        if not self._left and now_s >= self._next_round_s:
            self._next_round_s = now_s + self._settings.poll_seconds
            self._left.extend(self._plan)
            self._silent.clear()
        while self._left:
            register = self._left.popleft()
            if register.unit not in self._silent and self._units[register.unit].asked_again_s <= now_s:
                return register
            self._done(register, None)
        return None

    def _unanswered(self, register: Register, now_s: float) -> None:
        unit = self._units[register.unit]
        unit.failures += 1
        unit.missed = register
        unit.garbled = bool(self._buffer)
        self._silent.add(register.unit)
        if unit.dead and any(other.answered and not other.failures for other in self._units.values()):
            dead = sum(other.dead for other in self._units.values())
            unit.asked_again_s = now_s + self._settings.timeout_seconds * dead / PROBE_SHARE
        if unit.garbled:
            self._tell(register, None, "checksum", "no answer with a valid checksum")
        else:
            self._tell(register, None, "timeout", f"no answer within {self._settings.timeout_seconds:g} s")

    def _alive(self, unit: _Unit) -> None:
        if all(other.dead for other in self._units.values()):  # the bus was down; the others may be back too
            for other in self._units.values():
                other.asked_again_s = 0.0
        unit.failures, unit.answered, unit.asked_again_s = 0, True, 0.0

    def _tell(self, register: Register, measured: float | None, reason: str, problem: str) -> None:
        if reason in ("exception", "number"):
            self._refusals[register] = problem
        elif not reason:
            self._refusals.pop(register, None)
        self._told(Exchange(register, self._sent, self._buffer, measured, reason, problem))
        if reason:
            self._done(register, None)

    def _done(self, register: Register, measured: float | None) -> None:
        """A register is done in this round; the last one of its sensor completes the reading."""
        channel = "pressure" if register.channel == "pressure" else "flow"
        self._values[channel] = measured
        if not self._left or self._left[0].sensor != register.sensor:
            flow, pressure = self._values.get("flow"), self._values.get("pressure")
            if flow is not None or pressure is not None:
                self.readings.append(Reading(register.sensor, None, flow, pressure))
            self._values.clear()


def _measured(register: Register, registers: list[int]) -> float:
    measured = value(register, registers) * measure_factor(register)
    if register.channel != "total" and not abs(measured) < MOST_VALUE:
        raise FrameRefused("number")
    return measured


def _rate(register: Register) -> Rate:
    size = 0.0 if register.type.startswith("float") else 2.0 ** (16 * TYPES[register.type])
    in_m3 = abs(register.scale) * measure_factor(register)
    return Rate((register.rolls_over_at or size) * in_m3, register.most_m3h)


def _place(register: Register) -> str:
    return f"unit {register.unit}, {register.function} register {register.address}: "


def check_registers(settings: Modbus) -> None:
    """Refuse wrong combinations of keys.

    Raises:
        SettingsError: names the key.
    """
    registers, units = settings.registers, UNITS[settings.framing]
    if not registers:
        raise SettingsError("line.modbus.registers", "there are none; write one [[line.modbus.registers]] per value")
    taken: set[tuple[str, bool]] = set()
    for number, register in enumerate(registers, 1):
        where = f"line.modbus.registers[{number}]"
        if not register.sensor or not register.channel:
            raise SettingsError(f"{where}.{'channel' if register.sensor else 'sensor'}", "is missing")
        if register.unit not in units:
            raise SettingsError(f"{where}.unit", f"must be between {units[0]} and {units[-1]}, is {register.unit}")
        if register.measure and register.measure not in MEASURES[register.channel]:
            known = ", ".join(MEASURES[register.channel])
            raise SettingsError(f"{where}.measure", f"must be one of {known} for a {register.channel}")
        if register.address + TYPES[register.type] > 65_536:
            raise SettingsError(f"{where}.address", f"a {register.type} at this address goes beyond 65535")
        place = register.sensor, register.channel == "pressure"
        if place in taken:
            raise SettingsError(f"{where}.channel", f"sensor {register.sensor} has that already (a total is a flow)")
        taken.add(place)
