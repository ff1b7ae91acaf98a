"""The ASCII frame: ``$<sensor>,<ISO time or nothing>,<flow>,<pressure>*<XX>``, ended by CR LF.

XX is the XOR of the bytes between ``$`` and ``*`` in hex, as in NMEA 0183. Flow is in m3/h, pressure in bar; an empty
field is no value. A time without UTC offset is local time. The grammar is strict because an XOR misses one damaged
frame in 256.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from common.errors import FrameRefused
from common.row import SENSOR_ID, format_number
from producer.frames import LONGEST_FRAME

_SENSOR = SENSOR_ID.pattern
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
# Six digits: far more than any pipe, but enough for the error codes of meters (9999, 65535), which belong in the row.
# Decimals: as many as a program prints for a double.
_NUMBER = r"[+-]?[0-9]{1,6}(?:\.[0-9]{1,17})?"
_BODY = re.compile(rf"({_SENSOR}),({_TIME})?,({_NUMBER})?,({_NUMBER})?")
_TIME_ALONE = re.compile(_TIME)
_FIELDS = (("sensor", _SENSOR), ("time", rf"(?:{_TIME})?"), ("number", rf"(?:{_NUMBER})?"))
# The same for a block of frames, for the fast path: possessive quantifiers, and the time is checked later.
_FAST_NUMBER = r"([+-]?+[0-9]{1,6}+(?:\.[0-9]{1,17}+)?+)?+"
BLOCK = re.compile(
    rf"\$(([A-Za-z0-9][A-Za-z0-9_.:-]{{0,31}}+),([0-9T:+.Z-]{{0,32}}+),{_FAST_NUMBER},{_FAST_NUMBER})"
    r"\*([0-9A-Fa-f]{2})\r\n"
)
_HEX = {**{f"{digit:x}": digit for digit in range(16)}, **{f"{digit:X}": digit for digit in range(16)}}
CHECKSUMS = {high + low: 16 * _HEX[high] + _HEX[low] for high in _HEX for low in _HEX}


class Reading(NamedTuple):
    """A meter's reading; `time_s` is None if it has no clock."""

    sensor: str
    time_s: float | None  # seconds since 1970, UTC
    flow: float | None  # m3/h
    pressure: float | None  # bar


def checksum(body: bytes) -> int:
    """XOR of all bytes, by halving: ten operations instead of one per byte."""
    bits = int.from_bytes(body, "little")
    width = 8 * LONGEST_FRAME // 2
    while width >= 8:
        bits = (bits >> width) ^ (bits & ((1 << width) - 1))
        width //= 2
    return bits


def parse(frame: bytes, zone: ZoneInfo, now_s: float) -> Reading:
    """Parse a frame (from ``$`` to before the line end).

    Raises:
        FrameRefused: `reason` is long, checksum, fields, sensor, time or number.
    """
    if len(frame) > LONGEST_FRAME:
        raise FrameRefused("long")
    if frame[-3:-2] != b"*" or CHECKSUMS.get(frame[-2:].decode("latin-1")) != checksum(frame[1:-3]):
        raise FrameRefused("checksum")
    body = frame[1:-3].decode("latin-1")
    match = _BODY.fullmatch(body)
    if match is None:
        raise FrameRefused(_reason(body))
    sensor, time, flow, pressure = match.groups()
    return Reading(
        sensor,
        None if time is None else seconds(time, zone, now_s),
        None if flow is None else float(flow),
        None if pressure is None else float(pressure),
    )


def seconds(text: str, zone: ZoneInfo, now_s: float) -> float:
    """A frame's time as seconds since 1970.

    Raises:
        FrameRefused: not a valid time.
    """
    try:
        if not _TIME_ALONE.fullmatch(text):
            raise FrameRefused("time")
        return moment(datetime.fromisoformat(text), zone, now_s)
    except (ValueError, OverflowError) as error:
        raise FrameRefused("time") from error


def moment(time: datetime, zone: ZoneInfo, now_s: float) -> float:
    """A time as seconds since 1970; without UTC offset it is local time."""
    if time.tzinfo is not None:
        return time.timestamp()
    # A time in the repeated hour of autumn is ambiguous; the nearer one is meant.
    moments = (time.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    return min(moments, key=lambda moment_s: abs(moment_s - now_s))


def _reason(body: str) -> str:
    """The part of a body with a valid checksum that breaks the grammar."""
    parts = body.split(",")
    if len(parts) != 4:
        return "fields"
    for part, (reason, pattern) in zip(parts, (*_FIELDS, _FIELDS[-1]), strict=True):
        if not re.fullmatch(pattern, part):
            return reason
    raise AssertionError("the parts match although the whole does not")


def encode(sensor: str, time_s: float | None, flow: float | None, pressure: float | None, zone: ZoneInfo) -> bytes:
    """The frame of a reading as a meter sends it, including CR LF."""
    time = "" if time_s is None else datetime.fromtimestamp(time_s, UTC).astimezone(zone).isoformat()
    body = f"{sensor},{time},{format_number(flow)},{format_number(pressure)}".encode("ascii")
    return frame_of(body)


def frame_of(body: bytes) -> bytes:
    """`body` between ``$`` and its checksum."""
    return b"$%s*%02X\r\n" % (body, checksum(body))
