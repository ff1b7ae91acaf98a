"""The fields of a described frame's body: texts, times, and numbers with their units.

The body is split at a separator, or matched by a regular expression with named groups. RE2 runs in time linear in the
frame, so no expression can stall the line and none has to be forbidden.
"""

import re
from typing import NamedTuple
from zoneinfo import ZoneInfo

from common.errors import FrameRefused
from common.measures import unit
from common.meters import Format
from common.time_text import UNIX, parsed, unix_us
from common.units import FLOW_MEASURES, MEASURES, PRESSURE_MEASURES, VOLUME_MEASURES
from producer import digits
from producer.ascii import moment, seconds
from producer.described_checks import as_text, compiled, field_names
from producer.totals import MOST_TOTAL_M3

DAY_S = 86_400.0
MOST_VALUE = 1e6  # m3/h or bar: far more than any pipe; larger values are damage
_MIDNIGHT = re.compile(r"(?<![0-9])24:00(?::00(?:\.0+)?)?(?![0-9])")  # the end of the day
_ENCODINGS = ("utf-8", "cp949")


class Channel(NamedTuple):
    """How a number of the frame becomes a value."""

    name: str
    scale: float
    offset: float
    factor: float  # of the settings' measure; if the frame names the unit, that counts
    measure: str  # the field with the unit; empty if there is none
    most: float


class Fields:
    """Reads a body's fields as the settings describe them."""

    def __init__(self, form: Format) -> None:
        self._form = form
        self._separator = form.separator.encode("latin-1")
        self._pattern = compiled(form.pattern) if form.pattern else None
        self.names = field_names(form)
        self.channels = _channels(form, self.names)

    def split(self, body: bytes) -> dict[str, bytes]:
        """The fields by name.

        Raises:
            FrameRefused: the body has others.
        """
        if self._pattern:
            match = self._pattern.fullmatch(body)
            if match is None:
                raise FrameRefused("fields")
            return {as_text(name): value for name, value in match.groupdict().items()}
        values = body.split(self._separator) if self._separator else body.split()
        if len(values) != len(self.names):
            raise FrameRefused("fields")
        return dict(zip(self.names, values, strict=True))

    def value(self, channel: Channel, fields: dict[str, bytes], strange: list[tuple[str, str]]) -> float | None:
        """A channel's value in m3/h, bar or m3; if its unit is not known, that is added to `strange`.

        Raises:
            FrameRefused: it is no number, or an impossible one.
        """
        name, form, factor = channel.name, self._form, channel.factor
        if form.digits == "bcd":
            number = digits.of_packed(fields.get(name) or b"", form.digits_first)
        else:
            number = digits.of_text(text_of(fields, name), form.decimal)
        if number is None:
            return None
        if channel.measure:
            known = unit(name, text := text_of(fields, channel.measure))
            if known is None:
                strange.append((name, text))
                return None
            factor = MEASURES[name][known]
        value = (number * channel.scale + channel.offset) * factor
        if not abs(value) < channel.most:
            raise FrameRefused("number")
        return value

    def seconds(self, text: str, zone: ZoneInfo, now_s: float) -> float | None:
        """A time as seconds since 1970; None if there is none.

        Raises:
            FrameRefused: it is no time of the form.
        """
        if not text:
            return None
        form = self._form.time
        if form == "iso":
            if not _MIDNIGHT.search(text):
                return seconds(text, zone, now_s)
            return DAY_S + seconds(_MIDNIGHT.sub(lambda found: found[0].replace("24", "00", 1), text), zone, now_s)
        try:
            return unix_us(text, form) / 1e6 if form in UNIX else moment(parsed(text, form), zone, now_s)
        except (ValueError, OverflowError) as error:
            raise FrameRefused("time") from error


def text_of(fields: dict[str, bytes], name: str) -> str:
    """A field's text; units and halves of a day may be Korean."""
    raw = fields.get(name) or b""
    for encoding in _ENCODINGS:
        try:
            return raw.decode(encoding).strip()
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1").strip()


def _channels(form: Format, names: list[str]) -> list[Channel]:
    flow, pressure = FLOW_MEASURES[form.flow_measure], PRESSURE_MEASURES[form.pressure_measure]
    known = (
        Channel("flow", form.flow_scale, form.flow_offset, flow, "flow_measure", MOST_VALUE),
        Channel("pressure", form.pressure_scale, form.pressure_offset, pressure, "pressure_measure", MOST_VALUE),
        Channel("total", form.total_scale, 0.0, VOLUME_MEASURES[form.total_measure], "total_measure", MOST_TOTAL_M3),
    )
    return [each if each.measure in names else each._replace(measure="") for each in known if each.name in names]
