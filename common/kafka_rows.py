"""How rows and marks lie in a topic: key = site; value = text, tab-separated. Pure.

row     site  log id  offset  and the columns of a batch's line after its offset
mark    site  log id  offset  "closed"  time     all rows up to this minute have offsets before this one
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common import sent_row
from common.clock import minute_start
from common.errors import RowRefused
from common.row import TIME, parse_time

CLOSED = "closed"
_CLOSED = CLOSED.encode()

Keyed = tuple[bytes, bytes]  # a message: its key and its value

_NAME = "[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}"  # of a site or a log
_ROW = f"{_NAME}\t{_NAME}\t{sent_row.FORM}"
_MARK = f"{_NAME}\t{_NAME}\t{sent_row.OFFSET}\t{CLOSED}\t{TIME}"
_MESSAGES = f"(?:(?:{_ROW}|{_MARK})\n)+"


def row_messages(site: str, log_id: str, lines: Iterable[bytes]) -> list[Keyed]:
    """The lines of a batch, which begin with the row's offset."""
    key, whose = site.encode(), f"{site}\t{log_id}\t".encode()
    return [(key, whose + line) for line in lines]


def mark_message(site: str, log_id: str, offset: int, closed: int) -> Keyed:
    """All rows up to UTC minute `closed` have offsets before `offset`."""
    time = minute_start(closed).isoformat(timespec="seconds")
    return site.encode(), f"{site}\t{log_id}\t{offset}\t{CLOSED}\t{time}".encode()


@dataclass(slots=True)
class Sifted:
    """What messages are, by their numbers in a list: rows, in order; and neither rows nor marks, with the reason."""

    rows: list[int]
    strange: dict[int, str]


def sift(keys: Sequence[bytes | None], values: Sequence[bytes]) -> Sifted:
    """Tell rows from marks and from what is neither.

    All are checked at once; where that fails, each half of them is, until the strange ones are found.
    """
    found = Sifted([], {})
    spans = [(0, len(values))] if values else []
    while spans:
        first, end = spans.pop()
        parts = [value.split(b"\t", 4) for value in values[first:end]]
        if _well_formed(keys[first:end], values[first:end], parts):
            found.rows += [number for number, part in enumerate(parts, first) if part[3] != _CLOSED]
        elif end - first > 1:
            middle = (first + end) // 2
            spans += [(middle, end), (first, middle)]
        elif reason := _strange(keys[first], values[first]):
            found.strange[first] = reason
    return found


def _well_formed(keys: Sequence[bytes | None], values: Sequence[bytes], parts: Sequence[list[bytes]]) -> bool:
    """Whether each message is a row or a mark. `parts`: its first columns."""
    text = b"\n".join((*values, b""))
    if text.count(b"\n") != len(values) or not sent_row.expression(_MESSAGES).fullmatch(text):
        return False
    times = {part[4] if part[3] == _CLOSED else part[3] for part in parts}
    return [part[0] for part in parts] == list(keys) and all(map(sent_row.is_time, times))


def _strange(key: bytes | None, value: bytes) -> str:
    """Why a message is neither a row nor a mark: the column; empty if it is a mark of long ago."""
    try:
        site, log_id, *rest = value.decode("ascii").split("\t")
    except ValueError:  # also text that is not ASCII
        return "columns"
    if not re.fullmatch(_NAME, site) or site.encode() != key:
        return "site"
    if not re.fullmatch(_NAME, log_id):
        return "log_id"
    try:
        if rest[1:2] == [CLOSED] and len(rest) == 3 and re.fullmatch(sent_row.OFFSET, rest[0]):
            parse_time(rest[2])
        else:
            sent_row.check(rest)
    except RowRefused as refused:
        return refused.reason
    return ""
