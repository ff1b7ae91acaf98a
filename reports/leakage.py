"""The leakage of a month at each sensor, summed from the reports of its nights. Only the nights that have one count."""

import dataclasses
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import Cursor
from psycopg.rows import class_row

from common.database import statement
from common.messages import Catalogue
from common.night import DEFINITION
from common.settings import SiteSettings


@dataclass(frozen=True, slots=True)
class MonthlyLeakage:
    """The nights of one sensor.

    Attributes:
        hour_flow_mean: mean of the minimum night flows, m3/h, of `hour_flow_nights` nights.
        nights: with a daily leakage; `missing` are the others.
        leak_low, leak_high: m3 of these nights; the same where the night use was set in all of them.
        estimate: whether the night use was guessed in one of them.
        uarl: unavoidable losses, m3, of `uarl_nights` nights.
        ili: infrastructure leakage index, of `ili_nights` nights.
        cost_low, cost_high: of the leakage, in the site's currency; None without a price.
    """

    sensor: str
    hour_flow_mean: float | None
    hour_flow_nights: int
    nights: int
    missing: list[date]
    leak_low: float | None
    leak_high: float | None
    estimate: bool
    uarl: float | None
    uarl_nights: int
    ili: float | None
    ili_nights: int
    cost_low: float | None = None
    cost_high: float | None = None


def read(
    cursor: Cursor[Any], first: date, last: date, site: SiteSettings, sensor: str | None = None
) -> list[MonthlyLeakage]:
    """The nights from `first` to `last` of each sensor of a site, or of one."""
    asked = {"site": site.id, "first": first, "last": last, "sensor": sensor, "definition": DEFINITION}
    rows = cursor.connection.cursor(row_factory=class_row(MonthlyLeakage)).execute(statement("night_months"), asked)
    return [_with_cost(row, site.water_price) for row in rows]


def _with_cost(one: MonthlyLeakage, price: float) -> MonthlyLeakage:
    if not price or one.leak_low is None or one.leak_high is None:
        return one
    return dataclasses.replace(one, cost_low=one.leak_low * price, cost_high=one.leak_high * price)


def in_range(low: float | None, high: float | None, is_estimate: bool, speech: Catalogue) -> str:
    """One number where the night use was set in all nights, else a range; empty for what is not known."""
    if low is None or high is None:
        return ""
    if not is_estimate:
        return f"{low:,.0f}"
    return speech.say("{low:,.0f}-{high:,.0f} (estimate)", low=low, high=high)


def with_currency(heading: str, currency: str, speech: Catalogue) -> str:
    """The heading of costs."""
    return f"{heading}, {speech.currency(currency)}" if currency else heading


def of_nights(value: float | None, nights: int, decimals: int, whole: MonthlyLeakage, speech: Catalogue) -> str:
    """A figure, with the number of its nights if these are not the nights of the volume."""
    if value is None:
        return ""
    figure = f"{value:,.{decimals}f}"
    if nights == whole.nights:
        return figure
    return f"{figure} ({speech.many('{count} night', '{count} nights', nights)})"


def remarks(sensors: list[MonthlyLeakage], speech: Catalogue) -> list[str]:
    """What a reader has to know of these figures."""
    lines = []
    if any(one.missing for one in sensors):
        lines.append(speech.say("Nights without a daily leakage are left out of the volume, not filled in."))
    if any(one.estimate for one in sensors):
        lines.append(speech.say("Estimate: nobody has set the night use (hydrolog night set)."))
    return lines
