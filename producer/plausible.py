"""Which values of a reading were measured: a fault code, or a value beyond a channel's limits, is no value.

Judged before a value enters a mean, by every protocol. Codes are the numbers that the meter sends; they are compared
after the scale and the unit of the settings.
"""

import math
import struct
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from common.meters import Format, Register, SensorLimits, measure_factor
from common.settings import LineSettings
from common.units import MEASURES
from producer.described_checks import field_names

# What makers send in place of a flow or a pressure: displays full of nines, and the ends of integers.
USUAL_CODES = (
    *(-999.0, -9999.0, -99_999.0, 9999.0, 99_999.0, 999_999.0, 9999.9, -9999.9, 9999.99, 99_999.9, -999.9, -999.99),
    *(32_767.0, -32_768.0, 65_535.0, 2_147_483_647.0, -2_147_483_648.0, 4_294_967_295.0),
)
ALIKE = 2.0  # a usual code that is at most this times the value before it may be measured: a large main
PRESSURE_BAR = (-1.5, 400.0)  # below is a vacuum; above no water pipe holds
MOST_FLOAT32 = 3.4e38
_FLOW, _PRESSURE = "flow", "pressure"
Scale = tuple[float, float, tuple[float, ...]]  # scale, offset, and the factors of the units that may be
_AS_SENT: Scale = (1.0, 0.0, (1.0,))


class ChannelRule(NamedTuple):
    """What a sensor's channel may be."""

    low: float
    high: float
    codes: frozenset[float]  # no value, whatever came before
    usual: frozenset[float]  # no value, unless the value before is of that size


class Plausible:
    """The rules of a line."""

    def __init__(self, line: LineSettings, refused: Counter[str]) -> None:
        self._refused = refused
        self._own = {values.sensor: values for values in line.sensors}
        self._line = line
        self._scales = _scales(line)
        sensors = {"", *self._own, *(sensor for sensor, _ in self._scales)}
        self._rules = {(name, channel): self._rule(name, channel) for name in sensors for channel in (_FLOW, _PRESSURE)}
        self.sure_flow, self.sure_pressure = self._sure(_FLOW), self._sure(_PRESSURE)

    def flow(self, sensor: str, value: float | None, before: float | None) -> float | None:
        """The flow, m3/h, or None. `before`: about what it was before, if that is known."""
        return self._judged((sensor, _FLOW), value, before)

    def pressure(self, sensor: str, value: float | None, before: float | None) -> float | None:
        """The pressure, bar, or None."""
        return self._judged((sensor, _PRESSURE), value, before)

    def _sure(self, channel: str) -> tuple[float, float]:
        """Between these no sensor's value is in doubt: the fast path asks nobody; (inf, -inf) if there is none."""
        low, high = -math.inf, math.inf
        for rule in (rule for (_, of), rule in self._rules.items() if of == channel):
            low, high = max(low, rule.low), min(high, rule.high)
            for code in rule.codes | rule.usual:
                low, high = (max(low, math.nextafter(code, math.inf)), high) if code < 0 else (low, min(high, code))
        return (low, math.nextafter(high, -math.inf)) if low < high else (math.inf, -math.inf)

    def _judged(self, key: tuple[str, str], value: float | None, before: float | None) -> float | None:
        if value is None:
            return None
        rule = self._rules.get(key) or self._rules["", key[1]]
        if value in rule.codes or (value in rule.usual and abs(value) > ALIKE * abs(before or 0.0)):
            self._refused[f"{key[1]}-no-value"] += 1
            return None
        if not rule.low <= value <= rule.high:
            self._refused[f"{key[1]}-limit"] += 1
            return None
        return value

    def _rule(self, sensor: str, channel: str) -> ChannelRule:
        own, line = self._own.get(sensor, SensorLimits()), self._line
        scale, offset, factors = self._scales.get((sensor, channel)) or self._scales.get(("", channel), _AS_SENT)

        def scaled(codes: Iterable[float]) -> frozenset[float]:
            numbers = [number * scale + offset for code in codes for number in (code, _float32(code))]
            return frozenset(number * factor for number in numbers for factor in factors)

        if channel == _FLOW:
            limits = own.flow_limits or line.flow_limits or (-math.inf, math.inf)
            codes = own.flow_no_value or line.flow_no_value
        else:
            limits = own.pressure_limits or line.pressure_limits or PRESSURE_BAR
            codes = own.pressure_no_value or line.pressure_no_value
        return ChannelRule(limits[0], limits[1], scaled(codes), scaled(USUAL_CODES))


def _float32(code: float) -> float:
    """The code as a register of a float holds it."""
    return float(struct.unpack(">f", struct.pack(">f", code))[0]) if abs(code) < MOST_FLOAT32 else code


def _scales(line: LineSettings) -> dict[tuple[str, str], Scale]:
    """Scale, offset and units by sensor and channel; the empty sensor stands for all."""
    if line.protocol == "described":
        return _of_format(line.format)
    if line.protocol == "modbus":
        return {
            (register.sensor, register.channel): _of_register(register)
            for register in line.modbus.registers
            if register.channel != "total"  # a counter's codes are no flows: its own rules drop the step
        }
    return {}


def _of_format(form: Format) -> dict[tuple[str, str], Scale]:
    names = field_names(form)

    def factors(channel: str, measure: str) -> tuple[float, ...]:
        """Of the unit in the settings, or of any, if the frame names it."""
        known = MEASURES[channel]
        return tuple(known.values()) if f"{channel}_measure" in names else (known[measure],)

    return {
        ("", _FLOW): (form.flow_scale, form.flow_offset, factors(_FLOW, form.flow_measure)),
        ("", _PRESSURE): (form.pressure_scale, form.pressure_offset, factors(_PRESSURE, form.pressure_measure)),
    }


def _of_register(register: Register) -> Scale:
    return register.scale, register.offset, (measure_factor(register),)
