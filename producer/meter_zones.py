"""The zone of each meter's clock: its own, the line's, or the site's; for times that do not say their offset."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from common.errors import SettingsError
from common.settings import LineSettings
from producer.ascii import Reading

Parse = Callable[[bytes, ZoneInfo, float], Reading]  # frame, the line's zone, now; raises FrameRefused


class MeterZones:
    """The zones of a line."""

    def __init__(self, line: LineSettings, site: ZoneInfo) -> None:
        self.site = site
        self.line = ZoneInfo(line.zone) if line.zone else site
        self.own = own_zones(line)

    def of(self, sensor: str) -> ZoneInfo:
        return self.own.get(sensor, self.line)


def own_zones(line: LineSettings) -> dict[str, ZoneInfo]:
    """The zone of each sensor that has one of its own."""
    return {values.sensor: ZoneInfo(values.zone) for values in line.sensors if values.zone}


def in_own_zones(parse: Parse, line: LineSettings) -> Parse:
    """`parse`, but a frame of a meter with a zone of its own is read in that: only the frame says which meter it is."""
    own = own_zones(line)

    def parse_again(frame: bytes, zone: ZoneInfo, now_s: float) -> Reading:
        reading = parse(frame, zone, now_s)
        return parse(frame, own[reading.sensor], now_s) if reading.sensor in own else reading

    return parse_again if own else parse


def check_sensors(line: LineSettings) -> None:
    """Refuse tables of single sensors that mean nothing.

    Raises:
        SettingsError: names the table.
    """
    seen: set[str] = set()
    for number, values in enumerate(line.sensors, 1):
        where = f"line.sensors[{number}]"
        if not values.sensor:
            raise SettingsError(f"{where}.sensor", "is missing: the sensor that this is about")
        if values.sensor in seen:
            raise SettingsError(f"{where}.sensor", f"{values.sensor} has a table already: write all into one")
        if values.zone and line.protocol == "modbus":
            raise SettingsError(f"{where}.zone", "is for meters that send their time; Modbus meters do not: delete it")
        seen.add(values.sensor)
