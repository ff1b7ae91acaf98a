"""The forecasts in ``sensor_data.csv`` as the PREDICT method needs them: by sensor and hour, read when it changes."""

from pathlib import Path

from common import forecast_file
from common.clock import minute_of
from outliers.watch.detector import HourForecast

HOUR = 60  # minutes


class Forecasts:
    """The newest forecast of each sensor and hour; a file that is missing or damaged is no forecast."""

    def __init__(self, data: Path) -> None:
        self._file = forecast_file.ForecastFileFollower(data)
        self._hours: dict[tuple[str, int], HourForecast] = {}
        self._begins = 0  # of 60 UTC minutes, the one with which the site's hours begin: India's begin at the half hour

    def refresh(self, minute: int) -> None:
        """Read the file if it was replaced since; hours that ended before the UTC minute are left out."""
        lines = self._file.refresh()
        if lines is not None:
            self._hours = {
                (line.sensor, begins): HourForecast(line.flow, line.pressure)
                for line in sorted(lines, key=lambda line: line.made_at)  # the newest stays
                if (begins := minute_of(line.hour)) > minute - HOUR
            }
            self._begins = max((start for _, start in self._hours), default=0) % HOUR

    def of(self, sensor: str, minute: int) -> HourForecast | None:
        """The forecast for the hour of a UTC minute."""
        return self._hours.get((sensor, minute - (minute - self._begins) % HOUR))
