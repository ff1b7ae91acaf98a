"""What a batch says of its place among a site's rows, and of the minutes that end with it. Pure.

A chain of marks without a gap proves that nothing is missing, on whatever way the batches came.
"""

import re
from dataclasses import dataclass

from common import sent_row
from common.clock import minute_start
from common.errors import RowRefused

HEADER = "Hydrolog-Mark"  # of a POST: the two columns, with a space between them

_OFFSET = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class BatchMark:
    """Of a batch.

    Attributes:
        first: all rows from this offset to the batch's last are in it; those before had been delivered.
        closed: the newest UTC minute of which all rows are in the batch or before it; None = not known.
    """

    first: int
    closed: int | None

    @property
    def columns(self) -> tuple[str, str]:
        """`closed` and `first` as text; an empty one is not known."""
        closed = "" if self.closed is None else minute_start(self.closed).isoformat(timespec="seconds")
        return closed, str(self.first)


def parse_columns(closed: str, first: str) -> BatchMark:
    """The mark of `BatchMark.columns`.

    Raises:
        RowRefused: it is not of the documented form, or its time is none that a row may have.
    """
    if not _OFFSET.fullmatch(first):
        raise RowRefused("first")
    minute = sent_row.minute(closed.encode()) if closed else None
    if closed and minute is None:
        raise RowRefused("time")
    return BatchMark(int(first), minute)


def to_header(mark: BatchMark) -> str:
    return " ".join(mark.columns).strip()


def from_header(text: str) -> BatchMark | None:
    """The mark of a header's text; None if there is none, or it is not of the documented form."""
    closed, _, first = text.rpartition(" ")
    try:
        return parse_columns(closed, first) if text else None
    except RowRefused:
        return None
