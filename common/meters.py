"""The settings of meters that do not send hydrolog's own frames: a described line, registers that are polled."""

from dataclasses import dataclass, field
from typing import Any

from common.row import SENSOR_ID
from common.settings_checks import Check, between, key, one_of

FIELDS = ("sensor", "time", "flow", "pressure", "ignore")  # what a field of a described frame may be
# Cubic metres an hour in one of each.
FLOW_MEASURES = {
    "m3/h": 1.0,
    "m3/min": 60.0,
    "m3/s": 3600.0,
    "m3/d": 1 / 24,
    "L/h": 0.001,
    "L/min": 0.06,
    "L/s": 3.6,
    "gpm": 0.2271247070,  # US gallons a minute
}
# Bar in one of each; metres and feet are of water at 4 degrees.
PRESSURE_MEASURES = {
    "bar": 1.0,
    "mbar": 0.001,
    "Pa": 1e-5,
    "kPa": 0.01,
    "MPa": 10.0,
    "m": 0.0980665,
    "kgf/cm2": 0.980665,
    "psi": 0.0689475729,
    "ft": 0.0298907,
}
# Cubic metres in one of each.
VOLUME_MEASURES = {"m3": 1.0, "L": 0.001, "gal": 0.003785411784}
MEASURES = {"flow": FLOW_MEASURES, "pressure": PRESSURE_MEASURES, "total": VOLUME_MEASURES}
# Sixteen-bit registers of one value.
TYPES = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4, "float64": 4}

_NOT_ZERO: Check = lambda value: None if value else "must not be 0"  # noqa: E731 - a check like its neighbours


def _sensor(value: str) -> str | None:
    good = value == "" or SENSOR_ID.fullmatch(value)
    return None if good else f"must be a sensor's id: letters, digits, '_', '.', ':', '-', at most 32, is {value!r}"


def _marker(value: str) -> str | None:
    good = len(value) <= 8 and all(ord(character) < 256 for character in value)
    return None if good else f"must be at most 8 characters below U+0100, is {value!r}"


def _end(value: str) -> str | None:
    return _marker(value) if value else "must not be empty: it is how the end of a frame is known"


def _fields(value: tuple[str, ...]) -> str | None:
    if wrong := next((name for name in value if name not in FIELDS), None):
        return f"{wrong!r} is no field; there are {', '.join(FIELDS)}"
    twice = next((name for name in value if name != "ignore" and value.count(name) > 1), None)
    return f"names {twice} twice" if twice else None


def _covers(value: tuple[str, ...]) -> str | None:
    known = ("start", "body", "mark")
    wrong = next((name for name in value if name not in known), None)
    if wrong or "body" not in value or list(value) != [name for name in known if name in value]:
        return f'must be ["body"], with "start" before it and "mark" behind it where they count, is {list(value)}'
    return None


@dataclass(frozen=True)
class Format:
    """One frame of a described line: ``start body [mark checksum] end``."""

    start: str = key("", _marker)
    end: str = key("\r\n", _end)
    separator: str = key(",", _marker)
    fields: tuple[str, ...] = key([], _fields)  # of the body, in order
    pattern: str = key("")  # an expression with groups named like the fields, instead of separator and fields
    sensor: str = key("", _sensor)  # whose reading it is, where the frame does not say
    time: str = key("iso")  # or how it is written, as in strptime
    decimal: str = key(".", one_of(".", ","))
    flow_scale: float = key(1.0, _NOT_ZERO)
    flow_offset: float = key(0.0)
    flow_measure: str = key("m3/h", one_of(*FLOW_MEASURES))
    pressure_scale: float = key(1.0, _NOT_ZERO)
    pressure_offset: float = key(0.0)
    pressure_measure: str = key("bar", one_of(*PRESSURE_MEASURES))
    checksum: str = key("none", one_of("none", "xor", "sum", "crc16"))
    checksum_mark: str = key("*", _marker)  # stands between the body and the checksum
    checksum_covers: tuple[str, ...] = key(["body"], _covers)
    checksum_first: str = key("high", one_of("high", "low"))  # which byte of a CRC-16 is written first


@dataclass(frozen=True)
class Register:
    """One value of a Modbus meter: where it is, how it is written, whose it is."""

    sensor: str = key("", lambda value: _sensor(value) if value else "is missing: whose value is it?")
    channel: str = key("", one_of(*MEASURES))
    unit: int = key(1, between(0, 255))
    function: str = key("holding", one_of("holding", "input"))
    address: int = key(0, between(0, 65_535))
    type: str = key("uint16", one_of(*TYPES))
    byte_order: str = key("big", one_of("big", "little"))  # within a register
    word_order: str = key("big", one_of("big", "little"))  # of the registers
    scale: float = key(1.0, _NOT_ZERO)
    offset: float = key(0.0)
    measure: str = key("")  # empty: m3/h, bar or m3
    rolls_over_at: float = key(0.0, between(0, 2.0**64))  # of a total, as it is read; 0: where its type ends
    most_m3h: float = key(10_000.0, between(0.001, 1e6))  # a total that runs faster was set, not filled


@dataclass(frozen=True)
class Modbus:
    """A bus that is polled."""

    poll_seconds: float = key(5.0, between(0.2, 3600))
    timeout_seconds: float = key(0.5, between(0.05, 10))  # for one answer
    registers: tuple[Register, ...] = field(default=())
    framing: str = key("rtu", one_of("rtu", "tcp"))  # "tcp": Modbus TCP with its own header


def measure_factor(register: Register) -> float:
    """By what a register's scaled value is multiplied to be m3/h, bar or m3.

    Raises:
        KeyError: its measure is none of its channel's.
    """
    known: dict[str, Any] = MEASURES[register.channel]
    return float(known[register.measure]) if register.measure else 1.0
