"""How rows and marks lie in a topic: key = site; value = text, tab-separated. Pure.

row     site  log id  offset  and the columns of a batch's line after its offset
mark    site  log id  offset  "closed"  time  first
        All rows from offset `first` to before `offset` are in front of it. Those up to minute `time` have offsets
        before `offset`; an empty time is not known. Without `first` it is 0.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from common.batch_mark import BatchMark, parse_columns
from common.clock import minute_of
from common.errors import RowRefused
from common.row import Row, parse_payload

CLOSED = "closed"
FIRST_OF_ALL = "0"  # of a mark without it: all that the site ever sent is in front of it

Keyed = tuple[bytes, bytes]  # a message: its key and its value

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", re.ASCII)  # of a site or a log
_OFFSET = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)
_PREDICTION = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?", re.ASCII)
# Minutes outside these are no real readings; Postgres and datetime handle all inside.
_FIRST_MINUTE = minute_of(datetime(1970, 1, 1, tzinfo=UTC))
_LAST_MINUTE = minute_of(datetime(2200, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A row of a site; (site, log id, offset) is its name for ever."""

    site: str
    log_id: str
    offset: int
    row: Row
    text: str  # the whole message; each column is of its documented form

    @property
    def name(self) -> tuple[str, str, int]:
        return self.site, self.log_id, self.offset


@dataclass(frozen=True, slots=True)
class SiteMark:
    """The mark of a site's batch that ends before `offset` of this log."""

    site: str
    log_id: str
    offset: int
    mark: BatchMark


def row_message(site: str, log_id: str, line: str) -> Keyed:
    """A line of a batch, which begins with the row's offset."""
    return site.encode(), f"{site}\t{log_id}\t{line}".encode()


def mark_message(site: str, log_id: str, offset: int, mark: BatchMark) -> Keyed:
    """The mark of a batch that ends before `offset`."""
    return site.encode(), "\t".join((site, log_id, str(offset), CLOSED, *mark.columns)).encode()


def parse_message(key: bytes | None, value: bytes | None) -> SiteRow | SiteMark:
    """The row or the mark of a message.

    Raises:
        RowRefused: neither a row nor a mark; `reason` names the column.
    """
    try:
        text = (value or b"").decode("ascii")
        site, log_id, offset, *rest = text.split("\t")
    except ValueError as error:  # also text that is not ASCII
        raise RowRefused("columns") from error
    if not _NAME.fullmatch(site) or site.encode() != key:
        raise RowRefused("site")
    if not _NAME.fullmatch(log_id):
        raise RowRefused("log_id")
    if not _OFFSET.fullmatch(offset):
        raise RowRefused("offset")
    if rest[:1] == [CLOSED] and len(rest) in (2, 3):
        mark = parse_columns(rest[1], rest[2] if len(rest) == 3 else FIRST_OF_ALL)
        if mark.first > int(offset):
            raise RowRefused("first")
        return SiteMark(site, log_id, int(offset), mark)
    if not all(_PREDICTION.fullmatch(text) for text in rest[-2:]):
        raise RowRefused("prediction")
    row = parse_payload("\t".join(rest[:-2]))
    if not _FIRST_MINUTE <= row.minute < _LAST_MINUTE:
        raise RowRefused("time")
    return SiteRow(site, log_id, int(offset), row, text)
