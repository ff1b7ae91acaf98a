"""Settings of meters that do not send hydrolog's own frames: described lines and polled registers."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from common.row import SENSOR_ID
from common.settings_checks import Check, between, key, one_of, spelt_out, time_zone
from common.sums import SUMS
from common.units import FLOW_MEASURES, MEASURES, PRESSURE_MEASURES, VOLUME_MEASURES

LATE_TIMEOUTS = 3  # an answer later than this is not expected any more
SILENT_POLLS = 2.5  # polls without an answer, so that one may be lost: then a slowly polled meter counts as silent
# The fields that a described frame may have; a measure is the unit of a value, as text.
FIELDS = (
    *("sensor", "time", "flow", "pressure", "total", "flow_measure", "pressure_measure", "total_measure"),
    "ignore",
)
# 16-bit registers per value.
TYPES = {
    **{"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4, "float64": 4},
    **{"bcd16": 1, "bcd32": 2, "bcd64": 4},  # four decimal digits per register
}
FUNCTIONS = {"holding": 3, "input": 4}  # the function code that reads this kind of register
PARTS = ("", "+", "-", "exponent")  # of a value that stands in several registers; empty: it stands in one

_NOT_ZERO: Check = lambda value: None if value else "must not be 0"  # noqa: E731 - a check like the others


def _sensor(value: str) -> str | None:
    good = value == "" or SENSOR_ID.fullmatch(value)
    return None if good else f"must be a sensor's id: letters, digits, '_', '.', ':', '-', at most 32, is {value!r}"


def _marker(value: str) -> str | None:
    return spelt_out(value) or _short(value, 8)


def _short(value: str, most: int) -> str | None:
    good = len(value) <= most and all(ord(character) < 256 for character in value)
    return None if good else f"must be at most {most} characters below U+0100, is {value!r}"


def _fields(value: tuple[str, ...]) -> str | None:
    if wrong := next((name for name in value if name not in FIELDS), None):
        return f"{wrong!r} is not a field; fields are {', '.join(FIELDS)}"
    twice = next((name for name in value if name != "ignore" and value.count(name) > 1), None)
    return f"names {twice} twice" if twice else None


def _covers(value: tuple[str, ...]) -> str | None:
    known = ("start", "body", "mark")
    wrong = next((name for name in value if name not in known), None)
    if wrong or "body" not in value or list(value) != [name for name in known if name in value]:
        return f'must be ["body"], with "start" before and "mark" after it if they are covered, is {list(value)}'
    return None


@dataclass(frozen=True)
class Format:
    """One frame of a described line: ``start body [mark checksum] end``."""

    start: str = key("", _marker)
    end: str = key("\r\n", _marker)  # empty where all frames have the same length
    length: int = key(0, between(0, 512))  # bytes of a frame from its start to its end; 0: the end mark shows it
    separator: str = key(",", _marker)
    fields: tuple[str, ...] = key([], _fields)  # the body's fields, in order
    pattern: str = key("")  # a regular expression with groups named like the fields, instead of separator and fields
    sensor: str = key("", _sensor)  # the sensor, if the frame does not name it
    time: str = key("iso")  # or unix, unix-ms, or a strptime format
    decimal: str = key(".", one_of(".", ","))
    digits: str = key("text", one_of("text", "bcd"))  # "bcd": two decimal digits in each byte
    digits_first: str = key("high", one_of("high", "low"))  # the byte of packed digits that comes first
    flow_scale: float = key(1.0, _NOT_ZERO)
    flow_offset: float = key(0.0)
    flow_measure: str = key("m3/h", one_of(*FLOW_MEASURES))
    pressure_scale: float = key(1.0, _NOT_ZERO)
    pressure_offset: float = key(0.0)
    pressure_measure: str = key("bar", one_of(*PRESSURE_MEASURES))
    total_scale: float = key(1.0, _NOT_ZERO)  # of a counter, from which the flow is computed
    total_measure: str = key("m3", one_of(*VOLUME_MEASURES))
    rolls_over_at: float = key(0.0, between(0, 2.0**64))  # the number after the counter's last one; 0: it never ends
    most_m3h: float = key(10_000.0, between(0.001, 1e6))  # a total that changes faster was set by hand
    checksum: str = key("none", one_of("none", *SUMS, "bcc"))
    checksum_mark: str = key("*", _marker)  # the text between body and checksum
    checksum_covers: tuple[str, ...] = key(["body"], _covers)
    checksum_first: str = key("high", one_of("high", "low"))  # the byte that comes first, of a checksum of two


@dataclass(frozen=True)
class Register:
    """One value of a Modbus meter: address, encoding, sensor and channel."""

    sensor: str = key("", lambda value: _sensor(value) if value else "is missing: the sensor of this value")
    channel: str = key("", one_of(*MEASURES))
    unit: int = key(1, between(0, 255))
    function: str = key("holding", one_of("holding", "input"))
    address: int = key(0, between(0, 65_535))
    type: str = key("uint16", one_of(*TYPES))
    byte_order: str = key("big", one_of("big", "little"))  # within a register
    word_order: str = key("big", one_of("big", "little"))  # order of the registers
    scale: float = key(1.0, _NOT_ZERO)
    offset: float = key(0.0)
    measure: str = key("")  # empty: m3/h, bar or m3
    rolls_over_at: float = key(0.0, between(0, 2.0**64))  # total: raw value of a rollover; 0: end of the type
    most_m3h: float = key(10_000.0, between(0.001, 1e6))  # a total that changes faster was set by hand
    part: str = key("", one_of(*PARTS))  # added, subtracted, or the power of ten of the others

    @property
    def count(self) -> int:
        """Its 16-bit registers."""
        return TYPES[self.type]

    @property
    def unit_name(self) -> str:
        """The unit, for people."""
        return f"unit {self.unit}"

    @property
    def place(self) -> str:
        """Where the value stands, for people."""
        return f"sensor {self.sensor} {self.channel}, unit {self.unit}, {self.function} register {self.address}"


@dataclass(frozen=True)
class Modbus:
    """A bus that is polled."""

    section: ClassVar[str] = "line.modbus"

    poll_seconds: float = key(5.0, between(0.2, 3600))
    timeout_seconds: float = key(0.5, between(0.05, 10))  # for one answer
    registers: tuple[Register, ...] = field(default=())
    framing: str = key("rtu", one_of("rtu", "tcp"))  # "tcp": Modbus TCP with its own header
    pause_seconds: float = key(0.0, between(0, 10))  # between an answer and the next question; 3.5 characters at least
    block_registers: int = key(32, between(1, 125))  # read by one question at most; 1: each value by its own question

    @property
    def lost_seconds(self) -> float:
        """By a question that nobody answers."""
        return self.timeout_seconds


def _question(value: str) -> str | None:
    return spelt_out(value) or _short(value, 64) if value else "is empty: what is sent to the meter"


@dataclass(frozen=True)
class TextMeter:
    """A meter that answers when a text is sent to it."""

    text: str = key("", _question)
    sensor: str = key("", _sensor)  # if the answer does not name it; if it does, only this sensor's answer counts


@dataclass(frozen=True)
class TextBus:
    """Meters that are asked in text, in turn; their answers are described lines."""

    section: ClassVar[str] = "line.ask"
    block_registers: ClassVar[int] = 1
    poll_seconds: float = key(5.0, between(0.2, 3600))
    timeout_seconds: float = key(1.0, between(0.05, 60))  # without a byte of the answer
    pause_seconds: float = key(0.0, between(0, 10))  # between an answer and the next question
    meters: tuple[TextMeter, ...] = field(default=())

    @property
    def lost_seconds(self) -> float:
        """By a question that nobody answers: so long the answer to the next one may be its late one."""
        return LATE_TIMEOUTS * self.timeout_seconds


class Pace(Protocol):
    """How often meters are asked, and how long for an answer."""

    @property
    def section(self) -> str:
        """Of the settings."""

    @property
    def poll_seconds(self) -> float:
        """Between two rounds."""

    @property
    def timeout_seconds(self) -> float:
        """For one answer."""

    @property
    def lost_seconds(self) -> float:
        """By a question that nobody answers."""

    @property
    def block_registers(self) -> int:
        """The most registers of one question."""


class Asked(Protocol):
    """Registers of a unit that one question reads."""

    @property
    def unit(self) -> int:
        """The unit's address."""

    @property
    def function(self) -> str:
        """Of FUNCTIONS."""

    @property
    def address(self) -> int:
        """The first register."""

    @property
    def count(self) -> int:
        """How many."""


