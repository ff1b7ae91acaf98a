"""``hydrolog line``: its other actions, and ``test``: listen, and show each frame's reading, or why it has none."""

import argparse
import importlib
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from cli.line_asked import Asked
from cli.line_frames import Frames
from cli.line_registers import Registers
from cli.shell import say
from common.errors import OtherEndClosed, PortError
from common.options import Parser
from common.row import format_number
from common.settings import load

if TYPE_CHECKING:  # the producer's modules are imported only where used
    from producer.ascii import Reading
    from producer.port import Port


class _Ear(Protocol):
    """One protocol under test."""

    understood: int
    refused: Counter[str]

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
    """Listen for a while; exit code 0 if there was a reading, else 1."""
    if args and (module := _OTHERS.get(args[0])):
        return int(importlib.import_module(module).run(args[1:]))
    from producer.port import POLLED_READ_S, Port, check_url
    from producer.protocols import check_meters

    options = _parser().parse_args(args)
    settings = load(options.config)
    line = settings.line
    check_url(line.url)
    check_meters(line)
    zone = settings.site.zone
    kind = Registers if line.protocol == "modbus" else Asked if line.ask.meters else Frames
    ear: _Ear = kind(settings, lambda reading: say(f"  reading  {_reading(reading, zone)}"))
    port = Port(line.url, line.baudrate, threading.Event(), line.mode, read_s=POLLED_READ_S)
    speed = "" if line.url.startswith("socket://") else f" at {line.baudrate} baud, {line.mode}"
    say(f"listening to {line.url}{speed}, {line.protocol}, for {options.seconds:g} s")
    heard = 0
    try:
        port.open()
        end_s = time.monotonic() + options.seconds
        while time.monotonic() < end_s:
            if not port.is_open:
                time.sleep(POLLED_READ_S)  # the other end closed the connection
                port.open()
            heard += _listen(port, ear)
    except PortError as error:
        say(f"  {error}")
    except KeyboardInterrupt:
        pass
    finally:
        port.close()
    say(_summary(heard, ear))
    return 0 if ear.understood else 1


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
    ear.hear(chunk, time.monotonic())
    return len(chunk)


def _reading(reading: "Reading", zone: ZoneInfo) -> str:
    when = "no time, counts as now"
    if reading.time_s is not None:
        when = datetime.fromtimestamp(reading.time_s, UTC).astimezone(zone).isoformat()
    flow, pressure = (format_number(value) or "none" for value in (reading.flow, reading.pressure))
    return f"sensor {reading.sensor}  flow {flow} m3/h  pressure {pressure} bar  {when}"


def _summary(heard: int, ear: _Ear) -> str:
    counts = ", ".join(f"{count} {reason}" for reason, count in ear.refused.most_common()) or "none"
    return f"{heard} bytes, {ear.understood} readings, refused: {counts}\n{ear.conclusion(heard)}".rstrip()


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="hydrolog line",
        description="Listen to the serial line of the settings, or poll its meters, and show what comes and what it "
        "means. The producer must not run, because a port cannot be shared.",
    )
    parser.add_argument(
        "action",
        choices=["test", *_OTHERS],
        help="test: listen for a while, then print a summary; scan: find speed, mode and units; meters: known meters",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="N", help="how long (default 10)")
    return parser
