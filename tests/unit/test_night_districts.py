"""Leakage of the nights of made-up districts, with their leaks, bursts, faults and operations."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from outlier_site import START, burst, history

from common.night import believed_hours
from nightflow.known import SensorFigures
from nightflow.leakage import EarlierNight, Tenth, leakage
from producer.district import District

ROME = ZoneInfo("Europe/Rome")
MONDAY = date(2022, 1, 10)  # START
NIGHTS = 28
DAY_STEPS, REPORT_STEPS = 144, 29  # from 05:00 to 05:00 UTC; the report's are the last
Values = Callable[[int], tuple[float | None, float | None]]


def district(number: int) -> Values:
    return District(7, f"D{number:03}", ROME).at


def history_with_bursts(number: int) -> Values:
    rows = history(NIGHTS + 2, seed=number)
    for day in range(2, NIGHTS, 5):
        burst(rows, day * 1440 + 700, day * 1440 + 2000, 0.4)
    return lambda minute: (float(rows.flow[minute - START]), float(rows.pressure[minute - START]))


def day_of(values: Values, end: int) -> dict[int, Tenth]:
    """The day before a minute; one minute of each ten stands for them."""
    day = {}
    for step in range(DAY_STEPS):
        flow, pressure = values(end - 10 * (DAY_STEPS - step))
        if flow is not None and pressure is not None:
            day[step - DAY_STEPS + REPORT_STEPS] = Tenth(flow * 10, 10, pressure * 10, 10)
    return day


def hours_bar(day: dict[int, Tenth]) -> list[float]:
    steps = range(REPORT_STEPS - DAY_STEPS, REPORT_STEPS + 1, 6)
    hours = [[day[step].pressure_sum / 10 for step in range(*span) if step in day] for span in pairwise(steps)]
    return [sum(bars) / len(bars) for bars in hours if bars]


@pytest.mark.parametrize("known", [SensorFigures(), SensorFigures(night_use_m3h=0.0)], ids=["share", "no use"])
@pytest.mark.parametrize("values", [*map(district, range(4)), *map(history_with_bursts, range(2))])
def test_no_night_has_more_leakage_than_any_believed_hour_of_its_day(values: Values, known: SensorFigures) -> None:
    earlier: list[EarlierNight] = []
    told = 0
    for number in range(1, NIGHTS + 1):
        day = day_of(values, START + number * 1440 + 300)
        night = {step: tenth for step, tenth in day.items() if step >= 0}
        found = leakage(MONDAY + timedelta(days=number), night, hours_bar(day), earlier, known=known, day=day)
        if found.hour is None or found.leak_m3h is None:
            continue
        told += 1
        earlier.append(EarlierNight(found.night, found.hour.flow_m3h, found.hour.pressure_bar))
        flows = {step: (tenth.flow_sum, tenth.flow_count) for step, tenth in day.items()}
        lowest = min(hour.flow_m3h for hour in believed_hours(flows))
        assert 0 <= found.leak_m3h.low <= found.leak_m3h.high <= lowest + 1e-9
    assert told >= NIGHTS - 4  # the others: a silent instrument
