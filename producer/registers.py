"""Modbus on the wire: requests for registers, finding the answer among other bytes, and its value.

Two framings: RTU messages end with a CRC; Modbus TCP messages start with a header that numbers them. A `transaction` is
that number, from 1 on; 0 means RTU.
"""

import math
import struct
from typing import Literal, cast

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer.rtu import FramerRTU
from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from common.errors import FrameRefused
from common.meters import TYPES, Register

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
_rtu, _tcp = FramerRTU(DecodePDU(False)), FramerSocket(DecodePDU(False))


def request(register: Register, transaction: int = 0) -> bytes:
    """The request to a unit for a register, including CRC or header."""
    kind, count = _REQUESTS[register.function], TYPES[register.type]
    asked = kind(dev_id=register.unit, address=register.address, count=count, transaction_id=transaction)
    return (_tcp if transaction else _rtu).buildFrame(asked)


def answer(register: Register, buffer: bytes, transaction: int = 0) -> tuple[list[int], str] | None:
    """The registers in a unit's answer, or the reason of its refusal; None if the answer is incomplete.

    It may be anywhere among other bytes: noise, the request's echo, the end of an older answer.
    """
    size = 2 * TYPES[register.type]
    function = _REQUESTS[register.function].function_code
    if (data := _found(buffer, register.unit, bytes((function, size)), size, transaction)) is not None:
        return [int.from_bytes(data[place : place + 2], "big") for place in range(0, size, 2)], ""
    if (code := _found(buffer, register.unit, bytes((function | 0x80,)), 1, transaction)) is not None:
        return [], _EXCEPTIONS.get(code[0], f"exception {code[0]}")
    return None


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


def value(register: Register, registers: list[int]) -> float:
    """The scaled value of registers, in the register's measure.

    Raises:
        FrameRefused: not a number.
    """
    if register.byte_order == "little":
        registers = [(word & 255) << 8 | word >> 8 for word in registers]
    kind = ModbusClientMixin.DATATYPE[register.type.upper()]
    order = cast("Literal['big', 'little']", register.word_order)
    raw = ModbusClientMixin.convert_from_registers(registers, kind, order)
    if not isinstance(raw, int | float) or not math.isfinite(raw):
        raise FrameRefused("number")
    return raw * register.scale + register.offset
