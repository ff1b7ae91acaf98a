"""Loads recorded minutes into the database: several files with one progress bar."""

import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.history import Loaded, load_file
from cli.recorded.description import PLAIN, Description
from cli.recorded.step import FEWEST, Steps, in_words
from common import database
from common.errors import DatabaseDown, HydrologError
from common.logging_setup import harmless, quoted
from common.point import Point

_WINTER = (
    "  A clock that changes never shows them. If the logger keeps winter time all year, its rows in summer are an "
    'hour off: the file needs a description with its zone, such as zone = "+01:00".'
)
_CODES = (
    "  {count:,} values such as -999 or 9999 look like fault codes. They were loaded as they are, because a file of "
    "the plain form says nothing of codes; a description leaves them out: hydrolog load --save-description FILE"
)


class NotLoaded(HydrologError):
    """Nothing can be loaded."""


def load_files(url: str, site: str, files: list[tuple[str, Path, Description]], zone: ZoneInfo) -> list[Loaded]:
    """Load files of a site with one progress bar (on standard error); returns the result of each.

    Raises:
        NotLoaded: a sensor is not registered, or a file cannot be read.
        DatabaseDown: no answer.
        HistoryRefused: a file is not as described.
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
        _refuse_unknown(connection, site, [sensor for sensor, _, _ in files])
        for sensor, path, described in files:
            bar = bars.add_task(f"history {sensor}", total=path.stat().st_size, rows=0)

            def show(position: int, rows: int, bar: TaskID = bar) -> None:
                bars.update(bar, completed=position, rows=rows)

            try:
                results.append(load_file(connection, Point(site, sensor), path, zone, show, described=described))
            except psycopg.OperationalError as error:
                raise DatabaseDown(f"the connection to the database was lost: {quoted(str(error).strip())}") from error
            except (OSError, EOFError) as error:
                raise NotLoaded(f"{path}: {error}") from error
            console.print(_sentence(sensor, path, results[-1], plain=described is PLAIN), highlight=False)
    return results


def _refuse_unknown(connection: psycopg.Connection[Any], site: str, sensors: list[str]) -> None:
    found = connection.execute("SELECT sensor FROM SENSOR_TB WHERE site = %s", (site,)).fetchall()
    known = {str(row[0]) for row in found}
    if missing := sorted(set(sensors) - known):
        raise NotLoaded(f"not registered: {', '.join(missing)}; first: hydrolog sensors add {missing[0]}")


def _sentence(sensor: str, path: Path, loaded: Loaded, *, plain: bool) -> str:
    there = loaded.minutes - loaded.added
    notes = [f"{there:,} existed already"] if there else []
    notes += [f"{loaded.skipped:,} at times skipped in spring"] if loaded.skipped else []
    notes += [f"{loaded.left_out:,} with totals left out"] if loaded.left_out else []
    notes += [f"{loaded.bad:,} without values: their quality is not good"] if loaded.bad else []
    notes += [f"{loaded.codes:,} fault codes such as -999 or 9999 left out"] if loaded.codes and not plain else []
    notes += ["seconds counted into their minute"] if loaded.steps.seconds else []
    notes += [f"{loaded.repeated:,} repeated"] if loaded.repeated and loaded.steps.usual != 0 else []
    text = f"{sensor}: {loaded.added:,} rows from {harmless(path.name)}" + (f" ({', '.join(notes)})" if notes else "")
    codes = [_CODES.format(count=loaded.codes)] if loaded.codes and plain else []
    return "\n".join([text, *_meaning(loaded.steps), *codes, *[_WINTER] * bool(loaded.skipped)])


def _meaning(steps: Steps) -> list[str]:
    """What the distance between the rows means for what learns from them."""
    if steps.minutes > 1:
        return [
            f"  The rows are {in_words(steps.minutes)} apart. They count as history for forecasts and nights. Outlier "
            "criteria need rows of one minute: they are learnt from the box's own."
        ]
    if steps.usual not in (None, 0, 1):
        return [
            f"  The rows are {in_words(steps.usual or 0)} apart: too far for forecasts, nights and criteria, or "
            "not a part of an hour. They are kept and shown only."
        ]
    if steps.usual is None and steps.rows > FEWEST:
        return [
            "  The rows have no regular distance, so each counts as one minute. Hours with fewer than 45 of 60 minutes "
            "do not count for forecasts, nor with fewer than 50 for nights."
        ]
    return []
