"""Payloads that are not rows, set aside in ``unparsed.tsv``, each once, with its reason; they stop no group.

The log's checksum proves that a line is as appended, not that it is a row: somebody may have appended one by hand.
"""

import os
from pathlib import Path

from common.errors import LogError
from common.files import write_all
from common.folder import NOT_ROWS_FILE
from log.format import Record

LARGEST_FILE = 1024 * 1024  # bytes: months of wrong lines must not fill the disk
LONGEST_PAYLOAD = 4096


def set_aside(data: Path, log_id: str, record: Record, reason: str) -> bool:
    """Keep a payload that is not a row; True if it is new.

    Raises:
        LogError: the disk refuses; the record must stay in the log.
    """
    key = f"log={log_id}\toffset={record.offset}\t".encode()
    text = f"reason={reason}\t{ascii(record.payload[:LONGEST_PAYLOAD])[1:-1]}\n".encode()
    try:
        descriptor = os.open(data / NOT_ROWS_FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            kept = os.pread(descriptor, LARGEST_FILE, 0)
            if key in kept:
                return False
            if len(kept) + len(key) + len(text) < LARGEST_FILE:
                write_all(descriptor, key + text)
                os.fdatasync(descriptor)
            return True
        finally:
            os.close(descriptor)
    except OSError as error:
        raise LogError(f"cannot write {data / NOT_ROWS_FILE}: {error.strerror}") from error
