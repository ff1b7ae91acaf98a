"""The small charts of the PDF: bars of the losses, the minima of the nights, and the days with their minutes."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from reportlab.graphics.shapes import Drawing, Line, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.pdfbase.pdfmetrics import stringWidth

from reports.typeface import TEXT, drawable

INK, QUIET, GRID = HexColor("#1a2330"), HexColor("#55606c"), HexColor("#d5dbe1")
BLUE, PALE_BLUE, ORANGE = HexColor("#1f5fa8"), HexColor("#a9c6e6"), HexColor("#c4581b")
SIZE = 7.0  # points, of the letters
BAR_ROW = 15.0
NAME_SHARE = 0.3  # of the width, for the names
CELL_H = 11.0
MINIMA_H = 92.0


class Bar(NamedTuple):
    """From `low` to `high` it is an estimate."""

    name: str
    low: float
    high: float
    text: str


def bars(found: Sequence[Bar], width: float) -> Drawing:
    """One bar a row: full up to the low end, pale up to the high one, and the number."""
    height = BAR_ROW * len(found)
    drawing = Drawing(width, height)
    left, text_w = width * NAME_SHARE, max((_wide(bar.text) for bar in found), default=0.0) + 6
    highest = max((bar.high for bar in found), default=0.0) or 1.0
    scale = max(10.0, width - left - text_w) / highest
    for number, bar in enumerate(found):
        bottom = height - BAR_ROW * (number + 1)
        drawing.add(_text(left - 6, bottom + 4, shortened(bar.name, left - 8), anchor="end"))
        drawing.add(_box(left, bottom + 2.5, bar.high * scale, BAR_ROW - 5, PALE_BLUE))
        drawing.add(_box(left, bottom + 2.5, bar.low * scale, BAR_ROW - 5, BLUE))
        drawing.add(_text(left + bar.high * scale + 4, bottom + 4, bar.text))
    drawing.add(Line(left, 0, left, height, strokeColor=QUIET, strokeWidth=0.6))
    return drawing


def minima(name: str, days: Sequence[date], flows: Mapping[date, float], width: float) -> Drawing:
    """The minimum night flow of each night, from zero; a night without one is a gap."""
    drawing = Drawing(width, MINIMA_H)
    left, bottom, top = 26.0, 14.0, MINIMA_H - 18
    highest = nice(max(flows.values(), default=0.0))
    drawing.add(_text(0, MINIMA_H - 9, shortened(name, width), size=SIZE + 0.5, colour=INK))
    for share in (0.0, 0.5, 1.0):
        y = bottom + (top - bottom) * share
        drawing.add(Line(left, y, width, y, strokeColor=GRID, strokeWidth=0.5))
        drawing.add(_text(left - 3, y - 2.3, f"{highest * share:,.4g}", anchor="end"))
    step = (width - left) / len(days)
    for number, day in enumerate(days):
        if day.day in (1, 10, 20) or number == len(days) - 1:
            drawing.add(_text(left + step * (number + 0.5), 3, str(day.day), anchor="middle"))
    scale = (top - bottom) / highest
    points = [
        (left + step * (number + 0.5), bottom + flows[day] * scale) if day in flows else None
        for number, day in enumerate(days)
    ]
    _draw_line(drawing, points)
    return drawing


def _draw_line(drawing: Drawing, points: Sequence[tuple[float, float] | None]) -> None:
    run: list[float] = []
    for point in [*points, None]:
        if point is not None:
            run += point
            drawing.add(_box(point[0] - 1, point[1] - 1, 2, 2, BLUE))
        elif run:
            drawing.add(PolyLine(run, strokeColor=BLUE, strokeWidth=1.1))
            run = []


def day_strip(days: Sequence[date], shares: Mapping[date, float], width: float) -> Drawing:
    """A cell a day, blue as far as its minutes have a value; a day that does not count is a line."""
    drawing, step = Drawing(width, CELL_H), width / len(days)
    for number, day in enumerate(days):
        x, share = step * number, shares.get(day)
        if share is None:
            drawing.add(Line(x + 1, CELL_H / 2, x + step - 1.5, CELL_H / 2, strokeColor=GRID, strokeWidth=0.6))
            continue
        drawing.add(_box(x, 0, step - 1.2, CELL_H, ORANGE if share < 1 else PALE_BLUE))
        drawing.add(_box(x, 0, step - 1.2, CELL_H * share, BLUE if share < 1 else PALE_BLUE))
    return drawing


def day_numbers(days: Sequence[date], width: float) -> Drawing:
    """What stands over the cells of `day_strip`."""
    drawing, step = Drawing(width, CELL_H), width / len(days)
    for number, day in enumerate(days):
        if day.day == 1 or day.day % 5 == 0:
            drawing.add(_text(step * (number + 0.5), 3, str(day.day), anchor="middle"))
    return drawing


def nice(highest: float) -> float:
    """The end of an axis: the next of 1, 2, 4, 5, 8 times a power of ten."""
    if not highest > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(factor * power for factor in (1, 2, 4, 5, 8, 10) if factor * power >= highest)


def shortened(name: str, width: float) -> str:
    """The name in this width, with … where it was cut."""
    name = drawable(name)
    if _wide(name) <= width:
        return name
    while name and _wide(f"{name}…") > width:
        name = name[:-1]
    return f"{name}…"


def _wide(text: str) -> float:
    return float(stringWidth(drawable(text), TEXT, SIZE))


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: float = SIZE, colour: Color = QUIET) -> String:
    return String(x, y, drawable(text), fontName=TEXT, fontSize=size, textAnchor=anchor, fillColor=colour)


def _box(x: float, y: float, width: float, height: float, colour: Color) -> Rect:
    return Rect(x, y, width, height, fillColor=colour, strokeColor=None)