def _limits(value: tuple[float, ...]) -> str | None:
    good = not value or (len(value) == 2 and value[0] < value[1])
    return None if good else f"must be the lowest and the highest value, like [0, 500], is {list(value)}"


def limits_key() -> Any:
    """The lowest and the highest value of a channel; empty: none."""
    return key([], _limits)


def zone_key() -> Any:
    """The zone of a meter's clock; empty: none of its own."""
    return key("", lambda value: time_zone(value) if value else None)


@dataclass(frozen=True)
class SensorLimits:
    """Which values of one sensor were measured, and its clock's zone; what is empty is as for the whole line."""

    sensor: str = key("", lambda value: _sensor(value) if value else "is missing: the sensor that this is about")
    flow_no_value: tuple[float, ...] = key([])  # numbers that the meter sends in place of a value
    flow_limits: tuple[float, ...] = limits_key()  # m3/h
    pressure_no_value: tuple[float, ...] = key([])
    pressure_limits: tuple[float, ...] = limits_key()  # bar
    zone: str = zone_key()  # of its clock


def measure_factor(register: Register) -> float:
    """The factor that converts a register's scaled value to m3/h, bar or m3.

    Raises:
        KeyError: the measure does not belong to the channel.
    """
    known: dict[str, Any] = MEASURES[register.channel]
    return float(known[register.measure]) if register.measure else 1.0
