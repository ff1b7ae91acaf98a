"""The forecasts in ``sensor_data.csv`` as the PREDICT method needs them: by sensor and hour, read when it changes."""

import csv
import logging
from datetime import datetime
from pathlib import Path

from common.clock import minute_of
from common.folder import FORECAST_FILE
from common.logging_setup import quoted
from outliers.watch.detector import HourForecast

HOUR = 60  # minutes

_log = logging.getLogger(__name__)


class Forecasts:
    """The newest forecast of each sensor and hour; a file that is missing or damaged is no forecast."""

    def __init__(self, data: Path) -> None:
        self._path = data / FORECAST_FILE
        self._seen: tuple[int, int, int] | None = None
        self._hours: dict[tuple[str, int], HourForecast] = {}
        self._begins = 0  # of 60 UTC minutes, the one with which the site's hours begin: India's begin at the half hour

    def refresh(self, minute: int) -> None:
        """Read the file if it was replaced since; hours that ended before the UTC minute are left out."""
        seen = _identity(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._hours = _read(self._path, minute) if seen else {}
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
            _log.warning("forecast_unreadable file=%s problem=%s", self._path, quoted(error))
            self._hours = {}
        self._begins = max((start for _, start in self._hours), default=0) % HOUR

    def of(self, sensor: str, minute: int) -> HourForecast | None:
        """The forecast for the hour of a UTC minute."""
        return self._hours.get((sensor, minute - (minute - self._begins) % HOUR))


def _identity(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file is replaced; None if there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size


def _read(path: Path, minute: int) -> dict[tuple[str, int], HourForecast]:
    """The forecasts of the hours that end after a UTC minute, by sensor and the minute they begin with."""
    hours: dict[tuple[str, int], HourForecast] = {}
    made: dict[tuple[str, int], datetime] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            made_at = datetime.fromisoformat(line["made_at"])
            key = (line["sensor"], minute_of(datetime.fromisoformat(line["hour"])))
            if key[1] > minute - HOUR and (key not in made or made_at >= made[key]):
                made[key] = made_at
                hours[key] = HourForecast(_value(line["flow"]), _value(line["pressure"]))
    return hours


def _value(text: str) -> float | None:
    return float(text) if text else None
