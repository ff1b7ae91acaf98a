"""``hydrolog line test`` for meters that send by themselves: each frame, and what the producer makes of it."""

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cli import scan_text
from cli.line_door import WHY, TrialDoor
from cli.shell import say
from common.errors import FrameRefused, PortError
from common.logging_setup import quoted
from common.settings import Settings

if TYPE_CHECKING:
    from producer.ascii import Reading

KEPT = 4_096  # bytes: enough lines to see how they end


class Frames:
    """The ear."""

    def __init__(self, settings: Settings, show: Callable[["Reading"], None]) -> None:
        from producer import ascii as own
        from producer.described import Described
        from producer.frames import Framer
        from producer.meter_zones import MeterZones, in_own_zones, own_zones

        self.door = TrialDoor(settings, show)
        self._settings = settings
        line = settings.line
        self._zone = MeterZones(line, settings.site.zone).line
        self._parse: Callable[[bytes, ZoneInfo, float], Reading] = in_own_zones(own.parse, line)
        self._framer = Framer(self.door.refused)
        if line.protocol == "described" and not line.ask.meters:
            described = Described(line.format, self.door.refused, time.monotonic, own_zones=own_zones(line))
            self._parse, self._framer = described.parse, described.framer(self.door.refused)
        self._raw = b""

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
        self._raw = (self._raw + chunk)[-KEPT:]
        say(f"  bytes    {quoted(chunk)}")
        lines = self._framer.lines(chunk)
        for frame in self._framer.frames(lines) if lines else []:
            self._frame(frame)

    def _frame(self, frame: bytes) -> None:
        say(f"  frame    {quoted(frame)}")
        before = Counter(self.door.refused)
        try:
            reading = self._parse(frame, self._zone, self.door.now_s)
        except FrameRefused as error:
            self.door.refuse(error.reason)
        else:
            self.door.take(reading, before)

    def conclusion(self, heard: int) -> str:
        """What was seen, and what to do."""
        if not heard:
            return "nothing came: is the meter on, the cable in, the port the right one?"
        return self.door.problem() or ("" if self.door.good else self._why_nothing())

    def _why_nothing(self) -> str:
        line = self._settings.line
        text = scan_text.read(self._raw, "8N1")
        if text is None:
            speed = "" if line.url.startswith("socket://") else f"is the baud rate really {line.baudrate}, "
            return f"nothing was understood: {speed}is the protocol text at all? Try: hydrolog line scan"
        if text.bits != "8N1":
            return f"text came in seven bits with a parity: write mode = {json.dumps(text.bits)}"
        end = line.format.end if line.protocol == "described" else "\r\n"
        if end.encode("latin-1") not in self._raw:
            return scan_text.wrong_end(text.end, line.protocol)
        why = "no frame of the settings"
        if reasons := [reason for reason, _ in self.door.refused.most_common() if reason in WHY]:
            why = f"no reading: {reasons[0]}: {WHY[reasons[0]]}"
        return f"text came, but {why}; the last line: {quoted(text.lines[-1])}"
