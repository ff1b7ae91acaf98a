"""``hydrolog line``: its other actions, and ``test``: listen, and show each frame's reading, or why it has none."""

import argparse
import importlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from common.errors import FrameRefused, PortError
from common.logging_setup import quoted
from common.options import Parser
from common.row import format_number
from common.settings import Settings, load

if TYPE_CHECKING:  # the producer's modules are imported only where used
    from producer.ascii import Reading
    from producer.bus import Exchange

_BASE = {"flow": "m3/h", "pressure": "bar", "total": "m3"}


class _Ear(Protocol):
    """One protocol under test."""

    understood: int
    refused: Counter[str]

    def ask(self, monotonic_s: float) -> bytes:
        """The request to send now."""

    def hear(self, chunk: bytes, monotonic_s: float) -> None:
        """Print the meaning of the bytes."""


class _Frames:
    """Meters that send by themselves."""

    def __init__(self, settings: Settings) -> None:
        from producer import ascii as own
        from producer.described import Described
        from producer.frames import Framer

        self.understood = 0
        self.refused: Counter[str] = Counter()
        self._zone = settings.site.zone
        self._parse: Callable[[bytes, ZoneInfo, float], Reading] = own.parse
        self._framer = Framer(self.refused)
        if settings.line.protocol == "described":
            described = Described(settings.line.format)
            self._parse, self._framer = described.parse, described.framer(self.refused)

    def ask(self, _monotonic_s: float) -> bytes:
        return b""

    def hear(self, chunk: bytes, _monotonic_s: float) -> None:
        if chunk:
            _say(f"  bytes    {quoted(chunk)}")
        lines = self._framer.lines(chunk) if chunk else b""
        for frame in self._framer.frames(lines) if lines else []:
            _say(f"  frame    {quoted(frame)}")
            try:
                reading = self._parse(frame, self._zone, datetime.now(UTC).timestamp())
            except FrameRefused as error:
                self.refused[error.reason] += 1
                _say(f"  refused  {error.reason}: {_WHY.get(error.reason, '')}")
            else:
                self.understood += 1
                _say(f"  reading  {_reading(reading, self._zone)}")


class _Registers:
    """Meters that are polled."""

    def __init__(self, settings: Settings) -> None:
        from producer.bus import Bus

        self.understood = 0
        self.refused: Counter[str] = Counter()
        self._zone = settings.site.zone
        self._bus = Bus(settings.line.modbus, self._told)

    def ask(self, monotonic_s: float) -> bytes:
        return self._bus.ask(monotonic_s)

    def hear(self, chunk: bytes, monotonic_s: float) -> None:
        if chunk:
            self._bus.take(chunk, monotonic_s)
        for reading in self._bus.readings:
            self.understood += 1
            _say(f"  reading  {_reading(reading, self._zone)}")
        self._bus.readings.clear()

    def _told(self, told: "Exchange") -> None:
        register = told.register
        _say(f"  asked    unit {register.unit}, {register.function} {register.address}: {told.sent.hex(' ')}")
        _say(f"  came     {told.came.hex(' ') or 'nothing'}")
        if told.reason:
            self.refused[told.reason] += 1
            _say(f"  refused  {told.reason}: {told.problem}")
        else:
            _say(f"  value    {register.sensor} {register.channel} {told.value:g} {_BASE[register.channel]}")


# Help for refused frames, by reason.
_WHY = {
    "long": "longer than any frame; is the line end right?",
    "checksum": "it does not match the frame: noise, or a different kind of checksum",
    "fields": "the body's fields differ from the protocol",
    "sensor": "not a sensor id: letters, digits, '_', '.', ':', '-', at most 32",
    "time": "not a time in the protocol's format",
    "number": "not a number, or an impossible one",
}


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
    ear: _Ear = _Registers(settings) if line.protocol == "modbus" else _Frames(settings)
    port = Port(line.url, line.baudrate, threading.Event(), line.mode, read_s=POLLED_READ_S)
    _say(f"listening to {line.url} at {line.baudrate} baud, {line.mode}, {line.protocol}, for {options.seconds:g} s")
    heard = 0
    try:
        port.open()
        end_s = time.monotonic() + options.seconds
        while time.monotonic() < end_s:
            if request := ear.ask(time.monotonic()):
                port.write(request)
            chunk = port.read()
            heard += len(chunk)
            ear.hear(chunk, time.monotonic())
    except PortError as error:
        _say(f"  {error}")
    except KeyboardInterrupt:
        pass
    finally:
        port.close()
    _say(_summary(heard, ear, settings))
    return 0 if ear.understood else 1


def _reading(reading: "Reading", zone: ZoneInfo) -> str:
    when = "no time, counts as now"
    if reading.time_s is not None:
        when = datetime.fromtimestamp(reading.time_s, UTC).astimezone(zone).isoformat()
    flow, pressure = (format_number(value) or "none" for value in (reading.flow, reading.pressure))
    return f"sensor {reading.sensor}  flow {flow} m3/h  pressure {pressure} bar  {when}"


def _summary(heard: int, ear: _Ear, settings: Settings) -> str:
    counts = ", ".join(f"{count} {reason}" for reason, count in ear.refused.most_common()) or "none"
    text = f"{heard} bytes, {ear.understood} readings, refused: {counts}"
    if not heard and settings.line.protocol == "modbus":
        return text + "\nno unit answered: address, baud rate, parity right? A and B swapped? Is the meter on?"
    if not heard:
        return text + "\nnothing came: is the meter on, the cable in, the port the right one?"
    if not ear.understood:
        return (
            text + f"\nnothing was understood: is the baud rate really {settings.line.baudrate}, and does the meter "
            "speak this protocol?"
        )
    return text


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


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
