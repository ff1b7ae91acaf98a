"""Frames described in ``[line.format]``: ``start body [mark checksum] end``.

The body is split at a separator, or matched by a regular expression with named groups. RE2 runs in time linear in the
frame, so no expression can stall the line and none has to be forbidden.
"""

import re
from collections import Counter
from datetime import datetime
from functools import reduce
from operator import xor
from typing import Any
from zoneinfo import ZoneInfo

from common.errors import FrameRefused, SettingsError
from common.meters import FIELDS, FLOW_MEASURES, PRESSURE_MEASURES, Format
from common.row import SENSOR_ID
from producer.ascii import Reading, moment, seconds
from producer.frames import CheckByteFramer, Framer

DAY_S = 86_400.0
LONGEST = 512  # bytes of a frame: some instruments send many values in one line
MOST_VALUE = 1e6  # m3/h or bar: far more than any pipe; larger values are damage
_DIGITS = {"none": 0, "bcc": 0, "xor": 2, "sum": 2, "crc16": 4}
# With an exponent, as some instruments write; no other letters: "nan" and "inf" are no values.
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(?:[eE][+-]?[0-9]{1,2})?")
_NOTHING = re.compile(r"[-+*?/.:#_ A-Za-z]*")  # in place of a value: nothing, ----, null, ERR, nan
_SIGN_BEFORE = re.compile(r"([+-]) +(.+)")
_SIGN_BEHIND = re.compile(r"([0-9.x]+) *([+-])")
_MIDNIGHT = re.compile(r"(?<![0-9])24:00(?::00(?:\.0+)?)?(?![0-9])")  # the end of the day
_UNIX = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,6})?")
_SAMPLE = datetime(2024, 8, 26, 16, 33)  # checks that a time format has date, hour and minute


class Described:
    """Frames as described in the settings."""

    def __init__(self, form: Format) -> None:
        """Check combinations of keys.

        Raises:
            SettingsError: names the key.
        """
        self._form = form
        self._start, self._end = form.start.encode("latin-1"), form.end.encode("latin-1")
        self._mark = form.checksum_mark.encode("latin-1")
        self._digits = _DIGITS[form.checksum]
        self._separator = form.separator.encode("latin-1")
        self._pattern = _compiled(form.pattern) if form.pattern else None
        _check_fields(form, [_text(name) for name in self._pattern.groupindex] if self._pattern else list(form.fields))
        _check_time(form.time)
        if form.checksum == "bcc" and not form.start:
            raise SettingsError("line.format.start", 'is empty; with a check byte frames need one: start = "\\u0002"')

    def framer(self, refused: Counter[str]) -> Framer:
        """The framer that cuts the line into these frames."""
        kind = CheckByteFramer if self._form.checksum == "bcc" else Framer
        return kind(refused, self._start, self._end, LONGEST)

    def parse(self, frame: bytes, zone: ZoneInfo, now_s: float) -> Reading:
        """Parse a frame, from its start mark to before its end.

        Raises:
            FrameRefused: `reason` is long, checksum, fields, sensor, time or number.
        """
        if len(frame) > LONGEST:
            raise FrameRefused("long")
        fields = self._fields(self._checked(frame[len(self._start) :]))
        form = self._form
        sensor = fields.get("sensor") or form.sensor
        if not SENSOR_ID.fullmatch(sensor):
            raise FrameRefused("sensor")
        flow = self._number(fields.get("flow", ""), form.flow_scale, form.flow_offset)
        pressure = self._number(fields.get("pressure", ""), form.pressure_scale, form.pressure_offset)
        return Reading(
            sensor,
            self._seconds(fields.get("time", ""), zone, now_s),
            _within(flow, FLOW_MEASURES[form.flow_measure]),
            _within(pressure, PRESSURE_MEASURES[form.pressure_measure]),
        )

    def _checked(self, text: bytes) -> bytes:
        """The body, after checking its checksum."""
        if self._form.checksum == "bcc":
            return self._checked_by_byte(text)
        if not self._digits:
            return text
        body, mark, digits = text[: -self._digits - len(self._mark)], self._mark, text[-self._digits :]
        if text != body + mark + digits:
            raise FrameRefused("checksum")
        parts = {"start": self._start, "body": body, "mark": mark}
        right = checksum_text(
            self._form.checksum,
            b"".join(parts[name] for name in self._form.checksum_covers),
            self._form.checksum_first,
        )
        if digits.upper() != right:
            raise FrameRefused("checksum")
        return body

    def _checked_by_byte(self, text: bytes) -> bytes:
        """The body before the end mark and the check byte: the XOR of both, and of the start mark if it is covered."""
        covered = (self._start if "start" in self._form.checksum_covers else b"") + text[:-1]
        if reduce(xor, covered, 0) != text[-1]:
            raise FrameRefused("checksum")
        return text[: -1 - len(self._end)]

    def _fields(self, body: bytes) -> dict[str, str]:
        if self._pattern:
            match = self._pattern.fullmatch(body)
            if match is None:
                raise FrameRefused("fields")
            found = match.groupdict()
            return {_text(name): _text(value or b"").strip() for name, value in found.items()}
        values = body.split(self._separator) if self._separator else body.split()
        if len(values) != len(self._form.fields):
            raise FrameRefused("fields")
        return {name: _text(value).strip() for name, value in zip(self._form.fields, values, strict=True)}

    def _number(self, text: str, scale: float, offset: float) -> float | None:
        if _NOTHING.fullmatch(text):
            return None
        if self._form.decimal == ",":
            text = text.replace(".", "x").replace(",", ".")
        text = _SIGN_BEHIND.sub(r"\2\1", text) if text[-1] in "+-" else _SIGN_BEFORE.sub(r"\1\2", text)
        if not _NUMBER.fullmatch(text):
            raise FrameRefused("number")
        return float(text) * scale + offset

    def _seconds(self, text: str, zone: ZoneInfo, now_s: float) -> float | None:
        if not text:
            return None
        if _MIDNIGHT.search(text):
            at_midnight = self._seconds(_MIDNIGHT.sub(lambda found: found[0].replace("24", "00", 1), text), zone, now_s)
            return None if at_midnight is None else at_midnight + DAY_S
        if self._form.time == "iso":
            return seconds(text, zone, now_s)
        if self._form.time == "unix":
            if not _UNIX.fullmatch(text):
                raise FrameRefused("time")
            return float(text)
        try:
            return moment(datetime.strptime(text, self._form.time), zone, now_s)
        except (ValueError, OverflowError) as error:
            raise FrameRefused("time") from error


