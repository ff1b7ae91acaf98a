"""A row as a box sends it: its offset, the row's columns, and the forecast of the hour. Pure, and quick with many.

What is sent is checked as bytes, all lines at once, and passed on as bytes. Only where that check says no is each line
looked at alone, to say what is wrong with it.
"""

import functools
import re
from datetime import UTC, datetime
from typing import Any

from common.clock import minute_of
from common.errors import RowRefused
from common.row import COLUMNS as ROW_COLUMNS
from common.row import FORM as ROW_FORM
from common.row import NUMBER, parse_payload, parse_time

COLUMNS = ("offset", *ROW_COLUMNS, "pred_flow", "pred_pressure")
OFFSET = "(?:0|[1-9][0-9]{0,17})"  # 18 digits: a row per second for 30 billion years
FORM = "\t".join((OFFSET, ROW_FORM, NUMBER, NUMBER))  # of a line; it says nothing of days that there are not

_OFFSET, _NUMBER = re.compile(OFFSET), re.compile(NUMBER)
# Minutes outside these are no real readings; Postgres and datetime handle all inside.
_FIRST_MINUTE = minute_of(datetime(1970, 1, 1, tzinfo=UTC))
_LAST_MINUTE = minute_of(datetime(2200, 1, 1, tzinfo=UTC))


def check(parts: list[str]) -> None:
    """See that the columns of a line are a row.

    Raises:
        RowRefused: they are not; `reason` is one of `COLUMNS`, or "columns" for another number of them.
    """
    if len(parts) != len(COLUMNS):
        raise RowRefused("columns")
    if not _OFFSET.fullmatch(parts[0]):
        raise RowRefused("offset")
    row = parse_payload("\t".join(parts[1:-2]))
    if not _FIRST_MINUTE <= row.minute < _LAST_MINUTE:
        raise RowRefused("time")
    for name, text in zip(COLUMNS[-2:], parts[-2:], strict=True):
        if not _NUMBER.fullmatch(text):
            raise RowRefused(name)


@functools.lru_cache(maxsize=4096)  # the sites of a center send the same minutes
def minute(text: bytes) -> int | None:
    """The UTC minute of a time's text; None if there is no such time between 1970 and 2200."""
    try:
        found = parse_time(text.decode("ascii"))
    except (RowRefused, UnicodeDecodeError):
        return None
    return found if _FIRST_MINUTE <= found < _LAST_MINUTE else None


def is_time(text: bytes) -> bool:
    """Whether there is such a time, between 1970 and 2200."""
    return minute(text) is not None


@functools.cache
def expression(form: str) -> Any:
    """A form compiled for bytes, by a library whose time grows with the length of the text only."""
    import re2  # noqa: PLC0415 - only for whoever receives rows

    options = re2.Options()
    options.log_errors, options.encoding = False, re2.Options.Encoding.LATIN1
    return re2.compile(form.encode("ascii"), options)
