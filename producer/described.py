"""Frames described in ``[line.format]``: ``start body [mark checksum] end``.

The body is split at a separator, or matched by a regular expression with named groups. RE2 runs in time linear in the
frame, so no expression can stall the line and none has to be forbidden.
"""

import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from common.errors import FrameRefused
from common.logging_setup import quoted
from common.measures import unit
from common.meters import Format
from common.row import MOST_SENSORS, SENSOR_ID
from common.time_text import parsed
from common.units import FLOW_MEASURES, MEASURES, PRESSURE_MEASURES, VOLUME_MEASURES
from producer import digits
from producer.ascii import Reading, moment, seconds
from producer.described_checks import check_format, compiled, field_names
from producer.frames import CheckByteFramer, FixedFramer, Framer
from producer.totals import MOST_TOTAL_M3, Rate

DAY_S = 86_400.0
LONGEST = 512  # bytes of a frame: some instruments send many values in one line
LONGEST_ANSWER = 4096  # the same, of one that was asked for: some tell all that they know
MOST_VALUE = 1e6  # m3/h or bar: far more than any pipe; larger values are damage
MOST_STRANGE = 8  # unknown units that are named
_DIGITS = {"none": 0, "bcc": 0, "xor": 2, "sum": 2, "crc16": 4}
_MIDNIGHT = re.compile(r"(?<![0-9])24:00(?::00(?:\.0+)?)?(?![0-9])")  # the end of the day
_UNIX = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,6})?")

_ENCODINGS = ("utf-8", "cp949")
_UTC = ZoneInfo("UTC")

_log = logging.getLogger(__name__)


class Measured(NamedTuple):
    """What a frame says, before a total becomes a flow."""

    reading: Reading
    total_m3: float | None = None
    strange: tuple[tuple[str, str], ...] = ()  # channels whose unit is not known, and its text

    def contradicts(self, before: "Measured | None") -> bool:
        """Whether an earlier frame of the same answer has another value of the same kind."""
        if before is None:
            return False
        pairs = [*zip(before.reading, self.reading, strict=True), (before.total_m3, self.total_m3)]
        return any(None not in pair and pair[0] != pair[1] for pair in pairs)

    def joined(self, before: "Measured | None") -> "Measured":
        """With what an earlier frame of the same answer said."""
        if before is None:
            return self
        known = {name: value for name, value in self.reading._asdict().items() if value is not None}
        total_m3 = before.total_m3 if self.total_m3 is None else self.total_m3
        return Measured(before.reading._replace(**known), total_m3, before.strange + self.strange)


class _Channel(NamedTuple):
    """How a number of the frame becomes a value."""

    name: str
    scale: float
    offset: float
    factor: float  # of the settings' measure; if the frame names the unit, that counts
    measure: str  # the field with the unit; empty if there is none
    most: float


