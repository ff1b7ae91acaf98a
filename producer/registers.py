"""Modbus RTU on the wire: requests for registers, the answer among whatever else the bus carries, and its value."""

import math
from typing import Literal, cast

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from common.errors import FrameRefused
from common.meters import TYPES, Register

_REQUESTS = {"holding": ReadHoldingRegistersRequest, "input": ReadInputRegistersRequest}
_EXCEPTIONS = {
    1: "it knows no such function",
    2: "it has no such address",
    3: "it allows no such number of registers",
    4: "it failed",
    5: "it needs more time",
    6: "it is busy",
    10: "the gateway has no path to it",
    11: "behind the gateway it does not answer",
}
_framer = FramerRTU(DecodePDU(False))


def request(register: Register) -> bytes:
    """What asks a unit for a register, its CRC included."""
    kind = _REQUESTS[register.function]
    return _framer.buildFrame(kind(dev_id=register.unit, address=register.address, count=TYPES[register.type]))


def answer(register: Register, buffer: bytes) -> tuple[list[int], str] | None:
    """The registers in a unit's answer, or why it refuses to give them; None if no whole answer has come.

    It may stand anywhere among other bytes: noise, the request's echo, the end of an older answer.
    """
    size = 2 * TYPES[register.type]
    function = _REQUESTS[register.function].function_code
    if (frame := _framed(buffer, bytes((register.unit, function, size)), 5 + size)) is not None:
        return [int.from_bytes(frame[place : place + 2], "big") for place in range(3, 3 + size, 2)], ""
    if (frame := _framed(buffer, bytes((register.unit, function | 0x80)), 5)) is not None:
        return [], _EXCEPTIONS.get(frame[2], f"exception {frame[2]}")
    return None


def _framed(buffer: bytes, head: bytes, length: int) -> bytes | None:
    """The first piece of that length with that head and a right CRC."""
    place = buffer.find(head)
    while place >= 0 and len(frame := buffer[place : place + length]) == length:
        if FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")):
            return frame
        place = buffer.find(head, place + 1)
    return None


def value(register: Register, registers: list[int]) -> float:
    """The value in registers, scaled, in the register's measure.

    Raises:
        FrameRefused: it is no number.
    """
    if register.byte_order == "little":
        registers = [(word & 255) << 8 | word >> 8 for word in registers]
    kind = ModbusClientMixin.DATATYPE[register.type.upper()]
    order = cast("Literal['big', 'little']", register.word_order)
    raw = ModbusClientMixin.convert_from_registers(registers, kind, order)
    if not isinstance(raw, int | float) or not math.isfinite(raw):
        raise FrameRefused("number")
    return raw * register.scale + register.offset
