"""What a start finds, as plain cases. Each is tested, and stands in the table of docs/log.md.

| the file | what is done |
| --- | --- |
| missing or empty | a new file: base = the highest offset that anything remembers |
| header good | believed |
| header damaged or gone | base = first good row's offset; log id from the identity file, then the mark; rewritten |
| identity of another machine or folder | a new log id, loud; offsets go on |
| bytes after the last line break | set aside by the next append, never believed |
| complete lines that do not prove themselves | one offset each; set aside by whoever polls them |
| commits, outbox or mark past the last row | rows were lost with the power: their offsets are not given again |
"""

import logging
import os
import re
from pathlib import Path

from common import badlines, commits, identity, mark
from common.files import copy_range, replace, sync_folder, write_all
from common.identity import Identity
from common.lines import Header, format_header
from common.logfile import LogFile, Tail

OUTBOX = "outbox.tsv"
_OUTBOX_KEY = re.compile(rb"\tkey=[^\t\n]*/\d+-(\d{1,18})(?:\t|\n)")

_log = logging.getLogger(__name__)


def open_current(data: Path, path: Path) -> tuple[LogFile, Header]:
    """The file at the path with a header that can be believed; mended or made if need be. Under the lock."""
    me = identity.machine(path.with_name(path.name + ".lock"))
    known = identity.load(data)
    if not path.exists() or path.stat().st_size == 0:
        header = Header(_log_id(data, known, me), _remembered(data))
        if header.base or known:
            _log.warning("log_missing a new one starts at offset=%d", header.base)
        replace(path, format_header(header))
    file = LogFile.open(path)
    header = file.header or _reconstructed(data, file, known)
    if known is not None and known.machine != me:
        copied, header = header, Header(identity.new_log_id(), header.base)
        _log.warning("log_copied this folder is a copy; new log id=%s (was %s)", header.log_id, copied.log_id)
    if header != file.header:
        file = _rewritten(data, path, file, header)
    if known != Identity(header.log_id, me):
        identity.store(data, Identity(header.log_id, me))
    return file, header


def _log_id(data: Path, known: Identity | None, me: str) -> str:
    """The id of a log whose file is gone: the one it had here, else a new one."""
    if known is not None:
        return known.log_id if known.machine == me else identity.new_log_id()
    remembered = mark.load(data)
    return remembered.log_id if remembered else identity.new_log_id()


def _reconstructed(data: Path, file: LogFile, known: Identity | None) -> Header:
    """A header in place of a damaged one."""
    first = file.first_good(file.rows_start, file.size())
    base = first.record.offset if first and first.record else _remembered(data)
    remembered = mark.load(data)
    log_id = known.log_id if known else remembered.log_id if remembered else identity.new_log_id()
    _log.warning("header_damaged base=%d log=%s taken from what is left", base, log_id)
    return Header(log_id, base)


def _rewritten(data: Path, path: Path, file: LogFile, header: Header) -> LogFile:
    """The same rows under another header, by rename."""
    if file.header is None and file.rows_start:
        raw = os.pread(file.descriptor, file.rows_start - 1, 0)
        badlines.set_aside(data, header.log_id, "header", header.base - 1, raw)
    new = path.with_name(path.name + ".new")
    target = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        write_all(target, format_header(header))
        copy_range(file.descriptor, file.rows_start, file.size(), target)
        os.fdatasync(target)
    finally:
        os.close(target)
    new.replace(path)
    sync_folder(data)
    file.close()
    return LogFile.open(path)


def _outbox_end(data: Path) -> int:
    """The offset after the last row in the frozen batch, which a server may hold already; 0 if there is none."""
    try:
        with (data / OUTBOX).open("rb") as file:
            found = _OUTBOX_KEY.search(file.readline(4096))
    except FileNotFoundError:
        return 0
    return int(found[1]) + 1 if found else 0


def _remembered(data: Path) -> int:
    """The highest end that anything outside the log remembers: no offset below it is given again."""
    published = mark.load(data)
    return max(_outbox_end(data), published.end_offset if published else 0, *commits.read_all(data).values(), 0)


def next_offset(data: Path, header: Header, tail: Tail) -> int:
    """The offset of the next row: above everything that was ever given."""
    in_file = tail.next_offset or header.base + tail.damaged
    return max(header.base, in_file, _remembered(data))
