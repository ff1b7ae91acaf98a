"""Recordings for the README's pictures of the page, and how these are made.

The bundled recordings with three events in the first night: a leak at 001, a flushing at 002, a stuck gauge at 003.
On a quiet machine, in the folder of the project, with PYTHONPATH=. and the environment's python:

    python docs/pictures/picture_recordings.py FOLDER
    python -m cli demo --recordings FOLDER --data DEMO --port 8231
    python -m cli calendar add 002 "2023-07-07 00:15" "2023-07-07 02:15" "flushing" --config DEMO/hydrolog.toml

The last one at once, in another terminal: the flushing has to be known when it begins, two and a half minutes after
the demo is prepared. Twelve minutes later, in the morning of the recordings:

    shot="python docs/pictures/screenshot.py" page=http://127.0.0.1:8231/ at=docs/pictures
    $shot $page $at/page.png --height 1560
    $shot $page $at/page.ko.png --height 1560 --language ko
    $shot "${page}sensor?id=001" $at/sensor.png
    $shot $page $at/phone.ko.png --width 390 --height 1430 --language ko
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
