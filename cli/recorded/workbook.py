"""Reads the rows of an Excel workbook (.xlsx), one at a time.

A workbook is a zip of XML: texts are in one shared list, a date is a number whose style is a date's.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from cli.recorded.problems import HistoryRefused

MOST_COLUMNS = 16_384  # as Excel
_BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_NOT_LETTERS = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DAY_0, _DAY_0_OF_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)


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
        return ElementTree.fromstring(self._archive.read(name))

    def _shared(self) -> Iterator[str]:
        with self._archive.open("xl/sharedStrings.xml") as file:
            for _, element in ElementTree.iterparse(file):
                if _name(element) == "si":
                    yield _text(element)
                    element.clear()

    def _date_styles(self) -> set[int]:
        styles = self._tree("xl/styles.xml")
        formats = {e.get("numFmtId"): e.get("formatCode", "") for e in styles.iter() if _name(e) == "numFmt"}
        cells = next((e for e in styles if _name(e) == "cellXfs"), ElementTree.Element("none"))
        return {i for i, e in enumerate(cells) if _is_date(e.get("numFmtId", "0"), formats)}

    def cell(self, element: ElementTree.Element) -> str:
        kind = element.get("t", "n")
        if kind == "inlineStr":
            return _text(element)
        value = next((e.text or "" for e in element if _name(e) == "v"), "")
        if not value:
            return ""
        if kind == "s":
            return self._texts[int(value)]
        if kind == "n" and int(element.get("s", 0)) in self._dates:
            return self._date(float(value))
        return value

    def _date(self, days: float) -> str:
        time = timedelta(milliseconds=round(days * 86_400_000))  # Excel's numbers hold a day's parts that well
        if time < timedelta(days=1):
            return f"{datetime(2000, 1, 1) + time:%H:%M:%S}" if days >= 0 else str(days)
        try:
            return (self._day_0 + time).isoformat(" ")
        except OverflowError:
            return str(days)


def _is_date(number: str, formats: dict[str | None, str]) -> bool:
    if number in formats:
        return bool(re.search(r"[ymdhs]", _NOT_LETTERS.sub("", formats[number]), re.IGNORECASE))
    return int(number) in _BUILT_IN_DATES


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element) -> str:
    """The text in all parts of a cell, without the reading aids of Japanese."""
    out = ""
    for part in element:
        if _name(part) == "t":
            out += part.text or ""
        elif _name(part) in ("r", "is"):
            out += _text(part)
    return out


@contextmanager
def rows(path: Path, sheet: str) -> Iterator[tuple[Iterator[list[str]], Callable[[], int]]]:
    """The rows of a sheet, the first one if it has no name, and a function for the number of bytes read from disk.

    Raises:
        HistoryRefused: no workbook, or no such sheet; also while reading.
    """
    with _opened(path) as (archive, position):
        book = _Book(archive)
        if sheet and sheet not in book.sheets:
            raise HistoryRefused(f"{path}: there is no sheet {sheet!r}; it has {', '.join(book.sheets)}")
        target = book.sheets[sheet] if sheet else next(iter(book.sheets.values()))
        with archive.open(target.lstrip("/") if target.startswith("/") else f"xl/{target}") as file:
            yield _rows(path, file, book), position


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Callable[[], int]]]:
    with path.open("rb") as raw:
        try:
            yield zipfile.ZipFile(raw), raw.tell
        except (zipfile.BadZipFile, KeyError, StopIteration, ElementTree.ParseError) as error:
            raise HistoryRefused(f"{path}: not a workbook that can be read; save it again as .xlsx or .csv") from error


def sheets(path: Path) -> list[str]:
    """The names of a workbook's sheets.

    Raises:
        HistoryRefused: no workbook.
    """
    with _opened(path) as (archive, _):
        return list(_Book(archive).sheets)


def _rows(path: Path, file: IO[bytes], book: _Book) -> Iterator[list[str]]:
    number = 0
    table: ElementTree.Element | None = None
    try:
        for event, element in ElementTree.iterparse(file, events=("start", "end")):
            if event == "start":
                table = element if _name(element) == "sheetData" else table
            elif _name(element) == "row":
                at = int(element.get("r", number + 1))
                while number + 1 < at:
                    number += 1
                    yield []
                number = at
                yield _cells(element, book)
                if table is not None:
                    table.clear()
    except (ElementTree.ParseError, zipfile.BadZipFile, ValueError, IndexError) as error:
        raise HistoryRefused(f"{path}, after row {number:,}: the workbook is damaged; save it again") from error


def _cells(row: ElementTree.Element, book: _Book) -> list[str]:
    out: list[str] = []
    for element in row:
        if _name(element) != "c":
            continue
        at = _column(element.get("r", ""), len(out))
        out += [""] * (min(at, MOST_COLUMNS) - len(out))
        out.append(book.cell(element))
    return out


def _column(reference: str, otherwise: int) -> int:
    """The number of a cell such as "AB12", from 0."""
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter) - 64
    return number - 1 if number else otherwise
