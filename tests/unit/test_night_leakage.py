"""Leakage from night flow: each figure against one worked out by hand."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightflow.known import NIGHT_LITRES, Range, SensorFigures, unavoidable
from nightflow.leakage import EarlierNight, Tenth, leakage, night_day_factor, percentile, quiet_hour

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
    earlier = [EarlierNight(NIGHT - timedelta(days=n), 8.0 + n, 3.0) for n in range(1, 31)]
    found = leakage(NIGHT, tenths([12.0] * 12, pressure=4.0), [2.0] * 24, earlier)
    assert found.percentile_m3h == percentile([9, 10, 11, 12, 13, 14, 12], 0.2)
    assert found.percentile_nights == 7
    assert found.is_estimate
    assert found.night_use_m3h == pytest.approx((0.9, 2.7))  # of the quietest of the last 24 nights
    assert found.leak_m3h == pytest.approx((9.3, 11.1))
    assert found.reference_bar == 3.0
    assert found.leak_reference_m3h == pytest.approx((9.3 * 3 / 4, 11.1 * 3 / 4))
    assert found.factor_h == 12
    assert found.leak_m3d == pytest.approx((111.6, 133.2))


def test_the_night_use_does_not_grow_with_a_leak() -> None:
    earlier = [EarlierNight(NIGHT - timedelta(days=n), 10.0, 4.0) for n in range(1, 24)]
    before = leakage(NIGHT, tenths([10.0] * 12), [4.0] * 24, earlier)
    after = leakage(NIGHT, tenths([13.0] * 12), [4.0] * 24, earlier)
    assert before.leak_m3h is not None
    assert after.leak_m3h == pytest.approx([size + 3.0 for size in before.leak_m3h])


def test_without_pressure_nothing_is_made_up() -> None:
    found = leakage(NIGHT, tenths([12.0] * 12, pressure=None), [], [])
    assert found.leak_m3h is not None
    assert (found.leak_reference_m3h, found.factor_h, found.leak_m3d) == (None, None, None)


def test_an_empty_night_says_so() -> None:
    found = leakage(NIGHT, {}, [], [EarlierNight(NIGHT - timedelta(days=1), 8.0, 3.0)])
    assert (found.hour, found.good_minutes, found.leak_m3h, found.percentile_m3h) == (None, 0, None, None)


def test_too_few_nights_make_no_percentile() -> None:
    found = leakage(NIGHT, tenths([12.0] * 12), [], [EarlierNight(NIGHT - timedelta(days=1), 8.0, 3.0)])
    assert (found.percentile_m3h, found.percentile_nights) == (None, 2)


def test_the_night_use_is_what_is_known_of_the_users() -> None:
    night = tenths([12.0] * 12)
    by_users = leakage(NIGHT, night, [], [], known=SensorFigures(1500, 2.0))
    assert (by_users.night_use_m3h, by_users.leak_m3h) == (Range(3.0, 3.0), Range(9.0, 9.0))
    assert not by_users.is_estimate
    fixed = leakage(NIGHT, night, [], [], known=SensorFigures(1500, 2.0, night_use_m3h=4.5))
    assert fixed.leak_m3h == Range(7.5, 7.5)  # what is set goes before what is reckoned
    usual = leakage(NIGHT, night, [], [], known=SensorFigures(1000))
    assert usual.night_use_m3h == Range(NIGHT_LITRES, NIGHT_LITRES)


def test_leakage_is_not_above_the_flow_of_any_believed_hour_of_the_day() -> None:
    night = tenths([12.0] * 29)
    by_day = {step - 115: Tenth(flow * 10, 10, 40.0, 10) for step, flow in enumerate([30.0] * 40 + [5.0] * 6)}
    found = leakage(NIGHT, night, [4.0] * 24, [], known=SensorFigures(night_use_m3h=1.0), day={**by_day, **night})
    assert found.leak_m3h == Range(5.0, 5.0)
    assert found.bound is not None
    assert (found.bound.first, found.bound.flow_m3h) == (40 - 115, 5.0)
    assert found.leak_m3d == pytest.approx((120.0, 120.0))


def test_nor_at_the_pressure_of_that_hour() -> None:
    night = tenths([12.0] * 29, pressure=2.0)
    by_day = {step - 115: Tenth(150.0, 10, 40.0, 10) for step in range(6)}  # 15 m3/h at twice the pressure
    found = leakage(
        NIGHT, night, [2.0] * 23 + [4.0], [], known=SensorFigures(night_use_m3h=1.0), day={**by_day, **night}
    )
    assert found.leak_m3h == Range(7.5, 7.5)


def test_an_hour_that_is_not_believed_does_not_bound() -> None:
    night = tenths([12.0] * 29)
    by_day = {step - 115: Tenth(0.0, 8, 32.0, 8, faulty=2) for step in range(6)}  # 48 minutes
    found = leakage(NIGHT, night, [4.0] * 24, [], known=SensorFigures(night_use_m3h=1.0), day={**by_day, **night})
    assert found.leak_m3h == Range(11.0, 11.0)


def test_flow_that_stops_or_runs_backward_leaves_the_leakage_unknown() -> None:
    night = tenths([12.0] * 29)
    for flow in (0.0, -3.0):
        by_day = {step - 115: Tenth(flow * 10, 10, 40.0, 10) for step in range(6)}
        found = leakage(NIGHT, night, [4.0] * 24, [], day={**by_day, **night})
        assert found.hour is not None
        assert (found.leak_m3h, found.leak_m3d) == (None, None)
    assert leakage(NIGHT, tenths([-2.0] * 29), [4.0] * 24, []).leak_m3h is None
    assert leakage(NIGHT, tenths([0.0] * 29), [4.0] * 24, []).leak_m3h == Range(0.0, 0.0)


def test_unavoidable_losses_need_all_their_inputs() -> None:
    pipes = SensorFigures(mains_km=20.0, connections=1000.0, service_km=6.0)
    assert unavoidable(pipes, [4.0] * 24) == pytest.approx((18 * 20 + 0.8 * 1000 + 25 * 6) * 40.788 / 1000)
    assert unavoidable(pipes, [4.0] * 19) is None
    for missing in ("mains_km", "connections", "service_km"):
        assert unavoidable(replace(pipes, **{missing: None}), [4.0] * 24) is None


FLOWS = st.floats(0.5, 300)
BARS = st.sampled_from([None, *[0.5 + step / 10 for step in range(60)]])  # most hours have a pressure


@given(
    st.lists(st.tuples(FLOWS, st.sampled_from([10, 10, 10, 9, 4]), BARS), min_size=144, max_size=144),
    st.lists(st.floats(0.1, 50), max_size=30),
    st.one_of(st.none(), st.floats(0, 100)),
    st.floats(0.5, 1.5),
)
def test_whatever_the_day_leakage_is_a_part_of_every_flow(
    values: list[tuple[float, int, float | None]], minima: list[float], use: float | None, n1: float
) -> None:
    day = {
        step - 115: Tenth(flow * count, count, (bar or 0) * count, count if bar else 0)
        for step, (flow, count, bar) in enumerate(values)
    }
    night = {step: tenth for step, tenth in day.items() if step >= 0}
    earlier = [EarlierNight(NIGHT - timedelta(days=back + 1), flow, 4.0) for back, flow in enumerate(minima)]
    bars = [hour_bar for first in range(0, 144, 6) if (hour_bar := mean_bar(list(day.values())[first : first + 6]))]
    found = leakage(NIGHT, night, bars, earlier, known=SensorFigures(night_use_m3h=use, n1=n1), day=day)
    if found.leak_m3h is None or found.hour is None:
        return
    assert 0 <= found.leak_m3h.low <= found.leak_m3h.high
    for first in range(-115, 24):
        parts = [day[step] for step in range(first, first + 6)]
        count = sum(part.flow_count for part in parts)
        if count < 50:
            continue
        flow = sum(part.flow_sum for part in parts) / count
        hour_bar, night_bar = mean_bar(parts), found.hour.pressure_bar
        then = (hour_bar / night_bar) ** n1 if hour_bar and night_bar else 1.0
        assert found.leak_m3h.high <= flow * (1 + 1e-9)
        assert found.leak_m3h.high * then <= flow * (1 + 1e-9)


def mean_bar(parts: list[Tenth]) -> float | None:
    """The pressure of an hour with enough accepted minutes."""
    count = sum(part.pressure_count for part in parts)
    return sum(part.pressure_sum for part in parts) / count if count >= 50 else None
