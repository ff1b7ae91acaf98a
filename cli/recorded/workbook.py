"""Reads the rows of an Excel workbook (.xlsx), one at a time.

A workbook is a zip of XML: texts are in one shared list, a date is a number whose style is a date's. A few bytes of a
zip may become gigabytes, so each part that is held in memory is bounded.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from cli.recorded.problems import HistoryRefused

MOST_COLUMNS, MOST_ROWS = 16_384, 1_048_576  # as Excel
MOST_PART_BYTES = 8 * 1024 * 1024  # of styles, of the list of sheets, of a row, and of a shared text
MOST_TEXT_BYTES = 128 * 1024 * 1024  # of the shared texts: a million of them; each takes about twice that in memory
_BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_NOT_LETTERS = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DAY_0, _DAY_0_OF_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
# What zipfile and ElementTree raise for damage, another compression, and a part that is missing, locked or too large.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    *(ElementTree.ParseError, ValueError, LookupError),
)


class _Book:
    """The parts of a workbook that all its sheets share."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        book = self._tree("xl/workbook.xml")
        properties = next((e for e in book.iter() if _name(e) == "workbookPr"), None)
        old = properties is not None and properties.get("date1904") in ("1", "true")
        self._day_0 = _DAY_0_OF_1904 if old else _DAY_0
        targets = {e.get("Id", ""): e.get("Target", "") for e in self._tree("xl/_rels/workbook.xml.rels")}
        self.sheets = {e.get("name", ""): targets[e.get(_RELATION, "")] for e in book.iter() if _name(e) == "sheet"}
        names = archive.namelist()
        self._texts = list(self._shared()) if "xl/sharedStrings.xml" in names else []
        self._dates = self._date_styles() if "xl/styles.xml" in names else set()

    def _tree(self, name: str) -> ElementTree.Element:
        return ElementTree.fromstring(self._archive.read(self._bounded(name, MOST_PART_BYTES)))

    def _bounded(self, name: str, most: int) -> zipfile.ZipInfo:
        part = self._archive.getinfo(name)
        if part.file_size > most:  # no more than that is ever read
            raise ValueError(f"{name} has {part.file_size} bytes")
        return part

    def _shared(self) -> Iterator[str]:
        with self._archive.open(self._bounded("xl/sharedStrings.xml", MOST_TEXT_BYTES)) as file:
            limited = _Limited(file)
            root: ElementTree.Element | None = None
            for event, element in ElementTree.iterparse(limited, events=("start", "end")):
                root = element if root is None else root
                if event == "end" and _name(element) == "si":
                    yield _text(element)
                    root.clear()
                    limited.go_on()

    def _date_styles(self) -> set[int]:
        styles = self._tree("xl/styles.xml")
        formats = {e.get("numFmtId"): e.get("formatCode", "") for e in styles.iter() if _name(e) == "numFmt"}
        cells = next((e for e in styles if _name(e) == "cellXfs"), ElementTree.Element("none"))
        return {i for i, e in enumerate(cells) if _is_date(e.get("numFmtId", "0"), formats)}

    def cell(self, element: ElementTree.Element) -> str:
        kind = element.get("t", "n")
        if kind == "inlineStr":
            return next((_text(e) for e in element if _name(e) == "is"), "")
        value = next((e.text or "" for e in element if _name(e) == "v"), "")
        if not value:
            return ""
        if kind == "s":
            return self._texts[_natural(value)]
        if kind == "b":  # not a flow of 1
            return "TRUE" if value == "1" else "FALSE"
        if kind == "n" and int(element.get("s", 0)) in self._dates:
            return self._date(float(value))
        return value

    def _date(self, days: float) -> str:
        try:
            time = timedelta(milliseconds=round(days * 86_400_000))  # Excel's numbers hold a day's parts that well
            if time <= timedelta(days=1):
                whole = "24:00:00" if time.days == 1 else f"{datetime(2000, 1, 1) + time:%H:%M:%S}"
                return whole if days >= 0 else str(days)
            return (self._day_0 + time).isoformat(" ")
        except (OverflowError, ValueError):  # too far away, or no number
            return str(days)


