"""Zones: what flows into an area, as the signed sum of its meters' flows, by a formula of the settings.

`[zones] zone_a = "001 + 002 - 003"`: the meters with + measure what comes in, those with - what goes on to others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from common.errors import SettingsError
from common.row import SENSOR_ID

SECTION = "zones"
MOST_PARTS = 64  # meters of one zone: more is a mistake
EXAMPLE = '"001 + 002 - 003"'

_SIGNS = {"+": 1, "-": -1}


@dataclass(frozen=True, slots=True)
class Zone:
    """An area with a meter at each place where water comes in or leaves.

    Attributes:
        name: obeys the rule of a sensor's id: its rows are those of a sensor.
        signs: of each meter, in the order of the formula: 1 where its water comes in, -1 where it leaves.
    """

    name: str
    signs: Mapping[str, int]

    @property
    def formula(self) -> str:
        """As it is written in the settings."""
        text = " ".join(f"{'+' if sign > 0 else '-'} {sensor}" for sensor, sign in self.signs.items())
        return text.removeprefix("+ ")

    @property
    def inlets(self) -> tuple[str, ...]:
        return tuple(sensor for sensor, sign in self.signs.items() if sign > 0)


Zones = Mapping[str, Zone]  # by name
NO_ZONES: Zones = MappingProxyType({})


def parse(name: str, formula: str) -> Zone:
    """The zone of a formula.

    Raises:
        SettingsError: the name is no id of a sensor, or the formula is not meters with + or - between them.
    """
    key = f"{SECTION}.{name}"
    if not SENSOR_ID.fullmatch(name):
        raise SettingsError(
            ascii(key)[1:-1], "a zone's name has 1 to 32 letters of the Latin alphabet, digits and the signs _ . : -"
        )
    words = formula.split()
    if words[:1] not in (["+"], ["-"]):
        words.insert(0, "+")
    signs, sensors = words[::2], words[1::2]
    meters = len(signs) == len(sensors) and all(map(SENSOR_ID.fullmatch, sensors))
    if not meters or not all(sign in _SIGNS for sign in signs):
        raise SettingsError(key, f"must be meters with + or - between blanks, like {EXAMPLE}, is {formula!r:.200}")
    twice = next((sensor for sensor in sensors if sensors.count(sensor) > 1), None)
    if twice is not None:
        raise SettingsError(key, f"{twice} stands in the formula twice")
    if not 2 <= len(sensors) <= MOST_PARTS:
        raise SettingsError(key, f"must have 2 to {MOST_PARTS} meters; one meter alone is a sensor, and needs no zone")
    if "+" not in signs:
        raise SettingsError(key, "has no meter with +: nothing would flow in")
    return Zone(name, {sensor: _SIGNS[sign] for sign, sensor in zip(signs, sensors, strict=True)})


def read_zones(raw: Mapping[str, object], meters: Iterable[str]) -> dict[str, Zone]:
    """All zones of the settings' section. `meters`: the sensors that the settings name elsewhere.

    Raises:
        SettingsError: names the first zone that is wrong.
    """
    zones: dict[str, Zone] = {}
    for name, formula in raw.items():
        if not isinstance(formula, str):
            advice = f'; a name with a dot is written in quotes: "{name}.1" = …' if isinstance(formula, dict) else ""
            raise SettingsError(f"{SECTION}.{name}", f"must be a formula in quotes, like {EXAMPLE}{advice}")
        zones[name] = parse(name, formula)
    taken = {*meters}
    for name, zone in zones.items():
        if name in taken:
            raise SettingsError(f"{SECTION}.{name}", "is a meter's id already; give the zone a name of its own")
        inner = next((sensor for sensor in zone.signs if sensor in zones), None)
        if inner is not None:
            raise SettingsError(
                f"{SECTION}.{name}", f"{inner} is a zone; write its meters instead: {zones[inner].formula}"
            )
    return zones


def zones_of(sensor: str, zones: Zones) -> list[Zone]:
    """The zones of which a sensor is a part."""
    return [zone for zone in zones.values() if sensor in zone.signs]
