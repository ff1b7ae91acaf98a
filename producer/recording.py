"""Recorded one-minute data (CSV ``time,flow,pressure``, local time) for replay in a loop."""

import csv
import gzip
import math
from array import array
from datetime import datetime
from pathlib import Path

from common.errors import SettingsError

WEEK_MIN = 7 * 1440
_EPOCH = datetime(1970, 1, 1)  # without a zone, like local times


class Recording:
    """Flow (m3/h) and pressure (bar) by local minute, looped over whole weeks after the recording's end."""

    def __init__(self, first: int, flow: "array[float]", pressure: "array[float]") -> None:
        """`first`: local minute since 1970 of the first value; NaN = no value."""
        self._first = first
        self._flow = flow
        self._pressure = pressure
        weeks = len(flow) // WEEK_MIN
        self._loop = weeks * WEEK_MIN or len(flow)

    @property
    def first(self) -> int:
        """Local minute since 1970 of the first value."""
        return self._first

    @property
    def end(self) -> int:
        """Local minute since 1970 after the last value."""
        return self._first + len(self._flow)

    def at(self, local_minute: int) -> tuple[float | None, float | None]:
        """Flow and pressure of a local minute."""
        place = local_minute - self._first
        if not 0 <= place < len(self._flow):
            place %= self._loop
        return _value(self._flow[place]), _value(self._pressure[place])


def _value(number: float) -> float | None:
    return None if math.isnan(number) else number


def load(path: Path) -> Recording:
    """Read a recording, ``.gz`` or plain; missing minutes have no value.

    Raises:
        SettingsError: names the file and the line.
    """
    flow, pressure = array("d"), array("d")
    first = -1
    number = 1
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for line in csv.DictReader(file):
                number += 1
                minute = local_minute(datetime.fromisoformat(line["time"]))
                first = minute if first < 0 else first
                place = minute - first
                if place < len(flow):
                    raise ValueError("times must ascend")
                for values, text in ((flow, line["flow"]), (pressure, line["pressure"])):
                    values.extend([math.nan] * (place - len(values)))
                    values.append(float(text) if text else math.nan)
    except OSError as error:
        raise SettingsError("--replay", f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, EOFError, csv.Error) as error:
        raise SettingsError(
            "--replay", f"{path}, line {number}: {error}; expected CSV with time,flow,pressure"
        ) from error
    if not flow:
        raise SettingsError("--replay", f"{path} holds no minutes")
    return Recording(first, flow, pressure)


def local_minute(wall: datetime) -> int:
    """Minutes of a local time since 1970, ignoring its UTC offset."""
    return int((wall.replace(tzinfo=None) - _EPOCH).total_seconds() // 60)
