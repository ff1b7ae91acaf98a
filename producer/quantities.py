"""Registers to the quantities of a sensor: one value may stand in several registers, such as a sum or an exponent."""

from collections.abc import Iterable, Mapping, Sequence

from common.errors import FrameRefused
from common.meters import Register, measure_factor
from producer.described_fields import MOST_VALUE
from producer.registers import value
from producer.totals import MOST_TOTAL_M3, Rate

MOST_EXPONENT = 18  # of ten


class Quantity:
    """A sensor's flow, pressure or total: the sum of its parts, times ten to the power of its exponent."""

    def __init__(self, registers: Iterable[Register], poll_s: float) -> None:
        self.registers = tuple(registers)
        first = self.registers[0]
        self.sensor = first.sensor
        self.channel = "pressure" if first.channel == "pressure" else "flow"
        self._total = first.channel == "total"
        self._rate = rate(self.registers, poll_s)

    def value(self, words: Mapping[Register, Sequence[int]], monotonic_s: float) -> tuple[float, float | None]:
        """The value in bar, m3/h or m3, and what it makes of the channel: a total needs one from before.

        Raises:
            FrameRefused: not a number, or an impossible one.
        """
        measured = combined(self.registers, words)
        if not abs(measured) < (MOST_TOTAL_M3 if self._total else MOST_VALUE):
            raise FrameRefused("number")
        return measured, self._rate.at(measured, monotonic_s) if self._total else measured


def combined(registers: Iterable[Register], words: Mapping[Register, Sequence[int]]) -> float:
    """The value of the parts together, in m3/h, bar or m3.

    Raises:
        FrameRefused: a part is not a number, or its exponent is no whole or a huge one.
    """
    total, power = 0.0, 0.0
    for register in registers:
        number = value(register, words[register])
        if register.part == "exponent":
            power = number
        else:
            total += (-number if register.part == "-" else number) * measure_factor(register)
    if not power.is_integer() or abs(power) > MOST_EXPONENT:
        raise FrameRefused("number")
    return total * 10.0 ** int(power)


def grouped(registers: Iterable[Register]) -> list[list[Register]]:
    """The registers of each quantity, in the order of the settings. The registers of a sensor stand together, so that
    its values are from the same moment."""
    sensors: dict[str, dict[str, list[Register]]] = {}
    for register in registers:
        sensors.setdefault(register.sensor, {}).setdefault(register.channel, []).append(register)
    return [parts for channels in sensors.values() for parts in channels.values()]


def rate(registers: tuple[Register, ...], poll_s: float) -> Rate:
    """The rate of a counter, from the part that says where it starts again."""
    named = next((register for register in registers if register.rolls_over_at), registers[0])
    rolls_over_at = named.rolls_over_at
    if not rolls_over_at and len(registers) == 1:
        rolls_over_at = _size(named)
    in_m3 = abs(named.scale) * measure_factor(named)
    return Rate(rolls_over_at * in_m3, min(register.most_m3h for register in registers), poll_s)


def _size(register: Register) -> float:
    if register.type.startswith("float"):
        return 0.0
    return 10.0 ** (4 * register.count) if register.type.startswith("bcd") else 2.0 ** (16 * register.count)
