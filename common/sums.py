"""The checksums that instruments write behind a line, as text."""

from binascii import crc_hqx
from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor
from types import MappingProxyType
from typing import NamedTuple


class Sum(NamedTuple):
    """A checksum of so many bytes."""

    size: int
    of: Callable[[bytes], int]

    def text(self, covered: bytes, first: str = "high") -> bytes:
        """In upper-case hex; `first`: the byte that comes first, if there are two."""
        return self.of(covered).to_bytes(self.size, "big" if first == "high" else "little").hex().upper().encode()


def exclusive_or(data: bytes) -> int:
    """All bytes, XORed."""
    return reduce(xor, data, 0)


def crc16(data: bytes) -> int:
    """The CRC-16 of Modbus: polynomial 0x8005 reflected, from 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


# As `line.format.checksum` names them.
SUMS: Mapping[str, Sum] = MappingProxyType(
    {
        "xor": Sum(1, exclusive_or),
        "sum": Sum(1, lambda data: sum(data) % 0x100),
        "lrc": Sum(1, lambda data: -sum(data) % 0x100),  # two's complement: with it, all bytes add up to 0
        "sum16": Sum(2, lambda data: sum(data) % 0x1_0000),
        "crc16": Sum(2, crc16),
        "crc16-ccitt": Sum(2, lambda data: crc_hqx(data, 0xFFFF)),  # polynomial 0x1021, from 0xFFFF
        "crc16-xmodem": Sum(2, lambda data: crc_hqx(data, 0)),  # the same, from 0
    }
)
