"""Planned work is no usual use: its hours are missing at its sensor."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from forecaster.dataset import HourlyHistory, Series
from forecaster.works import without_works
from outliers.calendar import ALL, work

ROME = ZoneInfo("Europe/Rome")
SERIES = tuple(Series(sensor, channel) for sensor in ("a", "b") for channel in ("flow", "pressure"))


def missing(*works: tuple[str, str, str]) -> list[list[int]]:
    """The rows of each sensor's flow that are missing in a day with works: sensor, first and end hour or minute."""
    history = HourlyHistory(np.datetime64("2024-07-05T00", "h"), SERIES, np.ones((4, 24)))
    day = "2024-07-05 "
    known = [
        work(sensor, datetime.fromisoformat(day + first), datetime.fromisoformat(day + end), "관 세척", ROME)
        for sensor, first, end in works
    ]
    y = without_works(history, known, ROME).y
    assert np.array_equal(np.isnan(y[::2]), np.isnan(y[1::2])) and np.isfinite(history.y).all()
    return [np.flatnonzero(np.isnan(line)).tolist() for line in y[::2]]


def test_the_hours_of_works_are_missing_at_their_sensor() -> None:
    assert missing() == [[], []]
    assert missing(("a", "10:30", "13:00")) == [[10, 11, 12], []]
    assert missing(("b", "22:00", "22:05"), (ALL, "00:00", "01:01")) == [[0, 1], [0, 1, 22]]
