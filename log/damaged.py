"""Damaged lines are kept in ``server_data.bad``, each once, with their position; they are never used and never lost."""

import os
from pathlib import Path
from zlib import crc32

from common.files import write_all
from common.folder import LOG_DAMAGED_FILE

LARGEST_FILE = 16 * 1024 * 1024  # bytes: on a disk that damages everything this file must not fill the disk
LONGEST_PIECE = 4096  # bytes kept of a damaged line: enough to recognise a row


def set_aside(data: Path, log_id: str, kind: str, after: int, raw: bytes) -> bool:
    """Keep a damaged line; True if it is new. Call it under the log's lock.

    Args:
        kind: ``line`` (complete, damaged), ``torn`` (no line break) or ``header``.
        after: the offset of the good row before it, -1 if unknown.
    """
    key = f"{kind}\tlog={log_id}\tbytes={len(raw)}\tcrc={crc32(raw):08x}\t".encode()
    descriptor = os.open(data / LOG_DAMAGED_FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        kept = os.pread(descriptor, LARGEST_FILE, 0)
        if key in kept:
            return False
        text = f"after={after}\t{ascii(raw[:LONGEST_PIECE])[2:-1]}".encode()
        line_break = b"\n" if kept and not kept.endswith(b"\n") else b""  # the previous line was torn
        if len(kept) + len(key) + len(text) < LARGEST_FILE:
            write_all(descriptor, line_break + key + text + b"\n")
            os.fdatasync(descriptor)
        return True
    finally:
        os.close(descriptor)


def count(data: Path) -> dict[str, int]:
    """The number of pieces set aside, by kind."""
    counts: dict[str, int] = {}
    try:
        with (data / LOG_DAMAGED_FILE).open("rb") as file:
            for line in file:
                kind = line.partition(b"\t")[0].decode("ascii", "replace")
                counts[kind] = counts.get(kind, 0) + 1
    except FileNotFoundError:
        pass
    return counts
