"""The demo's recordings: NNN.replay.csv.gz for the line, NNN.history.csv.gz for learning, sensors.csv for names."""

import csv
import gzip
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from common.errors import HydrologError
from common.row import SENSOR_ID

ZONE = "Europe/Rome"  # time zone of the bundled recordings
REPLAY, HISTORY, NAMES = ".replay.csv.gz", ".history.csv.gz", "sensors.csv"


class NoRecordings(HydrologError):
    """The folder holds no recordings."""

    exit_code = 2


@dataclass(frozen=True)
class Recordings:
    """Files by sensor. A sensor with a replay but no history stays unregistered."""

    folder: Path
    replays: dict[str, Path]
    histories: dict[str, Path]
    start: datetime  # aware: the first minute of the replays

    def register(self, connection: psycopg.Connection[object], site: str) -> None:
        """Register the site's sensors with a history; existing ones are not changed."""
        names = {}
        if (self.folder / NAMES).exists():
            with (self.folder / NAMES).open(encoding="utf-8", newline="") as file:
                names = {row["sensor"]: row for row in csv.DictReader(file)}
        for sensor in self.histories:
            row = names.get(sensor, {})
            connection.execute(
                "INSERT INTO SENSOR_TB (site, sensor, name, flow_max, pressure_max) VALUES (%s, %s, %s, %s, %s) "
                "ON CONFLICT (site, sensor) DO NOTHING",
                [site, sensor, row.get("name", ""), row.get("flow_max") or None, row.get("pressure_max") or None],
            )


def shipped() -> Path:
    """The folder of the bundled recordings."""
    return Path(str(resources.files("producer"))) / "data"


def find(folder: Path) -> Recordings:
    """The recordings in a folder.

    Raises:
        NoRecordings: there are none.
    """
    replays = {path.name.removesuffix(REPLAY): path.absolute() for path in sorted(folder.glob(f"*{REPLAY}"))}
    histories = {path.name.removesuffix(HISTORY): path.absolute() for path in sorted(folder.glob(f"*{HISTORY}"))}
    if wrong := [name for name in {**replays, **histories} if not SENSOR_ID.fullmatch(name)]:
        raise NoRecordings(f"{folder}: {wrong[0]!r} is not a sensor id; name the file like 001{REPLAY}")
    if not replays:
        raise NoRecordings(f"{folder} holds no file NNN{REPLAY}")
    try:
        start = min(_first_time(path) for path in replays.values())
    except (OSError, ValueError, IndexError) as error:
        raise NoRecordings(f"{folder}: {error}; expected CSV with time,flow,pressure") from error
    return Recordings(folder, replays, histories, start.replace(tzinfo=ZoneInfo(ZONE)))


def _first_time(path: Path) -> datetime:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        file.readline()
        return datetime.fromisoformat(file.readline().split(",")[0])
