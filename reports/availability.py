"""How well each sensor was read: the share of a day's minutes that have a value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from common.database import Database, statement
from reports.month import Month

SENSORS_AT_ONCE = 20  # a million rows a month: some seconds
MINUTE_S = 60

Shares = Mapping[date, float]


class RegisteredSensor(NamedTuple):
    """A registered sensor; `since` is the time of its first row, None if it has none."""

    sensor: str
    name: str
    since: datetime | None


class Available(NamedTuple):
    """The minutes with a value among those that should have one.

    Attributes:
        share: of all of them; None if there are none.
        by_day: the share of each day; without the days before the sensor's first row, and those to come.
    """

    share: float | None
    by_day: Shares


def read(
    database: Database,
    site: str,
    month: Month,
    until: datetime,
    points: Sequence[RegisteredSensor],
    *,
    done: Callable[[int], object],
) -> dict[str, Available]:
    """The availability of each sensor in the month, as far as it is over at `until`."""
    counted: dict[str, dict[date, int]] = {point.sensor: {} for point in points}
    for begin in range(0, len(points), SENSORS_AT_ONCE):
        done(begin)
        some = [point.sensor for point in points[begin : begin + SENSORS_AT_ONCE]]
        span = {
            "site": site,
            "sensors": some,
            "zone": month.zone.key,
            "first": month.start,
            "until": min(until, month.end),
        }
        with database.transaction() as cursor:
            cursor.execute(statement("report_days"), span)
            for sensor, day, minutes in cursor:
                counted[sensor][day] = int(minutes)
    return {point.sensor: available(month, until, point.since, counted[point.sensor]) for point in points}


def available(month: Month, until: datetime, since: datetime | None, minutes: Mapping[date, int]) -> Available:
    """The shares of a sensor whose first row is of `since`, from the minutes with a value of each day."""
    due = {day: _due(month, day, since, until) for day in month.days} if since is not None else {}
    due = {day: whole for day, whole in due.items() if whole}
    by_day = {day: min(1.0, minutes.get(day, 0) / whole) for day, whole in due.items()}
    return Available(_mean((by_day[day], whole) for day, whole in due.items()), by_day)


def _due(month: Month, day: date, since: datetime, until: datetime) -> int:
    """How many minutes of a day should have a value: a day on which the clocks change is shorter or longer."""
    next_day = date.fromordinal(day.toordinal() + 1)
    first, end = max(month.midnight(day).timestamp(), since.timestamp()), month.midnight(next_day).timestamp()
    return max(0, int(min(end, until.timestamp()) - first) // MINUTE_S)


def _mean(shares: Iterable[tuple[float, int]]) -> float | None:
    listed = [*shares]
    whole = sum(weight for _, weight in listed)
    return sum(share * weight for share, weight in listed) / whole if whole else None
