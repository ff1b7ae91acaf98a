"""An outage of supply: neither its hours nor those in which tanks fill again are taken for use, by anybody."""

import numpy as np
import pytest
from outlier_site import DAY, LEARN_DAYS, MEAN_M3H, START, UTC, burst, days, detect, history, raised
from trouble_recordings import BEGIN, HOUR, supply_outage

from forecaster.dataset import hours_of_outages
from outliers.criteria import Criteria
from outliers.learn.build import History
from outliers.learn.exclude import Taught
from outliers.outage import FILLS_MOST_MIN, LEAST_MIN, Outage, row_is_dry
from outliers.watch.detector import Detector

DRY, WELL = ("R000", "R00"), ("0000", "000")


@pytest.mark.parametrize(
    ("m3h", "flow", "pressure", "dry"),
    [
        (0.4, "R000", "R00", True),
        (0.4, "R000", "00P", True),
        (0.0, "S000", "00p", True),
        (0.0, "S000", "M00", True),  # a meter without a gauge: nothing says that water comes
        (40.0, "S000", "00P", False),  # it has failed, and a pump has switched
        (0.4, "R000", "000", False),  # the meter alone
        (40.0, "0000", "R00", False),
        (None, "M000", "M00", False),  # power or line
        (60.0, "0W00", "00P", False),
    ],
)
def test_no_water_comes_if_there_is_no_flow_and_the_pressure_does_not_say_otherwise(
    m3h: float | None, flow: str, pressure: str, dry: bool
) -> None:
    assert row_is_dry(m3h, flow, pressure) == dry


@pytest.mark.parametrize(("minutes", "fills"), [(LEAST_MIN - 1, 0), (60, 60), (300, 300), (30 * HOUR, FILLS_MOST_MIN)])
def test_tanks_fill_for_as_long_as_no_water_came_but_not_for_ever(minutes: int, fills: int) -> None:
    outage = Outage()
    usual = [outage.on_row(minute, dry=minute < minutes) for minute in range(minutes + FILLS_MOST_MIN + 5)]
    assert usual.index(True) == minutes + fills
    assert all(usual[minutes + fills :])


def test_a_second_outage_while_tanks_fill_goes_on_with_the_first() -> None:
    outage = Outage()
    usual = [outage.on_row(minute, dry=not 60 <= minute < 90 and minute < 120) for minute in range(400)]
    assert usual.index(True) == 120 + 120


def returned(hours: int, more: float = 0.0) -> History:
    """An outage, after which tanks take half as much again as is used, for a quarter of its time; then a leak."""
    rows, end = supply_outage(hours).rows, BEGIN + hours * HOUR
    for first in range(end, end + 8 * HOUR, 10):
        burst(rows, first, first + 10, 0.5 * float(np.exp((end - first) / (15 * hours))) + more)
    return rows


@pytest.mark.parametrize("hours", [1, 5, 12, 30])
def test_that_tanks_fill_is_no_leak(learnt: Criteria, hours: int) -> None:
    rows = returned(hours)
    found, _ = detect(learnt, rows)
    codes = {code for code, _, minute in raised(found, rows) if minute >= BEGIN}
    assert codes <= {"SYS-RANGE", "SUP-STEP"}


def test_the_level_is_that_of_before(learnt: Criteria) -> None:
    rows, detector, levels = returned(12), Detector("001", learnt, UTC), {}
    for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True)):
        detector.step(rows.first + place, flow, pressure)
        if detector.watch is not None:
            levels[place] = detector.watch.expectation.level
    assert abs(levels[BEGIN + 25 * HOUR] - levels[BEGIN - HOUR]) < 0.05


def test_a_pipe_that_broke_meanwhile_is_found_when_the_tanks_are_full(learnt: Criteria) -> None:
    rows = history(9, seed=2, first=START + LEARN_DAYS * DAY)
    dry = supply_outage(5).rows
    rows.flow[: len(dry.flow)], rows.pressure[: len(dry.flow)] = dry.flow, dry.pressure
    end = BEGIN + 5 * HOUR
    burst(rows, end, 9 * DAY, 0.3)
    found, _ = detect(learnt, rows)
    ((_, _, minute),) = [one for one in raised(found, rows) if one[0] == "LEAK"]
    assert end + 5 * HOUR < minute <= end + 15 * HOUR


@pytest.mark.parametrize("dry", [False, True])
def test_a_night_of_an_outage_has_no_minimum(learnt: Criteria, dry: bool) -> None:
    """What is left of it is the morning, which is higher."""
    rows = days(4)
    if dry:
        rows.flow[DAY + 22 * HOUR : 2 * DAY + HOUR] = rows.pressure[DAY + 22 * HOUR : 2 * DAY + HOUR] = 0.1
    detector, nights = Detector("001", learnt, UTC), []
    for place in range(3 * DAY - 12 * HOUR):
        detector.step(rows.first + place, float(rows.flow[place]), float(rows.pressure[place]))
        if place % DAY == 11 * HOUR and detector.watch is not None and detector.watch.night is not None:
            nights.append([*detector.watch.night.state.nights])
    assert len(nights) == 3
    assert (nights[2] == nights[1]) == dry


def test_it_is_not_learnt_from() -> None:
    rows = History(START, np.full(1000, MEAN_M3H), np.full(1000, 4.0))
    taught = Taught(rows)
    for place in range(1000):
        taught.row(START + place, *(DRY if 300 <= place < 420 else WELL))
    assert np.flatnonzero(np.isnan(rows.flow)).tolist() == [*range(240, 540)]
    assert np.flatnonzero(np.isnan(rows.pressure)).tolist() == [*range(300, 540)]


@pytest.mark.parametrize(
    ("dry", "masked"),
    [
        ({10: 5}, []),
        ({10: 40}, [9, 10, 11]),
        ({10: 30, 11: 60, 12: 60, 13: 20}, [*range(9, 16)]),
        ({0: 60}, [0, 1]),
        ({10: 60, 12: 60}, [*range(9, 14)]),  # water came for an hour: two outages
        (dict.fromkeys(range(10, 30), 60), [*range(9, 36)]),
        ({47: 60}, [46, 47]),
    ],
)
def test_the_hours_of_outages_are_missing_in_a_forecast(dry: dict[int, int], masked: list[int]) -> None:
    minutes = np.zeros(48, dtype=np.int64)
    for hour, count in dry.items():
        minutes[hour] = count
    assert np.flatnonzero(hours_of_outages(minutes)).tolist() == masked
