"""Leaks planted into recorded rows: found within what is promised, and told from what the rows raise themselves."""

from dataclasses import replace

import numpy as np
from outlier_site import DAY, MEAN_M3H, RESTLESS_M3H, UTC, burst, days

from outliers.calendar import Occasions
from outliers.criteria import Criteria
from outliers.detectability import TERMS_MIN
from outliers.learn.build import History
from outliers.planting import LONGEST_MIN, WARM_MIN, Planted, leaking, plant, starts

DAYS = 30


def planted(criteria: Criteria, rows: History, *sizes_m3h: float) -> list[Planted]:
    return list(plant(criteria, rows, UTC, Occasions(), sizes_m3h=sizes_m3h, count=6))


def test_a_burst_is_found_and_a_drop_is_not(restless: Criteria) -> None:
    found = planted(restless, days(DAYS, restless=RESTLESS_M3H), 0.6 * MEAN_M3H, 0.001 * MEAN_M3H)
    large, small = ([one.found(DAY) for one in found if one.number == number] for number in (0, 1))
    assert len(large) == len(small) >= 5
    assert all(one is not False for one in large) and large.count(True) >= 4
    assert not any(small)
    assert all(one.promised_m3h[0] > one.promised_m3h[1] > one.promised_m3h[2] for one in found)


def test_a_leak_of_the_rows_themselves_proves_nothing(restless: Criteria) -> None:
    rows = days(DAYS, restless=RESTLESS_M3H)
    burst(rows, 17 * DAY, DAYS * DAY, 0.5)
    found = planted(restless, rows, 0.2 * MEAN_M3H)
    assert found
    assert {one.found(LONGEST_MIN) for one in found if one.start > rows.first + 18 * DAY} == {None}


def test_starts_are_spread_over_the_hours_and_are_the_same_again() -> None:
    rows = days(40)
    begins = list(starts(rows, UTC))
    assert len(begins) == 48 and begins == list(starts(rows, UTC))
    assert {begin // 60 % 24 for begin in begins} == set(range(24))
    assert min(begins) >= rows.first + WARM_MIN and max(begins) + LONGEST_MIN <= rows.first + len(rows.flow)
    assert list(starts(replace(rows, flow=np.full(len(rows.flow), np.nan)), UTC)) == []
    assert list(starts(days(18), UTC)) == []


def test_the_pressure_pays_for_a_planted_leak(restless: Criteria) -> None:
    rows = days(1)
    leak = leaking(rows, restless, 10.0)
    assert np.allclose(leak.flow - rows.flow, 10.0)
    assert np.median(rows.pressure - leak.pressure) > 0.05
    bare = leaking(rows, replace(restless, pressure_use=None), 10.0)
    assert np.array_equal(bare.pressure, rows.pressure)


def test_a_leak_found_too_late_is_not_found() -> None:
    one = Planted(0, 0, 5.0, (5.0, 2.0, 1.0), 61, LONGEST_MIN)
    assert [one.found(term) for term in TERMS_MIN] == [False, True, True]
