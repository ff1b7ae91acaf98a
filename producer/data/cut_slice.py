"""Cuts the bundled slice from the full data set: ``python cut_slice.py FOLDER-OF-S01..S04.csv.gz``.

History ends one minute before the replay begins, so a demo has no gap.
"""

import csv
import gzip
import io
import sys
from pathlib import Path

# Sensor -> point of the data set. 004 has no history: it is the unregistered sensor.
POINTS = {"001": "S01", "002": "S02", "003": "S03", "004": "S04"}
WITH_HISTORY = ("001", "002", "003")
HISTORY_START = "2023-04-27 00:00"  # ten weeks before the replay
REPLAY_START = "2023-07-06 21:45"  # a quarter of an hour before a night begins; a burst follows at 15:07 (001)
REPLAY_END = "2023-07-20 22:00"  # first minute not included


def main() -> None:
    source, target = Path(sys.argv[1]), Path(__file__).parent
    for sensor, point in POINTS.items():
        with gzip.open(source / f"{point}.csv.gz", "rt", encoding="ascii", newline="") as file:
            header, *rows = csv.reader(file)
        if sensor in WITH_HISTORY:
            history = [row for row in rows if HISTORY_START <= row[0] < REPLAY_START]
            write(target / f"{sensor}.history.csv.gz", header, history)
        write(target / f"{sensor}.replay.csv.gz", header, [row for row in rows if REPLAY_START <= row[0] < REPLAY_END])


def write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    # Without name and date inside, so the same input gives the same bytes.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write(text.getvalue().encode("ascii"))
    print(f"{path.name}: {len(rows):,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
