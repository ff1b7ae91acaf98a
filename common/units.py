"""Units: those that meters measure in, and those that people read a flow or a pressure in. Pure.

Everything is stored, computed, exported and sent in m3/h, bar and m3; only what somebody reads is converted.
"""

from collections.abc import Mapping
from typing import NamedTuple

# Each flow unit in m3/h.
FLOW_MEASURES = {
    "m3/h": 1.0,
    "m3/min": 60.0,
    "m3/s": 3600.0,
    "m3/d": 1 / 24,
    "L/h": 0.001,
    "L/min": 0.06,
    "L/s": 3.6,
    "gpm": 0.2271247070,  # US gallons per minute
}
# Each pressure unit in bar; metres and feet of water at 4 degrees Celsius.
PRESSURE_MEASURES = {
    "bar": 1.0,
    "mbar": 0.001,
    "Pa": 1e-5,
    "kPa": 0.01,
    "MPa": 10.0,
    "m": 0.0980665,
    "kgf/cm2": 0.980665,
    "psi": 0.0689475729,
    "ft": 0.0298907,
}
# Each volume unit in m3.
VOLUME_MEASURES = {"m3": 1.0, "L": 0.001, "gal": 0.003785411784}
MEASURES = {"flow": FLOW_MEASURES, "pressure": PRESSURE_MEASURES, "total": VOLUME_MEASURES}

NO_BREAK = "\u00a0"


class Unit(NamedTuple):
    """A unit that people may read in.

    Attributes:
        key: its name in a cookie or a form; one of `MEASURES`.
        name: as it is written.
        size: m3/h or bar in one of it.
        digits: decimals at most; more would show what 0.01 m3/h or 0.01 bar do not tell.
    """

    key: str
    name: str
    size: float
    digits: int

    def of(self, value: float) -> float:
        """A value of m3/h or bar in this unit."""
        return value / self.size

    def back(self, value: float) -> float:
        """A value in this unit in m3/h or bar."""
        return value * self.size

    def decimals(self, value: float) -> int:
        """Of a value in this unit that stands alone: with four digits or fewer."""
        size = abs(value)
        return min(self.digits, 0 if size >= 1000 else 1 if size >= 100 else 2)


class Units(NamedTuple):
    """What somebody reads in.

    Attributes:
        space: between a number and its unit. A page wraps its lines, and there it is one that does not break; messages
            have a plain one, which each gateway and terminal knows.
    """

    flow: Unit
    pressure: Unit
    space: str = " "

    def of(self, channel: str) -> Unit:
        return self.pressure if channel == "pressure" else self.flow

    @property
    def keys(self) -> dict[str, str]:
        """The same as parameters of an address, as `chosen` reads them."""
        return {f"{channel}_unit": self.of(channel).key for channel in CHOICES}


CHOICES = {
    "flow": (Unit("m3/h", "m³/h", FLOW_MEASURES["m3/h"], 2), Unit("L/s", "L/s", FLOW_MEASURES["L/s"], 2)),
    "pressure": (
        Unit("bar", "bar", PRESSURE_MEASURES["bar"], 2),
        Unit("kPa", "kPa", PRESSURE_MEASURES["kPa"], 0),
        Unit("m", "m", PRESSURE_MEASURES["m"], 1),
    ),
}
USUAL = Units(CHOICES["flow"][0], CHOICES["pressure"][0])


def chosen(asked: Mapping[str, str], space: str = NO_BREAK) -> Units:
    """The units that are asked for; the usual one for what is not understood."""
    flow, pressure = (
        next((unit for unit in units if unit.key == asked.get(f"{channel}_unit")), units[0])
        for channel, units in CHOICES.items()
    )
    return Units(flow, pressure, space)
