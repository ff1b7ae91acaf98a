"""Frames described in ``[line.format]``: ``start body [mark checksum] end``, from their bytes to a reading."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from common.errors import FrameRefused
from common.logging_setup import quoted
from common.meters import Format
from common.row import MOST_SENSORS, SENSOR_ID
from common.units import MEASURES
from producer.ascii import Reading
from producer.described_checks import check_format
from producer.described_fields import Fields, text_of
from producer.described_frame import Envelope
from producer.frames import Framer
from producer.totals import Rate

LONGEST = 512  # bytes of a frame: some instruments send many values in one line
LONGEST_ANSWER = 4096  # the same, of one that was asked for: some tell all that they know
MOST_STRANGE = 8  # unknown units that are named
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
        self._envelope, self._body = Envelope(form), Fields(form)
        check_format(form, self._body.names, self._envelope.overhead)
        self._rates: dict[str, Rate] = {}
        self._strange: dict[tuple[str, str], str] = {}  # by sensor and channel

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
        return self._envelope.framer(refused, self._longest, self.proof)

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
        fields = self._body.split(self._envelope.body(frame))
        sensor = text_of(fields, "sensor") or self._form.sensor
        if not SENSOR_ID.fullmatch(sensor):
            raise FrameRefused("sensor")
        time_s = self._body.seconds(text_of(fields, "time"), self._own_zones.get(sensor, zone), now_s)
        strange: list[tuple[str, str]] = []
        values = {channel.name: self._body.value(channel, fields, strange) for channel in self._body.channels}
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
            form, total = self._form, self._body.channels[-1]
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
