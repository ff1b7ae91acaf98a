"""The workbook: what a spreadsheet finds in its cells."""

import io
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest

from cli import export_workbook
from cli.export_workbook import workbook

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
MINUTES = ["time", "flow", "pressure"]
LINES = b"2024-08-26T12:00:00+09:00,8.02,4.11\n2024-08-26T12:01:00+09:00,,1e-07\n"


def made(columns: list[str], *pieces: bytes) -> bytes:
    file = io.BytesIO()
    with workbook(file, columns) as write:
        for piece in pieces:
            write(piece)
    return file.getvalue()


def sheets(book: bytes) -> Iterator[list[list[tuple[str, str, str]]]]:
    """Of each sheet the rows, of each row the cells: place, kind, content."""
    with zipfile.ZipFile(io.BytesIO(book)) as package:
        names = ElementTree.fromstring(package.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
        for number, _ in enumerate(names, start=1):
            sheet = ElementTree.fromstring(package.read(f"xl/worksheets/sheet{number}.xml"))
            yield [
                [(cell.get("r", ""), cell.get("t", "n"), "".join(cell.itertext())) for cell in row]
                for row in sheet.iter(f"{MAIN}row")
            ]


def test_times_are_dates_of_the_site_and_values_numbers() -> None:
    (rows,) = sheets(made(MINUTES, LINES))
    assert [text for _, _, text in rows[0]] == ["time", "flow", "pressure", "time_offset"]
    assert [cell[:2] for cell in rows[1]] == [("A2", "n"), ("B2", "n"), ("C2", "n"), ("D2", "inlineStr")]
    assert (rows[1][1][2], rows[1][2][2], rows[1][3][2]) == ("8.02", "4.11", "+09:00")
    assert [cell[0] for cell in rows[2]] == ["A3", "C3", "D3"]  # no value is no cell, not a zero
    days = [float(row[0][2]) for row in rows[1:]]
    assert [datetime(1899, 12, 30) + timedelta(days=day) for day in days] == [
        datetime(2024, 8, 26, 12, 0),
        datetime(2024, 8, 26, 12, 1),
    ]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "<a>&amp;", "누수", "\ufffe\uffff", "a\u2028b", "2", "x" * 40_000]
)
def test_a_text_stays_a_text_and_no_formula(text: str) -> None:
    line = f"2024-08-26T12:00:00+09:00,{text}\n2024-08-26T12:00:00+09:00,end\n".encode()
    (rows,) = sheets(made(["time", "reason"], line))
    place, kind, shown = rows[1][1]
    assert (place, kind, shown) == ("B2", "inlineStr", text.replace("\ufffe\uffff", "")[:32_767])
    assert rows[2][1][2] == "end"
    assert b"<f>" not in made(["time", "reason"], line)


def test_a_sensor_keeps_its_zeros_and_what_is_not_utf_8_is_shown_as_such() -> None:
    (rows,) = sheets(made(["sensor", "reason"], b"001,a\xffb\n"))
    assert rows[1] == [("A2", "inlineStr", "001"), ("B2", "inlineStr", "a\ufffdb")]


def test_what_is_no_number_is_none_here_either() -> None:
    (rows,) = sheets(made(["flow", "pressure"], b"NaN,-Infinity\n"))
    assert [cell[1] for cell in rows[1]] == ["inlineStr", "inlineStr"]


def test_without_rows_there_is_still_a_sheet() -> None:
    assert [[cell[2] for cell in row] for (row,) in sheets(made(["flow"]))] == [["flow"]]


def test_rows_that_do_not_fit_go_on_in_the_next_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_workbook, "SHEET_ROWS", 4)
    lines = [f"2024-08-26T12:{n:02}:00+09:00,{n},\n".encode() for n in range(7)]
    found = list(sheets(made(MINUTES, b"".join(lines[:5]), lines[5], lines[6])))
    assert [[row[1][2] for row in rows] for rows in found] == [
        ["flow", "0", "1", "2"],
        ["flow", "3", "4", "5"],
        ["flow", "6"],
    ]
    assert [rows[-1][0][0] for rows in found] == ["A4", "A4", "A2"]


def test_the_same_rows_make_the_same_bytes_and_an_error_leaves_no_open_part() -> None:
    assert made(MINUTES, LINES) == made(MINUTES, LINES)
    with pytest.raises(KeyboardInterrupt), workbook(io.BytesIO(), MINUTES) as write:
        write(LINES)
        raise KeyboardInterrupt


def test_a_library_for_workbooks_reads_the_same() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    lines = b"2024-08-27,2024-08-27T02:10:00+09:00,2.5,share\n"
    book = openpyxl.load_workbook(io.BytesIO(made(["night", "hour_start", "hour_flow", "night_use_by"], lines)))
    (sheet,) = book.worksheets
    header, row = sheet.iter_rows(values_only=True)
    assert header == ("night", "hour_start", "hour_flow", "night_use_by", "hour_start_offset")
    assert row == (datetime(2024, 8, 27), datetime(2024, 8, 27, 2, 10), 2.5, "share", "+09:00")
    assert sheet["B2"].number_format == "yyyy\\-mm\\-dd\\ hh:mm"
    assert sheet.freeze_panes == "A2"
