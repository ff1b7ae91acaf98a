"""`hydrolog backtest outliers --out FILE.html`: run the outlier methods again over the database's rows.

Criteria are learnt from the rows before the tested days, as hydrolog would have done then; the real detector runs over
the days with today's calendar. Only the page is written (or a table, if the name ends in .csv).
"""

import argparse
import csv
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli import shell
from common import database, settings
from common.clock import local_text, minute_of, minute_start
from common.errors import HydrologError, SettingsError
from common.folder import CRITERIA_FOLDER
from common.night import DAY_MINUTES, report_hours
from common.point import Point
from common.settings import Settings
from outliers import calendar
from outliers.backtest import rehearse
from outliers.calendar import Occasions
from outliers.findings import RAISE, Finding
from outliers.findings_text import figures, text
from outliers.flags import FAULT, LEAK

if TYPE_CHECKING:
    from cli.outlier_plots import JudgedSensor
    from outliers.criteria import Criteria
    from outliers.learn.build import History

MONTH_DAYS = 30.4
FETCH_TIMEOUT_S = 120.0  # nine months of one sensor from a slow disk
SHOW_EVERY_ROWS = 2000
MOST_SHOWN = 20  # LEAK and FAULT findings printed; the file has all
HEADER = ("sensor", "time", "since", "state", "severity", "channel", "method", "code", "numbers", "reason")


class NothingToJudge(HydrologError):
    """No registered sensor has a row in these days."""


def run(options: argparse.Namespace) -> int:
    """Run the backtest, write the file, print what would have been raised.

    Raises:
        DatabaseDown, NothingToJudge: see their messages.
        SettingsError: the file cannot be used, or the plot library is missing.
    """
    if not _is_table(options.out):
        shell.need_plots()
    chosen = settings.load(options.config)
    known = calendar.load(chosen.paths.data, chosen.site.zone, chosen.zones)
    for problem in known.problems:
        sys.stderr.write(shell.printable(problem) + "\n")
    alarms_per_month = options.alarms_per_month or chosen.outliers.alarms_per_month
    with closing(database.Database(chosen, "backtest")) as connection:
        courses = Past(connection, chosen, known, alarms_per_month).judge(options.days, options.sensor)
    if not courses:
        raise NothingToJudge
    _say(courses, chosen, options.days, alarms_per_month)
    try:
        _write(options, courses, chosen, alarms_per_month)
    except OSError as error:
        raise SettingsError("--out", f"cannot write {options.out}: {error.strerror}") from error
    sys.stdout.write(f"written: {options.out}\n")
    return 0


