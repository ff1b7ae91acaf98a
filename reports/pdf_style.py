"""The letters of the PDF: styles, tables, and text of others that cannot become markup."""

from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph

from reports.drawings import GRID, INK, QUIET
from reports.typeface import BOLD, TEXT, drawable

LONGEST_TEXT = 500  # characters of a cell, so that no row is higher than a page

PLAIN = ParagraphStyle("plain", fontName=TEXT, fontSize=8.5, leading=12, textColor=INK)
SMALL = ParagraphStyle("quiet", parent=PLAIN, textColor=QUIET, fontSize=8)
RIGHT = ParagraphStyle("right", parent=PLAIN, fontSize=8, alignment=2)
HEAD = ParagraphStyle("head", parent=SMALL, leading=10)
HEAD_RIGHT = ParagraphStyle("head-right", parent=HEAD, alignment=2)
TITLE = ParagraphStyle("title", parent=PLAIN, fontName=BOLD, fontSize=19, leading=26)
SECTION = ParagraphStyle("section", parent=PLAIN, fontName=BOLD, fontSize=12, leading=17, spaceBefore=16, spaceAfter=5)
FIGURE = ParagraphStyle("figure", parent=PLAIN, fontSize=13, leading=17)
CELLS = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LINEBELOW", (0, 0), (-1, 0), 0.8, QUIET),
    ("LINEBELOW", (0, 1), (-1, -1), 0.4, GRID),
    ("LEFTPADDING", (0, 0), (-1, -1), 3),
    ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ("TOPPADDING", (0, 0), (-1, -1), 3),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
]
BOXES = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("BOX", (0, 0), (-1, -1), 0.6, GRID),
    ("INNERGRID", (0, 0), (-1, -1), 0.6, GRID),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
]


def as_cell(value: Any, style: ParagraphStyle) -> Flowable:
    return words(value, style) if isinstance(value, str) else value


def lines(text: str) -> list[Flowable]:
    """The first line large."""
    first, *rest = text.split("\n")
    return [words(first, FIGURE), *(words(line, SMALL) for line in rest)]


def words(text: str, style: ParagraphStyle, font: str = TEXT) -> Paragraph:
    return Paragraph(_safe(text, font), style)


def _safe(text: str, font: str) -> str:
    """Text of others cannot become markup. The font's own ³ is too small to read."""
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}…"
    return escape(drawable(text, font)).replace("³", "<super>3</super>")
