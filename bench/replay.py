"""The claim: a year of minutes of one sensor goes through producer, log, archive and night flow in minutes, not hours.

The processes' own steps on a real log and a real, embedded Postgres; frames are checked, every minute is judged by the
outlier methods, every row is on disk before it is archived, every night gets its means.
"""

import dataclasses
import random
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli.replay import register, replay
from common import settings
from common.settings import Settings
from postgres import server
from producer import recording

START = datetime(2024, 1, 1)
ROWS = 365 * 1440


def write_year(path: Path) -> None:
    """A daily swing, a weekly one, and a meter's noise: enough for every method to have something to look at."""
    randomness = random.Random(1)
    with path.open("w", encoding="ascii") as file:
        file.write("time,flow,pressure\n")
        for i in range(ROWS):
            swing = 1 - abs(i % 1440 - 720) / 720
            flow = 8 + 20 * swing + (i // 1440 % 7) + randomness.gauss(0, 0.6)
            pressure = 4.2 - 0.5 * swing + randomness.gauss(0, 0.01)
            file.write(f"{START + timedelta(minutes=i):%Y-%m-%d %H:%M},{flow:.2f},{pressure:.2f}\n")


def main() -> None:
    table = Table("process", "seconds", "rows a second", title="A year of one sensor", title_justify="left")
    with tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres runs as another user when we are root
        source = Path(folder) / "year.csv"
        write_year(source)
        base = Settings()
        chosen = dataclasses.replace(
            base,
            paths=settings.PathsSettings(Path(folder) / "data"),
            log=dataclasses.replace(base.log, groups=("archive",)),
        )
        with server.running(chosen.paths.data, chosen.site.id):
            register(chosen, ["001"])
            result = replay(chosen, {"001": recording.load(source)}, Console(stderr=True))
    for name, seconds in result.seconds.items():
        table.add_row(name, f"{seconds:.1f}", f"{ROWS / seconds:,.0f}")
    whole_s = sum(result.seconds.values())
    table.add_row("together", f"{whole_s:.1f}", f"{ROWS / whole_s:,.0f}")
    windows = result.counters["nightflow"]["windows_stored"]
    archived = result.counters["archive"]["archived"]
    table.caption = f"{archived:,} rows archived, {windows:,} means of ten minutes of the night stored"
    Console().print(table)


if __name__ == "__main__":
    main()
