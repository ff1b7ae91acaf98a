"""A workbook (.xlsx) of one table, written row by row into the zip file: nothing is kept in memory or in other files.

That is also why no library does it: the usual one keeps each sheet in a temporary file and is six times slower.

Times are dates of the site's clock, as people sort and plot them; their UTC offsets are in columns at the end. A text
is stored as a text, so no spreadsheet takes it for a formula. Rows that do not fit into a sheet go on in the next.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from string import ascii_uppercase
from typing import IO, BinaryIO
from xml.sax.saxutils import escape

from cli.export_rows import DAYS, TEXTS, TIMES

SHEET_ROWS = 1_048_576  # the most that a sheet can have
CELL_CHARACTERS = 32_767  # and a cell
LONGEST_TEXT = 1 << 30  # characters read; longer than a cell is cut
_EPOCH = datetime(1899, 12, 30)  # day 0 of a spreadsheet, for all days since March 1900
_DAY_S = 86_400
_WIDTHS = {**dict.fromkeys(TIMES, 17), "reason": 80, "id": 30, "incident": 30, "text": 60}  # in characters
_NOT_XML = dict.fromkeys((0xFFFE, 0xFFFF))
_NOT_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})  # of a database that somebody else has filled

_OPEN = "http://schemas.openxmlformats.org"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = f'xmlns="{_OPEN}/spreadsheetml/2006/main"'
_LINKS = f'{_XML}<Relationships xmlns="{_OPEN}/package/2006/relationships">'
_OFFICE = f"{_OPEN}/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# Three looks of a cell: 0 as it is, 1 a time, 2 a day.
_STYLES = (
    f'{_XML}<styleSheet {_MAIN}><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd"/></numFmts><fonts count="1"><font><sz val="11"/>'
    '<name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3">'
    '<xf xfId="0"/><xf xfId="0" numFmtId="164" applyNumberFormat="1"/>'
    '<xf xfId="0" numFmtId="165" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@contextmanager
def workbook(file: BinaryIO, columns: Sequence[str]) -> Iterator[Callable[[bytes], None]]:
    """Takes lines of CSV; the workbook is complete at the end."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        book = _Workbook(package, columns)
        try:
            yield book.write
        finally:
            book.end_sheet()  # also after an error: the package cannot be closed around an open part
        book.finish()


class _Workbook:
    def __init__(self, package: zipfile.ZipFile, columns: Sequence[str]) -> None:
        self._package = package
        self._columns = columns
        cells = len(columns) + sum(column in TIMES for column in columns)
        self._letters = [*ascii_uppercase, *(f"A{letter}" for letter in ascii_uppercase)][:cells]
        self._sheets = 0
        self._begin_sheet()

    def write(self, lines: bytes) -> None:
        made: list[str] = []
        csv.field_size_limit(LONGEST_TEXT)
        for row in csv.reader(io.StringIO(lines.decode(errors="replace"), newline="")):
            if self._rows == SHEET_ROWS:
                self._put(made)
                made = []
                self.end_sheet()
                self._begin_sheet()
            self._rows += 1
            made.append(self._row(row))
        self._put(made)

    def finish(self) -> None:
        """The parts that name the sheets."""
        numbers = range(1, self._sheets + 1)
        sheets = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
        views = "<bookViews><workbookView/></bookViews>"
        book = f'{_XML}<workbook {_MAIN} xmlns:r="{_OFFICE}">{views}<sheets>{sheets}</sheets></workbook>'
        links = "".join(_link(n, "worksheet", f"worksheets/sheet{n}.xml") for n in numbers)
        types = "".join(_content(f"/xl/worksheets/sheet{n}.xml", "worksheet") for n in numbers)
        types += _content("/xl/workbook.xml", "sheet.main") + _content("/xl/styles.xml", "styles")
        rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        parts = {
            "[Content_Types].xml": f'{_XML}<Types xmlns="{_OPEN}/package/2006/content-types">{rels}{types}</Types>',
            "_rels/.rels": f"{_LINKS}{_link(1, 'officeDocument', 'xl/workbook.xml')}</Relationships>",
            "xl/workbook.xml": book,
            "xl/_rels/workbook.xml.rels": (
                f"{_LINKS}{links}{_link(self._sheets + 1, 'styles', 'styles.xml')}</Relationships>"
            ),
            "xl/styles.xml": _STYLES,
        }
        for name, text in parts.items():
            with self._package.open(_part(name), "w") as part:
                part.write(text.encode())

    def _begin_sheet(self) -> None:
        self._sheets += 1
        self._sheet: IO[bytes] = self._package.open(_part(f"xl/worksheets/sheet{self._sheets}.xml"), "w")
        names = [*self._columns, *(f"{column}_offset" for column in self._columns if column in TIMES)]
        columns = "".join(
            f'<col min="{n}" max="{n}" width="{_WIDTHS.get(name, 12)}" customWidth="1"/>'
            for n, name in enumerate(names, start=1)
        )
        frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        views = f'<sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
        cells = "".join(_text(f"{letter}1", name) for letter, name in zip(self._letters, names, strict=False))
        first = f'<row r="1">{cells}</row>'
        self._put([f"{_XML}<worksheet {_MAIN}>{views}<cols>{columns}</cols><sheetData>{first}"])
        self._rows = 1

    def end_sheet(self) -> None:
        """The end of the last sheet."""
        with self._sheet:
            self._put(["</sheetData></worksheet>"])

    def _put(self, texts: list[str]) -> None:
        self._sheet.write("".join(texts).encode())

    def _row(self, row: list[str]) -> str:
        number = self._rows
        cells, offsets = [], []
        for letter, column, text in zip(self._letters, self._columns, row, strict=False):
            if column in TIMES:
                offsets.append(text[19:])
            if text:
                cells.append(_cell(f"{letter}{number}", column, text))
        for letter, text in zip(self._letters[len(row) :], offsets, strict=False):
            if text:
                cells.append(_text(f"{letter}{number}", text))
        return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(place: str, column: str, text: str) -> str:
    if column in TIMES or column in DAYS:
        since = datetime.fromisoformat(text).replace(tzinfo=None) - _EPOCH
        style = 1 if column in TIMES else 2
        return f'<c r="{place}" s="{style}"><v>{since.days + since.seconds / _DAY_S!r}</v></c>'
    if column in TEXTS or text in _NOT_NUMBERS:
        return _text(place, text)
    return f'<c r="{place}"><v>{text}</v></c>'


def _text(place: str, text: str) -> str:
    shown = escape(text[:CELL_CHARACTERS].translate(_NOT_XML))
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _part(name: str) -> zipfile.ZipInfo:
    """A part without the time of its making: the same rows make the same bytes."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _link(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'


def _content(name: str, kind: str) -> str:
    return f'<Override PartName="{name}" ContentType="{_TYPE}.{kind}+xml"/>'
