"""Pressure loggers: sensors inside a zone, or behind the meter of an inlet, by the settings.

`[loggers] zone_a = "101 102"`: the sensors 101 and 102 measure the pressure inside zone_a. In place of the zone there
may be the id of a meter: what it measures flows to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from common.errors import SettingsError
from common.row import SENSOR_ID
from common.zones import Zones

SECTION = "loggers"
MOST_LOGGERS = 64  # of one zone: more is a mistake
EXAMPLE = '"101 102 103"'


@dataclass(frozen=True, slots=True)
class Area:
    """A zone, or what lies behind one meter, with its loggers.

    Attributes:
        name: of the zone or the meter: its flow is that of the area.
        inlets: the meters where its water comes in.
        loggers: sensors inside that measure the pressure.
    """

    name: str
    inlets: tuple[str, ...]
    loggers: tuple[str, ...]


Loggers = Mapping[str, Area]  # by name
NO_LOGGERS: Loggers = MappingProxyType({})


def read_loggers(raw: Mapping[str, object], zones: Zones) -> dict[str, Area]:
    """All areas of the settings' section.

    Raises:
        SettingsError: names the first one that is wrong.
    """
    areas: dict[str, Area] = {}
    taken: dict[str, str] = {}  # logger -> area
    for name, text in raw.items():
        areas[name] = area = _parse(name, text, zones)
        for logger in area.loggers:
            if logger in taken:
                raise SettingsError(
                    f"{SECTION}.{name}",
                    f"{logger} is a logger of {taken[logger]} already; write it at the smaller of the two zones",
                )
            taken[logger] = name
    return areas


def _parse(name: str, text: object, zones: Zones) -> Area:
    key = f"{SECTION}.{name}"
    if not isinstance(text, str):
        advice = f'; a name with a dot is written in quotes: "{name}.1" = …' if isinstance(text, dict) else ""
        raise SettingsError(key, f"must be sensors with blanks between them, in quotes, like {EXAMPLE}{advice}")
    loggers = tuple(text.split())
    if not SENSOR_ID.fullmatch(name):
        raise SettingsError(ascii(key)[1:-1], "is no name of a zone and no id of a meter")
    if not loggers or not all(map(SENSOR_ID.fullmatch, loggers)):
        raise SettingsError(key, f"must be sensors with blanks between them, like {EXAMPLE}, is {text!r:.200}")
    if len(loggers) > MOST_LOGGERS:
        raise SettingsError(key, f"must have at most {MOST_LOGGERS} loggers")
    zone = zones.get(name)
    inlets = zone.inlets if zone is not None else (name,)
    for logger in loggers:
        if loggers.count(logger) > 1:
            raise SettingsError(key, f"{logger} stands there twice")
        if logger in zones:
            raise SettingsError(key, f"{logger} is a zone, which has no pressure; write a sensor inside {name}")
        if logger in inlets:
            raise SettingsError(key, f"{logger} is the inlet itself, with which the loggers are compared")
    return Area(name, inlets, loggers)


def area_of(sensor: str, loggers: Loggers) -> Area | None:
    """The area in which a sensor is a logger."""
    return next((area for area in loggers.values() if sensor in area.loggers), None)
