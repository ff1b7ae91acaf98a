"""Recordings for the README's picture of the page: ``python docs/pictures/picture_recordings.py FOLDER``.

The bundled recordings with three events in the first night: a leak at 001, a flushing at 002, a stuck gauge at 003.
Then ``hydrolog demo --recordings FOLDER --data DEMO``, ``hydrolog calendar add 002 ...`` (flushing), and
`screenshot.py` twelve minutes later.
"""

import csv
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path

from demo.recordings import NAMES, REPLAY, shipped

# Start, end, m3/h, and the head loss in bar per m3/h at that inlet.
LEAK = ("2023-07-07 02:00", "2023-07-20 22:00", 10.0, 0.006)
FLUSHING = ("2023-07-07 00:18", "2023-07-07 01:58", 13.0, 0.027)
STUCK = ("2023-07-07 03:00", "2023-07-07 04:10")


def main() -> None:
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    changes = {"001": lambda rows: added(rows, *LEAK), "002": lambda rows: added(rows, *FLUSHING), "003": stuck}
    for path in shipped().glob("*.csv.gz"):
        (target / path.name).write_bytes(path.read_bytes())
    (target / NAMES).write_bytes((shipped() / NAMES).read_bytes())
    for sensor, change in changes.items():
        path = target / f"{sensor}{REPLAY}"
        with gzip.open(path, "rt", encoding="ascii", newline="") as file:
            header, *rows = csv.reader(file)
        with gzip.open(path, "wt", encoding="ascii", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *change(rows)])


def added(rows: list[list[str]], since: str, until: str, m3h: float, slope_bar: float) -> Iterator[list[str]]:
    """Adds a constant flow, and its head loss."""
    for time, flow, pressure in rows:
        if since <= time < until and flow and pressure:
            yield [time, f"{float(flow) + m3h:.2f}", f"{float(pressure) - slope_bar * m3h:.2f}"]
        else:
            yield [time, flow, pressure]


def stuck(rows: list[list[str]]) -> Iterator[list[str]]:
    """The gauge keeps its last value."""
    shown = ""
    for time, flow, pressure in rows:
        shown = shown if STUCK[0] < time < STUCK[1] else pressure
        yield [time, flow, shown]


if __name__ == "__main__":
    main()
