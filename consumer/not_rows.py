"""Payloads that are not rows, set aside in ``unparsed.tsv``, each once, with its reason; they stop no group.

The log's checksum proves that a line is as appended, not that it is a row: somebody may have appended one by hand.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common.errors import LogError
from common.files import write_all
from common.folder import NOT_ROWS_FILE
from log.format import Record

LARGEST_FILE = 1024 * 1024  # bytes: months of wrong lines must not fill the disk
LONGEST_PAYLOAD = 4096


class NotRow(NamedTuple):
    """A payload that is no row, whose log it lies in, and why it is none."""

    log_id: str
    record: Record
    reason: str


def set_aside(data: Path, log_id: str, record: Record, reason: str) -> bool:
    """Keep a payload that is not a row; True if it is new.

    Raises:
        LogError: the disk refuses; the record must stay in the log.
    """
    return bool(set_all_aside(data, [NotRow(log_id, record, reason)]))


def set_all_aside(data: Path, found: Sequence[NotRow]) -> list[NotRow]:
    """Keep payloads, with one write and one sync; returns those that are new.

    Raises:
        LogError: the disk refuses; the records must stay in the log.
    """
    try:
        descriptor = os.open(data / NOT_ROWS_FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            kept = os.pread(descriptor, LARGEST_FILE, 0)
            known = {tuple(line.split(b"\t", 2)[:2]) for line in kept.splitlines()}
            new = {key: each for each in found if (key := _key(each)) not in known}
            room, lines = LARGEST_FILE - len(kept), list[bytes]()
            for key, each in new.items():
                text = f"reason={each.reason}\t{ascii(each.record.payload[:LONGEST_PAYLOAD])[1:-1]}\n".encode()
                lines.append(b"\t".join((*key, text)))
                room -= len(lines[-1])
                if room <= 0:
                    lines.pop()
                    break
            if lines:
                write_all(descriptor, b"".join(lines))
                os.fdatasync(descriptor)
            return list(new.values())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise LogError(f"cannot write {data / NOT_ROWS_FILE}: {error.strerror}") from error


def _key(each: NotRow) -> tuple[bytes, bytes]:
    """The first two columns of its line."""
    return f"log={each.log_id}".encode(), f"offset={each.record.offset}".encode()
