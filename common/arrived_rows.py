"""Rows that boxes have sent, into the archive: each minute of a point once, whichever way they came.

They lie in the tables where a box's own archive stores its rows, so that whoever reads these need not know which is
which. A sensor that a site sends is registered with its first row.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Cursor

from common.database import statement
from common.logging_setup import quoted
from common.row import MOST_SENSORS

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Stored:
    """What has become of some rows; all others were here already.

    Attributes:
        new: how many are new.
        second: of how many, by site, the minute has another row with other values. They are in SECOND_VAL_TB.
        refused: the numbers of those that the database cannot hold, with the reason.
    """

    new: int = 0
    second: Counter[str] = field(default_factory=Counter)
    refused: dict[int, str] = field(default_factory=dict)


def store(cursor: Cursor[Any], rows: Sequence[bytes], *, home: str | None = None) -> Stored:
    """Store rows, each as it lies in a topic: site, log id, and the columns of a batch.

    Args:
        home: a site whose own archive stores here, too. People register its sensors.
    """
    found = Stored()
    cursor.execute(statement("arrived").encode())
    spans = [(0, len(rows))] if rows else []
    while spans:
        first, end = spans.pop()
        try:
            with cursor.connection.transaction():
                new, second = _store(cursor, rows[first:end], home)
            found.new += new
            found.second.update(second)
        except (psycopg.DataError, psycopg.IntegrityError) as error:  # the half that it is not in, and then the other
            if end - first == 1:
                found.refused[first] = type(error).__name__
            else:
                middle = (first + end) // 2
                spans += [(middle, end), (first, middle)]
        if spans:
            cursor.execute("TRUNCATE arrived")
    return found


def _store(cursor: Cursor[Any], rows: Sequence[bytes], home: str | None) -> tuple[int, dict[str, int]]:
    """How many are new, and how many of each site are second ones."""
    with cursor.copy("COPY arrived FROM STDIN (NULL '')") as copy:
        copy.write(b"\n".join((*rows, b"")))  # no column can hold a backslash
    apart = _register(cursor, home)
    first, last, number = cursor.execute(statement("arrived_span").encode()).fetchone() or (None, None, 0)
    if not number:
        return apart, {}
    cursor.execute("SELECT real_val_partitions(ARRAY(SELECT DISTINCT time FROM arrived))")
    new = cursor.execute(statement("arrived_store").encode()).rowcount
    second: dict[str, int] = {}
    if new < number:
        second = dict(cursor.execute(statement("arrived_second").encode(), {"first": first, "last": last}).fetchall())
    cursor.execute(statement("arrived_forecasts").encode())
    return apart + new, second


def _register(cursor: Cursor[Any], home: str | None) -> int:
    """Register the sensors that are not yet; the rows of those that may not be are kept apart: how many are new."""
    missing = cursor.execute(statement("arrived_sensors").encode()).fetchall()
    if not missing:
        return 0
    taken: Counter[str] = Counter()
    new, unknown = list[tuple[str, str]](), list[tuple[str, str]]()
    for site, sensor, known in missing:
        taken[site] += 1
        (unknown if site == home or known + taken[site] > MOST_SENSORS else new).append((site, sensor))
    for points, name in ((new, "arrived_register"), (unknown, "arrived_apart")):
        if points:
            columns = {"sites": [site for site, _ in points], "sensors": [sensor for _, sensor in points]}
            stored = cursor.execute(statement(name).encode(), columns).rowcount
    if new:
        site, sensor = new[0]
        _log.info("sensors_registered count=%d first=%s site=%s", len(new), quoted(sensor), quoted(site))
    return stored if unknown else 0
