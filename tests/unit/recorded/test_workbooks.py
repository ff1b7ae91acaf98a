"""Excel workbooks: what their cells say."""

import zipfile
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


def spoilt(path: Path, name: str, text: bytes) -> Path:
    """A workbook with another part."""
    small_workbook.write(path, {"s": [small_workbook.texts(1, "1")]})
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in {**parts, name: text}.items():
            archive.writestr(part, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"
MANY = 100_000


@pytest.mark.parametrize(
    "row",
    [
        *('<row r="999999999"/>', '<row r="0"/>', '<row r="x"/>'),
        *('<row r="2"><c r="ZZZZ2"/></row>', '<row r="2"><c r="B2"/><c r="A2"/></row>'),
        *('<row r="2"><c t="s"><v>-1</v></c></row>', '<row r="2"><c s="x"><v>1</v></c></row>'),
    ],
)
def test_impossible_places_are_damage(tmp_path: Path, row: str) -> None:
    rows = [small_workbook.texts(1, "1"), row]
    path = small_workbook.write(tmp_path / "a.xlsx", {"s": rows}, ("<t>text</t>",))
    with pytest.raises(HistoryRefused, match=r"after row [12]: the workbook is damaged"):
        read(path)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        *(('s="1"><v>1e308</v>', "1e+308"), ('s="1"><v>1e15</v>', "1000000000000000.0")),
        *(('s="1"><v>INF</v>', "inf"), ('s="1"><v>NaN</v>', "nan"), ('s="1"><v>-1</v>', "-1.0")),
        *(('s="3"><v>1</v>', "24:00:00"), ('t="b"><v>1</v>', "TRUE"), ('t="b"><v>0</v>', "FALSE")),
        ('t="inlineStr"><is>' + "<r>" * 5000 + "</r>" * 5000 + "</is>", ""),
    ],
)
def test_cells_that_are_no_value(tmp_path: Path, cell: str, text: str) -> None:
    path = small_workbook.write(tmp_path / "a.xlsx", {"s": [f'<row r="1"><c r="a1" {cell}</c></row>']})
    assert read(path) == [[text]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("xl/workbook.xml", b"<workbook>" + b"<a/>" * MANY + b"</workbook>"),
        ("xl/styles.xml", b"<styleSheet>" + b"<xf/>" * MANY + b"</styleSheet>"),
        ("xl/sharedStrings.xml", b"<sst>" + b"<a/>" * MANY + b"</sst>"),
        ("xl/sharedStrings.xml", b"<sst><si><t>" + b"A" * 4 * MANY + b"</t></si></sst>"),
        (SHEET, b"<worksheet><sheetData><row>" + b"<c/>" * MANY + b"</row></sheetData></worksheet>"),
        (SHEET, b"<worksheet><sheetData><row><c><v>" + b"1" * 4 * MANY + b"</v></c></row></sheetData></worksheet>"),
    ],
)
def test_a_few_bytes_that_become_many_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: bytes
) -> None:
    monkeypatch.setattr(workbook, "MOST_PART_BYTES", 100_000)
    path = spoilt(tmp_path / "a.xlsx", name, text)
    with pytest.raises(HistoryRefused, match="workbook"):
        read(path)


def test_texts_of_several_parts_are_no_endless_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_PART_BYTES", 100_000)
    texts = tuple(f"<t>{'A' * 1000}{i}</t>" for i in range(200))
    rows = [f'<row r="{i}"><c t="s"><v>{i}</v></c><c><v>{"1" * 1000}</v></c></row>' for i in range(1, 200)]
    path = small_workbook.write(tmp_path / "a.xlsx", {"s": rows}, texts)
    assert [row[0][-3:] for row in read(path)][-1] == "199"


def test_a_locked_or_damaged_workbook_is_refused(tmp_path: Path) -> None:
    path = small_workbook.write(tmp_path / "a.xlsx", {"s": [small_workbook.texts(1, "1")]})
    whole = path.read_bytes()
    for mark, place, byte in ((b"PK\1\2", 8, 1), (b"PK\1\2", 10, 99)):  # a password; another compression
        content = bytearray(whole)
        at = -1
        while (at := content.find(mark, at + 1)) >= 0:
            content[at + place] = byte
        path.write_bytes(content)
        with pytest.raises(HistoryRefused, match="not a workbook that can be read"):
            read(path)
    start = whole.index(SHEET.encode()) + len(SHEET)
    path.write_bytes(whole[:start] + b"\xff" * 20 + whole[start + 20 :])
    with pytest.raises(HistoryRefused, match="the workbook is damaged"):
        read(path)
    with pytest.raises(HistoryRefused, match="not a workbook that can be read"):
        read(spoilt(path, "xl/styles.xml", b'<styleSheet><cellXfs><xf numFmtId="a"/></cellXfs></styleSheet>'))
