"""What `hydrolog export` takes from the database: one sensor's rows of one kind, as CSV made by Postgres.

Rows come in pieces of four weeks, each in a short transaction of its own. So memory is bounded, and a reader that waits
(`hydrolog export 001 | less`) does not hold anything in the database.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from common import database
from common.errors import HydrologError
from common.logging_setup import quoted
from common.settings import Settings

PIECE_DAYS = 28  # 40,320 minutes: a megabyte
ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_OF_POINT = "site = %(site)s AND sensor = %(sensor)s"
_MINUTE_TABLES = ("REAL_VAL_TB", "UNREGISTERED_VAL_TB")

# A column has the same type in every kind; those in none of these sets are numbers.
TIMES = frozenset({"time", "hour", "made_at", "hour_start", "began", "raised", "ended", "size_at", "at", "until"})
DAYS = frozenset({"night"})
TEXTS = frozenset({"site", "sensor", "channel", "method", "code", "severity", "reason", "model", "night_use_by"}) | {
    *("id", "kind", "stage", "by", "cause", "incident", "act", "text"),
}


class NotExported(HydrologError):
    """Nothing was exported."""


@dataclass(frozen=True)
class RowKind:
    """One kind of rows; its statement is ``export_NAME.sql``."""

    name: str
    columns: str  # after site and sensor
    tables: tuple[str, ...]
    at: str = "time"  # what places a row in a span, in SQL
    free_text: bool = False  # holds sentences, not only ASCII


_NIGHT = (
    "night hour_start hour_flow hour_pressure percentile_flow night_use night_use_by leak_flow leak_flow_reference "
    "reference_pressure n1 leak_day good_minutes faulty_minutes planned_minutes night_use_low night_use_high "
    "leak_flow_low leak_flow_high leak_day_low leak_day_high leak_bound uarl_day definition"
)
_FORECAST = "hour made_at flow flow_low flow_high pressure pressure_low pressure_high model"
_INCIDENT = (
    "id kind severity channel began raised ended size_m3h size_error_m3h size_at largest_m3h volume_m3 returned stage "
    "by at until cause"
)
_ACTS = (
    "(SELECT done.site, sensor, done.at FROM INCIDENT_ACT_TB AS done "
    "JOIN INCIDENT_TB AS incident ON incident.site = done.site AND incident.id = done.incident) AS acts"
)
_LISTED = (
    RowKind("minutes", "time flow pressure", _MINUTE_TABLES),
    RowKind("hours", "time flow pressure flow_minutes pressure_minutes", _MINUTE_TABLES),
    RowKind("nights", _NIGHT, ("NIGHT_REPORT_TB",), at="night::timestamptz"),
    RowKind("findings", "time channel method code severity value reason incident", ("OUTLIER_TB",), free_text=True),
    RowKind("incidents", _INCIDENT, ("INCIDENT_TB",), at="began", free_text=True),
    RowKind("acts", "at incident by act until cause text", (_ACTS,), at="at", free_text=True),
    RowKind("forecasts", _FORECAST, ("PRED_VAL_TB",), at="hour"),
)
KINDS = {kind.name: kind for kind in _LISTED}


@dataclass(frozen=True)
class ExportSpan:
    """From the first instant to before the end."""

    first: datetime = ALWAYS[0]
    end: datetime = ALWAYS[1]


class Source:
    """The rows of one kind. `guard` stands before a text that a spreadsheet would take for a formula."""

    def __init__(self, chosen: Settings, kind: RowKind, *, with_sensor: bool, guard: str) -> None:
        self.columns = [*(["site", "sensor"] if with_sensor else []), *kind.columns.split()]
        self._kind = kind
        self._site, self._zone = chosen.site.id, chosen.site.zone
        self._guard = guard
        self._database = database.Database(chosen, "export")
        shown = ", ".join(map(_as_text, self.columns))
        self._copy = f"COPY (SELECT {shown} FROM ({database.statement(f'export_{kind.name}')}) AS found) TO STDOUT CSV"

    def close(self) -> None:
        self._database.close()

    def registered(self) -> list[str]:
        """The registered sensors."""
        with self._transaction() as cursor:
            cursor.execute("SELECT sensor FROM SENSOR_TB WHERE site = %s ORDER BY sensor", (self._site,))
            return [str(row[0]) for row in cursor.fetchall()]

    def extent(self, sensor: str) -> tuple[datetime, datetime] | None:
        """The times of the sensor's first and last row; None if it has none."""
        with self._transaction() as cursor:
            first, last = (
                self._find(cursor, "min", sensor, ExportSpan()),
                self._find(cursor, "max", sensor, ExportSpan()),
            )
        return None if first is None or last is None else (first, last)

    def has_minutes(self, sensor: str) -> bool:
        """Whether there is any row of the sensor: one that is not registered may have some."""
        there = " OR ".join(f"EXISTS (SELECT FROM {table} WHERE {_OF_POINT})" for table in _MINUTE_TABLES)
        with self._transaction() as cursor:
            cursor.execute(f"SELECT {there}".encode(), {"site": self._site, "sensor": sensor})
            row = cursor.fetchone()
        assert row
        return bool(row[0])

    def first(self, sensor: str, span: ExportSpan) -> datetime | None:
        """The time of the sensor's first row in the span."""
        with self._transaction() as cursor:
            return self._find(cursor, "min", sensor, span)

    def pieces(self, sensor: str, span: ExportSpan) -> Iterator[bytes]:
        """The sensor's rows, oldest first, as lines of CSV."""
        while (first := self.first(sensor, span)) is not None:
            end = min(span.end, _four_weeks_after(first, self._zone))
            values = {"site": self._site, "sensor": sensor, "first": first, "end": end, "guard": self._guard}
            piece = io.BytesIO()  # a join would keep every line as an object first, and take three times as long
            with self._transaction() as cursor, cursor.copy(self._copy.encode(), values) as lines:
                for line in lines:
                    piece.write(line)
            yield piece.getvalue()
            span = ExportSpan(end, span.end)

    def _find(self, cursor: psycopg.Cursor[Any], which: str, sensor: str, span: ExportSpan) -> datetime | None:
        found = []
        for table in self._kind.tables:
            at = self._kind.at
            where = f"{_OF_POINT} AND {at} >= %(first)s AND {at} < %(end)s"
            values = {"site": self._site, "sensor": sensor, "first": span.first, "end": span.end}
            cursor.execute(f"SELECT {which}({at}) FROM {table} WHERE {where}".encode(), values)
            row = cursor.fetchone()
            if row and row[0] is not None:
                found.append(row[0].astimezone(UTC))
        return (min if which == "min" else max)(found, default=None)

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        """A transaction whose times are in the site's zone, and whose texts do not depend on the server's settings."""
        fixed = {"datestyle": "ISO", "extra_float_digits": "1", "client_encoding": "UTF8", "timezone": self._zone.key}
        try:
            with self._database.transaction() as cursor:
                for name, value in fixed.items():
                    cursor.execute("SELECT set_config(%s, %s, true)", (name, value))
                yield cursor
        except psycopg.Error as error:  # no permission, an unknown time zone
            raise NotExported(f"the database refuses: {quoted(str(error).strip())}") from error


def _four_weeks_after(first: datetime, zone: ZoneInfo) -> datetime:
    """A midnight of the site, so that no hour is in two pieces."""
    try:
        day = first.astimezone(zone).date() + timedelta(days=PIECE_DAYS)
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:
        return ALWAYS[1]


def _as_text(column: str) -> str:
    if column == "site":
        return "%(site)s::text AS site"
    if column in TIMES:  # as JSON, a time is ISO 8601 with its offset
        return f"trim('\"' FROM to_json({column})::text) AS {column}"
    if column in TEXTS:
        in_a_line = f"regexp_replace({column}, '[[:cntrl:]]', ' ', 'g')"
        return f"regexp_replace({in_a_line}, '^(?=[[:space:]]*[=+@-])', %(guard)s) AS {column}"
    return column
