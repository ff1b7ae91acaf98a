"""Public holidays: the dates that people write down for the outlier methods serve the forecasts as well."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from common.folder import CRITERIA_FOLDER
from common.logging_setup import quoted
from outliers import calendar

EPOCH = date(1970, 1, 1)

_log = logging.getLogger(__name__)


def of_site(data: Path) -> frozenset[int]:
    """Holidays of the site's and of its country's file, as a history wants them. Wrong lines are left out."""
    found = [
        calendar.holidays_of(data / CRITERIA_FOLDER / name) for name in (calendar.HOLIDAYS, calendar.COUNTRY_HOLIDAYS)
    ]
    for problem in (problem for _, problems in found for problem in problems):
        _log.warning("holidays_unusable problem=%s", quoted(problem))
    return numbered(day for days, _ in found for day in days)


def numbered(days: Iterable[date]) -> frozenset[int]:
    """Dates as days since 1970."""
    return frozenset((day - EPOCH).days for day in days)


def of_country(country: str, years: Iterable[int]) -> frozenset[int]:
    """Public holidays by the library `holidays`; none of a country that it does not know."""
    import holidays  # noqa: PLC0415 - a box has a file of them, and need not load it

    try:
        return numbered(holidays.country_holidays(country, years=years))
    except NotImplementedError:
        _log.warning("holidays_unusable problem=%s", quoted(f"site.country: no holidays are known of {country}"))
        return frozenset()