def checksum_text(kind: str, covered: bytes, first: str = "high") -> bytes:
    """The checksum in upper-case hex; `first`: the byte of a CRC-16 (Modbus) that comes first."""
    if kind == "crc16":
        return crc16(covered).to_bytes(2, "big" if first == "high" else "little").hex().upper().encode()
    return b"%02X" % (reduce(xor, covered, 0) if kind == "xor" else sum(covered) % 256)


def crc16(data: bytes) -> int:
    """The CRC-16 of Modbus: polynomial 0x8005 reflected, from 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _within(value: float | None, factor: float) -> float | None:
    if value is None:
        return None
    if not abs(value * factor) < MOST_VALUE:
        raise FrameRefused("number")
    return value * factor


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _compiled(pattern: str) -> Any:
    import re2  # noqa: PLC0415 - only for lines described by an expression

    options = re2.Options()
    options.log_errors = False  # it would print to standard error; the exception has the message
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        return re2.compile(pattern.encode("latin-1"), options)
    except UnicodeEncodeError as error:
        raise SettingsError("line.format.pattern", f"must be characters below U+0100, is {pattern!r}") from error
    except re2.error as error:
        raise SettingsError("line.format.pattern", f"is not a valid RE2 expression: {_text(error.args[0])}") from error


def _check_fields(form: Format, names: list[str]) -> None:
    key = "line.format.pattern" if form.pattern else "line.format.fields"
    if form.pattern and form.fields:
        raise SettingsError("line.format.fields", "describes the body, and so does line.format.pattern: keep one")
    if wrong := next((name for name in names if name not in FIELDS), None):
        raise SettingsError(key, f"{wrong!r} is not a field; fields are {', '.join(FIELDS)}")
    if "flow" not in names and "pressure" not in names:
        raise SettingsError(key, "names neither flow nor pressure")
    if "sensor" not in names and not form.sensor:
        raise SettingsError("line.format.sensor", "is empty, and frames do not name a sensor")


def _check_time(form: str) -> None:
    if form in ("iso", "unix"):
        return
    try:
        good = datetime.strptime(_SAMPLE.strftime(form), form).replace(tzinfo=None) == _SAMPLE
    except ValueError:
        good = False
    if not good:
        raise SettingsError(
            "line.format.time",
            f'must be "iso", "unix" or a form with date, hour and minute like "%d.%m.%Y %H:%M:%S", is {form!r}; '
            'for an incomplete time use the field "ignore"',
        )
