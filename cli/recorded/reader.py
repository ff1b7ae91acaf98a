"""Reads a described file: pieces of rows as arrays. Nothing is guessed; what does not fit is refused by its place."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from cli.recorded import table
from cli.recorded.columns import Columns, find_columns
from cli.recorded.description import PLAIN, TOTALS, Description, zone_of
from cli.recorded.problems import HistoryRefused
from cli.recorded.values import qualities, values
from common.file_times import CellRefused, TimeForm
from common.units import FLOW_MEASURES, PRESSURE_MEASURES, VOLUME_MEASURES
from common.wall_clock import Times, WallClock
from producer.plausible import ALIKE, USUAL_CODES

PIECE_ROWS = 20_000  # a few megabytes; well under a second between two updates of the progress bar
AHEAD = timedelta(minutes=2)  # a later time than this from now was never measured
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a file: number, microseconds UTC, flow (m3/h) or counter (m3), pressure (bar); NaN = no value."""

    rows: npt.NDArray[np.int64]
    at: Times
    flow: Floats
    pressure: Floats


class Reader:
    """One file; counts what it leaves out."""

    def __init__(self, path: Path, described: Description, site: ZoneInfo, now: datetime) -> None:
        self._path = path
        self._described = described
        self._zone = zone_of(described, site)
        self._clock = WallClock(self._zone)
        self._form = TimeForm(described.time)
        flow, total = FLOW_MEASURES[described.flow_measure], VOLUME_MEASURES[described.total_measure]
        self._flows = values(described, total if described.total_column else flow)
        self._pressures = values(described, PRESSURE_MEASURES[described.pressure_measure])
        self._qualities = qualities(described.good)
        self._codes = (
            () if described.total_column else _usual_codes(flow),
            _usual_codes(PRESSURE_MEASURES[described.pressure_measure]),
        )
        self._before = [math.nan, math.nan]  # the last flow and pressure
        self._skip = (*TOTALS, *described.skip)
        self._newest = (now + AHEAD - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        self.read = 0  # rows with a time
        self.left_out = 0  # rows of totals
        self.bad = 0  # rows whose quality is not good
        self.codes = 0  # values that were fault codes

    @property
    def skipped(self) -> int:
        """Rows at times that the clock skips in spring."""
        return self._clock.skipped

    def pieces(self, rows: Iterator[table.Row]) -> Iterator[Piece]:
        """All rows, in the file's order.

        Raises:
            HistoryRefused: names file, row and column.
        """
        described = self._described
        head = list(itertools.islice(rows, described.first_row - 1))
        header = head[described.header_row - 1] if 0 < described.header_row <= len(head) else []
        while header and not header[-1].strip():
            header = header[:-1]
        first = next(rows, [])
        if any("\0" in cell for row in (*head, first) for cell in row):
            raise HistoryRefused(f'{self._path}: it holds NUL characters; if it is UTF-16, write encoding = "utf-16"')
        if not header and not first:
            raise HistoryRefused(f"{self._path}: row {described.first_row} is not there; the file has no values")
        columns = find_columns(self._path, described, header, len(header) or len(first))
        rest = itertools.chain([first], rows)
        number = described.first_row
        while part := list(itertools.islice(rest, PIECE_ROWS)):
            yield self._piece(part, number, columns)
            number += len(part)

    def _piece(self, part: list[table.Row], first: int, columns: Columns) -> Piece:
        numbers: Sequence[int] = range(first, first + len(part))
        if uneven := {len(row) for row in part} != {columns.width}:
            part, numbers = self._sorted_out(part, first, columns)
        try:
            times = self._times(part, numbers, columns)
        except HistoryRefused:  # a row of totals, perhaps
            if uneven:
                raise
            part, numbers = self._sorted_out(part, first, columns)
            times = self._times(part, numbers, columns)
        flow, pressure = self._values(part, numbers, columns)
        at, exists = self._clock.utc(times)
        rows = np.array(numbers, dtype=np.int64)
        self.read += len(part)
        self._refuse_impossible(rows, at, exists, columns)
        return Piece(rows[exists], at[exists], flow[exists], pressure[exists])

    def _sorted_out(self, part: list[table.Row], first: int, columns: Columns) -> tuple[list[table.Row], list[int]]:
        """The rows with values, and their numbers."""
        good, numbers, left_out = [], [], 0
        for number, row in enumerate(part, first):
            word = next((cell.strip() for cell in row if cell.strip()), "")
            if not word or is_total(word, self._skip):
                left_out += bool(word)
                continue
            if len(row) < columns.needed:
                missing = columns.name(max(len(row), 0))
                raise self._refused(number, missing, f"is missing: the row has {len(row)} of {columns.width} columns")
            if any(cell.strip() for cell in row[columns.width :]):
                advice = "if commas are decimal marks, the file needs another separator, or quotation marks"
                problem = f"the row has {len(row)} columns, the table {columns.width}; {advice}"
                raise self._refused(number, str(columns.width + 1), problem)
            good.append(row)
            numbers.append(number)
        self.left_out += left_out
        return good, numbers

    def _times(self, part: list[table.Row], numbers: Sequence[int], columns: Columns) -> Times:
        days = [row[columns.time] for row in part]
        clocks = [row[columns.clock] for row in part] if columns.clock is not None else None
        try:
            times = self._form.read(days) if clocks is None else self._form.read_apart(days, clocks)
        except CellRefused as refused:
            place = self._place_of(days, clocks, numbers)
            apart = f" with {columns.name(columns.clock)}" if columns.clock is not None else ""
            form = "iso: 2024-08-26 16:33" if self._described.time == "iso" else self._described.time
            text = days[place] if clocks is None else f"{days[place]} {clocks[place]}"
            advice = 'write the form in a description, such as time = "%d/%m/%Y %H:%M"'
            problem = f"{text!r} is not a time of the form {form}; {advice}"
            raise self._refused(numbers[place], columns.name(columns.time) + apart, problem) from refused
        return np.array(times, dtype=np.int64)

    def _place_of(self, days: list[str], clocks: list[str] | None, numbers: Sequence[int]) -> int:
        """The first row whose time cannot be read."""
        for place in range(len(numbers)):
            try:
                if clocks is None:
                    self._form.read(days[place : place + 1])
                else:
                    self._form.read_apart(days[place : place + 1], clocks[place : place + 1])
            except CellRefused:
                return place
        raise AssertionError("one of them was refused")

    def _values(self, part: list[table.Row], numbers: Sequence[int], columns: Columns) -> tuple[Floats, Floats]:
        good: list[bool] | None = None
        if columns.quality is not None:
            good = [self._qualities[row[columns.quality]] for row in part]
            self.bad += good.count(False)
        out = []
        for channel, (place, known) in enumerate(((columns.flow, self._flows), (columns.pressure, self._pressures))):
            if place is None:
                out.append(np.full(len(part), np.nan))
                continue
            texts = [row[place] for row in part]
            if good is not None:
                texts = [text if ok else "" for text, ok in zip(texts, good, strict=True)]
            try:
                out.append(self._without_codes(channel, np.array([known[text] for text in texts], dtype=np.float64)))
            except CellRefused as refused:
                problem = f"{refused.text.strip()!r} {refused.problem}"
                raise self._refused(numbers[texts.index(refused.text)], columns.name(place), problem) from refused
        return out[0], out[1]

    def _without_codes(self, channel: int, found: Floats) -> Floats:
        """The values without the usual fault codes, by the rule of the line: one that is not far from the value before
        may be measured. In the plain form they stay: it is what `hydrolog export` writes."""
        codes = np.isin(found, self._codes[channel])
        there = ~np.isnan(found) & ~codes
        last = np.maximum.accumulate(np.where(there, np.arange(len(found)), -1))
        before = np.where(last >= 0, found[last], self._before[channel])
        wrong = codes & ~(np.abs(found) <= ALIKE * np.abs(before))  # also where there is none before
        self.codes += int(wrong.sum())
        self._before[channel] = float(before[-1])
        return found if self._described is PLAIN else np.where(wrong, np.nan, found)

    def _refuse_impossible(
        self, rows: npt.NDArray[np.int64], at: Times, exists: npt.NDArray[np.bool_], columns: Columns
    ) -> None:
        wrong = np.flatnonzero(exists & ((at > self._newest) | (at < 0)))
        if len(wrong):
            place = int(wrong[0])
            when = f"{self._shown(int(at[place]))} is in the future" if at[place] > 0 else "the time is before 1970"
            problem = f"{when}; remove the row, or mend the time form or zone"
            raise self._refused(int(rows[place]), columns.name(columns.time), problem)

    def _shown(self, at: int) -> str:
        try:
            time = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(self._zone)
        except OverflowError:  # no calendar has this day
            return "the time"
        return f"{time:%Y-%m-%d %H:%M}"

    def _refused(self, row: int, column: str, problem: str) -> HistoryRefused:
        return HistoryRefused(f"{self._path}, row {row}, column {column!r}: {problem}")


def _usual_codes(factor: float) -> tuple[float, ...]:
    """What loggers write in place of a value, in the unit of what is stored."""
    return tuple(float(f"{code * factor:.12g}") for code in USUAL_CODES)


def is_total(cell: str, words: Sequence[str]) -> bool:
    """Whether a row that begins with this cell holds no values of a time."""
    texts = (cell.casefold(), "".join(cell.casefold().split()))  # 합 계
    return any(
        text.startswith(w := word.casefold()) and not text[len(w) : len(w) + 1].isalpha()
        for word in words
        for text in texts
    )
