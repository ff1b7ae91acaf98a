"""Loads recorded minutes into the database: several files with one progress bar."""

import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.history import Loaded, load_file
from common import database
from common.errors import DatabaseDown, HydrologError
from common.logging_setup import quoted


class NotLoaded(HydrologError):
    """Nothing can be loaded."""


def load_files(url: str, files: list[tuple[str, Path]], zone: ZoneInfo) -> list[Loaded]:
    """Load files with one progress bar (on standard error); returns the result of each.

    Raises:
        NotLoaded: a sensor is not registered, or a file cannot be read.
        DatabaseDown: no answer.
        HistoryRefused: a file does not contain recorded minutes.
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
                raise DatabaseDown(f"the connection to the database was lost: {quoted(str(error).strip())}") from error
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
    notes = [f"{there:,} existed already"] if there else []
    notes += [f"{loaded.skipped:,} at times skipped in spring"] if loaded.skipped else []
    return f"{sensor}: {loaded.added:,} rows from {path.name}" + (f" ({', '.join(notes)})" if notes else "")
