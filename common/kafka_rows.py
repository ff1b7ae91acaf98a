"""How rows and marks lie in a topic: key = site; value = text, tab-separated. Pure.

row     site  log id  offset  and the columns of a batch's line after its offset
mark    site  log id  offset  "closed"  time  first
        All rows from offset `first` to before `offset` are in front of it. Those up to minute `time` have offsets
        before `offset`; an empty time is not known. Without `first` it is 0.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common import sent_row
from common.batch_mark import BatchMark, parse_columns
from common.errors import RowRefused
from common.row import TIME

CLOSED = "closed"
FIRST_OF_ALL = "0"  # of a mark without it: all that the site ever sent is in front of it
_CLOSED = CLOSED.encode()

Keyed = tuple[bytes, bytes]  # a message: its key and its value

_NAME = "[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}"  # of a site or a log
_ROW = f"{_NAME}\t{_NAME}\t{sent_row.FORM}"
_MARK = f"{_NAME}\t{_NAME}\t{sent_row.OFFSET}\t{CLOSED}\t(?:{TIME})?(?:\t{sent_row.OFFSET})?"
AT_ONCE = 256  # messages that are checked at once: their columns fit into a processor's cache
_MESSAGES = f"(?:(?:{_ROW}|{_MARK})\n)+"


@dataclass(frozen=True, slots=True)
class SiteMark:
    """The mark of a site's batch that ends before `offset` of this log."""

    site: str
    log_id: str
    offset: int
    mark: BatchMark


def row_messages(site: str, log_id: str, lines: Iterable[bytes]) -> list[Keyed]:
    """The lines of a batch, which begin with the row's offset."""
    key, whose = site.encode(), f"{site}\t{log_id}\t".encode()
    return [(key, whose + line) for line in lines]


def mark_message(site: str, log_id: str, offset: int, mark: BatchMark) -> Keyed:
    """The mark of a batch that ends before `offset`."""
    return site.encode(), "\t".join((site, log_id, str(offset), CLOSED, *mark.columns)).encode()


@dataclass(slots=True)
class Sifted:
    """What messages are, by their numbers in a list: rows, in order; marks; and neither, with the reason."""

    rows: list[int]
    marks: dict[int, SiteMark]
    strange: dict[int, str]


def sift(keys: Sequence[bytes | None], values: Sequence[bytes]) -> Sifted:
    """Tell rows from marks and from what is neither.

    Many are checked at once; where that fails, each half of them is, until the strange ones are found.
    """
    found = Sifted([], {}, {})
    spans = [(first, min(first + AT_ONCE, len(values))) for first in reversed(range(0, len(values), AT_ONCE))]
    while spans:
        first, end = spans.pop()
        parts = [value.split(b"\t", 4) for value in values[first:end]]
        if _well_formed(keys[first:end], values[first:end], parts):
            found.rows += [number for number, part in enumerate(parts, first) if part[3] != _CLOSED]
            for number in [number for number, part in enumerate(parts, first) if part[3] == _CLOSED]:
                _take_mark(found, number, values[number])
        elif end - first > 1:
            middle = (first + end) // 2
            spans += [(middle, end), (first, middle)]
        else:
            found.strange[first] = _strange(keys[first], values[first])
    return found


def _well_formed(keys: Sequence[bytes | None], values: Sequence[bytes], parts: Sequence[list[bytes]]) -> bool:
    """Whether each message is a row or a mark. `parts`: its first columns."""
    text = b"\n".join((*values, b""))
    if text.count(b"\n") != len(values) or not sent_row.expression(_MESSAGES).fullmatch(text):
        return False
    times = {part[3] for part in parts} - {_CLOSED}
    return [part[0] for part in parts] == list(keys) and all(map(sent_row.is_time, times))


def _take_mark(found: Sifted, number: int, value: bytes) -> None:
    """A mark's columns, which are of their form, into what is found."""
    site, log_id, offset, _, closed, *first = value.decode("ascii").split("\t")
    try:
        mark = parse_columns(closed, *(first or [FIRST_OF_ALL]))
        if mark.first > int(offset):
            raise RowRefused("first")
    except RowRefused as refused:
        found.strange[number] = refused.reason
    else:
        found.marks[number] = SiteMark(site, log_id, int(offset), mark)


def _strange(key: bytes | None, value: bytes) -> str:
    """Why a message is neither a row nor a mark: the column."""
    try:
        site, log_id, *rest = value.decode("ascii").split("\t")
    except ValueError:  # also text that is not ASCII
        return "columns"
    if not re.fullmatch(_NAME, site) or site.encode() != key:
        return "site"
    if not re.fullmatch(_NAME, log_id):
        return "log_id"
    try:
        sent_row.check(rest)
    except RowRefused as refused:
        return refused.reason
    return "line"  # a mark that is none, or a line break in the last column
