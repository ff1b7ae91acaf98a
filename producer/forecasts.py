"""The forecasts in ``sensor_data.csv`` as the PREDICT method needs them: by sensor and hour, read when it changes."""

import csv
import logging
from datetime import datetime
from pathlib import Path

from common.logs import quoted
from producer.outliers.detector import HourForecast

FILE_NAME = "sensor_data.csv"

_log = logging.getLogger(__name__)


class Forecasts:
    """The newest forecast of each sensor and hour; a file that is missing or damaged is no forecast."""

    def __init__(self, data: Path) -> None:
        self._path = data / FILE_NAME
        self._seen: tuple[int, int, int] | None = None
        self._hours: dict[tuple[str, int], HourForecast] = {}

    def refresh(self, minute: int) -> None:
        """Read the file if it was replaced since; hours before the UTC minute's are left out."""
        seen = _identity(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._hours = _read(self._path, _hour(minute)) if seen else {}
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
            _log.warning("forecast_unreadable file=%s problem=%s", self._path, quoted(error))
            self._hours = {}

    def of(self, sensor: str, minute: int) -> HourForecast | None:
        """The forecast for the hour of a UTC minute."""
        return self._hours.get((sensor, _hour(minute)))


def _identity(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file is replaced; None if there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size


def _hour(minute: int) -> int:
    return minute // 60


def _read(path: Path, first_hour: int) -> dict[tuple[str, int], HourForecast]:
    hours: dict[tuple[str, int], HourForecast] = {}
    made: dict[tuple[str, int], datetime] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            made_at = datetime.fromisoformat(line["made_at"])
            key = (line["sensor"], _hour(int(datetime.fromisoformat(line["hour"]).timestamp()) // 60))
            if key[1] >= first_hour and (key not in made or made_at >= made[key]):
                made[key] = made_at
                hours[key] = HourForecast(_value(line["flow"]), _value(line["pressure"]))
    return hours


def _value(text: str) -> float | None:
    return float(text) if text else None
