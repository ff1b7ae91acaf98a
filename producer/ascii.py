"""The ASCII frame: ``$<sensor>,<ISO time or nothing>,<flow>,<pressure>*<XX>``, ended by CR LF.

XX is the XOR of the bytes between ``$`` and ``*`` in hex, as in NMEA 0183. Flow is in m3/h, pressure in bar; an empty
field is no value. A time without UTC offset is the site's wall clock. The grammar is strict because an XOR lets one
damaged frame in 256 pass.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from common.errors import FrameRefused
from common.row import SENSOR_ID, format_number
from producer.frames import LONGEST_FRAME

# Far beyond any pipe, but above the codes (9999, 65535) by which meters report a fault: those belong in the row.
LARGEST_VALUE = 100_000.0  # m3/h and bar

_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?"
_NUMBER = rb"[+-]?\d{1,9}(?:\.\d{1,6})?"
_SENSOR = SENSOR_ID.pattern.encode()
_BODY = re.compile(rb"(%s),(%s)?,(%s)?,(%s)?" % (_SENSOR, _TIME, _NUMBER, _NUMBER))
_FIELDS = (("sensor", _SENSOR), ("time", rb"(?:%s)?" % _TIME), ("number", rb"(?:%s)?" % _NUMBER))
_CHECKSUMS = {text % value: value for value in range(256) for text in (b"%02X", b"%02x")}


class Reading(NamedTuple):
    """What a meter said; `time_s` is None if it has no clock."""

    sensor: str
    time_s: float | None  # seconds since 1970, UTC
    flow: float | None  # m3/h
    pressure: float | None  # bar


def checksum(body: bytes) -> int:
    """XOR of all bytes, folded in halves: ten operations instead of one for each byte."""
    bits = int.from_bytes(body, "little")
    width = 8 * LONGEST_FRAME // 2
    while width >= 8:
        bits = (bits >> width) ^ (bits & ((1 << width) - 1))
        width //= 2
    return bits


def parse(frame: bytes, zone: ZoneInfo, now_s: float) -> Reading:
    """The reading in a frame (``$`` to before the line end).

    Raises:
        FrameRefused: `reason` is long, checksum, fields, sensor, time or number.
    """
    if len(frame) > LONGEST_FRAME:
        raise FrameRefused("long")
    body = frame[1:-3]
    if frame[-3:-2] != b"*" or _CHECKSUMS.get(frame[-2:]) != checksum(body):
        raise FrameRefused("checksum")
    match = _BODY.fullmatch(body)
    if match is None:
        raise FrameRefused(_reason(body))
    sensor, time, flow, pressure = match.groups()
    return Reading(
        sensor.decode("ascii"),
        None if time is None else _seconds(time.decode("ascii"), zone, now_s),
        None if flow is None else _number(flow),
        None if pressure is None else _number(pressure),
    )


def _number(text: bytes) -> float:
    value = float(text)
    if not -LARGEST_VALUE <= value <= LARGEST_VALUE:
        raise FrameRefused("number")
    return value


def _seconds(text: str, zone: ZoneInfo, now_s: float) -> float:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.timestamp()
        # The hour that autumn repeats names two moments; the meter means the one that is nearer.
        moments = (time.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
        return min(moments, key=lambda moment_s: abs(moment_s - now_s))
    except (ValueError, OverflowError) as error:
        raise FrameRefused("time") from error


def _reason(body: bytes) -> str:
    """Which part of a body with the right checksum breaks the grammar."""
    parts = body.split(b",")
    if len(parts) != 4:
        return "fields"
    for part, (reason, pattern) in zip(parts, (*_FIELDS, _FIELDS[-1]), strict=True):
        if not re.fullmatch(pattern, part):
            return reason
    raise AssertionError("the parts match although the whole does not")


def encode(sensor: str, time_s: float | None, flow: float | None, pressure: float | None, zone: ZoneInfo) -> bytes:
    """The frame of a reading, CR LF included: what a meter sends."""
    time = "" if time_s is None else datetime.fromtimestamp(time_s, UTC).astimezone(zone).isoformat()
    body = f"{sensor},{time},{format_number(flow)},{format_number(pressure)}".encode("ascii")
    return frame_of(body)


def frame_of(body: bytes) -> bytes:
    """`body` between ``$`` and its right checksum."""
    return b"$%s*%02X\r\n" % (body, checksum(body))
