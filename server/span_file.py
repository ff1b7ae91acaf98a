"""The values of a sensor's charts in a span as CSV, for a spreadsheet. Pure; nothing is filled in."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from outliers.flags import CHANNELS

MINUTE_S = 60
PARTS = ("", "_low", "_high", "_minutes")  # of a channel, of steps longer than a minute

Json = dict[str, Any]


def text(content: Json, zone: ZoneInfo) -> str:
    """A line for each step with a row: m3/h and bar; no value is an empty cell.

    Minutes have the columns that `hydrolog load` takes; of longer steps, the mean, the lowest, the highest and how many
    minutes had a value.
    """
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    whole = content["step_s"] > MINUTE_S
    table.writerow(["time", *(channel + part for channel in CHANNELS for part in (PARTS if whole else PARTS[:1]))])
    series = content["series"]
    for place, at in enumerate(series["at"]):
        values = (value for channel in CHANNELS for value in _of(series[channel], place, whole=whole))
        table.writerow([datetime.fromtimestamp(at, zone).isoformat(), *values])
    return written.getvalue()


def file_name(sensor: str, content: Json, zone: ZoneInfo, span: str) -> str:
    """What the file is called; a colon is no part of a name everywhere."""
    first = datetime.fromtimestamp(content["start"], zone)
    return f"{sensor.replace(':', '-')}-{first:%Y-%m-%d}-{span}.csv"


def _of(channel: Json, place: int, *, whole: bool) -> Iterator[float | int | None]:
    mean = channel["mean"][place]
    yield mean
    if whole:
        for name in ("low", "high"):
            yield channel[name][place] if name in channel else mean  # each step was one value
        yield channel["minutes"][place]
