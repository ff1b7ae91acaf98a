"""The same registers read in other ways, so that a person sees which one is right."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from common.meters import Register, measure_factor
from producer.registers import decoded

LEAST, MOST = 1e-3, 1e6  # m3/h, bar or m3: other readings beyond these are none of a pipe
_ORDERS = ("big", "little")
_OTHER_TYPES = {
    "int16": ("uint16", "bcd16"),
    "uint16": ("int16", "bcd16"),
    "bcd16": ("uint16",),
    "int32": ("uint32", "float32", "bcd32"),
    "uint32": ("int32", "float32", "bcd32"),
    "float32": ("uint32", "int32"),
    "bcd32": ("uint32",),
    "int64": ("uint64", "float64", "bcd64"),
    "uint64": ("int64", "float64", "bcd64"),
    "float64": ("uint64", "int64"),
    "bcd64": ("uint64",),
}


class OtherReading(NamedTuple):
    """A value, and the keys that make it."""

    value: float  # m3/h, bar or m3
    keys: str


def measured(register: Register, words: Sequence[int]) -> float:
    """The value in m3/h, bar or m3, also an impossible one."""
    return (decoded(register, words) * register.scale + register.offset) * measure_factor(register)


def other_readings(register: Register, words: Sequence[int]) -> list[OtherReading]:
    """The possible values that other keys make of these registers, the likelier keys first."""
    seen = {measured(register, words)}
    found: list[OtherReading] = []
    for other in _others(register):
        value = measured(other, words)
        if LEAST <= abs(value) < MOST and value not in seen:
            seen.add(value)
            found.append(OtherReading(value, _keys(register, other)))
    return found


def _others(register: Register) -> Iterator[Register]:
    """Other orders, then other types, each in the orders of the settings first."""
    for type_ in (register.type, *_OTHER_TYPES[register.type]):
        for byte_order in _ORDERS if register.byte_order == "big" else _ORDERS[::-1]:
            for word_order in _ORDERS if register.word_order == "big" else _ORDERS[::-1]:
                yield replace(register, type=type_, byte_order=byte_order, word_order=word_order)


def _keys(register: Register, other: Register) -> str:
    names = ("type", "byte_order", "word_order")
    changed = [(name, getattr(other, name)) for name in names if getattr(other, name) != getattr(register, name)]
    return ", ".join(f'{name} = "{value}"' for name, value in changed if name != "word_order" or other.count > 1)
