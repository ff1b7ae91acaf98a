"""`hydrolog load SENSOR=FILE ...`: recorded minutes into the database, with a progress bar."""

import argparse
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from common import database, settings
from common.errors import DatabaseDown, HydrologError
from common.history import Loaded, load_file
from common.logs import quoted
from common.options import Parser


class NotLoaded(HydrologError):
    """Nothing can be loaded."""


def run(args: list[str]) -> int:
    """Load each file; a sensor must be registered first, so that a typing error does not make a new one."""
    parser = Parser(
        prog="hydrolog load",
        description="Load recorded minutes: CSV with the columns time,flow,pressure (site's wall clock, m3/h, bar), "
        "plain or .gz. Rows that are there already stay as they are; a load that was cut off is simply run again.",
    )
    parser.add_argument("files", nargs="+", type=_pair, metavar="SENSOR=FILE", help="a sensor's id and its recording")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    options = parser.parse_args(args)
    chosen = settings.load(options.config)
    load_files(database.address(chosen), options.files, chosen.site.zone)
    return 0


def _pair(text: str) -> tuple[str, Path]:
    sensor, separator, name = text.partition("=")
    if not separator or not Path(name).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not SENSOR=FILE with a file that is there")
    return sensor, Path(name)


def load_files(url: str, files: list[tuple[str, Path]], zone: ZoneInfo) -> list[Loaded]:
    """Load files under one progress bar (on standard error); what each brought.

    Raises:
        NotLoaded: a sensor is not registered, or a file cannot be read.
        DatabaseDown: no answer.
        HistoryRefused: a file does not hold recorded minutes.
    """
    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
    )
    results = []
    with database.connect(url, "load") as connection, Progress(*columns, console=console) as bars:
        connection.autocommit = True
        _refuse_unknown(connection, [sensor for sensor, _ in files])
        for sensor, path in files:
            bar = bars.add_task(f"history {sensor}", total=path.stat().st_size, rows=0)

            def show(position: int, rows: int, bar: TaskID = bar) -> None:
                bars.update(bar, completed=position, rows=rows)

            try:
                results.append(load_file(connection, sensor, path, zone, show))
            except psycopg.OperationalError as error:
                raise DatabaseDown(f"the database went away: {quoted(str(error).strip())}") from error
            except (OSError, EOFError) as error:
                raise NotLoaded(f"{path}: {error}") from error
            console.print(_sentence(sensor, path, results[-1]), highlight=False)
    return results


def _refuse_unknown(connection: psycopg.Connection[Any], sensors: list[str]) -> None:
    known = {str(row[0]) for row in connection.execute("SELECT sensor FROM SENSOR_TB").fetchall()}
    if missing := sorted(set(sensors) - known):
        raise NotLoaded(f"not registered: {', '.join(missing)}; first: hydrolog sensors add {missing[0]}")


def _sentence(sensor: str, path: Path, loaded: Loaded) -> str:
    there = loaded.read - loaded.added - loaded.skipped
    notes = [f"{there:,} were there already"] if there else []
    notes += [f"{loaded.skipped:,} at times that the clock skips in spring"] if loaded.skipped else []
    return f"{sensor}: {loaded.added:,} rows from {path.name}" + (f" ({', '.join(notes)})" if notes else "")
