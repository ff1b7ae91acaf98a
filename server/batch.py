"""Checking an incoming batch: its key and its rows.

Pure: bytes in, the lines or a `BatchRefused` out. The reason names the row (from 1) and the column, never its content:
answers must not contain bytes from outside.
"""

import operator
import re
from dataclasses import dataclass

from common import sent_row
from common.errors import HydrologError, RowRefused

_KEY = re.compile(
    r"(?P<site>[A-Za-z0-9][A-Za-z0-9_.-]{0,63})"
    r"/(?P<log>[A-Za-z0-9][A-Za-z0-9_.:-]{0,63})"
    rf"/(?P<first>{sent_row.OFFSET})-(?P<last>{sent_row.OFFSET})"
)
_LINES = f"(?:{sent_row.FORM}\n)+"


class BatchRefused(HydrologError):
    """The batch cannot be taken as it is."""

    def __init__(self, status: int, problem: str, **facts: int | str) -> None:
        super().__init__(problem)
        self.status = status
        self.facts = facts


class NotKept(HydrologError):
    """The batch cannot be stored now; the sender tries again. `why`: for the log only."""

    def __init__(self, problem: str, why: str) -> None:
        super().__init__(problem)
        self.why = why


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """The result of a batch: `stored` rows are new, `repeated` rows were already here."""

    stored: int
    repeated: int


@dataclass(frozen=True, slots=True)
class BatchKey:
    """`<site>/<log id>/<first>-<last>`: identifies the log and the rows in the body."""

    site: str
    log_id: str
    first: int
    last: int
    text: str


def parse_key(text: str) -> BatchKey:
    """Parse the Idempotency-Key.

    Raises:
        BatchRefused: 400, it is malformed.
    """
    match = _KEY.fullmatch(text)
    if not match or int(match["first"]) > int(match["last"]):
        raise BatchRefused(400, "Idempotency-Key must be <site>/<log id>/<first offset>-<last offset>")
    return BatchKey(match["site"], match["log"], int(match["first"]), int(match["last"]), text)


def lines_of(body: bytes, key: BatchKey) -> list[bytes]:
    """The lines of the body: at least one, each a row, offsets ascending, from the key's first to its last.

    Raises:
        BatchRefused: 422; `row` counts from 1 and `column` is one of `sent_row.COLUMNS`, or "line" for the whole line.
    """
    if not body:
        raise BatchRefused(422, "the batch holds no row")
    lines = body.removesuffix(b"\n").split(b"\n")
    if not sent_row.expression(_LINES).fullmatch(body if body.endswith(b"\n") else body + b"\n"):
        _refuse_one_of(lines)
    begins = [line.split(b"\t", 2) for line in lines]
    if not all(map(sent_row.is_time, {begin[1] for begin in begins})):
        _refuse_one_of(lines)
    offsets = [int(begin[0]) for begin in begins]
    wrong = list(map(operator.ge, offsets, offsets[1:]))
    if any(wrong):
        raise _refused(wrong.index(True) + 2, "offset", "not above the one before")
    if offsets[0] != key.first:
        raise _refused(1, "offset", "not the first one of the Idempotency-Key")
    if offsets[-1] != key.last:
        raise _refused(len(lines), "offset", "not the last one of the Idempotency-Key")
    return lines


def _refuse_one_of(lines: list[bytes]) -> None:
    """Say which line is no row, and why."""
    for number, line in enumerate(lines, 1):
        try:
            sent_row.check(parts := line.decode("ascii").split("\t"))
        except UnicodeDecodeError:
            raise _refused(number, "line", "not plain ASCII text") from None
        except RowRefused as error:
            if error.reason == "columns":
                there = f"{len(parts)} columns instead of {len(sent_row.COLUMNS)}"
                raise _refused(number, "line", there) from error
            raise _refused(number, error.reason, _WRONG.get(error.reason, "not of the documented form")) from error


_WRONG = {"time": "not of the documented form, or not between 1970 and 2200", "offset": "not a whole number"}


def _refused(number: int, column: str, problem: str) -> BatchRefused:
    return BatchRefused(422, f"row {number}, {column}: {problem}", row=number, column=column)
