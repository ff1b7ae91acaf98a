"""The bytes of the log: the header line and the row lines, each of which proves itself with a CRC-32.

    # hydrolog 1 <TAB> log=<id> <TAB> base=<offset> <TAB> crc=<8 hex>
    <offset> <TAB> <payload> <TAB> <8 hex>

Pure functions on bytes; what a payload means is not known here.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

MAGIC = b"# hydrolog 1\t"
LONGEST_LINE = 64 * 1024  # bytes; a row has about a hundred

_HEADER = re.compile(rb"# hydrolog 1\tlog=([0-9a-f-]{36})\tbase=(\d{1,18})\tcrc=([0-9a-f]{8})")
_OFFSET = re.compile(rb"0|[1-9]\d{0,17}")


class Record(NamedTuple):
    """A row of the log: its offset, which names it for ever, and what was appended."""

    offset: int
    payload: str


class Header(NamedTuple):
    log_id: str
    base: int


def format_header(header: Header) -> bytes:
    proved = f"# hydrolog 1\tlog={header.log_id}\tbase={header.base}".encode()
    return b"%b\tcrc=%08x\n" % (proved, crc32(proved))


def parse_header(line: bytes) -> Header | None:
    """The header in a line without its line break; None if it is damaged or something else."""
    found = _HEADER.fullmatch(line)
    if not found or b"%08x" % crc32(line[: line.rindex(b"\tcrc=")]) != found[3]:
        return None
    return Header(found[1].decode(), int(found[2]))


def format_lines(first: int, payloads: Iterable[bytes]) -> bytes:
    """The lines of consecutive rows from offset `first` on."""
    lines = []
    offset = first
    for payload in payloads:
        proved = b"%d\t%b" % (offset, payload)
        lines.append(b"%b\t%08x\n" % (proved, crc32(proved)))
        offset += 1
    return b"".join(lines)


def parse_line(line: bytes) -> Record | None:
    """The row in a line without its line break; None if it is damaged."""
    proved, _, proof = line.rpartition(b"\t")
    if b"%08x" % crc32(proved) != proof:
        return None
    offset, separator, payload = proved.partition(b"\t")
    if not separator or not _OFFSET.fullmatch(offset):
        return None
    try:
        return Record(int(offset), payload.decode())
    except UnicodeDecodeError:
        return None
