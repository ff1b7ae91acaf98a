"""`sensor_names.json`: the names of the sensors, for who cannot ask the database. The group "archive" writes it."""

from collections.abc import Mapping
from pathlib import Path

from common import files, state_file
from common.folder import SENSOR_NAMES_FILE


class SensorNames:
    """The names by sensor, read again after the file is replaced. Empty without a file: the ids suffice."""

    def __init__(self, data: Path) -> None:
        self._path = data / SENSOR_NAMES_FILE
        self._seen: files.Stamp | None = None
        self._names: dict[str, str] = {}

    def now(self) -> Mapping[str, str]:
        seen = files.stamp(self._path)
        if seen != self._seen:
            self._names, self._seen = state_file.load(self._path, dict[str, str]) or {}, seen
        return self._names


def keep(data: Path, names: Mapping[str, str]) -> None:
    """Replace the file if the names have changed.

    Raises:
        OSError: the file system refuses.
    """
    if state_file.load(data / SENSOR_NAMES_FILE, dict[str, str]) != names:
        state_file.store(data / SENSOR_NAMES_FILE, names)
