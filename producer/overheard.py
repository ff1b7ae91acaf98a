"""Frames on an RS-485 line: every master and every unit hears all of them, and not all are ours.

An RTU answer does not name its question. Where another master asks the same unit, its answer looks like ours. Only the
question before it tells them apart, so all frames in the time of our question are looked at.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pymodbus.framer.rtu import FramerRTU

from common.meters import FUNCTIONS, Asked

_READ = (1, 2, 3, 4)
# A unit's address, then a function code or the code of a refusal. Others' own functions are never answers to ours.
_BEGIN = re.compile(rb"(?s)(?=.[\x01-\x06\x0f\x10\x16\x17\x81-\x86\x8f\x90\x96\x97])")


class Frame(NamedTuple):
    """One frame with a valid checksum."""

    begin: int  # its place among the bytes
    bytes: bytes
    question: bool  # from a master; an echoed write may also be the unit's confirmation

    @property
    def unit(self) -> int:
        return self.bytes[0]

    @property
    def function(self) -> int:
        return self.bytes[1] & 0x7F

    @property
    def end(self) -> int:
        return self.begin + len(self.bytes)

    def answers(self, asked: Asked) -> bool:
        """Whether it has the form of an answer to this question."""
        if self.question or self.unit != asked.unit or self.function != FUNCTIONS[asked.function]:
            return False
        return self.bytes[1] > 0x80 or self.bytes[2] == 2 * asked.count

    def describe(self) -> str:
        """Who was asked for what, for people."""
        name = {3: "holding register", 4: "input register"}.get(self.function, f"function {self.function}, address")
        address = int.from_bytes(self.bytes[2:4], "big")
        if self.function not in _READ:
            return f"unit {self.unit}, {name} {address}"
        count = int.from_bytes(self.bytes[4:6], "big")
        return f"unit {self.unit}, {name} {address}" + (f" to {address + count - 1}" if count > 1 else "")


def frames(heard: bytes) -> Iterator[Frame]:
    """The valid frames, first to last; none overlaps the one before it."""
    place = 0
    while match := _BEGIN.search(heard, place):
        place = match.start()
        frame = _frame_at(heard, place)
        if frame:
            yield frame
        place = frame.end if frame else place + 1


def _frame_at(heard: bytes, place: int) -> Frame | None:
    for length, question in _lengths(heard[place : place + 11]):
        if place + length > len(heard):
            continue
        frame = heard[place : place + length]
        if FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")):
            return Frame(place, frame, question)
    return None


def _lengths(head: bytes) -> Iterator[tuple[int, bool]]:
    """The lengths that a frame with this beginning can have, and whether it then is a question."""
    if len(head) < 5:
        return
    function, size = head[1], head[2]
    if function > 0x80:
        yield 5, False
    elif function in _READ:
        registers = function > 2
        if len(head) > 6 and head[4] <= (0 if registers else 7):  # at most 125 registers, or 2,000 bits
            yield 8, True
        if 0 < size <= 250 and not (registers and size % 2):
            yield 5 + size, False
    elif function in (5, 6):
        yield 8, True
    elif function == 22:
        yield 10, True
    elif function in (15, 16):
        yield 8, True
        if len(head) > 6:
            yield 9 + head[6], True
    elif function == 23:
        yield 5 + size, False
        if len(head) > 10:
            yield 13 + head[10], True
