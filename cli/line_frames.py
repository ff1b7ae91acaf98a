"""``hydrolog line test`` for meters that send by themselves: each frame, and what the producer makes of it."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cli import scan_text
from cli.shell import say
from common.errors import FrameRefused, PortError
from common.logging_setup import quoted
from common.settings import Settings

if TYPE_CHECKING:
    from producer.ascii import Reading
    from producer.site_time import ClockSample

STEADY_S = 1.5  # of a clock's offset: a person waits
KEPT = 4_096  # bytes: enough lines to see how they end
# Help for refused frames, by reason.
_WHY = {
    "long": "longer than any frame; is the line end right?",
    "checksum": "it does not match the frame: noise, or a different kind of checksum",
    "fields": "the body's fields differ from the protocol",
    "sensor": "not a sensor id: letters, digits, '_', '.', ':', '-', at most 32",
    "time": "not a time in the protocol's format",
    "number": "not a number, or an impossible one",
    "future": "the meter's clock is ahead",
    "past": "the meter's clock is more than a day behind",
    "flow-no-value": "the flow is a fault code, so it is no value",
    "flow-limit": "the flow is beyond line.flow_limits, so it is no value",
    "pressure-no-value": "the pressure is a fault code, so it is no value",
    "pressure-limit": "the pressure is beyond line.pressure_limits, so it is no value",
}


class Frames:
    """The ear: it takes readings through the producer's own door, and keeps none."""

    def __init__(self, settings: Settings, show: Callable[["Reading"], None]) -> None:
        from producer import ascii as own
        from producer.described import Described
        from producer.frames import Framer
        from producer.intake import ReadingSink
        from producer.minute import Minutes
        from producer.site_time import SiteTime

        self.understood = 0
        self.refused: Counter[str] = Counter()
        self._show = show
        self._settings = settings
        line, zone = settings.line, settings.site.zone
        self._zone = ZoneInfo(line.zone) if line.zone else zone
        self._time = SiteTime(self._look(), 0, given=True)
        self._door = ReadingSink(self._time, Minutes(line.lateness_seconds), self.refused, settings=line, zone=zone)
        self._parse: Callable[[bytes, ZoneInfo, float], Reading] = own.parse
        self._framer = Framer(self.refused)
        if line.protocol == "described":
            described = Described(line.format)
            self._parse, self._framer = described.parse, described.framer(self.refused)
        self._raw = b""

    @staticmethod
    def _look() -> "ClockSample":
        from producer.site_time import ClockSample

        return ClockSample(datetime.now(UTC).timestamp(), time.monotonic())

    def ask(self, _monotonic_s: float) -> bytes:
        """Nothing: these meters are not polled."""
        return b""

    def closed(self, *, sent: bool) -> None:
        """Raises PortError: such a line stays open."""
        raise PortError("the other end closed the connection")

    def hear(self, chunk: bytes, _monotonic_s: float) -> None:
        """Print the meaning of the bytes."""
        if not chunk:
            return
        self._time.look(self._look())
        self._raw = (self._raw + chunk)[-KEPT:]
        say(f"  bytes    {quoted(chunk)}")
        lines = self._framer.lines(chunk)
        for frame in self._framer.frames(lines) if lines else []:
            self._frame(frame)

    def _frame(self, frame: bytes) -> None:
        say(f"  frame    {quoted(frame)}")
        before = Counter(self.refused)
        try:
            reading = self._parse(frame, self._zone, self._time.now_s)
        except FrameRefused as error:
            self.refused[error.reason] += 1
        else:
            self._show(reading)
            self.understood += self._door.take(reading)
        for reason in self.refused - before:
            say(f"  refused  {reason}: {_WHY.get(reason, '')}")

    def conclusion(self, heard: int) -> str:
        """What was seen, and what to do."""
        if not heard:
            return "nothing came: is the meter on, the cable in, the port the right one?"
        if clocks := self._door.clocks.problem(self._time.now_s, STEADY_S):
            return clocks
        return "" if self.understood else self._why_nothing()

    def _why_nothing(self) -> str:
        line = self._settings.line
        text = scan_text.read(self._raw, "8N1")
        if text is None:
            speed = "" if line.url.startswith("socket://") else f"is the baud rate really {line.baudrate}, "
            return f"nothing was understood: {speed}is the protocol text at all? Try: hydrolog line scan"
        end = line.format.end if line.protocol == "described" else "\r\n"
        if end.encode("latin-1") not in self._raw:
            return scan_text.wrong_end(end, text.end, line.protocol)
        why = "no frame of the settings"
        if reasons := [reason for reason, _ in self.refused.most_common() if reason in _WHY]:
            why = f"no reading: {reasons[0]}: {_WHY[reasons[0]]}"
        return f"text came, but {why}; the last line: {quoted(text.lines[-1])}"
