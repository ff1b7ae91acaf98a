"""One file of the log, read by position: header, tail, search by offset, lines. Read-only.

Offsets increase along the file, so a row is found by bisection; damaged lines are skipped.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from common.files import closed, sync_folder
from log.format import LONGEST_LINE, Header, Record, header_at, parse_line, split_merged

CHUNK_BYTES = 256 * 1024
SHORT_TAIL_BYTES = 4096  # about forty rows: nearly always enough to find the last good one
LONG_TAIL_BYTES = 64 * 1024  # about six hundred rows: how far back a start searches for a higher offset


class LogLine(NamedTuple):
    """A complete line: its start, the start of the next one, and its row if the line is valid."""

    start: int
    end: int
    record: Record | None


class Tail(NamedTuple):
    """The end of a file."""

    complete_end: int  # byte after the last line break
    next_offset: int  # after the last good line and the complete damaged lines after it; 0 if no line is good
    damaged: int  # complete damaged lines after the last good one


@dataclass(eq=False)
class LogFile:
    """An open file of the log; `inode` distinguishes it from the one that replaces it at the next reset."""

    path: Path
    descriptor: int
    inode: int
    header: Header | None  # None: damaged
    rows_start: int  # byte of the first row line
    # A power cut may undo a rename until the folder is synced.
    name_is_durable: bool = False

    def __post_init__(self) -> None:
        self._path_text = str(self.path)

    @classmethod
    def open(cls, path: Path, flags: int = os.O_RDWR) -> "LogFile":
        """Open the file at the path.

        Raises:
            OSError: missing, or not permitted.
        """
        descriptor = os.open(path, flags | os.O_CLOEXEC)
        try:
            first = os.pread(descriptor, LONGEST_LINE, 0)
            inode = os.fstat(descriptor).st_ino
        except OSError:
            os.close(descriptor)
            raise
        return cls(path, descriptor, inode, *_read_header(first))

    def close(self) -> None:
        """Close the descriptor; may be called again."""
        self.descriptor = closed(self.descriptor)

    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def size_at_path(self) -> int | None:
        """The size, if this file is still at the path; otherwise None."""
        try:
            found = os.stat(self._path_text)  # noqa: PTH116 - hot path
        except FileNotFoundError:
            return None
        return found.st_size if found.st_ino == self.inode else None

    def sync(self) -> None:
        """Put the file's content and its name on disk."""
        os.fdatasync(self.descriptor)
        if not self.name_is_durable:
            sync_folder(self.path.parent)
            self.name_is_durable = True

    def lines(self, start: int, end: int, chunk_bytes: int = CHUNK_BYTES) -> Iterator[LogLine]:
        """The complete lines from byte `start`, the start of a line, up to byte `end`, in bounded memory.

        It reads `chunk_bytes` at a time: use less for only a few lines.
        """
        position, rest = start, b""
        line_start = start
        while position < end:
            chunk = os.pread(self.descriptor, min(chunk_bytes, end - position), position)
            if not chunk:
                return
            position += len(chunk)
            pieces = (rest + chunk).split(b"\n")
            rest = pieces.pop()
            for piece in pieces:
                line_end = line_start + len(piece) + 1
                record = parse_line(piece)
                if record is None and (cut := split_merged(piece)) is not None:
                    yield LogLine(line_start, line_start + cut + 1, parse_line(piece[:cut]))
                    line_start += cut + 1
                    record = parse_line(piece[cut + 1 :])
                yield LogLine(line_start, line_end, record)
                line_start = line_end
            if len(rest) > LONGEST_LINE:  # garbage without a line break: a damaged line of any length
                after = self._after_line_break(position, end)
                if after is None:
                    return
                yield LogLine(line_start, after, None)
                line_start = position = after
                rest = b""

    def _after_line_break(self, position: int, end: int) -> int | None:
        while position < end:
            chunk = os.pread(self.descriptor, min(CHUNK_BYTES, end - position), position)
            if not chunk:
                return None
            found = chunk.find(b"\n")
            if found >= 0:
                return position + found + 1
            position += len(chunk)
        return None

    def first_good(self, start: int, end: int) -> LogLine | None:
        """The first valid line from `start` on."""
        return next((line for line in self.lines(start, end) if line.record), None)

    def _line_start_after(self, position: int, end: int) -> int:
        """The start of the first line that begins at or after `position`."""
        if position <= self.rows_start:
            return self.rows_start
        found = self._after_line_break(position - 1, end)
        return end if found is None else found

    def seek(self, offset: int, end: int) -> int:
        """The byte after the last row with a lower offset; the reader handles damaged lines there."""
        low, high = self.rows_start, end
        while high - low > CHUNK_BYTES // 4:
            middle = self._line_start_after((low + high) // 2, high)
            line = self.first_good(middle, high) if middle < high else None
            if line is None or line.record is None or line.record.offset >= offset:
                high = min(high, (low + high) // 2)
            else:
                low = line.start
        place = low
        for line in self.lines(low, end):
            if line.record is not None:
                if line.record.offset >= offset:
                    break
                place = line.end
        return place

    def tail(self, floor: int) -> Tail:
        """Read the file backwards until a good line is found, at most down to byte `floor`."""
        size = self.size()
        span = SHORT_TAIL_BYTES
        while True:
            start = max(floor, size - span)
            if start > floor:
                start = self._line_start_after(start, size)
            pieces = os.pread(self.descriptor, size - start, start).split(b"\n")
            complete_end = size - len(pieces.pop())
            for damaged, piece in enumerate(reversed(pieces)):
                record = parse_line(piece)
                if record is None and (cut := split_merged(piece)) is not None:
                    record = parse_line(piece[cut + 1 :])
                if record:
                    return Tail(complete_end, record.offset + 1 + damaged, damaged)
            if start <= floor:
                return Tail(complete_end, 0, len(pieces))
            span *= 8

    def highest_offset(self, end: int) -> int:
        """The highest offset near the end, -1 if there is none: a row pasted by hand must not move offsets back."""
        return max((record.offset for record in self.last_records(end, LONG_TAIL_BYTES)), default=-1)

    def last_records(self, end: int, most_bytes: int) -> Iterator[Record]:
        """The valid rows among the last bytes before `end`, in their order."""
        start = self._line_start_after(max(self.rows_start, end - most_bytes), end)
        return (line.record for line in self.lines(start, end) if line.record)


def _read_header(first: bytes) -> tuple[Header | None, int]:
    """The header in the file's first bytes, and the start of the rows."""
    if found := header_at(first):
        header, length = found
        # The next byte is the line break, even if it is damaged.
        return (header, length + 1) if len(first) > length else (None, 0)
    line, line_break, _ = first.partition(b"\n")
    # A first line that is itself a good row means that the header is gone, not that the row is a header.
    is_row = parse_line(line) is not None or split_merged(line) is not None
    return None, 0 if is_row or not line_break else len(line) + 1
