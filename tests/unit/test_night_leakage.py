"""Leakage from night flow: each figure against one worked out by hand."""

from datetime import date, timedelta

import pytest

from nightflow.leakage import NIGHT_LITRES, Earlier, Known, Tenth, leakage, night_day_factor, percentile, quiet_hour

NIGHT = date(2024, 8, 27)


def tenths(flows: list[float], pressure: float | None = 4.0) -> dict[int, Tenth]:
    return {
        step: Tenth(flow * 10, 10, (pressure or 0) * 10, 0 if pressure is None else 10)
        for step, flow in enumerate(flows)
    }


def test_the_quiet_hour_is_the_lowest_of_all_rolling_hours() -> None:
    found = quiet_hour(tenths([9, 9, 9, 5, 5, 5, 5, 5, 5, 9, 9, 1]))
    assert found is not None
    assert (found.step, found.flow_m3h, found.pressure_bar, found.minutes) == (3, 5.0, 4.0, 60)


def test_an_hour_with_too_few_accepted_minutes_does_not_count() -> None:
    values = tenths([9.0] * 12)
    for step in range(6):  # a lower hour, but only 42 of its minutes are accepted
        values[step] = Tenth(1.0 * 7, 7, 0, 0, faulty=3)
    found = quiet_hour(values)
    assert found is not None
    assert found.minutes >= 50
    assert quiet_hour({}) is None
    assert quiet_hour(tenths([9.0] * 5)) is None  # less than an hour


def test_percentile_interpolates() -> None:
    assert percentile([3.0], 0.2) == 3.0
    assert percentile([5, 1, 2, 3, 4, 6], 0.2) == 2.0
    assert percentile([1, 2], 0.2) == pytest.approx(1.2)


def test_the_night_day_factor_follows_the_sites_own_pressure() -> None:
    assert night_day_factor([4.0] * 24, 4.0, 1.0) == 24
    assert night_day_factor([2.0] * 12 + [4.0] * 12, 4.0, 1.0) == 18
    assert night_day_factor([4.0] * 24, 2.0, 0.5) == pytest.approx(24 * 2**0.5)
    assert night_day_factor([4.0] * 20, 4.0, 1.0) == 24  # four hours are missing: the mean of the others
    assert night_day_factor([4.0] * 19, 4.0, 1.0) is None


def test_a_night_with_all_its_inputs() -> None:
    earlier = [Earlier(NIGHT - timedelta(days=n), 8.0 + n, 3.0) for n in range(1, 31)]
    found = leakage(NIGHT, tenths([12.0] * 12, pressure=4.0), [2.0] * 24, earlier)
    assert found.percentile_m3h == percentile([9, 10, 11, 12, 13, 14, 12], 0.2)
    assert found.percentile_nights == 7
    assert found.night_use_m3h == pytest.approx(0.2 * 9)  # of the quietest of the last 24 nights
    assert found.leak_m3h == pytest.approx(10.2)
    assert found.reference_bar == 3.0
    assert found.leak_reference_m3h == pytest.approx(10.2 * 3 / 4)
    assert found.factor_h == 12
    assert found.leak_m3d == pytest.approx(122.4)


def test_the_night_use_does_not_grow_with_a_leak() -> None:
    earlier = [Earlier(NIGHT - timedelta(days=n), 10.0, 4.0) for n in range(1, 24)]
    before = leakage(NIGHT, tenths([10.0] * 12), [4.0] * 24, earlier)
    after = leakage(NIGHT, tenths([13.0] * 12), [4.0] * 24, earlier)
    assert before.leak_m3h is not None
    assert after.leak_m3h == pytest.approx(before.leak_m3h + 3.0)


def test_without_pressure_nothing_is_made_up() -> None:
    found = leakage(NIGHT, tenths([12.0] * 12, pressure=None), [], [])
    assert found.leak_m3h is not None
    assert (found.leak_reference_m3h, found.factor_h, found.leak_m3d) == (None, None, None)


def test_an_empty_night_says_so() -> None:
    found = leakage(NIGHT, {}, [], [Earlier(NIGHT - timedelta(days=1), 8.0, 3.0)])
    assert (found.hour, found.good_minutes, found.leak_m3h, found.percentile_m3h) == (None, 0, None, None)


def test_too_few_nights_make_no_percentile() -> None:
    found = leakage(NIGHT, tenths([12.0] * 12), [], [Earlier(NIGHT - timedelta(days=1), 8.0, 3.0)])
    assert (found.percentile_m3h, found.percentile_nights) == (None, 2)


def test_the_night_use_is_what_is_known_of_the_users() -> None:
    night = tenths([12.0] * 12)
    by_users = leakage(NIGHT, night, [], [], known=Known(1500, 2.0))
    assert (by_users.night_use_m3h, by_users.leak_m3h) == (3.0, 9.0)
    fixed = leakage(NIGHT, night, [], [], known=Known(1500, 2.0, night_use_m3h=4.5))
    assert fixed.leak_m3h == 7.5  # what is set goes before what is reckoned
    usual = leakage(NIGHT, night, [], [], known=Known(1000))
    assert usual.night_use_m3h == NIGHT_LITRES
