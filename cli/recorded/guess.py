"""A description guessed from a file: shown to a person before anything is loaded with it.

What the file does not settle by itself is not guessed: the guess then says what to write.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.recorded import guess_times, table, words, workbook
from cli.recorded.description import TOTALS, Description
from cli.recorded.guess_marks import marks_of
from cli.recorded.guess_text import encoding_of, separator_of
from cli.recorded.problems import HistoryRefused
from cli.recorded.reader import is_total
from cli.recorded.values import NUMBER_HINT
from common.measures import unit

SAMPLE_ROWS = 400
Rows = Sequence[Sequence[str]]


@dataclass
class Guess:
    """A description, what was assumed in it, and what it lacks."""

    keys: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)

    @property
    def description(self) -> Description:
        return Description(**self.keys)


def guess(path: Path) -> Guess:
    """A description of the file.

    Raises:
        HistoryRefused: no row has a time and a value.
        OSError, EOFError: it cannot be read.
    """
    found = Guess()
    if not table.is_workbook(path):
        found.keys["encoding"] = encoding_of(path)
        found.keys["separator"] = separator_of(path, found.keys["encoding"]) or ","
    elif len(names := workbook.sheets(path)) > 1:
        found.notes.append(f"the first of the sheets {', '.join(names)} is taken; for another one write sheet")
    with table.rows(path, found.description) as (rows, _):
        sample = list(itertools.islice(rows, SAMPLE_ROWS))
    first = next((i for i, row in enumerate(sample) if _has_values(row)), None)
    if first is None:
        raise HistoryRefused(f"{path}: none of the first {len(sample)} rows has a date and a number")
    header = _header(sample[:first])
    found.keys |= {"header_row": 0 if header is None else header + 1, "first_row": first + 1}
    names = [cell.strip() for cell in sample[header]] if header is not None else []
    units = sample[header + 1 : first] if header is not None else []
    values = [row for row in sample[first:] if _has_values(row)]
    names += [""] * (len(values[0]) - len(names))
    _channels(found, names, units, values)
    _times(found, path, names, values)
    return found


def _has_values(row: Sequence[str]) -> bool:
    """Whether a row has a date, and behind it or before it a number."""
    dates = [cell for cell in row if guess_times.is_time(cell) or guess_times.is_date(cell)]
    dates = dates or [cell for cell in row if guess_times.is_number_of_time(cell)]
    others = [cell.strip() for cell in row if cell not in dates]
    return bool(dates) and any(NUMBER_HINT.fullmatch(cell) or guess_times.CLOCK.fullmatch(cell) for cell in others)


def _header(rows: Rows) -> int | None:
    """The row above the values with the most names of times and channels, else the last one with several names."""
    several = [i for i, row in enumerate(rows) if sum(bool(cell.strip()) for cell in row) > 1]
    names = {i: sum(bool(words.TIME.search(cell) or words.channel_of(cell)) for cell in rows[i]) for i in several}
    best = max(names.values(), default=0)
    return next((i for i in several if names[i] == best), None) if best else max(several, default=None)


def _channels(found: Guess, names: Sequence[str], units: Rows, values: Rows) -> None:
    channels: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if name and (channel := words.channel_of(name)):
            channels.setdefault(channel, []).append(place)
    if "flow" in channels:
        channels.pop("total", None)
    counted = [channel for channel in ("flow", "total", "pressure") if channel in channels]
    for channel in counted:
        _one_column(found, channel, channels[channel], names)
    if not counted:
        shown = ", ".join(f'"{name or place}"' for place, name in enumerate(names, 1))
        found.lacks.append(
            f'no column is named flow or pressure; write flow_column or pressure_column = "…", one of {shown}'
        )
    places = [channels[channel][0] for channel in counted if len(channels[channel]) == 1]
    for channel in counted:
        if len(channels[channel]) == 1:
            _measure(found, channel, names, units, channels[channel][0])
    marks_of(
        found.keys,
        found.lacks,
        [row[place] for row in values for place in places or range(len(row)) if place < len(row)],
    )
    if "quality" in channels and counted:
        _quality(found, channels["quality"], names, values)


def _one_column(found: Guess, channel: str, places: Sequence[int], names: Sequence[str]) -> None:
    if len(places) > 1:
        shown = ", ".join(f'"{names[place]}"' for place in places)
        found.lacks.append(f'several columns may be the {channel}; write {channel}_column = "…", one of {shown}')
        return
    found.keys[f"{channel}_column"] = _naming(names, places[0])


def _naming(names: Sequence[str], place: int) -> str:
    """A column's name, or its number if the name is not there or not the only one."""
    return names[place] if names[place] and list(names).count(names[place]) == 1 else str(place + 1)


