"""A report as PDF: A4, with the figures that a person reads; the workbook has all of them."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, SimpleDocTemplate, Spacer, Table

from common.messages import Catalogue
from reports import drawings
from reports.drawings import QUIET, Bar
from reports.leakage import in_range, of_nights, with_currency
from reports.monthly import MonthlyReport, SensorMonth
from reports.pdf_style import BOXES, CELLS, HEAD, HEAD_RIGHT, PLAIN, RIGHT, SECTION, SMALL, TITLE, as_cell, lines, words
from reports.texts import (
    AVAILABILITY,
    CHANNELS,
    DEEDS,
    ERRORS,
    INCIDENTS,
    LEAKAGE,
    MINIMA,
    ZONES,
    Texts,
    percent,
)
from reports.typeface import BOLD, TEXT, drawable, register

MOST_ROWS = 100  # of a table; the workbook has the others
MOST_CHARTS = 24  # of nights
CHARTS_A_ROW = 3
MARGIN = 16 * mm
SECTION_LEAST = 110  # points: a heading, the head of its table and two rows
INSIDE = 6  # points that the library leaves inside of the margin
WIDTH = A4[0] - 2 * (MARGIN + INSIDE)
LOSS_SHARES = (0.165, 0.115, 0.11, 0.165, 0.09, 0.115, 0.24)  # of the columns of the first table


def pdf(report: MonthlyReport, speech: Catalogue) -> bytes:
    """The file."""
    register()
    made, texts = io.BytesIO(), Texts(report, speech)
    document = SimpleDocTemplate(
        made,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN + 4 * mm,
        title=texts.title(),
        author="hydrolog",
        subject=report.site,
        lang=speech.language,
    )
    foot = f"{report.site} · {texts.title()}"

    def on_page(canvas: Canvas, _: SimpleDocTemplate) -> None:
        canvas.setFont(TEXT, 7.5)
        canvas.setFillColor(QUIET)
        canvas.drawString(MARGIN + INSIDE, MARGIN - 2 * mm, drawable(foot))
        canvas.drawRightString(A4[0] - MARGIN - INSIDE, MARGIN - 2 * mm, str(canvas.getPageNumber()))

    document.build([*_Pages(texts).whole()], onFirstPage=on_page, onLaterPages=on_page)
    return made.getvalue()


class _Pages:
    """What stands on the pages, in order."""

    def __init__(self, texts: Texts) -> None:
        self._texts, self._report = texts, texts.report
        self.say, self._speech = texts.speech.say, texts.speech

    def whole(self) -> Iterator[Flowable]:
        yield words(self._texts.title(), TITLE, BOLD)
        yield words(self._texts.made(), SMALL)
        yield Spacer(0, 8)
        yield self._figures()
        yield from self._losses()
        yield from self._zones()
        yield from self._minima()
        yield from self._incidents()
        yield from self._availability()
        yield from self._errors()
        yield from self._deeds()
        yield Spacer(0, 14)
        for remark in self._texts.remarks():
            yield words(remark, SMALL)

    def _figures(self) -> Flowable:
        cells = [[words(word, SMALL), *lines(value)] for word, value in self._texts.figures()]
        table = Table([cells], colWidths=[WIDTH / len(cells)] * len(cells), hAlign="LEFT")
        table.setStyle(BOXES)
        return table

    def _losses(self) -> Iterator[Flowable]:
        heads, rows, wide = self._loss_rows()
        yield from self._section(LEAKAGE)
        if not rows:
            yield words(self.say("No sensor is registered."), SMALL)
            return
        yield from self._table(heads, rows, wide, right=range(1, len(heads)))
        found = [bar for one in self._report.sensors[:MOST_CHARTS] if (bar := self._bar(one))]
        if found:
            yield Spacer(0, 8)
            yield KeepTogether([words(self.say("Leakage, m³"), SMALL), drawings.bars(found, WIDTH)])

    def _zones(self) -> Iterator[Flowable]:
        rows = []
        for one in self._report.zones[:MOST_ROWS]:
            lost, found = one.leakage, one.balance
            volumes = [found.inflow, found.outflow, found.remained] if found else []
            leaked = in_range(lost.leak_low, lost.leak_high, lost.estimate, self._speech) if lost else ""
            cells = [f"{volume:,.0f}" for volume in volumes] or [""] * 3
            rows.append([self._report.name(one.sensor), *cells, leaked, f"{found.minutes:,}" if found else ""])
        if rows:
            yield from self._section(ZONES)
            shares = [0.25, 0.14, 0.14, 0.16, 0.17, 0.14]
            yield from self._table(
                self._texts.zone_heads(), rows, shares, right=range(1, 6), more=len(self._report.zones)
            )

    def _loss_rows(self) -> tuple[list[str], list[list[str]], list[float]]:
        """Headings, cells and shares of the width, without the columns that no sensor fills."""
        say, speech, sensors = self.say, self._speech, self._report.sensors
        cost = say("cost of leakage")
        heads = [say("sensor"), say("nights"), say("minimum night flow, m³/h"), say("leakage, m³")]
        heads += [say("UARL, m³"), say("ILI"), with_currency(cost, self._report.currency, speech)]
        rows = []
        for one in sensors:
            lost, cells = one.leakage, [self._report.name(one.sensor), *[""] * 6]
            if lost is not None:
                cells[1] = say("{nights} of {over}", nights=lost.nights, over=lost.nights + len(lost.missing))
                cells[2] = "" if lost.hour_flow_mean is None else f"{lost.hour_flow_mean:,.2f}"
                cells[3] = in_range(lost.leak_low, lost.leak_high, lost.estimate, speech)
                cells[4] = of_nights(lost.uarl, lost.uarl_nights, 0, lost, speech)
                cells[5] = of_nights(lost.ili, lost.ili_nights, 1, lost, speech)
                cells[6] = in_range(lost.cost_low, lost.cost_high, lost.estimate, speech)
            rows.append(cells)
        filled = [n for n in range(7) if n < 4 or any(row[n] for row in rows)]
        whole = sum(LOSS_SHARES[n] for n in filled)
        wide = [LOSS_SHARES[n] / whole for n in filled]
        return [heads[n] for n in filled], [[row[n] for n in filled] for row in rows], wide

    def _bar(self, one: SensorMonth) -> Bar | None:
        lost = one.leakage
        if lost is None or lost.leak_low is None or lost.leak_high is None:
            return None
        text = in_range(lost.leak_low, lost.leak_high, lost.estimate, self._speech)
        return Bar(self._report.name(one.sensor), lost.leak_low, lost.leak_high, text)

    def _minima(self) -> Iterator[Flowable]:
        shown = [one for one in self._report.sensors if one.minima]
        if not shown:
            return
        yield from self._section(f"{self.say(MINIMA)}, m³/h")
        days, width = [*self._report.month.days], WIDTH / CHARTS_A_ROW - 8
        charts = [
            drawings.minima(self._report.name(one.sensor), days, one.minima, width) for one in shown[:MOST_CHARTS]
        ]
        charts += [""] * (-len(charts) % CHARTS_A_ROW)
        grid = [charts[n : n + CHARTS_A_ROW] for n in range(0, len(charts), CHARTS_A_ROW)]
        table = Table(grid, colWidths=[WIDTH / CHARTS_A_ROW] * CHARTS_A_ROW)
        table.setStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 8)])
        yield table
        yield from self._more(len(shown), MOST_CHARTS)

    def _incidents(self) -> Iterator[Flowable]:
        yield from self._section(INCIDENTS)
        rows = []
        for known in self._report.incidents[:MOST_ROWS]:
            said = self._texts.told(known)
            rows.append([said.title, said.what, said.life])
        if not rows:
            yield words(self.say("None in this month."), SMALL)
            return
        heads = [self.say("incident"), self.say("what happened"), self.say("people")]
        yield from self._table(heads, rows, [0.27, 0.48, 0.25], more=len(self._report.incidents))

    def _availability(self) -> Iterator[Flowable]:
        shown = [one for one in self._report.sensors if one.available.share is not None]
        if not shown:
            return
        days, width = [*self._report.month.days], WIDTH * 0.6 - 6
        rows: list[list[Any]] = [
            [self._report.name(one.sensor), percent(one.available.share or 0.0),
             drawings.day_strip(days, one.available.by_day, width)]
            for one in shown[:MOST_ROWS]
        ]  # fmt: skip
        yield from self._section(AVAILABILITY)
        heads = [self.say("sensor"), self.say("in the month"), drawings.day_numbers(days, width)]
        yield from self._table(heads, rows, [0.27, 0.13, 0.6], right=[1], more=len(shown))

    def _errors(self) -> Iterator[Flowable]:
        say, found = self.say, [error for one in self._report.sensors for error in one.errors]
        if not found:
            return
        heads = [say("sensor"), say("quantity"), say("hours ahead"), say("hours compared"), say("mean error")]
        heads += [say("week before"), say("ratio")]
        rows = [
            [self._report.name(error.sensor), say(CHANNELS[error.channel]), str(error.lead), f"{error.hours:,}",
             f"{error.mean:#.3g}", f"{error.week_before:#.3g}", "" if error.ratio is None else f"{error.ratio:.2f}"]
            for error in found[:MOST_ROWS]
        ]  # fmt: skip
        yield from self._section(ERRORS)
        yield from self._table(heads, rows, [0.27, 0.18, *[0.11] * 5], right=range(2, 7), more=len(found))

    def _deeds(self) -> Iterator[Flowable]:
        say, found = self.say, self._report.deeds
        if not found:
            return
        rows = []
        for deed in found[:MOST_ROWS]:
            rows.append([self._texts.time(deed.at), deed.by, *self._texts.deed(deed)])
        yield from self._section(DEEDS)
        heads = [say("time"), say("who"), say("what"), say("sensor"), say("note")]
        yield from self._table(heads, rows, [0.14, 0.13, 0.22, 0.19, 0.32], more=len(found))

    def _table(
        self,
        heads: Sequence[Any],
        rows: Sequence[Sequence[Any]],
        shares: Sequence[float],
        right: Sequence[int] = (),
        more: int = 0,
    ) -> Iterator[Flowable]:
        """At most `MOST_ROWS`; `more`: how many there are, if these are not all."""
        whole = [[as_cell(cell, HEAD_RIGHT if n in right else HEAD) for n, cell in enumerate(heads)]]
        whole += [
            [as_cell(cell, RIGHT if n in right else PLAIN) for n, cell in enumerate(row)] for row in rows[:MOST_ROWS]
        ]
        table = Table(whole, colWidths=[WIDTH * share for share in shares], repeatRows=1)
        table.setStyle(CELLS)
        yield table
        yield from self._more(max(more, len(rows)), MOST_ROWS)

    def _more(self, there: int, shown: int) -> Iterator[Flowable]:
        if there > shown:
            yield words(
                self._speech.many(
                    "{count} more is in the workbook.", "{count} more are in the workbook.", there - shown
                ),
                SMALL,
            )

    def _section(self, heading: str) -> Iterator[Flowable]:
        """A heading that does not stand alone at the foot of a page."""
        yield CondPageBreak(SECTION_LEAST)
        yield words(self.say(heading), SECTION, BOLD)
