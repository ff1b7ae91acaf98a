"""``hydrolog line test``: listen to the serial line and say of each frame what it means, or why it means nothing."""

import argparse
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from common.errors import FrameRefused, PortError
from common.logs import quoted
from common.row import format_number
from common.settings import load


def run(args: list[str]) -> int:
    """Listen for a while; 0 if a reading was understood, else 1."""
    from producer.frames import Framer
    from producer.port import Port, check_url

    options = _parser().parse_args(args)
    settings = load(options.config)
    check_url(settings.line.url)
    port = Port(settings.line.url, settings.line.baudrate, threading.Event())
    refused: Counter[str] = Counter()
    framer = Framer(refused)
    _say(f"listening to {settings.line.url} at {settings.line.baudrate} baud for {options.seconds:g} s")
    understood = heard = 0
    try:
        port.open()
        end_s = time.monotonic() + options.seconds
        while time.monotonic() < end_s:
            chunk = port.read()
            heard += len(chunk)
            if options.raw and chunk:
                _say(f"  bytes    {quoted(chunk)}")
            lines = framer.lines(chunk)
            for frame in framer.frames(lines) if lines else []:
                understood += _show(frame, settings.site.zone, refused)
    except PortError as error:
        _say(f"  {error}")
    except KeyboardInterrupt:
        pass
    finally:
        port.close()
    _say(_summary(heard, understood, refused, settings.line.baudrate))
    return 0 if understood else 1


def _show(frame: bytes, zone: ZoneInfo, refused: Counter[str]) -> int:
    from producer.ascii import parse

    try:
        reading = parse(frame, zone, datetime.now(UTC).timestamp())
    except FrameRefused as error:
        refused[error.reason] += 1
        _say(f"  refused  {quoted(frame)}  {error.reason}")
        return 0
    when = "no time, counts as now"
    if reading.time_s is not None:
        when = datetime.fromtimestamp(reading.time_s, UTC).astimezone(zone).isoformat()
    flow, pressure = (format_number(value) or "none" for value in (reading.flow, reading.pressure))
    _say(f"  reading  sensor {reading.sensor}  flow {flow} m3/h  pressure {pressure} bar  {when}")
    return 1


def _summary(heard: int, understood: int, refused: Counter[str], baudrate: int) -> str:
    counts = ", ".join(f"{count} {reason}" for reason, count in refused.most_common()) or "none"
    text = f"{heard} bytes, {understood} readings, refused: {counts}"
    if not heard:
        return text + "\nnothing came: is the meter on, the cable in, the port the right one?"
    if not understood:
        return (
            text
            + f"\nnothing was understood: is the baud rate really {baudrate}, and does the meter speak this protocol?"
        )
    return text


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hydrolog line",
        description="Listen to the serial line of the settings. The producer must not run: a port is not shared.",
    )
    parser.add_argument("action", choices=["test"])
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long (default 10)")
    parser.add_argument("--raw", action="store_true", help="also show the bytes as they come")
    return parser
