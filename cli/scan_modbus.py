"""Which Modbus units answer, and what their registers hold. Only reads; one question at a time, with a pause.

pymodbus sends and understands; how it came to nothing does not matter here, only whether there was an answer.
"""

import contextlib
import logging
import math
import struct
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from pymodbus import FramerType, ModbusException
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

LIKELY_UNITS = (*range(1, 11), 247)  # 247: the factory setting of several makers
ALL_UNITS = range(1, 248)
UNITS_OF_TCP = (1, 255, 0)  # a meter with its own network port
TIMEOUT_S = 0.25
TIMEOUT_TCP_S = 1.0
PAUSE_S = 0.02
WINDOW = 100  # registers from address 0
LEAST, MOST = 1e-3, 1e6  # a float beyond these is hardly a flow or a pressure
_CAN_NOT = (2, 3)  # exceptions: not this address, not this many
_GATEWAYS = (10, 11)  # exceptions: no way to this unit

Client = ModbusSerialClient | ModbusTcpClient


class Way(NamedTuple):
    """How to talk on a line."""

    url: str
    rate: int = 9600
    mode: str = "8N1"
    framing: str = "rtu"

    @property
    def on_network(self) -> bool:
        """Whether rate and mode mean nothing."""
        return self.url.startswith("socket://")


class UnitAnswer(NamedTuple):
    """A unit's answer: registers, or the number of its refusal."""

    registers: list[int]
    refusal: int


class Floats(NamedTuple):
    """Two registers as a number, in both orders; None where it is no likely value."""

    address: int
    high_first: float | None
    low_first: float | None


@contextlib.contextmanager
def opened(way: Way) -> Iterator[Client]:
    """A master on the line.

    Raises:
        ConnectionError: the line cannot be opened.
    """
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # silence is the usual answer here
    client: Client
    if way.on_network:
        place = urlsplit(way.url)
        framer = FramerType.SOCKET if way.framing == "tcp" else FramerType.RTU
        client = ModbusTcpClient(
            str(place.hostname), port=place.port or 502, framer=framer, timeout=TIMEOUT_TCP_S, retries=0
        )
    else:
        client = ModbusSerialClient(
            way.url,
            baudrate=way.rate,
            bytesize=int(way.mode[0]),
            parity=way.mode[1],
            stopbits=int(way.mode[2]),
            timeout=TIMEOUT_S,
            retries=0,
        )
    try:
        if not client.connect():
            raise ConnectionError(f"{way.url} cannot be opened")
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]


def ask(client: Client, unit: int, function: str, address: int, count: int) -> UnitAnswer | None:
    """Read registers of a unit; None if it did not answer."""
    time.sleep(PAUSE_S)
    read = client.read_holding_registers if function == "holding" else client.read_input_registers
    try:
        client.connect()  # a server may close the connection after each answer
        found = read(address, count=count, device_id=unit)
    except (ModbusException, OSError):
        return None
    if found.isError():
        return UnitAnswer([], int(found.exception_code))
    return UnitAnswer(list(found.registers), 0) if len(found.registers) == count else None


def units(client: Client, numbers: Iterable[int]) -> list[int]:
    """The units that answer, be it by a refusal; a gateway's word that a unit does not answer is none of its own."""
    answers = {number: ask(client, number, "holding", 0, 2) for number in numbers}
    return [number for number, answer in answers.items() if answer and answer.refusal not in _GATEWAYS]


def window(client: Client, unit: int, function: str, first: int, count: int) -> dict[int, int]:
    """The registers that a unit shows, by address. A block that it refuses is asked for by halves."""
    answer = ask(client, unit, function, first, count)
    if answer is None or (answer.refusal and (answer.refusal not in _CAN_NOT or count == 1)):
        return {}
    if not answer.refusal:
        return dict(enumerate(answer.registers, first))
    half = count // 2
    return window(client, unit, function, first, half) | window(client, unit, function, first + half, count - half)


def floats(registers: dict[int, int]) -> list[Floats]:
    """The pairs of registers that may be a float."""
    found = []
    for address in sorted(registers):
        if address + 1 in registers:
            high, low = registers[address], registers[address + 1]
            pair = Floats(address, _likely(high, low), _likely(low, high))
            if pair.high_first is not None or pair.low_first is not None:
                found.append(pair)
    return found


def _likely(high: int, low: int) -> float | None:
    (number,) = struct.unpack(">f", struct.pack(">HH", high, low))
    return number if math.isfinite(number) and LEAST <= abs(number) < MOST else None
