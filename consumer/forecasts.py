"""The forecasts in `sensor_data.csv` for the rows on the hour.

A row HH:00 has the forecast made at HH:00 for the hour that begins then. Older forecasts of that hour are not used.
"""

from pathlib import Path

from common import forecast_file
from common.clock import minute_of
from common.row import format_number
from consumer.batch import Prediction

DECIMALS = 6  # as in the file; receivers need not read more


class ForecastFile:
    """Reads the file again after it is replaced; keeps only lines that can be joined."""

    def __init__(self, data: Path) -> None:
        self._file = forecast_file.ForecastFileFollower(data)
        self._own: dict[tuple[str, int], Prediction] = {}

    def refresh(self) -> None:
        """Check the file; if it is missing or unreadable, rows are sent with 0 0."""
        lines = self._file.refresh()
        if lines is not None:
            self._own = {
                (line.sensor, minute_of(line.hour)): (_text(line.flow), _text(line.pressure))
                for line in lines
                if line.made_at == line.hour and not line.hour.minute and not line.hour.second
            }

    def __call__(self, sensor: str, minute: int) -> Prediction | None:
        """The forecast made at `minute` for the hour that starts then; None if there is none."""
        return self._own.get((sensor, minute))


def _text(value: float | None) -> str:
    return "0" if value is None else format_number(value, DECIMALS)
