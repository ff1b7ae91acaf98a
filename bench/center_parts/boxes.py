"""The boxes of a soak of a center: each a log that gets rows, and the real process that delivers them."""

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from center_parts.programs import PYTHON, Program

from common.row import Row, format_payload
from common.settings import PREFIX, Settings, load
from log import mark
from log.roles import Log, open_for

SENSORS = 20
ZONE = "Asia/Seoul"


class Box:
    """A site. `rows`: what it has appended, by offset; all rows of a minute before `open` are there."""

    def __init__(self, site: str, url: str, folder: Path, first: int, environ: Mapping[str, str]) -> None:
        keys = {
            "SITE__ID": site,
            "SITE__TIMEZONE": ZONE,
            "PATHS__DATA": str(folder / site),
            "LOG__GROUPS": "server",
            "SERVER__URL": url,
            "SERVER__EVERY_MINUTES": "1",
            "SERVER__TIMEOUT_SECONDS": "25",
            "SERVER__PLAIN_HTTP": "true",
            "FORECAST__WAIT_SECONDS": "0",
        }
        own = {f"{PREFIX}{key}": value for key, value in keys.items()}
        self.settings: Settings = load(None, own)
        self.settings.paths.data.mkdir(parents=True)
        self.site, self.open, self.rows = site, first, dict[int, Row]()
        self.log: Log = open_for(self.settings)
        self.sender = Program(site, [*PYTHON, "consumer", "--group", "server"], {**environ, **own}, folder)
        self._chance = random.Random(site)
        self._minutes: Counter[int] = Counter()
        self._late: list[Row] = []  # the last sensor's clock is behind: its row comes with the next minute's

    def append_until(self, minute: int) -> None:
        """The rows of the minutes before this one, then the mark, as the producer does."""
        while self.open < minute:
            rows = self._late + [self._row(self.open, sensor) for sensor in range(SENSORS - 1)]
            self._late = [self._row(self.open, SENSORS - 1)]
            self._append(rows)
            self.open += 1
            self._mark(self.open - 2)

    def finish(self) -> None:
        """The late rows, too."""
        self._append(self._late)
        self._late = []
        self._mark(self.open - 1)

    def closed(self, minute: int) -> int:
        """How many rows of this minute and of those before there are."""
        return sum(count for each, count in self._minutes.items() if each <= minute)

    def _row(self, minute: int, sensor: int) -> Row:
        flow, pressure = round(self._chance.uniform(2, 30), 3), round(self._chance.uniform(2, 5), 3)
        return Row(minute, f"{sensor:03}", flow, pressure, 60)

    def _append(self, rows: list[Row]) -> None:
        first = self.log.append([format_payload(row, ZoneInfo(ZONE)) for row in rows])
        self.rows |= dict(enumerate(rows, first))
        self._minutes.update(row.minute for row in rows)

    def _mark(self, closed: int) -> None:
        mark.store(self.settings.paths.data, mark.Mark(closed, self.log.end_offset, self.log.log_id))
