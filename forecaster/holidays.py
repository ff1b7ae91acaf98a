"""Public holidays: the dates that people write down for the outlier methods serve the forecasts as well."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from common import criteria
from common.criteria import CriteriaUnusable

FOLDER = "criteria"
EPOCH = date(1970, 1, 1)

_log = logging.getLogger(__name__)


def of_site(data: Path) -> frozenset[int]:
    """The holidays of the site's file, as a history wants them. A file that cannot be read costs the holidays only."""
    try:
        return numbered(criteria.holidays(data / FOLDER / criteria.HOLIDAYS))
    except CriteriaUnusable as error:
        _log.warning("holidays_unusable problem=%r", str(error))
        return frozenset()


def numbered(days: Iterable[date]) -> frozenset[int]:
    """Dates as days since 1970."""
    return frozenset((day - EPOCH).days for day in days)
