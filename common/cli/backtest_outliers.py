"""`hydrolog backtest outliers --data FOLDER --out findings.csv`: what the product would have raised in the past.

For each point: criteria from the rows up to its `learn_end`, then the product's own detector over the rest, with
criteria rebuilt every three months by the product's own rule. Files of the folder:

    points.csv            point, flow_max, pressure_max, learn_end (other columns are not read)
    <point>.csv[.gz]      time (local wall clock), flow (m3/h), pressure (bar); empty = no value
    holidays.txt          optional: a date a line, judged as Sundays
"""

import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from common import criteria as stored
from common.criteria import Criteria, CriteriaUnusable
from common.errors import HydrologError
from common.findings import Finding
from common.options import Parser

if TYPE_CHECKING:
    from nightflow.criteria import History
    from nightflow.extremes import Floats

ZONE = ZoneInfo("UTC")  # the files hold wall clock without offset: it is taken as it stands
SCORED = ("point", "time", "channel", "code", "kind", "severity", "state")
HEADER = (*SCORED, "since", "method", "value", "limit", "reason")  # the rest is for people
SEVERITY = {"supply": "watch"}  # in findings.csv a supply finding is a watch of kind supply


class BacktestUnusable(HydrologError):
    """The folder cannot be used."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Point:
    """One line of points.csv."""

    name: str
    flow_max: float
    pressure_max: float
    learn_end: int  # minute


def run(args: list[str]) -> int:
    """The subcommand; returns the exit code."""
    parser = Parser(prog="hydrolog backtest outliers", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with points.csv and the series")
    parser.add_argument("--out", type=Path, required=True, help="findings.csv to write")
    parser.add_argument("--points", nargs="*", help="only these points")
    parser.add_argument("--holidays", type=Path, help="dates, one a line (default: holidays.txt of the folder)")
    parser.add_argument("--alarms-per-month", type=float, help="LEAK alarms that normal use may raise at a point")
    options = parser.parse_args(args)
    try:
        holidays = stored.holidays(options.holidays or options.data / stored.HOLIDAYS)
        points = [point for point in read_points(options.data) if not options.points or point.name in options.points]
        with options.out.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(HEADER)
            for point in points:
                began = time.perf_counter()
                findings = list(backtest(point, options.data, holidays, options.alarms_per_month))
                writer.writerows(line(finding) for finding in findings)
                raised = sum(finding.state == "raise" for finding in findings)
                print(f"{point.name}: {raised} raised in {time.perf_counter() - began:.1f} s", flush=True)
    except HydrologError as error:
        print(f"hydrolog backtest outliers: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"hydrolog backtest outliers: {error}", file=sys.stderr)
        return 2
    return 0


def read_points(folder: Path) -> list[Point]:
    """The points of points.csv."""
    try:
        with (folder / "points.csv").open(newline="", encoding="utf-8") as file:
            return [
                Point(row["point"], float(row["flow_max"]), float(row["pressure_max"]), minute(row["learn_end"]))
                for row in csv.DictReader(file)
            ]
    except (KeyError, ValueError) as error:
        raise BacktestUnusable(f"points.csv: {error!r:.200}") from error


def minute(text: str) -> int:
    """Minutes since 1970 of a wall clock time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // 60


def read_history(folder: Path, name: str) -> "History":
    """The series of a point as one-minute rows without gaps."""
    import numpy as np
    import pandas as pd

    from nightflow.criteria import History

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


def backtest(
    point: Point, folder: Path, holidays: frozenset[date], alarms_per_month: float | None
) -> Iterator[Finding]:
    """Learn, detect, rebuild every three months; yields the findings from `learn_end` on."""
    import numpy as np

    from nightflow.criteria import DEFAULT_ALARMS_PER_MONTH, History
    from nightflow.learning import REBUILD_DAYS
    from producer.outliers.detector import Detector

    history = read_history(folder, point.name)
    limits = stored.initial(point.name)
    current = replace(
        limits,
        flow=replace(limits.flow, high=point.flow_max),
        pressure=replace(limits.pressure, high=point.pressure_max),
    )
    prior = current
    knob = alarms_per_month or DEFAULT_ALARMS_PER_MONTH
    end = history.first + len(history.flow)
    clean = History(history.first, history.flow.copy(), history.pressure.copy())
    state = None
    for first in range(point.learn_end, end, REBUILD_DAYS * 1440):
        new = rebuilt(clean.span(history.first, first), prior, holidays, knob)
        if new is not None:
            current = replace(new, version=current.version + 1)
        detector = Detector(point.name, current, ZONE, state, holidays)
        part = history.span(first, min(end, first + REBUILD_DAYS * 1440))
        flows, pressures = given(part.flow), given(part.pressure)
        offset = first - history.first
        for place, (flow, pressure) in enumerate(zip(flows, pressures, strict=True)):
            verdict = detector.step(first + place, flow, pressure)
            if verdict.flow_flags[0] != "0" or "L" in verdict.flow_flags:
                clean.flow[offset + place] = np.nan
            if verdict.pressure_flags[0] != "0":
                clean.pressure[offset + place] = np.nan
            yield from verdict.findings
        state = detector.state()


def rebuilt(history: "History", prior: Criteria, holidays: frozenset[date], knob: float) -> Criteria | None:
    """New criteria, or None where the archive is too thin."""
    from nightflow.criteria import build

    try:
        return build(history, ZONE, prior, holidays, knob)
    except CriteriaUnusable as error:
        print(f"{prior.sensor}: {error}; the criteria stay", file=sys.stderr)
        return None


def given(values: "Floats") -> list[float | None]:
    """As the detector takes them: None for no value."""
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN


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
        f"{finding.value:.5g}",
        f"{finding.limit:.5g}",
        finding.reason,
    )


def wall(minutes: int) -> str:
    """Wall clock time of a minute."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}"
