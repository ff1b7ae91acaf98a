"""For tests: pymodbus's own server, in a process of its own, as two meters on a bus. Arguments: a tty, or a TCP port;
and the framing, "rtu" or "tcp".

Unit 1: flow 2.5 L/s as a float32 at 0, pressure 4110 tenths of kPa at 2, nothing readable at 3, NaN at 10.
Unit 2: a counter of millilitres at 100 (uint32, low word first) that runs at 10 L/s and rolls over at 1e9, very soon.
Other units do not answer.
"""

import asyncio
import sys
import time

from pymodbus import FramerType
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

ROLLS_OVER_AT = 1_000_000_000
FIRST = ROLLS_OVER_AT - 5_000
ML_PER_S = 10_000


async def main(place: str, framing: str) -> None:
    began_s = time.monotonic()

    async def count(_function: int, start: int, _address: int, _count: int, registers: list[int], _new: object) -> None:
        total = (FIRST + int((time.monotonic() - began_s) * ML_PER_S)) % ROLLS_OVER_AT
        registers[100 - start : 102 - start] = [total & 0xFFFF, total >> 16]

    meter = [
        SimData(0, values=2.5, datatype=DataType.FLOAT32),
        SimData(2, values=4110, datatype=DataType.UINT16),
        SimData(10, values=[0x7FC0, 0], datatype=DataType.REGISTERS),
    ]
    counter = [SimData(100, values=[0, 0], datatype=DataType.REGISTERS)]
    devices = [SimDevice(1, simdata=meter), SimDevice(2, simdata=counter, action=count)]
    if place.isdigit():
        address = ("127.0.0.1", int(place))
        framer = FramerType.SOCKET if framing == "tcp" else FramerType.RTU
        await StartAsyncTcpServer(devices, framer=framer, address=address, ignore_missing_devices=True)
    else:
        await StartAsyncSerialServer(devices, framer=FramerType.RTU, port=place, ignore_missing_devices=True)


asyncio.run(main(sys.argv[1], sys.argv[2]))
