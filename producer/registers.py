"""Modbus on the wire: requests for registers, finding the answer among other bytes, and its value.

Two framings: RTU messages end with a CRC; Modbus TCP messages start with a header that numbers them. A `transaction` is
that number, from 1 on; 0 means RTU.
"""

import math
import struct
from collections.abc import Sequence
from typing import Literal, cast

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer.rtu import FramerRTU
from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from common.errors import FrameRefused
from common.meters import FUNCTIONS, Asked, Register
from producer.overheard import Frame, frames

_REQUESTS = {"holding": ReadHoldingRegistersRequest, "input": ReadInputRegistersRequest}
_EXCEPTIONS = {
    1: "it does not have this function",
    2: "it has no such address",
    3: "it does not allow this number of registers",
    4: "it failed",
    5: "it needs more time",
    6: "it is busy",
    10: "the gateway has no path to it",
    11: "it does not answer behind the gateway",
}
UNREACHABLE = (_EXCEPTIONS[10], _EXCEPTIONS[11])  # said by a gateway, not by the unit
RECENT = 10  # requests of Modbus TCP that may still be answered
LEAST_NORMAL = {"float32": 2.0**-126, "float64": 2.0**-1022}  # nothing is measured as finely as below these
_rtu, _tcp = FramerRTU(DecodePDU(False)), FramerSocket(DecodePDU(False))


def request(asked: Asked, transaction: int = 0) -> bytes:
    """The request to a unit for registers, including CRC or header."""
    kind = _REQUESTS[asked.function]
    pdu = kind(dev_id=asked.unit, address=asked.address, count=asked.count, transaction_id=transaction)
    return (_tcp if transaction else _rtu).buildFrame(pdu)


def answer(asked: Asked, buffer: bytes, transaction: int = 0) -> tuple[list[int], str] | None:
    """The registers in a unit's answer, or the reason of its refusal; None if the answer is incomplete.

    It may be anywhere among other bytes: noise, the request's echo, the end of an older answer.
    """
    size = 2 * asked.count
    function = FUNCTIONS[asked.function]
    if (data := _found(buffer, asked.unit, bytes((function, size)), size, transaction)) is not None:
        return [int.from_bytes(data[place : place + 2], "big") for place in range(0, size, 2)], ""
    if (code := _found(buffer, asked.unit, bytes((function | 0x80,)), 1, transaction)) is not None:
        return [], _EXCEPTIONS.get(code[0], f"exception {code[0]}")
    return None


def unlike(asked: Asked, buffer: bytes, heard: Sequence[Frame]) -> tuple[str, str]:
    """Why RTU bytes, and the valid frames in them, are no answer: a reason for the counter, and a text for people."""
    heard = [frame for frame in heard if not frame.question]
    if not buffer.replace(request(asked), b"", 1):
        return "timeout", "only the echo of the request came"
    if len(buffer) > 8 and buffer[2:6] == (len(buffer) - 6).to_bytes(4, "big"):
        return "framing", 'the answer is one of Modbus TCP: write line.modbus.framing = "tcp"'
    if others := [frame for frame in heard if frame.unit != asked.unit]:
        return "unit", f"unit {others[0].unit} answers instead of unit {asked.unit}"
    if heard and heard[0].function == FUNCTIONS[asked.function]:
        return "length", f"it answers with {heard[0].bytes[2]} bytes instead of {2 * asked.count}"
    return "checksum", "no answer with a valid checksum"


def unlike_tcp(asked: Asked, buffer: bytes, transaction: int) -> tuple[str, str]:
    """The same for Modbus TCP."""
    if any(frame.answers(asked) for frame in frames(buffer)):
        return "framing", 'the answer is one of Modbus RTU: write line.modbus.framing = "rtu"'
    if len(buffer) < 9 or buffer[2:4] != b"\0\0":
        return "framing", "what came is no message of Modbus TCP: is this the right port?"
    number, unit = int.from_bytes(buffer[:2], "big"), buffer[6]
    if 0 < number < transaction <= number + RECENT:
        return "late", "the answer to an earlier request came: make line.modbus.timeout_seconds longer"
    if number != transaction:
        text = (
            f"the answer has the transaction number {number} instead of {transaction}: the gateway does not return it"
        )
        return "transaction", text + ', try its port for RTU over TCP with line.modbus.framing = "rtu"'
    if unit != asked.unit:
        return "unit", f"unit {unit} answers instead of unit {asked.unit}"
    return "length", "the answer has another length"


def _found(buffer: bytes, unit: int, head: bytes, size: int, transaction: int) -> bytes | None:
    """The `size` bytes after `head` in the first complete message of that unit."""
    begin, crc = bytes((unit,)) + head, 2
    if transaction:
        begin, crc = struct.pack(">HHH", transaction, 0, len(begin) + size) + begin, 0
    length = len(begin) + size
    place = buffer.find(begin)
    while place >= 0 and len(message := buffer[place : place + length + crc]) == length + crc:
        if transaction or FramerRTU.check_CRC(message[:length], int.from_bytes(message[length:], "big")):
            return message[len(begin) : length]
        place = buffer.find(begin, place + 1)
    return None


def value(register: Register, registers: Sequence[int]) -> float:
    """The scaled value of registers, in the register's measure.

    Raises:
        FrameRefused: not a number (number); one so small that only a wrong byte or word order makes it (denormal).
    """
    return raw_number(register, registers) * register.scale + register.offset


def raw_number(register: Register, registers: Sequence[int]) -> float:
    """The number in registers.

    Raises:
        FrameRefused: as for `value`.
    """
    raw = decoded(register, registers)
    if not math.isfinite(raw):
        raise FrameRefused("number")
    if 0 < abs(raw) < LEAST_NORMAL.get(register.type, 0):
        raise FrameRefused("denormal")
    return raw


def decoded(register: Register, registers: Sequence[int]) -> float:
    """The number in registers, however strange; NaN if there is none."""
    words = list(registers)
    if register.byte_order == "little":
        words = [(word & 255) << 8 | word >> 8 for word in words]
    if register.type.startswith("bcd"):
        return _decimal(words if register.word_order == "big" else words[::-1])
    kind = ModbusClientMixin.DATATYPE[register.type.upper()]
    order = cast("Literal['big', 'little']", register.word_order)
    raw = ModbusClientMixin.convert_from_registers(words, kind, order)
    return raw if isinstance(raw, int | float) else math.nan


def _decimal(words: list[int]) -> float:
    digits = "".join(f"{word:04x}" for word in words)
    return int(digits) if digits.isdecimal() else math.nan  # else there is a digit above 9
