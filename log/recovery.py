"""The states that a start may find. Each is tested and listed in docs/engineers/log.md.

| the file | action |
| --- | --- |
| missing or empty | a new file: base = the highest offset known anywhere; without a mark a new log id |
| header valid | used |
| header damaged or gone | base = first good row's offset; log id from the identity file, then the mark; rewritten |
| identity of another machine or folder | a new log id, with a warning; its rows keep their old id; offsets continue |
| bytes after the last line break | set aside by the next append, unless they are a whole row |
| complete damaged lines | one offset each; set aside by the group that polls them |
| a damaged line break between two good rows | both rows are kept |
| commits, outbox or mark past the last row | rows were lost with the power: their offsets are not used again |
"""

import logging
import os
import re
from pathlib import Path

from common.files import copy_range, replace, sync_folder, write_all
from common.folder import MARK_FILE, OUTBOX_FILE
from log import commits, damaged, identity, mark
from log.format import Header, format_header
from log.identity import Earlier, Identity
from log.mark import Mark
from log.segment import LogFile, Tail

_OUTBOX_KEY = re.compile(rb"\tkey=[^\t\n]*/\d+-(\d{1,18})(?:\t|\n)")

_log = logging.getLogger(__name__)


def open_current(data: Path, path: Path, known_end: int) -> tuple[LogFile, Header]:
    """The file at the path with a valid header; repaired or created if necessary. Under the lock.

    Args:
        known_end: the next offset known to this process; 0 at a start.
    """
    me = identity.machine(path.with_name(path.name + ".lock"))
    known = identity.load(data)
    if not path.exists() or path.stat().st_size == 0:
        header = Header(_log_id(data, known, me, known_end), max(_remembered(data), known_end))
        if header.base or known:
            _log.warning("log_missing a new one starts at offset=%d", header.base)
        replace(path, format_header(header))
    file = LogFile.open(path)
    try:
        header = file.header or _reconstructed(data, file, known, known_end)
        if known is not None and known.machine != me:
            known = _of_a_copy(data, file, header, known, me)
            identity.store(data, known)
        if known is not None and known.earlier and header.log_id == known.earlier[-1].log_id:
            header = Header(known.log_id, header.base)  # of a copy, now or at a start that was cut short
        elif known is not None and known.log_id != header.log_id:
            _log.warning("log_exchanged another log was put here id=%s (was %s)", header.log_id, known.log_id)
            known = None
        if header != file.header:
            file = _rewritten(data, path, file, header)
        if known is None:
            identity.store(data, Identity(header.log_id, me))
    except BaseException:
        file.close()
        raise
    return file, header


def _of_a_copy(data: Path, file: LogFile, header: Header, known: Identity, me: str) -> Identity:
    """A new id for the rows to come; those that came along keep the ids under which they may have been sent."""
    end = next_offset(data, header, file, file.tail(file.rows_start))
    earlier = [each for each in known.earlier if each.before > header.base] if header.log_id == known.log_id else []
    found = Identity(identity.new_log_id(), me, (*earlier, Earlier(header.log_id, end)))
    _log.warning("log_copied this folder is a copy; new log id=%s (was %s)", found.log_id, header.log_id)
    return found


def _log_id(data: Path, known: Identity | None, me: str, known_end: int) -> str:
    """The id of a log whose file is gone: the old one, if the mark or this process knows where it ended.

    Otherwise offsets after the last commit may have been used, and only a new id keeps them from naming two rows.
    """
    remembered = _mark(data)
    if known is None:
        return remembered.log_id if remembered else identity.new_log_id()
    certain = known_end or (remembered and remembered.log_id == known.log_id)
    return known.log_id if known.machine == me and certain else identity.new_log_id()


def _reconstructed(data: Path, file: LogFile, known: Identity | None, known_end: int) -> Header:
    """A header to replace a damaged one."""
    first = file.first_good(file.rows_start, file.size())
    base = first.record.offset if first and first.record else max(_remembered(data), known_end)
    remembered = _mark(data)
    log_id = known.log_id if known else remembered.log_id if remembered else identity.new_log_id()
    _log.warning("header_damaged base=%d log=%s taken from what is left", base, log_id)
    return Header(log_id, base)


def _rewritten(data: Path, path: Path, file: LogFile, header: Header) -> LogFile:
    """Replace the file with the same rows under another header."""
    if file.header is None and file.rows_start:
        raw = os.pread(file.descriptor, file.rows_start - 1, 0)
        damaged.set_aside(data, header.log_id, "header", header.base - 1, raw)
    # A separate name: a reset whose process was stopped may still write to its own new file.
    new = path.with_name(path.name + ".mended")
    target = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        write_all(target, format_header(header))
        copy_range(file.descriptor, file.rows_start, file.size(), target)
        os.fdatasync(target)
        new.replace(path)
    finally:
        os.close(target)
        new.unlink(missing_ok=True)  # left only after an error; it must not fill the disk
    sync_folder(data)
    file.close()
    return LogFile.open(path)


def outbox_end(data: Path) -> int:
    """The offset after the last row of the frozen batch, which the server may already have; 0 if there is none."""
    try:
        with (data / OUTBOX_FILE).open("rb") as file:
            found = _OUTBOX_KEY.search(file.readline(4096))
    except FileNotFoundError:
        return 0
    return int(found[1]) + 1 if found else 0


def _mark(data: Path) -> Mark | None:
    """The producer's mark; a disk error is raised, because a lost mark could move offsets back."""
    path = data / MARK_FILE
    if path.exists():
        path.open("rb").close()
    return mark.load(data)


def _remembered(data: Path) -> int:
    """The highest end known outside the log: no offset below it is used again."""
    published = _mark(data)
    return max(outbox_end(data), published.end_offset if published else 0, *commits.read_all(data).values(), 0)


def next_offset(data: Path, header: Header, file: LogFile, tail: Tail) -> int:
    """The offset of the next row: above every offset ever used."""
    in_file = tail.next_offset or header.base + tail.damaged
    return max(header.base, in_file, file.highest_offset(tail.complete_end) + 1, _remembered(data))