def _natural(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError(f"{number} is no place")
    return number


class _Limited:
    """A file's bytes, only so many until what was read of them could be forgotten."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MOST_PART_BYTES

    def read(self, most: int = -1, /) -> bytes:
        piece = self._file.read(most)
        self._left -= len(piece)
        if self._left < 0:
            raise ValueError("an endless row or text")
        return piece

    def go_on(self) -> None:
        self._left = MOST_PART_BYTES


def _is_date(number: str, formats: dict[str | None, str]) -> bool:
    if number in formats:
        return bool(re.search(r"[ymdhs]", _NOT_LETTERS.sub("", formats[number]), re.IGNORECASE))
    return int(number) in _BUILT_IN_DATES


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(item: ElementTree.Element) -> str:
    """A text in all its runs, without the reading aids of Japanese."""
    parts = [part for one in item for part in (one if _name(one) == "r" else [one])]
    return "".join(part.text or "" for part in parts if _name(part) == "t")


@contextmanager
def rows(path: Path, sheet: str) -> Iterator[tuple[Iterator[list[str]], Callable[[], int]]]:
    """The rows of a sheet, the first one if it has no name, and a function for the number of bytes read from disk.

    Raises:
        HistoryRefused: no workbook, or no such sheet; also while reading.
    """
    with path.open("rb") as raw:
        try:
            archive = zipfile.ZipFile(raw)
            book = _Book(archive)
            if sheet and sheet not in book.sheets:
                raise HistoryRefused(f"{path}: there is no sheet {sheet!r}; it has {', '.join(book.sheets)}")
            target = book.sheets[sheet] if sheet else next(iter(book.sheets.values()))
            file = archive.open(target.lstrip("/") if target.startswith("/") else f"xl/{target}")
        except (*_DAMAGE, StopIteration) as error:
            raise _unreadable(path) from error
        with file:
            yield _rows(path, file, book), raw.tell


def _unreadable(path: Path) -> HistoryRefused:
    return HistoryRefused(
        f"{path}: not a workbook that can be read; save it again as .xlsx, without a password, or as .csv"
    )


def sheets(path: Path) -> list[str]:
    """The names of a workbook's sheets.

    Raises:
        HistoryRefused: no workbook.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return list(_Book(archive).sheets)
    except _DAMAGE as error:
        raise _unreadable(path) from error


def _rows(path: Path, file: IO[bytes], book: _Book) -> Iterator[list[str]]:
    number = 0
    table: ElementTree.Element | None = None
    limited = _Limited(file)
    try:
        for event, element in ElementTree.iterparse(limited, events=("start", "end")):
            if event == "start":
                table = element if _name(element) == "sheetData" else table
            elif _name(element) == "row":
                at = int(element.get("r", number + 1))
                if not number < at <= MOST_ROWS:
                    raise ValueError(f"row {at} after row {number}")
                while number + 1 < at:
                    number += 1
                    yield []
                number = at
                yield _cells(element, book)
                if table is not None:
                    table.clear()
                limited.go_on()
    except _DAMAGE as error:
        raise HistoryRefused(f"{path}, after row {number:,}: the workbook is damaged; save it again") from error


def _cells(row: ElementTree.Element, book: _Book) -> list[str]:
    out: list[str] = []
    for element in row:
        if _name(element) != "c":
            continue
        at = _column(element.get("r", ""), len(out))
        if not len(out) <= at < MOST_COLUMNS:
            raise ValueError(f"column {at} after column {len(out)}")
        out += [""] * (at - len(out))
        out.append(book.cell(element))
    return out


def _column(reference: str, otherwise: int) -> int:
    """The number of a cell such as "AB12", from 0."""
    number = 0
    for letter in reference.rstrip("0123456789").upper():
        number = number * 26 + ord(letter) - 64
    return number - 1 if number else otherwise
