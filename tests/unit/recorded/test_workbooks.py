"""Excel workbooks: what their cells say."""

from pathlib import Path

import pytest
import small_workbook

from cli.recorded import workbook
from cli.recorded.guess import guess
from cli.recorded.problems import HistoryRefused

DAY = 45530  # 2024-08-26, in days since 1899-12-30


def read(path: Path, sheet: str = "") -> list[list[str]]:
    with workbook.rows(path, sheet) as (rows, _):
        return list(rows)


def test_texts_numbers_and_dates(tmp_path: Path) -> None:
    rows = [
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>',
        f'<row r="3"><c r="A3" s="1"><v>{DAY + 10 / 24}</v></c><c r="B3" s="4"><v>8.02</v></c>'
        '<c r="C3" t="e"><v>#N/A</v></c></row>',
        f'<row><c s="2"><v>{DAY}</v></c><c s="3"><v>0.4166666666666667</v></c><c s="3"><v>0</v></c><c/></row>',
    ]
    path = small_workbook.write(
        tmp_path / "a.xlsx", {"하나": rows}, ("<t>시간</t>", "<r><t>유</t></r><r><t>량</t></r><rPh><t>x</t></rPh>")
    )
    assert read(path) == [
        ["시간", "", "유량"],
        [],
        ["2024-08-26 10:00:00", "8.02", "#N/A"],
        ["2024-08-26 00:00:00", "10:00:00", "00:00:00", ""],
    ]


def test_days_since_1904(tmp_path: Path) -> None:
    row = f'<row r="1"><c s="1"><v>{DAY - 1462}</v></c></row>'
    assert read(small_workbook.write(tmp_path / "a.xlsx", {"s": [row]}, old=True)) == [["2024-08-26 00:00:00"]]


def test_a_sheet_by_its_name(tmp_path: Path) -> None:
    sheets = {"one": [small_workbook.texts(1, "1")], "two": [small_workbook.texts(1, "2")]}
    path = small_workbook.write(tmp_path / "a.xlsx", sheets)
    assert (read(path), read(path, "two")) == ([["1"]], [["2"]])
    with pytest.raises(HistoryRefused, match="no sheet 'three'; it has one, two"):
        read(path, "three")


def test_an_old_workbook_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(HistoryRefused, match="save it again as"):
        guess(path)


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no", b"time,flow,pressure\n"])
def test_no_workbook(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(HistoryRefused, match=r"not a workbook that can be read; save it again"):
        read(path)


def test_a_damaged_sheet(tmp_path: Path) -> None:
    path = small_workbook.write(tmp_path / "a.xlsx", {"s": [small_workbook.texts(1, "1"), "<row>"]})
    with pytest.raises(HistoryRefused, match="after row 1: the workbook is damaged"):
        read(path)
