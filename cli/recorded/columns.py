"""Which column of a table is which."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.recorded.description import Description
from cli.recorded.problems import HistoryRefused


@dataclass(frozen=True, slots=True)
class Columns:
    """The places of the described columns, from 0; None: not described."""

    names: tuple[str, ...]  # of all columns of the header
    width: int
    time: int
    clock: int | None
    flow: int | None  # or a counter
    pressure: int | None
    quality: int | None

    @property
    def needed(self) -> int:
        """How many cells a row must have."""
        used = (self.time, self.clock, self.flow, self.pressure, self.quality)
        return max(place for place in used if place is not None) + 1

    def name(self, place: int) -> str:
        return self.names[place] if place < len(self.names) and self.names[place] else str(place + 1)


def find_columns(path: Path, described: Description, header: Sequence[str], width: int) -> Columns:
    """The described columns in a header.

    Raises:
        HistoryRefused: there is no such column, or two.
    """
    names = tuple(name.strip() for name in header)

    def place(key: str, wanted: str) -> int | None:
        return _place(path, names, width, key, wanted) if wanted else None

    counted = "total_column" if described.total_column else "flow_column"
    time = place("time_column", described.time_column)
    if time is None:
        raise HistoryRefused(f'{path}: time_column is empty; write time_column = "…"')
    return Columns(
        names,
        width,
        time,
        place("clock_column", described.clock_column),
        place(counted, described.total_column or described.flow_column),
        place("pressure_column", described.pressure_column),
        place("quality_column", described.quality_column),
    )


def _place(path: Path, names: tuple[str, ...], width: int, key: str, wanted: str) -> int:
    same = [i for i, name in enumerate(names) if name == wanted] or [
        i for i, name in enumerate(names) if name.casefold() == wanted.casefold()
    ]
    if len(same) == 1:
        return same[0]
    if len(same) > 1:
        numbers = " and ".join(str(place + 1) for place in same)
        raise HistoryRefused(f"{path}: columns {numbers} are both named {wanted!r}; write the number in {key}")
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= width:
        return int(wanted) - 1
    there = ", ".join(name or str(i + 1) for i, name in enumerate(names)) or f"{width} without names"
    raise HistoryRefused(f"{path}: there is no column {wanted!r} ({key}); the columns are {there}")
