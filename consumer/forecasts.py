"""The forecasts in `sensor_data.csv`, for the rows on the hour.

A row HH:00 carries the forecast that was made at HH:00 for the hour that begins then. An older forecast of the same
hour is stale and never joined.
"""

import csv
import logging
import math
from datetime import datetime
from pathlib import Path

from common.clock import minute_of
from common.folder import FORECAST_FILE
from common.logging_setup import quoted
from common.row import SENSOR_ID, format_number
from consumer.batch import Prediction

LARGEST = 1e9  # m3/h or bar: beyond is no forecast
DECIMALS = 6  # as the file writes it, whoever wrote it; more no receiver is asked to read

_log = logging.getLogger(__name__)


class ForecastFile:
    """Reads the file again when it was replaced; holds only the lines that can be joined."""

    def __init__(self, data: Path) -> None:
        self._path = data / FORECAST_FILE
        self._seen: tuple[int, int, int] | None = None
        self._own: dict[tuple[str, int], Prediction] = {}
        self._said = ""

    def refresh(self) -> None:
        """Look at the file; without one, or with one that cannot be read, rows go out with 0 0."""
        try:
            state = self._path.stat()
            seen = (state.st_ino, state.st_mtime_ns, state.st_size)
            if seen != self._seen:
                self._own = read(self._path)
                self._seen = seen
        except FileNotFoundError:
            self._own, self._seen = {}, None
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            self._own, self._seen = {}, None
            if str(error) != self._said:
                self._said = str(error)
                _log.warning("forecasts_unreadable problem=%s", quoted(error))

    def __call__(self, sensor: str, minute: int) -> Prediction | None:
        """The own forecast of the hour that starts at `minute`; None if there is none."""
        return self._own.get((sensor, minute))


def read(path: Path) -> dict[tuple[str, int], Prediction]:
    """(sensor, minute of the hour's start) -> forecast; lines other than `made_at` = `hour` are passed over."""
    own: dict[tuple[str, int], Prediction] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for entry in csv.DictReader(file):
            made_at, hour = _time(entry.get("made_at")), _time(entry.get("hour"))
            sensor = entry.get("sensor") or ""
            if hour is None or made_at != hour or hour.minute or hour.second or not SENSOR_ID.fullmatch(sensor):
                continue
            own[sensor, minute_of(hour)] = (_number(entry.get("flow")), _number(entry.get("pressure")))
    return own


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else None


def _number(text: str | None) -> str:
    try:
        value = float(text or "")
    except ValueError:
        return "0"
    return format_number(value, DECIMALS) if math.isfinite(value) and abs(value) < LARGEST else "0"
