"""A report as a workbook (.xlsx): every figure as a number, every time as a date of the site's clock."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from common.clock import minute_start
from common.messages import Catalogue
from incidents.sentences import CAUSES
from reports.leakage import with_currency
from reports.monthly import MonthlyReport
from reports.texts import AVAILABILITY, CHANNELS, DEEDS, ERRORS, INCIDENTS, LEAKAGE, MINIMA, ZONES, Texts

LONGEST_NAME = 31  # of a sheet, as spreadsheets allow
CELL_CHARACTERS = 32_767
MOST_SERIES = 24  # of a chart: more lines cannot be told apart
WIDE, NARROW = 60, 14  # columns, in characters

Cell = str | float | bool | date | None


def workbook(report: MonthlyReport, speech: Catalogue) -> bytes:
    """The file."""
    made = io.BytesIO()
    with Workbook(made, {"in_memory": True}) as book:
        book.set_properties({"title": Texts(report, speech).title(), "author": "hydrolog"})
        sheets = _Sheets(book, report, speech)
        sheets.summary()
        sheets.leakage()
        sheets.zones()
        sheets.minima()
        sheets.incidents()
        sheets.availability()
        sheets.errors()
        sheets.deeds()
    return made.getvalue()


class _Sheets:
    """The sheets, in order."""

    def __init__(self, book: Workbook, report: MonthlyReport, speech: Catalogue) -> None:
        self._book, self._report = book, report
        self._texts = Texts(report, speech)
        self.say, self._speech = speech.say, speech
        self._head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._title = book.add_format({"bold": True, "font_size": 16})
        self._wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self._day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm", "valign": "top"})
        self._figure = book.add_format({"num_format": "#,##0.00", "valign": "top"})
        self._share = book.add_format({"num_format": "0.0%", "valign": "top"})

    def summary(self) -> None:
        sheet = self._book.add_worksheet(_sheet_name(self._texts.title()))
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 1, WIDE)
        sheet.write_string(0, 0, self._texts.title(), self._title)
        lines = [("", self._texts.made()), *self._texts.figures(), *(("", each) for each in self._texts.remarks())]
        for row, (word, value) in enumerate(lines, 2):
            sheet.write_string(row, 0, word, self._wrap)
            sheet.write_string(row, 1, value, self._wrap)

    def leakage(self) -> None:
        say, money = self.say, self._report.currency
        heads = [say("sensor"), say("name"), say("nights with a leakage"), say("nights in all")]
        heads += [say("minimum night flow, m³/h"), say("leakage at least, m³"), say("leakage at most, m³")]
        heads += [say("estimate"), say("UARL, m³"), say("ILI")]
        heads += [with_currency(text, money, self._speech) for text in (say("cost at least"), say("cost at most"))]
        rows: list[list[Cell]] = []
        for one in self._report.sensors:
            lost = one.leakage
            figures: list[Cell] = [None] * 10
            if lost is not None:
                guessed = (say("estimate") if lost.estimate else "") if lost.nights else None
                figures = [lost.nights, lost.nights + len(lost.missing), lost.hour_flow_mean, lost.leak_low]
                figures += [lost.leak_high, guessed, lost.uarl, lost.ili, lost.cost_low, lost.cost_high]
            rows.append([one.sensor, one.name, *figures])
        sheet = self._sheet(LEAKAGE, heads, rows)
        known = sum(one.lost_m3 is not None for one in self._report.sensors)
        if known:
            self._bars(sheet, min(known, MOST_SERIES), len(heads))

    def _bars(self, sheet: Worksheet, count: int, column: int) -> None:
        """Up to the lower end, and from there to the upper one."""
        chart: Any = self._book.add_chart({"type": "bar"})
        for place in (5, 6):
            chart.add_series(
                {"name": [sheet.name, 0, place], "categories": [sheet.name, 1, 0, count, 0],
                 "values": [sheet.name, 1, place, count, place]}
            )  # fmt: skip
        chart.set_y_axis({"reverse": True})
        chart.set_size({"width": 640, "height": 120 + 40 * count})
        sheet.insert_chart(1, column + 1, chart)

    def zones(self) -> None:
        zone, inflow, outflow, remained, _, minutes = self._texts.zone_heads()
        heads = [zone, self.say("name"), self.say("meters"), inflow, outflow, remained, minutes]
        heads += [self.say("leakage at least, m³"), self.say("leakage at most, m³")]
        rows: list[list[Cell]] = []
        for one in self._report.zones:
            found, lost = one.balance, one.leakage
            figures: list[Cell] = [found.inflow, found.outflow, found.remained, found.minutes] if found else [None] * 4
            figures += [lost.leak_low, lost.leak_high] if lost else [None, None]
            rows.append([one.sensor, one.name, one.zone.formula if one.zone else "", *figures])
        if rows:
            self._sheet(ZONES, heads, rows)

    def minima(self) -> None:
        sensors = [one for one in self._report.sensors if one.minima]
        if not sensors:
            return
        columns = {self._report.name(one.sensor): one.minima for one in sensors}
        sheet = self._by_day(f"{self.say(MINIMA)}, m³/h", columns, self._figure)
        chart: Any = self._book.add_chart({"type": "line"})
        last = len([*self._report.month.days])
        for place in range(1, min(len(sensors), MOST_SERIES) + 1):
            chart.add_series(
                {"name": [sheet.name, 0, place], "categories": [sheet.name, 1, 0, last, 0],
                 "values": [sheet.name, 1, place, last, place]}
            )  # fmt: skip
        chart.set_size({"width": 900, "height": 420})
        sheet.insert_chart(1, len(sensors) + 2, chart)

    def incidents(self) -> None:
        say = self.say
        heads = [say("incident"), say("sensor"), say("name"), say("kind"), say("began"), say("told"), say("ended")]
        heads += [say("largest, m³/h"), say("volume, m³ (estimate)"), say("cause"), say("what happened"), say("people")]
        names = {one.sensor: one.name for one in self._report.sensors}
        rows: list[list[Cell]] = []
        for known in self._report.incidents:
            incident, life = known
            said = self._texts.told(known)
            cause = say(CAUSES[life.cause]) if life.cause is not None else None
            rows.append(
                [incident.id, incident.sensor, names.get(incident.sensor, ""), said.title.partition("]")[0][1:],
                 self._minute(incident.began), self._minute(incident.raised), self._minute(incident.ended),
                 incident.largest_m3h, incident.volume_m3, cause, said.what, said.life]
            )  # fmt: skip
        self._sheet(INCIDENTS, heads, rows)

    def availability(self) -> None:
        sensors = [one for one in self._report.sensors if one.available.by_day]
        columns = {self._report.name(one.sensor): one.available.by_day for one in sensors}
        if columns:
            self._by_day(self.say(AVAILABILITY), columns, self._share)

    def errors(self) -> None:
        say = self.say
        heads = [say("sensor"), say("name"), say("quantity"), say("hours ahead"), say("hours compared")]
        heads += [say("mean error"), say("week before"), say("ratio")]
        rows: list[list[Cell]] = [
            [one.sensor, one.name, say(CHANNELS[error.channel]), error.lead, error.hours, error.mean,
             error.week_before, error.ratio]
            for one in self._report.sensors
            for error in one.errors
        ]  # fmt: skip
        if rows:
            self._sheet(ERRORS, heads, rows)

    def deeds(self) -> None:
        say = self.say
        heads = [say("time"), say("who"), say("what"), say("sensor"), say("note")]
        rows: list[list[Cell]] = [[self._local(one.at), one.by, *self._texts.deed(one)] for one in self._report.deeds]
        if rows:
            self._sheet(DEEDS, heads, rows)

    def _by_day(self, heading: str, columns: Mapping[str, Mapping[date, float]], look: Any) -> Worksheet:
        """A row a day, a column a sensor; what is not known is empty."""
        days = [*self._report.month.days]
        rows: list[list[Cell]] = [[day, *(values.get(day) for values in columns.values())] for day in days]
        return self._sheet(heading, [self.say("day"), *columns], rows, look)

    def _sheet(self, heading: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]], look: Any = None) -> Worksheet:
        sheet = self._book.add_worksheet(_sheet_name(self.say(heading)))
        sheet.freeze_panes(1, 0)
        longest = [len(head) // 2 for head in heads]
        for column, head in enumerate(heads):
            sheet.write_string(0, column, head, self._head)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                self._write(sheet, number, column, value, look)
                if isinstance(value, str):
                    longest[column] = max(longest[column], len(value))
        for column, length in enumerate(longest):
            sheet.set_column(column, column, min(WIDE, max(NARROW, length + 2)))
        return sheet

    def _write(self, sheet: Worksheet, row: int, column: int, value: Cell, look: Any) -> None:
        if isinstance(value, datetime):
            sheet.write_datetime(row, column, value, self._time)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, self._day)
        elif isinstance(value, str):  # whatever it begins with, no spreadsheet takes it for a formula
            sheet.write_string(row, column, value[:CELL_CHARACTERS], self._wrap)
        elif isinstance(value, int):
            sheet.write_number(row, column, value, self._wrap)
        elif value is not None:
            sheet.write_number(row, column, value, look or self._figure)

    def _local(self, at: datetime) -> datetime:
        """A time as the site's clock shows it: a spreadsheet knows no zones."""
        return at.astimezone(self._report.month.zone).replace(tzinfo=None)

    def _minute(self, minute: int | None) -> datetime | None:
        return None if minute is None else self._local(minute_start(minute))


def _sheet_name(text: str) -> str:
    """Without the signs that the name of a sheet may not have; a unit keeps something like its slash."""
    return re.sub(r"[\[\]:*?\\]", " ", text.replace("/", "\N{DIVISION SLASH}"))[:LONGEST_NAME].strip().strip("'")
