"""The protocol in the settings, and the intake that reads or polls the meters."""

from collections.abc import Mapping
from typing import Protocol
from zoneinfo import ZoneInfo

from common.errors import SettingsError
from common.settings import LineSettings
from producer.ascii import parse
from producer.asking import Asking
from producer.asking_checks import check_questions
from producer.described import Described
from producer.frames import Framer
from producer.intake import AsciiListener, FrameReader, ReadingSink
from producer.line import SerialLine
from producer.meter_zones import check_sensors, in_own_zones, own_zones
from producer.polling import Polling


class Intake(Protocol):
    """The interface of any line for the producer's step."""

    @property
    def problem(self) -> str:
        """Problems of single meters; empty if there are none."""

    @property
    def failures(self) -> Mapping[str, int]:
        """Of polled meters: answers that brought no value, by register."""

    @property
    def rest(self) -> bytes:
        """The incomplete frame to keep at a stop."""

    def keep(self, rest: bytes) -> None:
        """Restore an incomplete frame from before a stop."""

    def restart(self) -> None:
        """The line was reopened."""

    def ask(self, monotonic_s: float) -> bytes:
        """The request to send now, or nothing."""

    def take(self, chunk: bytes, monotonic_s: float) -> int:
        """Process bytes, if any; returns the number of accepted readings."""


def check_meters(line: LineSettings) -> None:
    """Refuse wrong combinations of keys before anything is touched.

    Raises:
        SettingsError: names the key.
    """
    check_sensors(line)
    check_questions(line)
    if line.protocol == "described" and not line.ask.meters:
        Described(line.format)
    elif line.protocol == "modbus":
        from producer.modbus_checks import check_registers, check_round  # noqa: PLC0415 - pymodbus only where used

        check_registers(line.modbus)
        speed_known = not line.url.startswith("socket://")  # else it is set in the gateway
        check_round(line.modbus, line.baudrate if speed_known else 0, line.mode)
        if line.modbus.framing == "tcp" and not line.url.startswith("socket://"):
            raise SettingsError(
                "line.modbus.framing", f'"tcp" needs a line.url like "socket://10.0.0.7:502", is {line.url!r}'
            )


def intake_for(settings: LineSettings, door: ReadingSink, zone: ZoneInfo, line: SerialLine) -> Intake:
    """The intake for the configured protocol. `zone`: of the meters' clocks."""
    if settings.protocol == "modbus":
        from producer.bus import Bus  # noqa: PLC0415 - pymodbus only where it is used

        return Polling(lambda told: Bus(settings.modbus, told), settings.poll_seconds, door, line)
    if settings.ask.meters:
        return Polling(
            lambda told: Asking(settings, told, door.refused, door.time, zone), settings.poll_seconds, door, line
        )
    if settings.protocol == "described":
        described = Described(
            settings.format, door.refused, lambda: door.time.monotonic_s, own_zones=own_zones(settings)
        )
        framer = described.framer(door.refused)
        return FrameReader(framer, door, zone, line, described.parse, problem=lambda: described.problem)
    if own_zones(settings):  # the fast path knows one zone
        return FrameReader(Framer(door.refused), door, zone, line, in_own_zones(parse, settings))
    return AsciiListener(Framer(door.refused), door, zone, line)
