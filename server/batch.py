"""Parsing and checking an incoming batch: its key and its rows.

Pure: text in, values or a `BatchRefused` out. The reason names the row (from 1) and the column, never its content:
answers must not contain bytes from outside.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from common.clock import minute_of
from common.errors import HydrologError, RowRefused
from common.row import COLUMNS as ROW_COLUMNS
from common.row import Row, parse_payload

COLUMNS = ("offset", *ROW_COLUMNS, "pred_flow", "pred_pressure")

_KEY = re.compile(
    r"(?P<site>[A-Za-z0-9][A-Za-z0-9_.-]{0,63})"
    r"/(?P<log>[A-Za-z0-9][A-Za-z0-9_.:-]{0,63})"
    r"/(?P<first>0|[1-9][0-9]{0,17})-(?P<last>0|[1-9][0-9]{0,17})"  # 18 digits: a row per second for 30 billion years
)
_OFFSET = re.compile(r"0|[1-9][0-9]{0,17}")
_PREDICTION = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")
# Minutes outside these are no real readings; Postgres and datetime handle all inside.
_FIRST_MINUTE = minute_of(datetime(1970, 1, 1, tzinfo=UTC))
_LAST_MINUTE = minute_of(datetime(2200, 1, 1, tzinfo=UTC))


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


@dataclass(frozen=True, slots=True)
class Arrived:
    """One row of a batch: the log's row, its offset, and its forecast (0 = none)."""

    offset: int
    row: Row
    pred_flow: float  # m3/h
    pred_pressure: float  # bar


def parse_key(text: str) -> BatchKey:
    """Parse the Idempotency-Key.

    Raises:
        BatchRefused: 400, it is malformed.
    """
    match = _KEY.fullmatch(text)
    if not match or int(match["first"]) > int(match["last"]):
        raise BatchRefused(400, "Idempotency-Key must be <site>/<log id>/<first offset>-<last offset>")
    return BatchKey(match["site"], match["log"], int(match["first"]), int(match["last"]), text)


def parse_body(body: bytes, key: BatchKey) -> list[Arrived]:
    """All rows of the body: at least one, offsets ascending, from the key's first to its last.

    Raises:
        BatchRefused: 422; `row` counts from 1 and `column` is one of `COLUMNS`, or "line" for the whole line.
    """
    if not body:
        raise BatchRefused(422, "the batch holds no row")
    lines = body.removesuffix(b"\n").split(b"\n")
    rows: list[Arrived] = []
    for number, line in enumerate(lines, 1):
        arrived = _parse_line(line, number)
        if rows and arrived.offset <= rows[-1].offset:
            raise _refused(number, "offset", "not above the one before")
        rows.append(arrived)
    if rows[0].offset != key.first:
        raise _refused(1, "offset", "not the first one of the Idempotency-Key")
    if rows[-1].offset != key.last:
        raise _refused(len(rows), "offset", "not the last one of the Idempotency-Key")
    return rows


def _parse_line(line: bytes, number: int) -> Arrived:
    try:
        parts = line.decode("ascii").split("\t")
    except UnicodeDecodeError:
        raise _refused(number, "line", "not plain ASCII text") from None
    if len(parts) != len(COLUMNS):
        raise _refused(number, "line", f"{len(parts)} columns instead of {len(COLUMNS)}")
    if not _OFFSET.fullmatch(parts[0]):
        raise _refused(number, "offset", "not a whole number")
    try:
        row = parse_payload("\t".join(parts[1:-2]))
    except RowRefused as error:
        raise _refused(number, error.reason, "not of the documented form") from error
    if not _FIRST_MINUTE <= row.minute < _LAST_MINUTE:
        raise _refused(number, "time", "not between 1970 and 2200")
    for name, text in zip(COLUMNS[-2:], parts[-2:], strict=True):
        if not _PREDICTION.fullmatch(text):
            raise _refused(number, name, "not a number")
    return Arrived(int(parts[0]), row, float(parts[-2]), float(parts[-1]))


def _refused(number: int, column: str, problem: str) -> BatchRefused:
    return BatchRefused(422, f"row {number}, {column}: {problem}", row=number, column=column)
