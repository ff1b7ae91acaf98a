"""The forecasts in `sensor_data.csv`, for the rows on the hour.

A row HH:00 carries the forecast that was made at HH:00 for the hour that begins then. An older forecast of the same
hour is stale and never joined.
"""

from pathlib import Path

from common import forecast_file
from common.clock import minute_of
from common.row import format_number
from consumer.batch import Prediction

DECIMALS = 6  # as the file writes it, whoever wrote it; more no receiver is asked to read


class ForecastFile:
    """Reads the file again when it was replaced; holds only the lines that can be joined."""

    def __init__(self, data: Path) -> None:
        self._file = forecast_file.ForecastFileFollower(data)
        self._own: dict[tuple[str, int], Prediction] = {}

    def refresh(self) -> None:
        """Look at the file; without one, or with one that cannot be read, rows go out with 0 0."""
        lines = self._file.refresh()
        if lines is not None:
            self._own = {
                (line.sensor, minute_of(line.hour)): (_text(line.flow), _text(line.pressure))
                for line in lines
                if line.made_at == line.hour and not line.hour.minute and not line.hour.second
            }

    def __call__(self, sensor: str, minute: int) -> Prediction | None:
        """The own forecast of the hour that starts at `minute`; None if there is none."""
        return self._own.get((sensor, minute))


def _text(value: float | None) -> str:
    return "0" if value is None else format_number(value, DECIMALS)