class Described:
    """Frames as described in the settings."""

    def __init__(
        self,
        form: Format,
        refused: Counter[str] | None = None,
        steady_s: Callable[[], float] = lambda: 0.0,
        poll_s: float = 0.0,
        own_zones: Mapping[str, ZoneInfo] = MappingProxyType({}),
    ) -> None:
        """Check combinations of keys. `refused` counts values of unknown units; `steady_s`: the monotonic time of
        arrival, for totals without a time; `poll_s`: between two readings, if they are asked for; `own_zones`: of
        sensors whose clock has another zone than the line's.

        Raises:
            SettingsError: names the key.
        """
        self._form = form
        self._refused = Counter() if refused is None else refused
        self._steady_s, self._poll_s, self._own_zones = steady_s, poll_s, own_zones
        self._longest = LONGEST_ANSWER if poll_s else LONGEST
        self._start, self._end = form.start.encode("latin-1"), form.end.encode("latin-1")
        self._mark = form.checksum_mark.encode("latin-1")
        self._digits = _DIGITS[form.checksum]
        self._separator = form.separator.encode("latin-1")
        self._pattern = compiled(form.pattern) if form.pattern else None
        self._names = field_names(form)
        check_format(form, self._names, overhead=len(self._start) + self._proof_bytes())
        self._channels = self._described_channels()
        self._rates: dict[str, Rate] = {}
        self._strange: dict[tuple[str, str], str] = {}  # by sensor and channel

    def _described_channels(self) -> list[_Channel]:
        form = self._form
        flow, pressure = FLOW_MEASURES[form.flow_measure], PRESSURE_MEASURES[form.pressure_measure]
        known = (
            _Channel("flow", form.flow_scale, form.flow_offset, flow, "flow_measure", MOST_VALUE),
            _Channel("pressure", form.pressure_scale, form.pressure_offset, pressure, "pressure_measure", MOST_VALUE),
            _Channel(
                "total", form.total_scale, 0.0, VOLUME_MEASURES[form.total_measure], "total_measure", MOST_TOTAL_M3
            ),
        )
        names = self._names
        return [each if each.measure in names else each._replace(measure="") for each in known if each.name in names]

    def _proof_bytes(self) -> int:
        """Of a checksum with its mark."""
        return len(self._mark) + self._digits if self._digits else int(self._form.checksum == "bcc")

    @property
    def problem(self) -> str:
        """The units that nobody knows; empty if there are none."""
        return "; ".join(
            f"sensor {sensor} sends its {channel} in {quoted(text)}: this unit is unknown, so it is no value; known "
            f"are {', '.join(MEASURES[channel])}"
            for (sensor, channel), text in self._strange.items()
        )

    def framer(self, refused: Counter[str]) -> Framer:
        """The framer that cuts the line into these frames."""
        if self._form.length:
            sure = bool(self._start) or self._form.checksum != "none"
            return FixedFramer(refused, self._start, self._form.length, self.proof, sure=sure)
        kind = CheckByteFramer if self._form.checksum == "bcc" else Framer
        return kind(refused, self._start, self._end, self._longest)

    def parse(self, frame: bytes, zone: ZoneInfo, now_s: float) -> Reading:
        """Parse a frame, from its start mark to before its end.

        Raises:
            FrameRefused: `reason` is long, checksum, fields, sensor, time or number.
        """
        return self.taken(self.read(frame, zone, now_s), self._steady_s())

    def proof(self, frame: bytes) -> str:
        """The reason why these bytes are no frame; empty if they are one."""
        try:
            self.read(frame, _UTC, 0.0)
        except FrameRefused as error:
            return error.reason
        return ""

    def read(self, frame: bytes, zone: ZoneInfo, now_s: float) -> Measured:
        """What a frame says; raises as `parse`."""
        if len(frame) > self._longest:
            raise FrameRefused("long")
        fields = self._fields(self._checked(frame[len(self._start) :]))
        sensor = _text(fields, "sensor") or self._form.sensor
        if not SENSOR_ID.fullmatch(sensor):
            raise FrameRefused("sensor")
        time_s = self._seconds(_text(fields, "time"), self._own_zones.get(sensor, zone), now_s)
        strange: list[tuple[str, str]] = []
        values = {channel.name: self._value(channel, fields, strange) for channel in self._channels}
        reading = Reading(sensor, time_s, values.get("flow"), values.get("pressure"))
        return Measured(reading, values.get("total"), tuple(strange))

    def taken(self, measured: Measured, arrived_s: float) -> Reading:
        """The reading; its flow is computed from a total, if it has one. `arrived_s` is monotonic."""
        reading, total_m3, strange = measured
        if strange or self._strange:
            self._note_units(reading, total_m3, dict(strange))
        if total_m3 is None:
            return reading
        rate = self._rates.get(reading.sensor)
        if rate is None:
            if len(self._rates) >= MOST_SENSORS:
                self._rates.clear()
            form, total = self._form, self._channels[-1]
            end_m3 = form.rolls_over_at * abs(total.scale) * total.factor
            rate = self._rates[reading.sensor] = Rate(end_m3, form.most_m3h, self._poll_s)
        flow = rate.at(total_m3, arrived_s if reading.time_s is None else reading.time_s)
        return reading._replace(flow=flow)

    def _note_units(self, reading: Reading, total_m3: float | None, strange: dict[str, str]) -> None:
        sensor = reading.sensor
        for channel, value in (("flow", reading.flow), ("pressure", reading.pressure), ("total", total_m3)):
            if value is not None:
                self._strange.pop((sensor, channel), None)
            elif channel in strange:
                self._refused[f"{channel}-measure"] += 1
                if (sensor, channel) not in self._strange and len(self._strange) < MOST_STRANGE:
                    self._strange[sensor, channel] = text = strange[channel]
                    _log.warning("measure_unknown sensor=%s channel=%s measure=%s", sensor, channel, quoted(text))

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

    def _fields(self, body: bytes) -> dict[str, bytes]:
        if self._pattern:
            match = self._pattern.fullmatch(body)
            if match is None:
                raise FrameRefused("fields")
            return {_name(name): value for name, value in match.groupdict().items()}
        values = body.split(self._separator) if self._separator else body.split()
        if len(values) != len(self._names):
            raise FrameRefused("fields")
        return dict(zip(self._names, values, strict=True))

    def _value(self, channel: _Channel, fields: dict[str, bytes], strange: list[tuple[str, str]]) -> float | None:
        """A channel's value in m3/h, bar or m3."""
        name, form, factor = channel.name, self._form, channel.factor
        if form.digits == "bcd":
            number = digits.of_packed(fields.get(name) or b"", form.digits_first)
        else:
            number = digits.of_text(_text(fields, name), form.decimal)
        if number is None:
            return None
        if channel.measure:
            known = unit(name, text := _text(fields, channel.measure))
            if known is None:
                strange.append((name, text))
                return None
            factor = MEASURES[name][known]
        value = (number * channel.scale + channel.offset) * factor
        if not abs(value) < channel.most:
            raise FrameRefused("number")
        return value

    def _seconds(self, text: str, zone: ZoneInfo, now_s: float) -> float | None:
        if not text:
            return None
        if self._form.time == "iso":
            if not _MIDNIGHT.search(text):
                return seconds(text, zone, now_s)
            return DAY_S + seconds(_MIDNIGHT.sub(lambda found: found[0].replace("24", "00", 1), text), zone, now_s)
        if self._form.time == "unix":
            if not _UNIX.fullmatch(text):
                raise FrameRefused("time")
            return float(text)
        try:
            return moment(parsed(text, self._form.time), zone, now_s)
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


def _text(fields: dict[str, bytes], name: str) -> str:
    """A field's text; units and halves of a day may be Korean."""
    raw = fields.get(name) or b""
    for encoding in _ENCODINGS:
        try:
            return raw.decode(encoding).strip()
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1").strip()


def _name(group: bytes | str) -> str:
    return group if isinstance(group, str) else group.decode("latin-1")
