"""`hydrolog backtest outliers --out FILE`: what hydrolog would have raised in the past.

From the database: see `cli.backtest_archive`. With --data FOLDER, for each point: criteria from the rows up to its
`learn_end`, then the real detector over the rest, with criteria rebuilt every three months by the same rule. Files in
the folder:

    points.csv            point, flow_max, pressure_max, learn_end (other columns are ignored)
    <point>.csv[.gz]      time (local), flow (m3/h), pressure (bar); empty = no value
    holidays.txt          optional: one date per line, treated as Sundays
"""

import argparse
import csv
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cli import shell
from common.errors import HydrologError
from common.settings import DEFAULT_ALARMS_PER_MONTH
from outliers import calendar
from outliers import criteria as stored
from outliers.backtest import rehearse
from outliers.calendar import Occasions
from outliers.criteria import Criteria
from outliers.findings import Finding
from outliers.findings_text import figures, text
from outliers.rules import REBUILD_DAYS

if TYPE_CHECKING:
    from outliers.learn.build import History

ZONE = ZoneInfo("UTC")  # the files have local times without offset, which are used unchanged
SCORED = ("point", "time", "channel", "code", "kind", "severity", "state")
HEADER = (*SCORED, "since", "method", "numbers", "reason")  # the other columns are for people
PROMISED = "promised"
PLANT_HELP = (
    f"plant leaks of these sizes (m3/h, with commas; or {PROMISED}: those that hydrolog check says) into the rows, and "
    "count those found in time"
)
SEVERITY = {"supply": "watch"}  # in findings.csv a supply finding has severity watch and kind supply


class BacktestUnusable(HydrologError):
    """The folder cannot be used."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class BacktestPoint:
    """One line of points.csv."""

    name: str
    flow_max: float
    pressure_max: float
    learn_end: int  # minute

    def limits(self) -> Criteria:
        """Its physical limits."""
        limits = stored.initial(self.name)
        flow, pressure = replace(limits.flow, high=self.flow_max), replace(limits.pressure, high=self.pressure_max)
        return replace(limits, flow=flow, pressure=pressure)


def run(args: list[str]) -> int:
    """The subcommand; returns the exit code.

    Raises:
        HydrologError: the folder or the database cannot be used.
    """
    options = _parser().parse_args(args)
    if options.plant is not None:
        from cli import backtest_plant

        return backtest_plant.run(options)
    if options.data is None:
        from cli import backtest_archive

        return backtest_archive.run(options)
    holidays, problems = calendar.holidays_of(options.holidays or options.data / calendar.HOLIDAYS)
    for problem in problems:
        print(f"hydrolog backtest outliers: {problem}", file=sys.stderr)
    known = Occasions(holidays=holidays)
    alarms_per_month = options.alarms_per_month or DEFAULT_ALARMS_PER_MONTH
    try:
        points = [point for point in read_points(options.data) if not options.points or point.name in options.points]
        with options.out.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(HEADER)
            for point in points:
                began = time.perf_counter()
                findings = list(backtest(point, options.data, known, alarms_per_month))
                writer.writerows(line(finding) for finding in findings)
                raised = sum(finding.state == "raise" for finding in findings)
                print(f"{point.name}: {raised} raised in {time.perf_counter() - began:.1f} s", flush=True)
    except OSError as error:
        raise BacktestUnusable(f"hydrolog backtest outliers: {error}") from error
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "backtest outliers",
        "What hydrolog would have raised in the past: on the database's rows, as a page with plots, or with "
        "--data on a folder of labelled events, as findings.csv.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.html or FILE.csv to write")
    parser.add_argument("--alarms-per-month", type=shell.alarms_per_month, metavar="N", help=shell.ALARMS_HELP)
    parser.add_argument("--plant", type=planted_sizes, metavar="SIZES", help=PLANT_HELP)
    past = parser.add_argument_group("from the database")
    past.add_argument(
        "--days", type=shell.days, default=REBUILD_DAYS, metavar="N", help=f"last days to test ({REBUILD_DAYS})"
    )
    past.add_argument("--sensor", type=shell.sensor_id, metavar="ID", help="only this one")
    folder = parser.add_argument_group("from a folder")
    folder.add_argument("--data", type=Path, metavar="FOLDER", help="folder with points.csv and the series")
    folder.add_argument("--points", nargs="*", metavar="POINT", help="only these points")
    folder.add_argument("--holidays", type=Path, metavar="FILE", help="dates (default: holidays.txt in the folder)")
    return parser


def planted_sizes(text: str) -> tuple[float, ...]:
    """m3/h, separated by commas; none of its own for `PROMISED`."""
    if text == PROMISED:
        return ()
    try:
        sizes = tuple(float(size) for size in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or not all(0 < size < math.inf for size in sizes):
        raise argparse.ArgumentTypeError(f"sizes in m3/h, or {PROMISED}: not {text!r:.50}")
    return sizes


def read_points(folder: Path) -> list[BacktestPoint]:
    """The points in points.csv."""
    try:
        with (folder / "points.csv").open(newline="", encoding="utf-8") as file:
            return [
                BacktestPoint(
                    row["point"], float(row["flow_max"]), float(row["pressure_max"]), minute(row["learn_end"])
                )
                for row in csv.DictReader(file)
            ]
    except (KeyError, ValueError) as error:
        raise BacktestUnusable(f"points.csv: {error!r:.200}") from error


def minute(text: str) -> int:
    """Minutes since 1970 of a local time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // 60


def read_history(folder: Path, name: str) -> "History":
    """The series of a point as one-minute rows without gaps."""
    import numpy as np
    import pandas as pd

    from outliers.learn.build import History

    path = next((path for path in (folder / f"{name}.csv.gz", folder / f"{name}.csv") if path.exists()), None)
    if path is None:
        raise BacktestUnusable(f"{folder}: no series {name}.csv or {name}.csv.gz")
    try:
        table = pd.read_csv(path, usecols=["time", "flow", "pressure"])
        moments = pd.to_datetime(table["time"], format="ISO8601").to_numpy().astype("datetime64[m]").astype("int64")
        values = table[["flow", "pressure"]].to_numpy(dtype=np.float64)
    except ValueError as error:
        raise BacktestUnusable(f"{path}: {error!r:.200}") from error
    if not len(moments):
        raise BacktestUnusable(f"{path}: no rows")
    first = int(moments.min()) // 60 * 60
    rows = np.full((int(moments.max()) - first + 1, 2), np.nan)
    rows[moments - first] = values
    return History(first, np.ascontiguousarray(rows[:, 0]), np.ascontiguousarray(rows[:, 1]))


def backtest(point: BacktestPoint, folder: Path, known: Occasions, alarms_per_month: float) -> Iterator[Finding]:
    """Learn, detect, rebuild every three months; yields the findings from `learn_end` on."""
    history = read_history(folder, point.name)
    return rehearse(history, point.limits(), point.learn_end, ZONE, known=known, alarms_per_month=alarms_per_month)


def line(finding: Finding) -> tuple[str | float, ...]:
    """A row of findings.csv."""
    severity = SEVERITY.get(finding.severity, finding.severity)
    return (
        finding.sensor,
        wall(finding.minute),
        finding.channel,
        finding.code,
        finding.kind,
        severity,
        finding.state,
        wall(finding.since),
        finding.method,
        figures(finding),
        text(finding),
    )


def wall(minutes: int) -> str:
    """The local time of a minute."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}"
