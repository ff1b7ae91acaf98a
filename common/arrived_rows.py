"""Rows that boxes have sent, into the archive: each minute of a point once, whichever way they came.

They lie in the tables where a box's own archive stores its rows, so that whoever reads these need not know which is
which. A sensor that a site sends is registered with its first row.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

import psycopg
from psycopg import Cursor

from common import sent_row
from common.clock import minute_start
from common.database import statement
from common.logging_setup import quoted
from common.row import MOST_SENSORS

# Of the archive: five years. A year is kept; a sender that invents times must not make a table for each month of two
# hundred years, which all have to be looked into. What is near now gets its table all the same.
MOST_MONTHS = 60
MONTHS = "months"  # the reason of rows that are refused for it

_SPAN = "SELECT min(time), max(time) FROM arrived"

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


class Whose(Enum):
    """Who else stores rows of the same site here.

    Attributes:
        SENT: nobody.
        OWN: the site's own archive stores the same rows, too. People register its sensors.
        STRANGE: the site's own archive, but other rows: two boxes have one name. Nothing of them is mixed with its own.
    """

    SENT = auto()
    OWN = auto()
    STRANGE = auto()


def store(cursor: Cursor[Any], rows: Sequence[bytes], whose: Whose = Whose.SENT) -> Stored:
    """Store rows, each as it lies in a topic: site, log id, and the columns of a batch."""
    found = Stored()
    cursor.execute(statement("arrived").encode())
    parts = [[*range(len(rows))]] if rows else []  # of their numbers
    while parts:
        part = parts.pop()
        try:
            with cursor.connection.transaction():
                new, second = _store(cursor, [rows[number] for number in part], whose)
            found.new += new
            found.second.update(second)
        except _TooManyMonths as error:
            beyond = {number for number in part if _month(rows[number]) in error.months}
            found.refused |= dict.fromkeys(beyond, MONTHS)
            parts += [rest] if (rest := [number for number in part if number not in beyond]) else []
        except (psycopg.DataError, psycopg.IntegrityError) as error:  # the half that it is not in, and then the other
            if len(part) == 1:
                found.refused[part[0]] = type(error).__name__
            else:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
        if parts:
            cursor.execute("TRUNCATE arrived")
    return found


class _TooManyMonths(Exception):
    """Rows are of months that get no partition."""

    def __init__(self, months: list[datetime]) -> None:
        super().__init__()
        self.months = frozenset(months)


def _month(row: bytes) -> datetime | None:
    """The start of the UTC month of a row."""
    minute = sent_row.minute(row.split(b"\t", 4)[3])
    return None if minute is None else minute_start(minute).replace(day=1, hour=0, minute=0)


def _make_partitions(cursor: Cursor[Any]) -> None:
    """For the months of the rows that have arrived: those near now first, others while there are not too many."""
    missing = cursor.execute(statement("arrived_months").encode()).fetchall()
    if not missing:
        return
    near = sum(is_near for _, is_near, _ in missing)
    room = max(near, MOST_MONTHS - missing[0][2])
    months = [month for month, _, _ in missing]
    cursor.execute("SELECT real_val_partitions(%s)", (months[:room],))
    if months[room:]:
        raise _TooManyMonths(months[room:])


def _store(cursor: Cursor[Any], rows: Sequence[bytes], whose: Whose) -> tuple[int, dict[str, int]]:
    """How many are new, and how many of each site are second ones."""
    with cursor.copy("COPY arrived FROM STDIN (NULL '')") as copy:
        copy.write(b"\n".join((*rows, b"")))  # no column can hold a backslash
    apart = new = 0
    if whose is not Whose.STRANGE:
        apart = _register(cursor, whose)
        _make_partitions(cursor)
        new = cursor.execute(statement("arrived_store").encode()).rowcount
        cursor.execute(statement("arrived_forecasts").encode())
    second: dict[str, int] = {}
    if apart + new < len(rows):
        first, last = cursor.execute(_SPAN).fetchone() or (None, None)
        second = dict(cursor.execute(statement("arrived_second").encode(), {"first": first, "last": last}).fetchall())
    return apart + new, second


def _register(cursor: Cursor[Any], whose: Whose) -> int:
    """Register the sensors that are not yet; the rows of those that may not be are kept apart: how many are new."""
    missing = cursor.execute(statement("arrived_sensors").encode()).fetchall()
    if not missing:
        return 0
    taken: Counter[str] = Counter()
    new, unknown = list[tuple[str, str]](), list[tuple[str, str]]()
    for site, sensor, known in missing:
        taken[site] += 1
        (unknown if whose is Whose.OWN or known + taken[site] > MOST_SENSORS else new).append((site, sensor))
    for points, name in ((new, "arrived_register"), (unknown, "arrived_apart")):
        if points:
            columns = {"sites": [site for site, _ in points], "sensors": [sensor for _, sensor in points]}
            stored = cursor.execute(statement(name).encode(), columns).rowcount
    if new:
        site, sensor = new[0]
        _log.info("sensors_registered count=%d first=%s site=%s", len(new), quoted(sensor), quoted(site))
    return stored if unknown else 0
