"""`hydrolog backtest outliers --plant SIZES`: leaks planted into the recorded rows, and how many are found in time.

Criteria are learnt from the rows before the tested days. Only leaks that were promised when they began count:
`outliers.detectability`.
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli import backtest_outliers, shell
from cli.backtest_archive import NothingToJudge, Past
from common import database, settings
from common.clock import minute_start
from common.errors import CriteriaUnusable, SettingsError
from common.night import DAY_MINUTES, DEFAULT_HOURS, ReportHours, report_hours
from common.settings import DEFAULT_ALARMS_PER_MONTH
from outliers import calendar
from outliers.calendar import Occasions
from outliers.detectability import TERMS_MIN
from outliers.findable import NIGHTS

if TYPE_CHECKING:
    from outliers.criteria import Criteria
    from outliers.learn.build import History
    from outliers.planting import Planted

TERMS = ("an hour", "a day", f"{NIGHTS} nights")
HEADER = ("sensor", "start", "size_m3h", "hour_m3h", "day_m3h", "nights_m3h", "found_minutes", "calm_minutes")


@dataclass(frozen=True, slots=True)
class PlantPlace:
    """A sensor's rows: raw, and those to learn from; the leaks begin at minute `learn_end`."""

    prior: "Criteria"
    rows: "History"
    clean: "History"
    learn_end: int


@dataclass(frozen=True, slots=True)
class PlantSite:
    """What all places share."""

    zone: ZoneInfo
    known: Occasions
    alarms_per_month: float
    hours: ReportHours


def run(options: argparse.Namespace) -> int:
    """Plant, print a table, and write each leak to the file.

    Raises:
        DatabaseDown, NothingToJudge: see their messages.
        SettingsError: the file cannot be written, or is no table.
    """
    if options.out.suffix.lower() != ".csv":
        raise SettingsError("--out", "leaks that are planted are written to FILE.csv")
    planted = {name: leaks for name, leaks in _planted(options) if leaks}
    if not planted:
        raise NothingToJudge
    zone = ZoneInfo("UTC") if options.data else settings.load(options.config).site.zone
    try:
        _write(options.out, planted, zone)
    except OSError as error:
        raise SettingsError("--out", f"cannot write {options.out}: {error.strerror}") from error
    console = shell.console()
    console.print("promised leaks that became a LEAK in time")
    console.print(table(planted, options.plant))
    sys.stdout.write(f"written: {options.out}\n")
    return 0


def _planted(options: argparse.Namespace) -> "Iterator[tuple[str, list[Planted]]]":
    places = _of_folder(options) if options.data else _of_database(options)
    for site, place in places:
        try:
            yield place.prior.sensor, list(_plant(site, place, options.days, options.plant))
        except CriteriaUnusable as error:
            sys.stderr.write(f"{place.prior.sensor}: {error}\n")


def _plant(site: PlantSite, place: PlantPlace, days: int, sizes: Sequence[float]) -> "Iterator[Planted]":
    from outliers.learn.build import build
    from outliers.planting import WARM_MIN, plant

    past = place.clean.span(place.clean.first, place.learn_end)
    alarms_per_month = site.alarms_per_month
    new = build(past, site.zone, place.prior, site.known.holidays, alarms_per_month=alarms_per_month, hours=site.hours)
    rows = place.rows.span(max(place.rows.first, place.learn_end - WARM_MIN), place.learn_end + days * DAY_MINUTES)
    return plant(new, rows, site.zone, site.known, sizes_m3h=sizes)


def _of_folder(options: argparse.Namespace) -> Iterator[tuple[PlantSite, PlantPlace]]:
    folder: Path = options.data
    holidays, _ = calendar.holidays_of(options.holidays or folder / calendar.HOLIDAYS)
    alarms_per_month = options.alarms_per_month or DEFAULT_ALARMS_PER_MONTH
    site = PlantSite(backtest_outliers.ZONE, Occasions(holidays=holidays), alarms_per_month, DEFAULT_HOURS)
    for point in backtest_outliers.read_points(folder):
        if not options.points or point.name in options.points:
            rows = backtest_outliers.read_history(folder, point.name)
            yield site, PlantPlace(point.limits(), rows, rows, point.learn_end)


def _of_database(options: argparse.Namespace) -> Iterator[tuple[PlantSite, PlantPlace]]:
    chosen = settings.load(options.config)
    known = calendar.load(chosen.paths.data, chosen.site.zone, chosen.zones)
    alarms_per_month = options.alarms_per_month or chosen.outliers.alarms_per_month
    site = PlantSite(chosen.site.zone, known, alarms_per_month, report_hours(chosen.night))
    with closing(database.Database(chosen, "backtest")) as connection:
        past = Past(connection, chosen, known, alarms_per_month)
        for sensor in past.sensors(options.sensor):
            yield site, PlantPlace(*past.rows(sensor, options.days))


def table(planted: "dict[str, list[Planted]]", sizes: Sequence[float]) -> Any:
    """A line for each sensor and size: of those promised within each term, how many were found in it."""
    shown = shell.table("sensor", "leak, m3/h", *(f"within {term}" for term in TERMS), whole=("sensor",))
    for sensor, leaks in planted.items():
        for number, name in enumerate([f"{size:g}" for size in sizes] or [f"of {term}" for term in TERMS]):
            own = [leak for leak in leaks if leak.number == number]
            shown.add_row(shell.cell(sensor), name, *(_kept(own, term) for term in range(len(TERMS))))
    return shown


def _kept(leaks: "list[Planted]", term: int) -> str:
    promised = [leak.found(TERMS_MIN[term]) for leak in leaks if leak.size_m3h >= leak.promised_m3h[term]]
    counted = [found for found in promised if found is not None]
    return f"{sum(counted)} of {len(counted)}" if counted else ""


def _write(out: Path, planted: "dict[str, list[Planted]]", zone: ZoneInfo) -> None:
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for sensor, leaks in planted.items():
            for leak in leaks:
                sizes = (f"{size:.4g}" for size in (leak.size_m3h, *leak.promised_m3h))
                start = minute_start(leak.start).astimezone(zone).isoformat()
                writer.writerow((sensor, start, *sizes, leak.found_min, leak.calm_min))