class Past:
    """The database's rows and the data for the backtest."""

    def __init__(
        self, connection: database.Database, chosen: Settings, known: Occasions, alarms_per_month: float
    ) -> None:
        self._database, self._chosen, self._known, self._alarms_per_month = connection, chosen, known, alarms_per_month
        site_now = shell.site_clock(chosen.paths.data).now()
        self._now: datetime = minute_start(minute_of(site_now))

    def sensors(self, only: str | None) -> list[tuple[Any, ...]]:
        """Each registered sensor with its limits, and when it was replaced."""
        with self._database.transaction() as cursor:
            query = "SELECT sensor, flow_max, pressure_max, replaced_at FROM SENSOR_TB WHERE site = %s ORDER BY sensor"
            cursor.execute(query, (self._chosen.site.id,))
            return [row for row in cursor.fetchall() if only in (None, row[0])]

    def rows(self, sensor: tuple[Any, ...], days: int) -> "tuple[Criteria, History, History, int]":
        """The physical limits, the raw rows and those to learn from, and the minute at which the last `days` begin."""
        from outliers.learn import archive
        from outliers.learn.build import WINDOW_DAYS

        name, flow_max, pressure_max, replaced = sensor
        start = self._now - timedelta(days=days)
        first = (start - timedelta(days=WINDOW_DAYS)).replace(minute=0)
        first = max(first, replaced.replace(minute=0)) if replaced and replaced < start else first
        with self._database.transaction(FETCH_TIMEOUT_S) as cursor:
            point = Point(self._chosen.site.id, name)
            rows = archive.read_rows(cursor, point, first, self._now)
            clean = archive.read_history(cursor, point, first, self._now, self._known.at(name))
        instrument = archive.Instrument(name, flow_max, pressure_max, replaced)
        folder = self._chosen.paths.data / CRITERIA_FOLDER
        prior = archive.limits(folder, instrument, is_zone=name in self._chosen.zones)
        return prior, rows, clean, minute_of(start)

    def judge(self, days: int, only: str | None) -> "list[JudgedSensor]":
        """What would have been raised in each sensor's last `days`; sensors without rows are skipped."""
        sensors = self.sensors(only)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("judging", total=len(sensors) * days * DAY_MINUTES)
            found = []
            for number, row in enumerate(sensors, 1):
                found.append(self._course(row, days, progress, task))
                progress.update(task, completed=number * days * DAY_MINUTES)
        return [course for course in found if course is not None]

    def _course(self, sensor: tuple[Any, ...], days: int, progress: Progress, task: TaskID) -> "JudgedSensor | None":
        import numpy as np

        from cli.outlier_plots import JudgedSensor
        from outliers.watch.detector import Detector

        name, zone = sensor[0], self._chosen.site.zone
        progress.update(task, description=f"judging {name}")
        prior, rows, clean, learn_end = self.rows(sensor, days)
        course = JudgedSensor(name, rows.span(learn_end, minute_of(self._now)), zone, self._known.at(name))
        if not np.isfinite(course.rows.flow).any():
            return None

        def look(minute: int, detector: Detector) -> None:
            course.look(minute, detector)
            if minute % SHOW_EVERY_ROWS == 0:
                progress.advance(task, SHOW_EVERY_ROWS)

        judged = rehearse(
            rows,
            prior,
            learn_end,
            zone,
            known=self._known,
            alarms_per_month=self._alarms_per_month,
            hours=report_hours(self._chosen.night),
            look=look,
            clean=clean,
        )
        course.findings = list(judged)
        return course


def _say(courses: "list[JudgedSensor]", chosen: Settings, days: int, alarms_per_month: float) -> None:
    """Print a line per sensor, and the alarms."""
    table = shell.table("sensor", "LEAK", "a month", "FAULT", "WATCH", "SUPPLY", "planned", whole=("sensor",))
    for course in courses:
        counts = course.counts()
        leaks = counts[LEAK]
        others = [str(counts[severity]) for severity in (FAULT, "watch", "supply", "planned")]
        table.add_row(shell.cell(course.sensor), str(leaks), f"{leaks * MONTH_DAYS / days:.2f}", *others)
    console = shell.console()
    console.print(f"raised over the last {days} days with alarms_per_month = {alarms_per_month:g}")
    console.print(table)
    told = [one for course in courses for one in course.findings if one.state == RAISE]
    urgent = [one for one in told if one.severity in (LEAK, FAULT)]
    for one in urgent[:MOST_SHOWN]:
        console.print(
            f"{local_text(one.minute, chosen.site.zone)} {one.sensor} {one.code}: {shell.printable(text(one))}"
        )
    if len(urgent) > MOST_SHOWN:
        console.print(f"and {len(urgent) - MOST_SHOWN} more LEAK and FAULT findings, in the file")


def _write(
    options: argparse.Namespace, courses: "list[JudgedSensor]", chosen: Settings, alarms_per_month: float
) -> None:
    from cli import outlier_plots

    if not _is_table(options.out):
        said = f"site {chosen.site.id}, the last {options.days} days, alarms_per_month = {alarms_per_month:g}"
        options.out.write_text(outlier_plots.page(courses, said), encoding="utf-8")
        return
    with options.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(_line(one, chosen) for course in courses for one in course.findings)


def _is_table(out: Path) -> bool:
    return out.suffix.lower() == ".csv"


def _line(one: Finding, chosen: Settings) -> tuple[str, ...]:
    times = (minute_start(minute).astimezone(chosen.site.zone).isoformat() for minute in (one.minute, one.since))
    words = (one.state, one.severity, one.channel, one.method, one.code)
    return (one.sensor, *times, *words, figures(one), text(one))
