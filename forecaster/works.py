"""Planned work: what flows meanwhile is no usual use, and criteria are not learnt from it either. A center has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from common.clock import minute_start
from forecaster.dataset import HourlyHistory
from outliers.calendar import Work


def without_works(history: HourlyHistory, works: Sequence[Work], zone: ZoneInfo) -> HourlyHistory:
    """The history without the hours of planned works at each sensor."""
    if not works:
        return history
    y = history.y.copy()
    for work in works:
        first, last = (history.row(minute_start(minute).astimezone(zone)) for minute in (work.first, work.end - 1))
        lines = [i for i, series in enumerate(history.series) if work.at(series.sensor)]
        y[lines, max(first, 0) : max(last + 1, 0)] = np.nan
    return replace(history, y=y)
