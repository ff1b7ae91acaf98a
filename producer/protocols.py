"""Which meters are on the line: the settings' protocol, and what listens to it or asks."""

from typing import Protocol
from zoneinfo import ZoneInfo

from common.errors import SettingsError
from common.settings import LineSettings
from producer.described import Described
from producer.frames import Framer
from producer.intake import AsciiListener, FrameReader, ReadingSink
from producer.line import SerialLine


class Intake(Protocol):
    """What the producer's step does with any line."""

    @property
    def problem(self) -> str:
        """What is wrong with single meters; empty if nothing is."""

    @property
    def rest(self) -> bytes:
        """What a stop must keep of a half heard frame."""

    def keep(self, rest: bytes) -> None:
        """What a stop kept."""

    def restart(self) -> None:
        """The line was opened anew."""

    def ask(self, monotonic_s: float) -> bytes:
        """What to send now, if anything."""

    def take(self, chunk: bytes, monotonic_s: float) -> int:
        """Take bytes, if any came; the number of readings that found their minute."""


def check_meters(line: LineSettings) -> None:
    """Refuse what no single key shows, before anything is touched.

    Raises:
        SettingsError: names the key.
    """
    if line.protocol == "described":
        Described(line.format)
    elif line.protocol == "modbus":
        from producer.bus import check_registers  # noqa: PLC0415 - pymodbus only where it is used

        check_registers(line.modbus)
        if line.modbus.framing == "tcp" and not line.url.startswith("socket://"):
            raise SettingsError(
                "line.modbus.framing", f'"tcp" needs a line.url like "socket://10.0.0.7:502", is {line.url!r}'
            )


def intake_for(settings: LineSettings, door: ReadingSink, zone: ZoneInfo, line: SerialLine) -> Intake:
    """The intake of the settings' protocol."""
    if settings.protocol == "modbus":
        from producer.polling import Polling  # noqa: PLC0415 - pymodbus only where it is used

        return Polling(settings.modbus, door, line)
    if settings.protocol == "described":
        described = Described(settings.format)
        return FrameReader(described.framer(door.refused), door, zone, line, described.parse)
    return AsciiListener(Framer(door.refused), door, zone, line)
