"""``hydrolog line``: its other actions, and ``test``: listen, and show each frame's reading, or why it has none."""

import importlib
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from cli import line_options
from cli.line_asked import AskedFrames
from cli.line_door import TrialDoor
from cli.line_frames import Frames
from cli.line_others import others_at, producer_at
from cli.line_registers import Registers
from cli.shell import say
from common.clock_words import listed
from common.errors import OtherEndClosed, PortError
from common.row import format_number
from common.settings import LineSettings, Settings, load

if TYPE_CHECKING:  # the producer's modules are imported only where used
    from producer.ascii import Reading
    from producer.port import Port


class _Ear(Protocol):
    """One protocol under test."""

    door: TrialDoor

    def ask(self, monotonic_s: float) -> bytes:
        """The request to send now."""

    def hear(self, chunk: bytes, monotonic_s: float) -> None:
        """Print the meaning of the bytes."""

    def conclusion(self, heard: int) -> str:
        """What was seen, and what to do; empty if all is well."""

    def closed(self, *, sent: bool) -> None:
        """The other end closed the connection, as it may after each answer; `sent`: after the last request was sent.

        Raises:
            PortError: these meters do not.
        """


_OTHERS = {"scan": "cli.line_scan", "meters": "cli.line_meters"}


def run(args: list[str]) -> int:
    """Listen for a while; the exit code is described in `line_options`."""
    if args and (module := _OTHERS.get(args[0])):
        return int(importlib.import_module(module).run(args[1:]))
    from producer.port import check_url
    from producer.protocols import check_meters

    options = line_options.parser(tuple(_OTHERS)).parse_args(args)
    settings = line_options.tried(options)
    line = settings.line
    check_url(line.url)
    only_unit = line.protocol == "modbus" and not line.modbus.registers
    if not only_unit:
        check_meters(line)
    own = load(options.config)
    if (pid := producer_at(line.url, own)) is not None:
        from cli.line_watch import watch

        return watch(own, pid, options.seconds, line_options.given(options))
    if only_unit:
        from cli.line_scan import ask_unit

        return 0 if ask_unit(line, options.unit, options.seconds) else 1
    return _test(settings, options.seconds)


def _test(settings: Settings, seconds: float) -> int:
    from producer.port import POLLED_READ_S, Port

    line, zone = settings.line, settings.site.zone
    kind = Registers if line.protocol == "modbus" else AskedFrames if line.ask.meters else Frames
    ear: _Ear = kind(settings, lambda reading: say(f"  reading  {_reading(reading, zone)}"))
    port = Port(line.url, line.baudrate, threading.Event(), line.mode, read_s=POLLED_READ_S)
    say(f"listening to {line.url}{_speed(line)}, {line.protocol}, for {seconds:g} s")
    if others := others_at(line.url):
        say(f"  {others}")
    heard, problem = 0, ""
    try:
        port.open()
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            if not port.is_open:
                time.sleep(POLLED_READ_S)  # the other end closed the connection
                port.open()
            heard += _listen(port, ear)
    except PortError as error:
        problem = str(error).removesuffix("; waiting for it")
    except KeyboardInterrupt:
        pass
    finally:
        port.close()
    if offsets := ear.door.clock_offsets_s:
        say(f"clocks of the meters: {listed(offsets)}")
    counts = ", ".join(f"{count} {reason}" for reason, count in ear.door.refused.most_common()) or "none"
    say(f"{heard} bytes, {ear.door.good} good readings, refused: {counts}")
    if said := "; ".join(filter(None, [problem or ear.conclusion(heard), others])):
        say(said)
    return 0 if ear.door.good else 1


def _listen(port: "Port", ear: _Ear) -> int:
    """Ask, if it is time, and listen briefly; returns the number of bytes."""
    sent = False
    try:
        if request := ear.ask(time.monotonic()):
            port.write(request)
        sent = True
        chunk = port.read()
    except OtherEndClosed:
        ear.closed(sent=sent)
        return 0
    ear.door.pass_time(chunk)
    ear.hear(chunk, time.monotonic())
    return len(chunk)


def _reading(reading: "Reading", zone: ZoneInfo) -> str:
    when = "no time, counts as now"
    if reading.time_s is not None:
        when = datetime.fromtimestamp(reading.time_s, UTC).astimezone(zone).isoformat()
    flow, pressure = (format_number(value) or "none" for value in (reading.flow, reading.pressure))
    return f"sensor {reading.sensor}  flow {flow} m3/h  pressure {pressure} bar  {when}"


def _speed(line: LineSettings) -> str:
    return "" if line.url.startswith("socket://") else f" at {line.baudrate} baud, {line.mode}"
