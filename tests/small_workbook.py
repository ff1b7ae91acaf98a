"""Writes a small Excel workbook, with the parts that Excel itself writes."""

import zipfile
from pathlib import Path

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATION = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def write(path: Path, sheets: dict[str, list[str]], shared: tuple[str, ...] = (), *, old: bool = False) -> Path:
    """Sheets of rows in XML; style 1 is Excel's own date, 2 a Korean one, 3 a time of day, 4 a number with a unit."""
    names = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="rId{i}"/>' for i, name in enumerate(sheets, 1))
    targets = "".join(
        f'<Relationship Id="rId{i}" Target="worksheets/sheet{i}.xml"/>' for i in range(1, len(sheets) + 1)
    )
    formats = (
        '<numFmt numFmtId="164" formatCode="yyyy&quot;년&quot; m&quot;월&quot; d&quot;일&quot; hh:mm"/>'
        '<numFmt numFmtId="165" formatCode="0.00 &quot;m3/h&quot;;[Red]-0.00"/>'
    )
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in (0, 22, 164, 21, 165))
    texts = "".join(f"<si>{text}</si>" for text in shared)
    book = f'<workbookPr date1904="{int(old)}"/><sheets>{names}</sheets>'
    parts = {
        "xl/workbook.xml": f"<workbook {_MAIN} {_RELATION}>{book}</workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships>{targets}</Relationships>",
        "xl/styles.xml": f"<styleSheet {_MAIN}><numFmts>{formats}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>",
        "xl/sharedStrings.xml": f"<sst {_MAIN}>{texts}</sst>",
    }
    for i, rows in enumerate(sheets.values(), 1):
        body = "".join(rows)
        parts[f"xl/worksheets/sheet{i}.xml"] = f"<worksheet {_MAIN}><sheetData>{body}</sheetData></worksheet>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


def texts(number: int, *cells: str) -> str:
    """A row of texts."""
    inside = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
    return f'<row r="{number}">{inside}</row>'