def _measure(found: Guess, channel: str, names: Sequence[str], units: Rows, place: int) -> None:
    default = {"flow": "m3/h", "pressure": "bar", "total": "m3"}[channel]
    texts = [row[place].strip() for row in units if place < len(row)]
    known = [measure for text in texts if (measure := unit(channel, text.strip("()[] ")))]
    written = words.unit_in(names[place], channel)
    measure = unit(channel, written) or (known[0] if known else None)
    if measure is None and written:
        found.lacks.append(
            f'{written!r} of column "{names[place]}" is no known unit; write {channel}_measure = "{default}"'
        )
    elif measure is None:
        found.notes.append(f"no unit of {channel} is written in the file: taken as {default}")
    found.keys[f"{channel}_measure"] = measure or default


def _quality(found: Guess, places: Sequence[int], names: Sequence[str], values: Rows) -> None:
    place = places[0]
    seen = {row[place].strip() for row in values if place < len(row)}
    good = sorted(text for text in seen if text.casefold() in words.GOOD)
    found.keys["quality_column"] = _naming(names, place)
    found.keys["good"] = tuple(good)
    if not good:
        shown = ", ".join(f'"{text}"' for text in sorted(seen)[:5])
        found.lacks.append(f'column "{names[place]}" has {shown}; write good = ["…"], those of values that count')


def _times(found: Guess, path: Path, names: Sequence[str], values: Rows) -> None:
    row = values[0]
    whole = [i for i, cell in enumerate(row) if guess_times.is_time(cell)]
    dates = [i for i, cell in enumerate(row) if guess_times.is_date(cell)]
    clocks = [i for i, cell in enumerate(row) if guess_times.CLOCK.fullmatch(cell.strip())]
    if not whole and not dates:
        whole = [i for i, cell in enumerate(row) if guess_times.is_number_of_time(cell)]
    apart = bool(dates) and bool(clocks)
    places = dates if apart else whole
    if len(places) > 1:
        places = [place for place in places if words.TIME.search(names[place])] or places
    if len(places) != 1 or (apart and len(clocks) > 1):
        shown = ", ".join(f'"{_naming(names, place)}"' for place in (*places, *(clocks if apart else ())))
        found.lacks.append(f'the column of the time is not certain; write time_column = "…", one of {shown or names}')
        return
    found.keys["time_column"] = _naming(names, places[0])
    if apart:
        found.keys["clock_column"] = _naming(names, clocks[0])
    clock = clocks[0] if apart else None
    first_date = re.sub(r"[ T]00:00(:00)?$", "", row[places[0]].strip()) if apart else row[places[0]].strip()
    candidates = guess_times.forms(first_date, row[clocks[0]].strip() if apart else "")
    form, problem = guess_times.settle(candidates, _all_times(path, found.description, places[0], clock))
    if form is None:
        found.lacks.append(f'column "{found.keys["time_column"]}": {problem}')
    else:
        found.keys["time"] = form


def _all_times(
    path: Path, described: Description, place: int, clock: int | None
) -> Iterator[tuple[int, str, str | None]]:
    """Row number, time and time of day of the rows at which the date's text changes."""
    last: tuple[str, int] = ("", 0)
    with table.rows(path, described) as (rows, _):
        for number, row in enumerate(rows, 1):
            if number < described.first_row or len(row) <= max(place, clock or 0):
                continue
            if (new := (row[place][:10], len(row[place]))) == last:
                continue
            word = next((cell.strip() for cell in row if cell.strip()), "")
            if word and not is_total(word, TOTALS):
                last = new
                yield number, row[place].strip(), None if clock is None else row[clock].strip()
